"""The fields of a labelled row, parsed and checked: labels, spans, language, split.

A CSV cell holds as text what a field of JSONL or Parquet holds as a value; both are read. The parsers take the value of
a field and say what is wrong with it; :func:`read_field` adds the field's name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tocsin.data.corpus import SPLITS
from tocsin.data.language import known_languages
from tocsin.data.records import Span
from tocsin.data.schemes import CodeError, suggestion

_NO_EVENT = "none"
_T = TypeVar("_T")


class FieldError(ValueError):
    """What is wrong with a field of a row."""


def read_field(row: Mapping[str, Any], field: str, parse: Callable[[Any], _T]) -> _T:
    """``parse`` of a field, which is ``None`` where the row has none; raises :class:`FieldError` that names it."""
    try:
        return parse(row.get(field))
    except (FieldError, CodeError) as error:
        raise FieldError(f"field {field!r}: {error}") from None


def parse_labels(value: Any) -> list[str]:
    """Labels as they are spelled, in order, from a list, a JSON list, or text with ";" between them; an empty list for
    "none", a sentence without an event."""
    listed = _json(value) if isinstance(value, str) and value.lstrip().startswith("[") else value
    if isinstance(listed, str):
        listed = [label.strip() for label in listed.split(";") if label.strip()]
        if not listed:
            raise FieldError(f"is empty; write {_NO_EVENT!r} for a sentence without an event")
    if not isinstance(listed, list) or not all(isinstance(label, str) for label in listed):
        raise FieldError(f"expected labels separated by ';' or a list of them, got {_short(value)}")
    if listed == [_NO_EVENT]:
        return []
    if _NO_EVENT in listed:
        raise FieldError(f"{_NO_EVENT!r} beside a label")
    return listed


def parse_spans(value: Any, text: str, labels: Sequence[str]) -> tuple[Span, ...] | None:
    """Spans by start, from a list (or JSON list) of {"start", "end", "label"} and, where given, "text" and "score";
    offsets are code points of ``text``. ``None`` for a row that says nothing of them."""
    if value is None or value == "":
        return None
    listed = _json(value) if isinstance(value, str) else value
    if not isinstance(listed, list):
        raise FieldError(f"expected a list of spans, got {_short(value)}")
    return tuple(sorted((_span(entry, text, labels) for entry in listed), key=lambda span: span.start))


def _span(entry: object, text: str, labels: Sequence[str]) -> Span:
    if not isinstance(entry, Mapping):
        raise FieldError(f"expected spans with 'start', 'end' and 'label', got {_short(entry)}")
    start, end, label = (entry.get(key) for key in ("start", "end", "label"))
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        raise FieldError(f"start {start!r} and end {end!r} are no place in a text of {len(text)} characters")
    if label not in labels:
        raise FieldError(f"unknown label {label!r}{suggestion(str(label), labels)}")
    mention = text[start:end]
    # A Parquet row has every key that any row has.
    if entry.get("text") not in (None, mention):
        raise FieldError(f"{entry['text']!r} is not what stands at {start} to {end}: {mention!r}")
    score = entry.get("score")
    return Span(start, end, str(label), mention, None if score is None else parse_probability(score))


def parse_probability(value: Any) -> float:
    """A number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise FieldError(f"expected a probability, got {_short(value)}")
    return float(value)


def parse_lang(value: Any) -> str | None:
    """An ISO 639-1 code that we know, ``None`` for a row without."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or value not in known_languages():
        raise FieldError(f"unknown language {_short(value)}, expected an ISO 639-1 code such as 'en'")
    return value


def parse_split(value: Any) -> str | None:
    """A part of the corpus, one of ``corpus.SPLITS``; ``None`` for a row without."""
    if value is None or value == "":
        return None
    if value not in SPLITS:
        raise FieldError(f"expected {', '.join(SPLITS)} or nothing, got {_short(value)}")
    return str(value)


def _json(value: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise FieldError(f"not valid JSON: {error}") from None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
