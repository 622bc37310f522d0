"""A user's own labelled sentences: CSV, JSONL or Parquet, one sentence a row.

Columns: ``text`` and ``labels``; where wanted ``id``, ``lang``, ``split``, ``entities`` and ``roles``; others are not
read. ``labels``: event types of ours, or codes of a scheme that the crosswalk knows, the primary first: separated by
";", or a JSON list; "none" for a sentence that reports no event. The fields are parsed as those of a file that a model
is scored on (:mod:`tocsin.data.label_fields`, :mod:`tocsin.data.schemes`). ``entities`` and ``roles``: JSON lists of
``{"start": 0, "end": 5, "label": "person"}``, offsets in code points; where a row has none, nothing is said of that
layer, and nothing is learned or unlearned there. ``split``: train, dev or test; where a row names none, a share of the
train and dev part that depends on its text alone is dev.

A code may stand for several types of ours (PLOVER's ASSAULT for thirteen). Such a row does not tell which of them it
reports: they are left unknown, and only of the types of its scheme's other codes does it say that they are absent.
Types that a scheme has no code for are unknown throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tocsin.data.corpus import SPLITS
from tocsin.data.documents import Document
from tocsin.data.label_fields import FieldError, parse_labels, parse_lang, parse_spans, parse_split, read_field
from tocsin.data.language import detect_language
from tocsin.data.ontology import load_ontology
from tocsin.data.readers import read_documents
from tocsin.data.records import Annotated, LabelledSentence, Span
from tocsin.data.schemes import read_code, types_of_codes
from tocsin.data.sources import fixed_share

DEV_SHARE = 0.15
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

    ``codes``: the scheme that its labels are of, one of ``schemes.SCHEMES``. Raises :class:`OwnDataError` with all
    that is wrong with the file.
    """
    return [sentence for part, sentence in _read([path], codes) if split in (None, part)]


def read_splits(paths: Sequence[Path], codes: str = "ours") -> dict[str, list[LabelledSentence]]:
    """Split -> the sentences of all files, as :func:`read_labelled`; no text may stand in two splits."""
    parts: dict[str, list[LabelledSentence]] = {split: [] for split in SPLITS}
    for split, sentence in _read(paths, codes):
        parts[split].append(sentence)
    return parts


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

        def read(field: str, parse: Callable[[Any], Any]) -> Any:
            try:
                return read_field(fields, field, parse)
            except FieldError as error:
                self.problems.append(f"{place}: {error}")

        if "labels" not in fields:
            self.problems.append(f"{place}: no field 'labels' (fields: {', '.join(['text', *fields])})")
            return
        given = read("labels", self._codes)
        lang = read("lang", parse_lang)
        split = read("split", parse_split)
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

    def _codes(self, value: Any) -> list[str]:
        return [read_code(label, self.scheme) for label in parse_labels(value)]

    def _spans(self, value: Any, text: str, layer: str) -> tuple[Span, ...] | None:
        """Spans that a tagger of words can learn: none within another, none with a space around it."""
        spans = parse_spans(value, text, self.span_labels[layer])
        for span in spans or ():
            if span.text != span.text.strip():
                raise FieldError(f"{span.text!r} begins or ends with a space")
        for before, after in zip(spans or (), (spans or ())[1:]):
            if after.start < before.end:
                raise FieldError(f"{before.text!r} and {after.text!r} overlap")
        return spans
