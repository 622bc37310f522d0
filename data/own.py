"""A user's own labelled sentences: CSV, JSONL or Parquet, one sentence a row.

Columns: ``text`` and ``labels``; where wanted ``id``, ``lang``, ``split``, ``entities`` and ``roles``; others are not
read. ``labels``: event types of ours, or codes of a scheme that the crosswalk knows, the primary first: separated by
";", or a JSON list; "none" for a sentence that reports no event. ``entities`` and ``roles``: JSON lists of
``{"start": 0, "end": 5, "label": "person"}``, offsets in code points; where a row has none, nothing is said of that
layer, and nothing is learned or unlearned there. ``split``: train, dev or test; where a row names none, a share of the
train and dev part that depends on its text alone is dev.

A code may stand for several types of ours (PLOVER's ASSAULT for thirteen). Such a row does not tell which of them it
reports: they are left unknown, and only of the types of its scheme's other codes does it say that they are absent.
Types that a scheme has no code for are unknown throughout.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from tocsin.data.documents import Document
from tocsin.data.language import detect_language, known_languages
from tocsin.data.ontology import ACLED_SUB_EVENTS, PLOVER_EVENTS, load_ontology
from tocsin.data.readers import read_documents
from tocsin.data.records import Annotated, LabelledSentence, Span
from tocsin.data.sources import fixed_share

CODES = ("ours", "acled", "plover", "cameo")
SPLITS = ("train", "dev", "test")
DEV_SHARE = 0.15
_NO_EVENT = "none"
_SHOWN = 20  # problems in the message of an error


class OwnDataError(ValueError):
    """A file of labelled sentences that cannot be used. ``problems``: one line each, with file, line (of CSV and
    Parquet: the row) and field."""

    def __init__(self, problems: Sequence[str]):
        self.problems = list(problems)
        more = [f"… and {len(problems) - _SHOWN} more problems"] if len(problems) > _SHOWN else []
        super().__init__("\n".join([*problems[:_SHOWN], *more]))


def read_labelled(path: Path, codes: str = "ours", split: str | None = None) -> list[LabelledSentence]:
    """The sentences of a file, or those of one of its splits, in order.

    ``codes``: the scheme that its labels are of, one of :data:`CODES`. Raises :class:`OwnDataError` with all that is
    wrong with the file.
    """
    return [sentence for part, sentence in _read([path], codes) if split in (None, part)]


def read_splits(paths: Sequence[Path], codes: str = "ours") -> dict[str, list[LabelledSentence]]:
    """Split -> the sentences of all files, as :func:`read_labelled`; no text may stand in two splits."""
    parts: dict[str, list[LabelledSentence]] = {split: [] for split in SPLITS}
    for split, sentence in _read(paths, codes):
        parts[split].append(sentence)
    return parts


def types_of_codes(codes: str) -> dict[str, tuple[str, ...]]:
    """Every code of a scheme -> the types of ours that cross over to it: one, several, or none.

    Codes: our type names, ACLED sub-event types, PLOVER events, CAMEO root codes "01" to "20".
    """
    types = load_ontology().types
    if codes == "ours":
        return {kind.name: (kind.name,) for kind in types}
    if codes == "acled":
        return {code: tuple(t.name for t in types if t.acled_sub_event_type == code) for code in ACLED_SUB_EVENTS}
    if codes == "plover":
        return {code: tuple(t.name for t in types if t.plover == code) for code in sorted(PLOVER_EVENTS)}
    if codes == "cameo":
        roots = [f"{root:02}" for root in range(1, 21)]
        return {code: tuple(t.name for t in types if code in t.cameo) for code in roots}
    raise ValueError(f"unknown scheme {codes!r} (known: {', '.join(CODES)})")


def _read(paths: Sequence[Path], codes: str) -> list[tuple[str, LabelledSentence]]:
    reader = _Reader(codes)
    for row in read_documents([str(path) for path in paths], keep=True):
        if isinstance(row, Document):
            reader.add(row)
        else:
            reader.problems.append(str(row))
    if reader.problems:
        raise OwnDataError(reader.problems)
    return reader.sentences


class _FieldError(ValueError):
    """What is wrong with one field of a row."""


class _Reader:
    """Rows in, sentences and problems out."""

    def __init__(self, codes: str):
        self.scheme = codes
        self.types_of = types_of_codes(codes)
        self.covered = frozenset(name for names in self.types_of.values() for name in names)
        ontology = load_ontology()
        self.span_labels = {"entities": ontology.entity_names, "roles": ontology.role_names}
        self.sentences: list[tuple[str, LabelledSentence]] = []
        self.problems: list[str] = []
        self._ids: dict[str, str] = {}
        self._texts: dict[str, tuple[str, LabelledSentence]] = {}

    def add(self, row: Document) -> None:
        place = f"{row.file}:{row.line}" if row.line is not None else row.file
        if row.kept is None:
            self.problems.append(f"{place}: read as plain text, expected .csv, .jsonl or .parquet (or these with .gz)")
            return
        fields = row.kept
        bad = len(self.problems)

        def read(field: str, parse: Callable[[object], Any]) -> Any:
            try:
                return parse(fields.get(field))
            except _FieldError as error:
                self.problems.append(f"{place}: field {field!r}: {error}")

        if "labels" not in fields:
            self.problems.append(f"{place}: no field 'labels' (fields: {', '.join(['text', *fields])})")
            return
        given = read("labels", self._codes)
        lang = read("lang", _lang)
        split = read("split", _split)
        spans = {layer: read(layer, partial(self._spans, text=row.text, layer=layer)) for layer in self.span_labels}
        if len(self.problems) > bad:
            return
        candidates = [self.types_of[code] for code in given]
        types = tuple(dict.fromkeys(names[0] for names in candidates if len(names) == 1))
        undecided = frozenset(name for names in candidates for name in names) - {*types}
        nothing: frozenset[str] = frozenset()
        sentence = LabelledSentence(
            row.id,
            lang or detect_language(row.text),
            row.text,
            types,
            spans["entities"] or (),
            spans["roles"] or (),
            negative="" if given else "none",
            source=place,
            annotated=Annotated(
                None if self.scheme == "ours" else self.covered - undecided,
                nothing if spans["entities"] is None else None,
                nothing if spans["roles"] is None else None,
            ),
        )
        split = split or ("dev" if fixed_share(row.text) < DEV_SHARE else "train")
        self._check_repeats(split, sentence)
        self.sentences.append((split, sentence))

    def _check_repeats(self, split: str, sentence: LabelledSentence) -> None:
        place = sentence.source
        if sentence.id in self._ids:
            self.problems.append(f"{place}: field 'id': {sentence.id!r} is the id of {self._ids[sentence.id]} too")
        self._ids.setdefault(sentence.id, place)
        before = self._texts.setdefault(sentence.text, (split, sentence))
        if before[0] != split:
            self.problems.append(
                f"{place}: field 'split': {split}, but the same text is in {before[0]} ({before[1].source})"
            )
        if (before[1].types, before[1].annotated.types) != (sentence.types, sentence.annotated.types):
            self.problems.append(
                f"{place}: field 'labels': the same text has other labels in {before[1].source}; "
                "a sentence with several events is one row with all of them"
            )

    def _codes(self, value: object) -> list[str]:
        """Known codes of a row; an empty list for a sentence without an event."""
        listed = _json_list(value) if isinstance(value, str) and value.lstrip().startswith("[") else value
        if isinstance(listed, str):
            listed = [code.strip() for code in listed.split(";") if code.strip()]
            if not listed:
                raise _FieldError(f"is empty; write {_NO_EVENT!r} for a sentence without an event")
        if not isinstance(listed, list) or not all(isinstance(code, str) for code in listed):
            raise _FieldError(f"expected labels separated by ';' or a list of them, got {_short(value)}")
        if listed == [_NO_EVENT]:
            return []
        for code in listed:
            if code not in self.types_of:
                raise _FieldError(self._unknown(code))
        return listed

    def _unknown(self, code: str) -> str:
        if code == _NO_EVENT:
            return f"{_NO_EVENT!r} beside a label"
        for scheme in CODES:
            if code in types_of_codes(scheme):
                return f"{code!r} is a label of the scheme {scheme!r}, this file is read as {self.scheme!r} (--codes)"
        return f"unknown label {code!r}{_suggestion(code, list(self.types_of))}"

    def _spans(self, value: object, text: str, layer: str) -> tuple[Span, ...] | None:
        """Spans of a layer by start; ``None`` for a row that says nothing of it."""
        if value is None or value == "":
            return None
        listed = _json_list(value) if isinstance(value, str) else value
        if not isinstance(listed, list):
            raise _FieldError(f"expected a list of spans, got {_short(value)}")
        spans = sorted((_span(entry, text, self.span_labels[layer]) for entry in listed), key=lambda s: s.start)
        for before, after in zip(spans, spans[1:]):
            if after.start < before.end:
                raise _FieldError(f"{before.text!r} and {after.text!r} overlap")
        return tuple(spans)


def _lang(value: object) -> str | None:
    if value is None or value == "":
        return None
    if value not in known_languages():
        raise _FieldError(f"unknown language {_short(value)}, expected an ISO 639-1 code such as 'en'")
    return str(value)


def _split(value: object) -> str | None:
    if value is None or value == "":
        return None
    if value not in SPLITS:
        raise _FieldError(f"expected {', '.join(SPLITS)} or nothing, got {_short(value)}")
    return str(value)


def _span(entry: object, text: str, labels: Sequence[str]) -> Span:
    if not isinstance(entry, Mapping):
        raise _FieldError(f"expected spans with 'start', 'end' and 'label', got {_short(entry)}")
    start, end, label = (entry.get(key) for key in ("start", "end", "label"))
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        raise _FieldError(f"start {start!r} and end {end!r} are no place in a text of {len(text)} characters")
    if label not in labels:
        raise _FieldError(f"unknown label {label!r}{_suggestion(str(label), labels)}")
    mention = text[start:end]
    if mention != mention.strip():
        raise _FieldError(f"{mention!r} begins or ends with a space")
    if entry.get("text", mention) != mention:
        raise _FieldError(f"{entry['text']!r} is not what stands at {start} to {end}: {mention!r}")
    return Span(start, end, str(label), mention)


def _json_list(value: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise _FieldError(f"not valid JSON: {error}") from None


def _suggestion(label: str, known: Sequence[str]) -> str:
    lowered = {name.lower(): name for name in known}
    near = [lowered[name] for name in get_close_matches(label.lower(), list(lowered), n=3)]
    return f"; near: {', '.join(near)}" if near else f" (known: {', '.join(known)})"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
