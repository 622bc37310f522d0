"""Agreement between two annotators, against scikit-learn's kappa, and the second annotation that we ship."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from tocsin.data.corpus import CorpusError
from tocsin.data.ontology import Ontology
from tocsin.evaluate.agreement import agreement, cohens_kappa, load_pairs


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
    assert len({a.lang for a, _ in pairs}) == 16
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
