"""WiNER: named entities in French Wikinews articles, BRAT stand-off.

Persons, organizations and locations are ours. Its dates are absolute ones only ("4 janvier" of "mercredi 4 janvier"),
so dates are unknown here, as is all that it does not know (Product may be a weapon or a vehicle, Location a facility).
Nested mentions: the outermost is kept, as our guide wants it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tocsin.data.adapters.base import PublicCorpus, cut_out, outermost
from tocsin.data.records import Annotated, LabelledSentence
from tocsin.data.sentences import sentence_offsets
from tocsin.data.sources import DatasetError, read_passages, split_of_document

LABELS = {"Person": "person", "Organization": "organization", "Location": "location"}
ANNOTATED = Annotated(frozenset(), frozenset(LABELS.values()), frozenset())


def read_entities(path: Path) -> list[tuple[int, int, str]]:
    """Our entities of the article whose ``.ann`` file is ``path``: (start, end, label) in its text."""
    spans = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            _, place, _ = line.split("\t", 2)
            label, start, end = place.split(" ")
            spans.append((int(start), int(end), label))
        except ValueError:
            raise DatasetError(f"{path}:{number}: not a BRAT entity: {line!r}") from None
    return [(start, end, LABELS[label]) for start, end, label in outermost(spans) if label in LABELS]


def _read(folder: Path, split: str) -> Iterator[LabelledSentence]:
    for passage in read_passages("wikinews_ner_fr", folder.parent):
        if split_of_document("wikinews_ner_fr", passage.document) != split:
            continue
        entities = read_entities((folder / passage.file).with_suffix(".ann"))
        for start, end in sentence_offsets(passage.text, "fr"):
            id = f"wikinews_ner_fr/{passage.file}/0/{start}"
            spans = cut_out(entities, passage.text, start, end)
            text = passage.text[start:end]
            yield LabelledSentence(id, "fr", text, (), spans, (), source=passage.file, annotated=ANNOTATED)


CORPUS = PublicCorpus(
    name="wikinews_ner_fr",
    languages=("fr",),
    licence="texts CC BY 2.5, annotations CC BY 4.0",
    origin="the WiNER corpus of French Wikinews, github.com",
    annotated=ANNOTATED,
    read=_read,
)
