"""The two records everything else speaks in: a labelled sentence and a prediction.

``schema/labelled_sentence.json`` and ``schema/prediction.json`` beside this
module are the published JSON Schemas (draft 2020-12) of their ``to_dict`` forms.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tocsin.data.ontology import EventType, Ontology

SCHEMA_DIR = Path(__file__).with_name("schema")


class RecordError(ValueError):
    """A record that breaks its schema; the message names the field."""


def json_schema(name: str) -> dict[str, Any]:
    """The published JSON Schema ``"labelled_sentence"`` or ``"prediction"``."""
    schema: dict[str, Any] = json.loads((SCHEMA_DIR / f"{name}.json").read_text(encoding="utf-8"))
    return schema


@dataclass(frozen=True)
class Span:
    """``text[start:end]`` of a record, in code points; ``score`` is a probability, ``None`` for a human label."""

    start: int
    end: int
    label: str
    text: str
    score: float | None = None

    def to_dict(self) -> dict[str, Any]:
        entry: dict[str, Any] = {"start": self.start, "end": self.end, "label": self.label, "text": self.text}
        if self.score is not None:
            entry["score"] = round(self.score, 4)
        return entry


@dataclass(frozen=True)
class LabelledSentence:
    """A sentence with its gold labels. ``types`` has the primary type first; ``negative`` is "" for a sentence with
    types, else "none" or the kind of hard negative ("metaphor", "sport", ...); ``source`` is "file:line"."""

    id: str
    lang: str
    text: str
    types: tuple[str, ...]
    entities: tuple[Span, ...]
    roles: tuple[Span, ...]
    negative: str = ""
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "lang": self.lang,
            "text": self.text,
            "types": list(self.types),
            "entities": [span.to_dict() for span in self.entities],
            "roles": [span.to_dict() for span in self.roles],
            "negative": self.negative,
            "source": self.source,
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], ontology: Ontology) -> LabelledSentence:
        """Reads the ``to_dict`` form; raises :class:`RecordError` naming the field that is wrong."""
        for field in ("id", "lang", "text"):
            if not isinstance(raw.get(field), str):
                raise RecordError(f"field {field!r}: expected a string, got {raw.get(field)!r}")
        types = raw.get("types")
        if not isinstance(types, list):
            raise RecordError(f"field 'types': expected a list, got {types!r}")
        for name in types:
            if name not in ontology.type_names:
                raise RecordError(f"field 'types': unknown type {name!r}")
        return cls(
            raw["id"],
            raw["lang"],
            raw["text"],
            tuple(types),
            _spans(raw, "entities", ontology.entity_names),
            _spans(raw, "roles", ontology.role_names),
            raw.get("negative", ""),
            raw.get("source", ""),
        )


def _spans(raw: Mapping[str, Any], field: str, labels: list[str]) -> tuple[Span, ...]:
    spans = []
    entries = raw.get(field, [])
    if not isinstance(entries, list):
        raise RecordError(f"field {field!r}: expected a list, got {entries!r}")
    for i, entry in enumerate(entries):
        where = f"field '{field}[{i}]'"
        try:
            span = Span(entry["start"], entry["end"], entry["label"], entry["text"])
        except (KeyError, TypeError) as error:
            raise RecordError(f"{where}: expected start, end, label and text, got {entry!r}") from error
        if span.label not in labels:
            raise RecordError(f"{where}: unknown label {span.label!r}")
        if raw["text"][span.start : span.end] != span.text or not span.text:
            raise RecordError(f"{where}: text[{span.start}:{span.end}] is not {span.text!r}")
        spans.append(span)
    spans.sort(key=lambda span: span.start)
    for left, right in zip(spans, spans[1:], strict=False):
        if right.start < left.end:
            raise RecordError(f"field {field!r}: {left.text!r} and {right.text!r} overlap")
    return tuple(spans)


@dataclass(frozen=True)
class Event:
    """A predicted event type with its probability and its row in the crosswalk."""

    type: EventType
    score: float

    def to_dict(self) -> dict[str, Any]:
        kind = self.type
        acled = None
        if kind.acled_event_type is not None:
            acled = {"event_type": kind.acled_event_type, "sub_event_type": kind.acled_sub_event_type}
        return {
            "type": kind.name,
            "group": kind.group,
            "score": round(self.score, 4),
            "acled": acled,
            "plover": kind.plover,
            "cameo": list(kind.cameo),
            "quad_class": kind.quad_class,
        }


@dataclass(frozen=True)
class Prediction:
    """What the model says of one sentence.

    ``start``/``end``: its place in the document, in code points. Span offsets are code points in ``text``.
    ``events`` is sorted by score, the first is the primary type; ``scores`` (all types) only when asked for.
    """

    id: str
    doc_id: str
    sentence: int
    start: int
    end: int
    lang: str
    text: str
    events: tuple[Event, ...]
    entities: tuple[Span, ...]
    roles: tuple[Span, ...]
    model: str
    scores: Mapping[str, float] | None = None

    @property
    def primary(self) -> str | None:
        """Name of the primary event type, ``None`` for a sentence without an event."""
        return self.events[0].type.name if self.events else None

    def to_dict(self) -> dict[str, Any]:
        record: dict[str, Any] = {
            "id": self.id,
            "doc_id": self.doc_id,
            "sentence": self.sentence,
            "start": self.start,
            "end": self.end,
            "lang": self.lang,
            "text": self.text,
            "events": [event.to_dict() for event in self.events],
            "entities": [span.to_dict() for span in self.entities],
            "roles": [span.to_dict() for span in self.roles],
            "model": self.model,
        }
        if self.scores is not None:
            record["scores"] = {name: round(score, 4) for name, score in self.scores.items()}
        return record
