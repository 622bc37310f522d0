"""Writers' habits, near duplicates and suspicious labels."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tocsin.data.corpus import load_split
from tocsin.data.duplicates import SIMILAR, jaccard, near_duplicates, shingles
from tocsin.data.habits import repeated_names, skewed_lengths
from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, Span
from tocsin.data.words import word_count
from tocsin.evaluate.suspicious import suspicious_labels


@pytest.fixture(scope="module")
def english() -> list[LabelledSentence]:
    return [s for split in ("train", "dev", "test") for s in load_split(split) if s.lang == "en"]


def test_near_duplicates_are_those_of_all_pairs(english: list[LabelledSentence]) -> None:
    rng = random.Random(0)
    texts = [s.text for s in english[:150]]
    # One word dropped or changed is nearly the same; half of the words are not.
    for text in list(texts[:40]):
        words = text.split()
        k = rng.randrange(len(words))
        texts.append(" ".join(words[:k] + words[k + 1 :]))
        texts.append(" ".join(words[: len(words) // 2]))
    exact = {
        (i, j)
        for j in range(len(texts))
        for i in range(j)
        if jaccard(shingles(texts[i]), shingles(texts[j])) >= SIMILAR
    }
    found = {(i, j) for i, j, _ in near_duplicates(texts)}
    assert found <= exact
    # Locality-sensitive hashing may miss pairs just above the limit.
    clear = {(i, j) for i, j in exact if jaccard(shingles(texts[i]), shingles(texts[j])) > SIMILAR + 0.15}
    assert clear <= found
    assert len(clear) >= 20


def test_near_duplicates_in_scripts_without_spaces() -> None:
    texts = ["警方在仓库查获二十支步枪，逮捕三人。", "警方在仓库查获二十支步枪，拘捕三人。", "港口今天重新开放。"]
    assert [(i, j) for i, j, _ in near_duplicates(texts)] == [(0, 1)]


def test_habits_are_found(english: list[LabelledSentence]) -> None:
    sentences = [("train", s) for s in english]
    assert not [r for r in skewed_lengths(sentences) if "split" in r]
    short = [("dev", replace(s, text=" ".join(s.text.split()[:4]))) for s in english[:60]]
    assert any(r.startswith("en: split dev: 4 words") for r in skewed_lengths([*sentences, *short]))
    name = Span(0, 3, "person", "Ana")
    often = [replace(s, entities=(name,)) for s in english[:90]]
    assert any("person 'ana' in 90 of" in r for r in repeated_names([*english, *often]))


def test_words_are_counted_alike_in_all_scripts() -> None:
    assert word_count("Two men, one dog.", "en") == 4
    assert word_count("两名男子。", "zh") == pytest.approx(4 / 1.7)


def test_wrong_labels_are_suspicious(english: list[LabelledSentence], ontology: Ontology) -> None:
    # Twenty labels exchanged for others: among the doubted they must be much more frequent than by chance (1.6 of 60).
    rng = random.Random(1)
    spoilt = {s.id for s in rng.sample([s for s in english if len(s.types) == 1], 20)}
    other = {"natural_disaster": "arrest"}
    changed = [replace(s, types=(other.get(s.types[0], "natural_disaster"),)) if s.id in spoilt else s for s in english]
    found = suspicious_labels(changed, ontology, 30)
    assert [s.missing for s in found] == [False] * 30 + [True] * 30
    assert len(spoilt & {s.sentence.id for s in found}) >= 4
    assert str(found[0]).startswith(f"{found[0].sentence.source}: has {found[0].type} (p = ")
