"""Predictions of anything, a language model or a rule-based coder, read from a file: JSONL of our records, or JSONL or
CSV with an id and types."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tocsin.data.ontology import Ontology
from tocsin.data.records import Event, LabelledSentence, Prediction
from tocsin.evaluate.codes import CodeError, Codes
from tocsin.evaluate.metrics import MismatchError
from tocsin.evaluate.suites import SuiteError, labels_of, spans_of

_TYPES = ("events", "types", "labels")


def predicted_layers(path: Path) -> frozenset[str]:
    """The layers that the rows of a file speak of; raises :class:`SuiteError`."""
    fields = {field for _, row in _rows(path) for field, value in row.items() if value is not None}
    layers = frozenset({"entities", "roles"} & fields | ({"types"} if fields & {*_TYPES} else set()))
    if not layers:
        raise SuiteError(f"{path}: no field 'types', 'labels', 'events', 'entities' or 'roles' in any row")
    return layers


def read_predictions(
    path: Path, gold: Sequence[LabelledSentence], codes: Codes, ontology: Ontology, name: str
) -> list[Prediction]:
    """One prediction for each gold sentence, in the order of the file.

    A row has the sentence's "id" and "types" (or "labels"): as in a suite's file, the primary first, or a list of
    {"type", "score"}; instead of them "events" as in our records; and "entities", "roles", "scores" (type ->
    probability) or none of these. Labels are types of ours, or codes of the suite's scheme.
    Raises :class:`SuiteError` that names the line, ``MismatchError`` for an id that the suite does not have.
    """
    by_id = {sentence.id: sentence for sentence in gold}
    predictions = []
    for line, row in _rows(path):
        where = f"{path}:{line}"
        if row.get("id") is None:
            raise SuiteError(f"{where}: no field 'id' (fields: {', '.join(map(str, row))})")
        sentence = by_id.get(str(row["id"]))
        if sentence is None:
            raise MismatchError(f"{where}: the suite has no sentence {row['id']!r}")
        if row.get("text", sentence.text) != sentence.text:
            raise MismatchError(f"{where}: another text than the suite's sentence {row['id']!r}")
        try:
            predictions.append(_prediction(row, sentence, codes, ontology, name))
        except (CodeError, SuiteError) as error:
            raise SuiteError(f"{where}: {error}") from None
    return predictions


def _prediction(
    row: dict[str, Any], sentence: LabelledSentence, codes: Codes, ontology: Ontology, name: str
) -> Prediction:
    field = next((field for field in _TYPES if row.get(field) is not None), _TYPES[0])
    events: dict[str, Event] = {}
    for label, score in _scored(row.get(field), field):
        code = codes.read_any(label)
        if code is not None and code not in events:
            kind = ontology.event_type(code) if codes.scheme == "ours" else codes.event_type(code)
            events[code] = Event(kind, score)
    scores = None
    if (given := row.get("scores")) is not None:
        if not isinstance(given, dict):
            raise SuiteError(f"field 'scores': expected probabilities by type, got {given!r}")
        scores = dict.fromkeys(codes.reachable, 0.0)
        for label, score in given.items():
            code = codes.read_any(label)
            if code is not None:
                scores[code] = max(scores.get(code, 0.0), _probability(score, "scores"))
    spans = [
        spans_of(row.get(layer), layer, names, sentence.text)
        for layer, names in (("entities", ontology.entity_names), ("roles", ontology.role_names))
    ]
    place = (sentence.id, sentence.id, 0, 0, len(sentence.text), sentence.lang, sentence.text)
    return Prediction(*place, tuple(events.values()), *spans, name, True, scores)


def _scored(value: Any, field: str) -> list[tuple[str, float]]:
    # A label without a score is stated for sure, for want of better; the order of the row is kept.
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        pairs = []
        for item in value:
            if not isinstance(item, dict) or not isinstance(item.get("type"), str):
                raise SuiteError(f'field {field!r}: expected {{"type": …, "score": …}}, got {item!r}')
            pairs.append((item["type"], _probability(item.get("score", 1.0), field)))
        return pairs
    try:
        return [(label, 1.0) for label in labels_of(value)]
    except SuiteError as error:
        raise SuiteError(f"field {field!r}: {error}") from None


def _probability(value: Any, field: str) -> float:
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise SuiteError(f"field {field!r}: expected a probability, got {value!r}")
    return float(value)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, row) of a JSONL or CSV file."""
    csv.field_size_limit(sys.maxsize)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() == ".csv":
                table = csv.DictReader(file, strict=True)
                for row in table:
                    if None in row or None in row.values():
                        raise SuiteError(f"{path}:{table.line_num}: not as many cells as the header has")
                    yield table.line_num, row
                return
            for line, content in enumerate(file, 1):
                if content.strip():
                    row = json.loads(content)
                    if not isinstance(row, dict):
                        raise SuiteError(f"{path}:{line}: expected a JSON object, got {type(row).__name__}")
                    yield line, row
    except UnicodeDecodeError as error:
        raise SuiteError(f"{path}: not valid UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise SuiteError(f"{path}:{line}: not valid JSON: {error.msg} at column {error.colno}") from None
    except csv.Error as error:
        raise SuiteError(f"{path}:{table.line_num}: not valid CSV: {error}") from None
    except OSError as error:
        raise SuiteError(f"{path}: {(error.strerror or str(error)).lower()}") from None
