r"""The inline markup of corpus files: one labelled sentence a line, written and edited by people.

    TYPES | text with [label marked] spans

``TYPES`` is a comma-separated list of event types, the primary first, or
``none`` for a sentence without an event, or ``none:KIND`` for a hard negative.
A span is ``[label text]``; spans of the two layers (entities, roles) nest. A
literal bracket is ``\[`` or ``\]``, a literal backslash ``\\``.
"""

from __future__ import annotations

import re

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, Span

NEGATIVE_KINDS = [
    "metaphor",
    "sport",
    "history",
    "planned",
    "denied",
    "statistics",
    "prize",
    "economics",
    "weather",
    "culture",
    "fiction",
    "opinion",
    "law",
]
_PIECE = re.compile(r"\\(.)|\[([a-z]+) |(\])|([\[\\])|([^\\\[\]]+)", re.DOTALL)


class MarkupError(ValueError):
    """A line that breaks the markup; the message says what and where in the line."""


def parse_markup(marked: str, ontology: Ontology) -> tuple[str, tuple[Span, ...], tuple[Span, ...]]:
    """Splits marked-up text into ``(text, entities, roles)``, spans sorted by start; raises :class:`MarkupError`."""
    entity_labels = {label.markup: label.name for label in ontology.entities}
    role_labels = {label.markup: label.name for label in ontology.roles}
    pieces: list[str] = []
    length = 0
    open_spans: list[tuple[str, int, int]] = []  # markup label, start in the text, column in the line
    layers: tuple[list[tuple[int, int, str]], list[tuple[int, int, str]]] = ([], [])
    for match in _PIECE.finditer(marked):
        escaped, label, close, stray, plain = match.groups()
        column = match.start() + 1
        if label is not None:
            if label not in entity_labels and label not in role_labels:
                raise MarkupError(f"column {column}: unknown label {label!r}")
            same_layer = role_labels if label in role_labels else entity_labels
            if any(outer in same_layer for outer, _, _ in open_spans):
                raise MarkupError(f"column {column}: [{label} overlaps a span of its own layer")
            open_spans.append((label, length, column))
        elif close is not None:
            if not open_spans:
                raise MarkupError(f"column {column}: ']' closes nothing")
            label, start, opened = open_spans.pop()
            if start == length:
                raise MarkupError(f"column {opened}: empty span [{label}]")
            layer, name = (1, role_labels[label]) if label in role_labels else (0, entity_labels[label])
            layers[layer].append((start, length, name))
        elif stray is not None:
            raise MarkupError(f"column {column}: {stray!r} opens no known span (write '\\{stray}' for the character)")
        else:
            piece = escaped if escaped is not None else plain
            pieces.append(piece)
            length += len(piece)
    if open_spans:
        label, _, column = open_spans[-1]
        raise MarkupError(f"column {column}: [{label} is never closed")
    text = "".join(pieces)
    entities, roles = (tuple(Span(s, e, name, text[s:e]) for s, e, name in sorted(layer)) for layer in layers)
    return text, entities, roles


def parse_line(line: str, ontology: Ontology, *, id: str, lang: str, source: str) -> LabelledSentence:
    """One corpus line as a record; raises :class:`MarkupError`."""
    head, bar, marked = line.partition(" | ")
    if not bar:
        raise MarkupError("no ' | ' between the types and the sentence")
    negative = ""
    types: tuple[str, ...] = ()
    if head.strip() == "none" or head.startswith("none:"):
        negative = head.strip().removeprefix("none:")
        if negative not in ("none", *NEGATIVE_KINDS):
            raise MarkupError(f"unknown kind of negative {negative!r}")
    else:
        types = tuple(name.strip() for name in head.split(","))
        for name in types:
            if name not in ontology.type_names:
                raise MarkupError(f"unknown event type {name!r}")
        if len(set(types)) < len(types):
            raise MarkupError("an event type is given twice")
    text, entities, roles = parse_markup(marked, ontology)
    return LabelledSentence(id, lang, text, types, entities, roles, negative, source)
