"""What systems are benchmarked on: our test parts, public corpora, and files of a user's own."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tocsin.data.adapters import load_public
from tocsin.data.corpus import load_split
from tocsin.data.documents import Document, ErrorRow
from tocsin.data.iob2 import LABELS, read_iob2, tagged_spans
from tocsin.data.label_fields import FieldError, parse_labels, parse_lang, parse_spans, parse_split, read_field
from tocsin.data.language import detect_language
from tocsin.data.ontology import load_ontology
from tocsin.data.readers import read_documents
from tocsin.data.realnews import load_real
from tocsin.data.records import Annotated, LabelledSentence
from tocsin.data.schemes import suggestion
from tocsin.data.sources import ORIGINS, DatasetError
from tocsin.evaluate.codes import Codes
from tocsin.evaluate.scores import LAYERS

TAGGED = (".iob2", ".conll", ".bio")
TYPES_FIELDS = ("types", "labels")  # of a file; the first that a row has counts
_SHIPPED = ("written", "written-dev", "real-news", "real-news-dev")


class SuiteError(ValueError):
    """A suite that cannot be read; the message names file, line and field."""


@dataclass(frozen=True)
class Suite:
    """Labelled sentences to score on. ``codes``: the scheme of their types, see :class:`tocsin.evaluate.codes.Codes`;
    ``left_out``: rows of a file that its field "split" keeps for training."""

    name: str
    gold: Sequence[LabelledSentence]
    codes: str = "ours"
    left_out: int = 0

    @property
    def layers(self) -> list[str]:
        """Those of "types", "entities" and "roles" that somebody looked for."""
        unknown: frozenset[str] = frozenset()
        return [layer for layer in LAYERS if any(getattr(s.annotated, layer) != unknown for s in self.gold)]

    @property
    def revision(self) -> str:
        """A hash of sentences and labels, first 16 digits."""
        digest = hashlib.sha256(self.codes.encode())
        for sentence in self.gold:
            entry = {key: value for key, value in sentence.to_dict().items() if key not in ("source", "negative")}
            digest.update(json.dumps(entry, sort_keys=True).encode())
        return digest.hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """What a result tells of its suite."""
        return {
            "name": self.name,
            "revision": self.revision,
            "sentences": len(self.gold),
            "languages": dict(sorted(Counter(sentence.lang for sentence in self.gold).items())),
            "layers": self.layers,
            "codes": self.codes,
        }


@dataclass(frozen=True)
class Reading:
    """How files of a user's own are read: the scheme of their labels, and what their fields or columns are called.

    ``id_field``: by default "id", or the row's place; ``types_field``: by default "types" or "labels"; ``lang``: of all
    texts; by default a field "lang", or detected.
    """

    codes: str = "ours"
    id_field: str | None = None
    text_field: str = "text"
    types_field: str | None = None
    lang: str | None = None


def load_suite(what: str, datasets: Path | None, reading: Reading, name: str | None = None) -> Suite:
    """The suite that ``what`` says: "written", "real-news" (the test parts; "written-dev", "real-news-dev"),
    "public/NAME" (the test part of an adapter, else its dev part; "public/NAME-dev"), or a file.

    Raises :class:`SuiteError`, ``CorpusError``, or ``DatasetError`` for a public dataset that is missing.
    """
    split = "dev" if what.endswith("-dev") else "test"
    base = what.removesuffix("-dev")
    if what in _SHIPPED and base == "written":
        return Suite(name or f"written-{split}", load_split(split))
    if what in _SHIPPED:
        return Suite(name or f"real-news-{split}", load_real(split, _needed(datasets, what)))
    if what.startswith("public/"):
        corpus = base.removeprefix("public/")
        for part in dict.fromkeys((split, "dev")):
            if gold := list(load_public(corpus, part, _needed(datasets, what))):
                return Suite(name or f"{corpus}-{part}", gold)
        raise DatasetError(f"{what}: the corpus has no {'dev' if split == 'dev' else 'test or dev'} part")
    path = Path(what)
    if not path.is_file():
        raise SuiteError(f"{what}: no such file, and none of {', '.join(_SHIPPED)}, public/NAME")
    if path.suffix.lower() in TAGGED:
        return Suite(name or path.stem, _tagged_file(path, reading))
    gold, left_out = _labelled_file(path, reading)
    return Suite(name or path.stem, gold, reading.codes, left_out)


def is_labelled_file(what: str) -> bool:
    """Whether a suite is a file of labelled rows, for which alone all of :class:`Reading` is meant."""
    return what not in _SHIPPED and not what.startswith("public/") and Path(what).suffix.lower() not in TAGGED


def _needed(datasets: Path | None, what: str) -> Path:
    if datasets is None:
        origins = "".join(f"\n  {name}: {origin}" for name, origin in ORIGINS.items()) if "news" in what else ""
        raise DatasetError(f"{what} reads its texts from --datasets DIR, with one folder a dataset{origins}")
    return datasets


def _tagged_file(path: Path, reading: Reading) -> list[LabelledSentence]:
    """The sentences of an IOB2 file. The labels that occur in it are what its annotators looked for; all else that a
    system marks is neither right nor wrong."""
    sentences = list(read_iob2(path))
    tags = {tag[2:].upper() for sentence in sentences for tag in sentence.tags if tag != "O"}
    labels = frozenset(LABELS[tag] for tag in tags & LABELS.keys())
    if not labels:
        raise SuiteError(f"{path}: no entities that we know (tags: {', '.join(sorted(tags)) or 'none'})")
    annotated = Annotated(frozenset(), labels, frozenset())
    gold = []
    for sentence in sentences:
        text, spans = tagged_spans(sentence, LABELS)
        lang = reading.lang or detect_language(text)
        id = f"{path.name}:{sentence.line}"
        gold.append(LabelledSentence(id, lang, text, (), spans, (), source=id, annotated=annotated))
    return gold


def _labelled_file(path: Path, reading: Reading) -> tuple[list[LabelledSentence], int]:
    """The sentences of a file, and how many rows are left out: those of splits other than test, if it has any."""
    codes = Codes(reading.codes)
    gold: dict[str, LabelledSentence] = {}
    left_out = 0
    for document in read_documents([str(path)], text_field=reading.text_field, id_field=reading.id_field, keep=True):
        if isinstance(document, ErrorRow):
            raise SuiteError(str(document))
        if document.kept is None:
            raise SuiteError(f"{path}: expected JSONL, CSV or Parquet with labels, or IOB2 ({', '.join(TAGGED)})")
        where = f"{path}:{document.line}"
        if document.id in gold:
            raise SuiteError(f"{where}: the id {document.id!r} is also that of {gold[document.id].source}")
        try:
            split = read_field(document.kept, "split", parse_split)
            sentence = _labelled(document, document.kept, reading, codes, where)
        except FieldError as error:
            raise SuiteError(f"{where}: {error}") from None
        if split in (None, "test"):
            gold[sentence.id] = sentence
        else:
            left_out += 1
    if not gold:
        raise SuiteError(f"{path}: no sentences" + (f" of the split test, {left_out} of others" if left_out else ""))
    return list(gold.values()), left_out


def _labelled(
    document: Document, row: Mapping[str, Any], reading: Reading, codes: Codes, source: str
) -> LabelledSentence:
    ontology = load_ontology()
    field = reading.types_field or next((name for name in TYPES_FIELDS if row.get(name) is not None), TYPES_FIELDS[0])
    needed = (field,) if reading.types_field else (field, "entities", "roles")
    if all(row.get(name) is None for name in needed):
        raise FieldError(f"no field {field!r} with labels (fields: {', '.join(row)})")
    types = read_field(row, field, lambda value: None if value is None else [*map(codes.read, parse_labels(value))])
    spans = {
        layer: read_field(row, layer, partial(parse_spans, text=document.text, labels=labels))
        for layer, labels in (("entities", ontology.entity_names), ("roles", ontology.role_names))
    }
    # A layer that a row does not have is unknown there, not empty.
    known = {
        layer: frozenset[str]() if labels is None else None for layer, labels in ({"types": types} | spans).items()
    }
    gold = {"types": types or (), **{layer: [span.label for span in found or ()] for layer, found in spans.items()}}
    known |= read_field(row, "annotated", partial(_annotated, gold=gold, codes=codes))
    return LabelledSentence(
        document.id,
        reading.lang or read_field(row, "lang", parse_lang) or detect_language(document.text),
        document.text,
        tuple(dict.fromkeys(types or ())),
        spans["entities"] or (),
        spans["roles"] or (),
        source=source,
        annotated=Annotated(**known),
    )


def _annotated(value: Any, gold: Mapping[str, Sequence[str]], codes: Codes) -> dict[str, frozenset[str]]:
    """Layer -> the labels that were looked for, among which those of the row must be; nothing of a layer that the field
    does not have."""
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping) or not value.keys() <= gold.keys():
        raise FieldError(f"expected labels by layer ({', '.join(gold)}), got {value!r}")
    ontology = load_ontology()
    known = {"entities": ontology.entity_names, "roles": ontology.role_names}
    looked_for = {}
    # A Parquet row has every key that any row has.
    for layer, listed in ((layer, listed) for layer, listed in value.items() if listed is not None):
        labels = parse_labels(listed)
        if layer == "types":
            labels = [codes.read(label) for label in labels]
        elif unknown := [label for label in labels if label not in known[layer]]:
            raise FieldError(f"unknown label {unknown[0]!r}{suggestion(unknown[0], known[layer])}")
        if outside := [label for label in gold[layer] if label not in labels]:
            raise FieldError(f"{outside[0]!r} is a label of the row, but not among the {layer} that were looked for")
        looked_for[layer] = frozenset(labels)
    return looked_for
