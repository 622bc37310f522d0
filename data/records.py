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

from tocsin.data.ontology import EventType

SCHEMA_DIR = Path(__file__).resolve().with_name("schema")


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
class Annotated:
    """Which labels the annotators of a sentence looked for; ``None``: all there are. A label outside is unknown, not
    absent: it must neither be learned as absent nor scored."""

    types: frozenset[str] | None = None
    entities: frozenset[str] | None = None
    roles: frozenset[str] | None = None

    def to_dict(self) -> dict[str, list[str]]:
        layers = {"types": self.types, "entities": self.entities, "roles": self.roles}
        return {layer: sorted(labels) for layer, labels in layers.items() if labels is not None}


FULLY = Annotated()


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
    annotated: Annotated = FULLY

    def to_dict(self) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "id": self.id,
            "lang": self.lang,
            "text": self.text,
            "types": list(self.types),
            "entities": [span.to_dict() for span in self.entities],
            "roles": [span.to_dict() for span in self.roles],
            "negative": self.negative,
            "source": self.source,
        }
        if self.annotated != FULLY:
            entry["annotated"] = self.annotated.to_dict()
        return entry


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
    ``events`` is sorted by score, the first is the primary type; ``lang_tested``: whether the model was tested in the
    language of the text, so that its figures hold; ``scores`` (all types) and ``kept`` (the other fields
    of the input row) only when asked for.
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
    lang_tested: bool
    scores: Mapping[str, float] | None = None
    kept: Mapping[str, Any] | None = None

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
            "lang_tested": self.lang_tested,
            "text": self.text,
            "events": [event.to_dict() for event in self.events],
            "entities": [span.to_dict() for span in self.entities],
            "roles": [span.to_dict() for span in self.roles],
            "model": self.model,
        }
        if self.scores is not None:
            record["scores"] = {name: round(score, 4) for name, score in self.scores.items()}
        if self.kept is not None:
            record["input"] = dict(self.kept)
        return record
