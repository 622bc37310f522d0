"""Predictions as a page for people who read: marked texts with counts, filters and a link to each record."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.data.ontology import Ontology
from tocsin.data.readers import Meter, expand_inputs, open_input, told_format
from tocsin.evaluate.page import label_names, render_page

FORMATS = ("jsonl", "parquet")  # of predictions, as their suffixes tell them


class PredictionsError(ValueError):
    """A file is not what ``tocsin predict`` writes; the message names file, line and field."""


def read_predictions(path: Path) -> Iterator[dict[str, Any]]:
    """Records as :meth:`tocsin.data.records.Prediction.to_dict` makes them, from JSONL or Parquet (also compressed),
    in order; of a folder, such as ``--engine ray`` writes, those of its files in the order of their names.

    Raises :class:`PredictionsError`.
    """
    files = [Path(item.path) for item in expand_inputs([str(path)])]
    for file in files:
        if told_format(file)[0] not in FORMATS:
            raise PredictionsError(f"{file}: expected JSONL or Parquet that `tocsin predict` wrote")
    for file in files:
        for line, record in _rows(file):
            try:
                _check(record)
            except PredictionsError as error:
                raise PredictionsError(f"{file}:{line}{error}") from None
            yield record


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Records with their line (of Parquet: the row), unchecked."""
    kind = told_format(path)[0] or ""
    try:
        with open_input(str(path), kind, Meter()) as stream:
            if kind == "parquet":
                batches = pq.ParquetFile(stream).iter_batches(batch_size=1024)
                yield from enumerate((row for batch in batches for row in batch.to_pylist()), 1)
                return
            for number, line in enumerate(io.TextIOWrapper(stream, encoding="utf-8-sig"), 1):
                if not line.strip():
                    continue
                try:
                    yield number, json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise PredictionsError(f"{path}:{number}: not valid JSON: {error}") from error
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise PredictionsError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _check(record: Any) -> None:
    if not isinstance(record, dict):
        raise PredictionsError(f": expected an object, got {type(record).__name__}")
    for field in ("id", "doc_id", "lang", "text"):
        if not isinstance(record.get(field), str):
            raise PredictionsError(f", field {field!r}: expected a string; is this what `tocsin predict` wrote?")
    if not isinstance(record.get("model") or "", str):
        raise PredictionsError(f", field 'model': expected a string, got {record['model']!r}")
    for field in ("events", "entities", "roles"):
        if not isinstance(record.get(field), list):
            raise PredictionsError(f", field {field!r}: expected a list")
    for event in record["events"]:
        if not (isinstance(event, dict) and isinstance(event.get("type"), str) and _is_share(event.get("score"))):
            raise PredictionsError(f", field 'events': expected a type and its score from 0 to 1, got {event!r}")
        if not isinstance(event.get("group") or "", str):
            raise PredictionsError(f", field 'events': expected a group's name, got {event['group']!r}")
    for field in ("entities", "roles"):
        for span in record[field]:
            _check_span(record["text"], span, field)


def _check_span(text: str, span: Any, field: str) -> None:
    try:
        start, end, label, mention = (span[key] for key in ("start", "end", "label", "text"))
    except (TypeError, KeyError):
        raise PredictionsError(f", field {field!r}: expected start, end, label and text, got {span!r}") from None
    if not (isinstance(start, int) and isinstance(end, int) and isinstance(label, str) and 0 <= start < end):
        raise PredictionsError(f", field {field!r}: not a span: {span!r}")
    if text[start:end] != mention:
        raise PredictionsError(f", field {field!r}: text[{start}:{end}] is {text[start:end]!r}, not {mention!r}")


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def view_page(records: Iterable[Mapping[str, Any]], title: str, ontology: Ontology) -> str:
    """The HTML page of records (as ``to_dict`` makes them), in their order."""
    names = label_names(ontology)
    rows, models, untested = [], set(), set()
    for record in records:
        for event in record["events"]:
            # A model of another ontology brings types that this one does not know.
            names["types"].setdefault(event["type"], {"group": event.get("group") or "other", "definition": ""})
        events = [[event["type"], round(event["score"], 4)] for event in record["events"]]
        entities, roles = (
            [[span["start"], span["end"], span["label"]] for span in record[layer]] for layer in ("entities", "roles")
        )
        rows.append([*(record[field] for field in ("id", "doc_id", "lang", "text")), events, entities, roles])
        if record.get("model"):
            models.add(record["model"])
        if record.get("lang_tested") is False:
            untested.add(record["lang"])
    for kind in names["types"].values():
        names["groups"].setdefault(kind["group"], "")
    found = {"title": title, "models": sorted(models), "untested": sorted(untested), "records": rows}
    return render_page("view", title, names | found)
