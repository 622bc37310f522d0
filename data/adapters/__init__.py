"""Public corpora read into our scheme, one module each: its licence, its origin, its label map, what it annotates.

A label that a corpus does not annotate is unknown in its sentences, not absent: see
:class:`tocsin.data.records.Annotated`. The corpora stay where they are: ``--datasets DIR`` holds one folder each,
named like the module.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from tocsin.data.adapters.base import PublicCorpus
from tocsin.data.records import LabelledSentence
from tocsin.data.sources import DatasetError

NAMES = (
    "ednil_hi_bn",
    "lemonade",
    "muc4_en",
    "smartdata_de",
    "uner",
    "wikievents_en",
    "wikinews_ner_fr",
)


def public_corpus(name: str) -> PublicCorpus:
    """The adapter ``name``; raises :class:`DatasetError` if there is none."""
    if name not in NAMES:
        raise DatasetError(f"no adapter for a corpus {name!r} (there are: {', '.join(NAMES)})")
    corpus: PublicCorpus = import_module(f"{__name__}.{name}").CORPUS
    return corpus


def load_public(name: str, split: str, datasets: Path) -> Iterator[LabelledSentence]:
    """Sentences of a split ("train", "dev" or "test") of a public corpus below ``datasets``.

    Raises :class:`DatasetError` that says where the corpus comes from if it is not there, and which file is wrong if
    it cannot be read.
    """
    corpus = public_corpus(name)
    folder = datasets / name
    if not corpus.from_hub and not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; {name} is from {corpus.origin} ({corpus.licence})")
    try:
        yield from corpus.read(folder, split)
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{folder}: cannot be read as {name}: {error}") from None
