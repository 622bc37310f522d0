"""Agreement between two annotators, against scikit-learn's kappa, and the second annotation that we ship."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from tocsin.data.corpus import CorpusError
from tocsin.data.ontology import Ontology
from tocsin.data.realnews import REAL_DIR, load_records
from tocsin.data.sources import DatasetError
from tocsin.evaluate.agreement import agreement, all_agreements, cohens_kappa, load_pairs, load_real_pairs


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2))
def test_kappa_is_scikit_learns(answers: list[tuple[bool, bool]]) -> None:
    first, second = [a for a, _ in answers], [b for _, b in answers]
    if len({*first, *second}) == 1:
        assert cohens_kappa(first, second) == 1  # undefined there: no disagreement was possible
    else:
        assert cohens_kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))


def test_second_annotation_is_of_the_corpus(ontology: Ontology) -> None:
    pairs = load_pairs()
    assert len(pairs) >= 700
    languages = Counter(a.lang for a, _ in pairs)
    assert len(languages) == 16
    assert min(languages.values()) >= 32
    assert all(a.text == b.text for a, b in pairs)
    result = agreement(pairs, ontology)
    assert set(result["per_type"]) == set(ontology.type_names)
    # With itself the corpus agrees fully.
    same = agreement([(a, a) for a, _ in pairs], ontology)
    assert same["event_micro_f1"] == same["entity_f1"] == same["role_f1"] == same["mean_kappa"] == 1


def test_a_text_that_is_not_in_the_corpus_is_named(tmp_path: Path) -> None:
    path = tmp_path / "fr" / "blind.txt"
    path.parent.mkdir()
    path.write_text("none | Une phrase que personne n'a écrite\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"fr/blind\.txt:1: this text is not in the corpus"):
        load_pairs(tmp_path)


def test_real_news_was_labelled_twice(ontology: Ontology) -> None:
    pairs = load_real_pairs()
    records = load_records()
    # All of the suite, and one in ten of each dataset's training part.
    assert len(pairs["suite"]) == sum(r.split != "train" for r in records)
    asked = Counter(r.dataset for r in records if r.split == "train")
    twice = Counter(a.id.split("/")[0] for a, _ in pairs["train"])
    assert all(twice[dataset] >= count // 10 for dataset, count in asked.items()), (twice, asked)
    assert all(a.id == b.id and a.annotated == b.annotated for part in pairs.values() for a, b in part)
    results = all_agreements()
    assert list(results) == ["written", "real news, suite", "real news, train"]
    assert all(result["event_micro_f1"] > 0.8 for result in results.values())


def test_a_second_annotation_without_a_first_is_named(tmp_path: Path) -> None:
    line = (REAL_DIR / "ntrex.jsonl").read_text(encoding="utf-8").splitlines()[0]
    for folder, content in (("", line), ("first", line), ("second", line.replace('"line": 1,', '"line": 1998,'))):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "ntrex.jsonl").write_text(content + "\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"ntrex/newstest2019-src\.eng\.txt/1998/0 has no first annotation"):
        load_real_pairs(tmp_path)
