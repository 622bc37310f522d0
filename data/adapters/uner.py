"""Universal NER: gold PER, ORG and LOC over Universal Dependencies treebanks, IOB2.

The splits are the corpus' own (its test parts are not at hand). LOC covers what we call facility, so that and all
else are unknown. Texts are the treebanks' own where a "# text" comment holds the tokens, else tokens and spaces.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tocsin.data import iob2
from tocsin.data.adapters.base import PublicCorpus
from tocsin.data.records import Annotated, LabelledSentence

LABELS = {tag: iob2.LABELS[tag] for tag in ("PER", "ORG", "LOC")}  # OTH, which some treebanks mark, is none of ours
ANNOTATED = Annotated(frozenset(), frozenset(LABELS.values()), frozenset())


def _read(folder: Path, split: str) -> Iterator[LabelledSentence]:
    for path in sorted(folder.glob(f"*/*-ud-{split}*.iob2")):
        lang = path.name.split("_")[0]
        for sentence in iob2.read_iob2(path):
            text, spans = iob2.tagged_spans(sentence, LABELS)
            id = f"uner/{path.name}/{sentence.line}"
            source = f"{path.parent.name}/{path.name}:{sentence.line}"
            yield LabelledSentence(id, lang, text, (), spans, (), source=source, annotated=ANNOTATED)


CORPUS = PublicCorpus(
    name="uner",
    languages=("en", "hr", "pt", "sk", "sr", "sv", "zh"),
    licence="CC BY-SA 4.0",
    origin="Universal NER, github.com/UniversalNER",
    annotated=ANNOTATED,
    read=_read,
)
