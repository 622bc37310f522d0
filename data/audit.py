"""What else can be wrong with a whole corpus: near duplicates, leakage into the real-news suite, writers' habits.

:mod:`tocsin.data.corpus` checks each file by itself; here sentences of all splits and languages are compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tocsin.data.corpus import Problem
from tocsin.data.duplicates import near_duplicates
from tocsin.data.realnews import REAL_DIR, StandOff, load_real
from tocsin.data.records import LabelledSentence
from tocsin.data.sources import read_passages, split_of_document

SplitSentence = tuple[str, LabelledSentence]


def duplicate_problems(sentences: Sequence[SplitSentence]) -> Iterator[Problem]:
    """Sentences that are nearly the same as an earlier one, of whatever split and language."""
    for i, j, similarity in near_duplicates([sentence.text for _, sentence in sentences]):
        (first, a), (second, b) = sentences[i], sentences[j]
        what = "near duplicate of" if first == second else f"leaks from {first} into {second}: nearly the same as"
        yield Problem(b.source, f"{what} {a.source} (similarity {similarity:.2f})")


def split_problems(records: Iterable[StandOff]) -> Iterator[Problem]:
    """Real-news records whose passage, or its translation, is also in another split; needs no dataset.

    A line of NTREX is one passage in all its languages.
    """
    splits: dict[tuple[str, str, int], dict[str, StandOff]] = defaultdict(dict)
    for record in records:
        file = "" if record.dataset == "ntrex" else record.file
        splits[record.dataset, file, record.line].setdefault(record.split, record)
    for by_split in splits.values():
        first, *others = by_split.values()
        for other in others:
            yield Problem(
                f"{other.dataset}/{other.file}:{other.line}",
                f"in {other.split}, but {first.file}:{first.line} is in {first.split}",
            )


def suite_problems(
    written: Sequence[SplitSentence], records: Sequence[StandOff], datasets: Path, directory: Path = REAL_DIR
) -> Iterator[Problem]:
    """Training sentences, written or real, that are nearly a sentence of the real-news suite; and documents that are
    not in the split that the rule gives them. ``datasets``: where the texts are; ``directory``: the labels."""
    documents = {
        (passage.dataset, passage.file, passage.line): passage.document
        for dataset in sorted({record.dataset for record in records})
        for passage in read_passages(dataset, datasets)
    }
    for record in records:
        document = documents[record.dataset, record.file, record.line]
        if record.split != split_of_document(record.dataset, document):
            yield Problem(
                f"{record.dataset}/{record.file}:{record.line}", f"{document} does not belong in {record.split}"
            )
    suite = [(f"the suite's {split}", s) for split in ("dev", "test") for s in load_real(split, datasets, directory)]
    real = [("real train", s) for s in load_real("train", datasets, directory)]
    known = {sentence.id for _, sentence in suite}
    everything = [*suite, *[(f"written {split}", s) for split, s in written], *real]
    for i, j, similarity in near_duplicates([sentence.text for _, sentence in everything]):
        (first, a), (second, b) = everything[i], everything[j]
        if a.id in known and first != second:  # dev against test, and either against all that is trained on
            yield Problem(b.source, f"{second}: nearly {a.id} of {first} (similarity {similarity:.2f})")
