"""Predictions of anything, a language model or a rule-based coder, read from a file: JSONL of our records, or JSONL or
CSV with an id and types."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tocsin.data.errors import reason
from tocsin.data.label_fields import FieldError, parse_labels, parse_probability, parse_spans, read_field
from tocsin.data.ontology import Ontology
from tocsin.data.records import Event, LabelledSentence, Prediction
from tocsin.evaluate.codes import Codes
from tocsin.evaluate.metrics import MismatchError
from tocsin.evaluate.suites import TYPES_FIELDS, SuiteError

_TYPES = ("events", *TYPES_FIELDS)
_EMPTY = (None, "")  # what says nothing: JSON's null, an empty cell of CSV


def predicted_layers(path: Path) -> frozenset[str]:
    """The layers that the rows of a file speak of; raises :class:`SuiteError`."""
    fields = {field for _, row in _rows(path) for field, value in row.items() if value not in _EMPTY}
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
    probability) or none of these. Labels are types of ours, or codes of the suite's scheme. If any row speaks of types,
    all must.
    Raises :class:`SuiteError` that names the line, ``MismatchError`` for an id that the suite does not have.
    """
    by_id = {sentence.id: sentence for sentence in gold}
    typed = "types" in predicted_layers(path)
    lines: dict[str, int] = {}
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
        if sentence.id in lines:
            raise SuiteError(f"{where}: the id {row['id']!r} is also that of line {lines[sentence.id]}")
        lines[sentence.id] = line
        if typed and all(row.get(field) in _EMPTY for field in _TYPES):
            raise SuiteError(f"{where}: no types, which other rows have; write 'none' for a sentence without an event")
        try:
            predictions.append(_prediction(row, sentence, codes, ontology, name))
        except FieldError as error:
            raise SuiteError(f"{where}: {error}") from None
    return predictions


def _prediction(
    row: dict[str, Any], sentence: LabelledSentence, codes: Codes, ontology: Ontology, name: str
) -> Prediction:
    field = next((field for field in _TYPES if row.get(field) not in _EMPTY), _TYPES[0])
    events: dict[str, Event] = {}
    for code, score in read_field(row, field, lambda value: _scored(value, codes)):
        if code is not None and code not in events:
            kind = ontology.event_type(code) if codes.scheme == "ours" else codes.event_type(code)
            events[code] = Event(kind, score)
    scores = read_field(row, "scores", lambda value: None if value is None else _scores(value, codes))
    entities, roles = (
        read_field(row, layer, partial(parse_spans, text=sentence.text, labels=labels))
        for layer, labels in (("entities", ontology.entity_names), ("roles", ontology.role_names))
    )
    place = (sentence.id, sentence.id, 0, 0, len(sentence.text), sentence.lang, sentence.text)
    return Prediction(*place, tuple(events.values()), entities or (), roles or (), name, True, scores)


def _scored(value: Any, codes: Codes) -> list[tuple[str | None, float]]:
    """(code, probability) of each stated label, in order."""
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        pairs = []
        for item in value:
            if not isinstance(item, dict) or not isinstance(item.get("type"), str):
                raise FieldError(f'expected {{"type": …, "score": …}}, got {item!r}')
            pairs.append((codes.read_any(item["type"]), parse_probability(item.get("score", 1.0))))
        return pairs
    # A label without a score is stated for sure, for want of better.
    return [] if value in _EMPTY else [(codes.read_any(label), 1.0) for label in parse_labels(value)]


def _scores(value: Any, codes: Codes) -> dict[str, float]:
    """Code -> the highest probability of a type that stands for it."""
    if not isinstance(value, dict):
        raise FieldError(f"expected probabilities by type, got {value!r}")
    scores = dict.fromkeys(codes.reachable, 0.0)
    for label, score in value.items():
        code = codes.read_any(label)
        if code is not None:
            scores[code] = max(scores.get(code, 0.0), parse_probability(score))
    return scores


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
        raise SuiteError(f"{path}: {reason(error)}") from None
