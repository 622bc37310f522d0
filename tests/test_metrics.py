"""Our metrics against independent oracles: seqeval and scikit-learn, on random labels."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score as seqeval_f1
from seqeval.scheme import IOB2
from sklearn.metrics import f1_score, precision_recall_fscore_support

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, Prediction, Span
from tocsin.evaluate.baseline import TfidfBaseline
from tocsin.evaluate.gate import compare
from tocsin.evaluate.metrics import Counts, MismatchError, label_counts, macro_f1, micro, span_counts
from tocsin.evaluate.scores import score
from tocsin.evaluate.thresholds import best_threshold

LABELS = ["a", "b", "c", "d"]
label_sets = st.lists(st.tuples(st.sets(st.sampled_from(LABELS)), st.sets(st.sampled_from(LABELS))), min_size=1)


@given(label_sets)
def test_multi_label_f1_is_scikit_learns(pairs: list[tuple[set[str], set[str]]]) -> None:
    gold, predicted = [list(g) for g, _ in pairs], [list(p) for _, p in pairs]
    counts = label_counts(gold, predicted)
    used = sorted(counts)
    if not used:
        assert micro(counts).f1 == macro_f1(counts) == 0
        return
    # A column that is never used: scikit-learn reads a single column as two classes.
    g, p = (np.array([[*(label in row for label in used), False] for row in side]) for side in (gold, predicted))
    assert micro(counts).f1 == pytest.approx(f1_score(g, p, average="micro", zero_division=0))
    oracle = precision_recall_fscore_support(g, p, average=None, zero_division=0)
    assert macro_f1(counts) == pytest.approx(np.mean(oracle[2][:-1]))
    for i, label in enumerate(used):
        ours = (counts[label].precision, counts[label].recall, counts[label].f1, counts[label].gold)
        assert ours == pytest.approx([column[i] for column in oracle])


def random_tags(rng: random.Random, length: int) -> list[str]:
    tags, i = ["O"] * length, 0
    while i < length:
        if rng.random() < 0.4:
            label, size = rng.choice(LABELS), rng.randint(1, 3)
            tags[i : i + size] = [f"B-{label}", *[f"I-{label}"] * (min(size, length - i) - 1)]
            i += size
        i += 1
    return tags[:length]


def spans_of(tags: list[str]) -> list[Span]:
    spans: list[Span] = []
    for i, tag in enumerate(tags):
        if tag[0] == "B":
            spans.append(Span(i, i + 1, tag[2:], "x"))
        elif tag[0] == "I":
            spans[-1] = Span(spans[-1].start, i + 1, tag[2:], "x")
    return spans


@settings(max_examples=50)
@given(st.integers(0, 10**6))
def test_strict_span_f1_is_seqevals_strict_mode(seed: int) -> None:
    rng = random.Random(seed)
    gold = [random_tags(rng, rng.randint(1, 12)) for _ in range(20)]
    predicted = [tags if rng.random() < 0.5 else random_tags(rng, len(tags)) for tags in gold]
    ours = micro(span_counts([spans_of(t) for t in gold], [spans_of(t) for t in predicted])).f1
    assert ours == pytest.approx(seqeval_f1(gold, predicted, mode="strict", scheme=IOB2, zero_division=0))


def prediction(sentence: LabelledSentence) -> Prediction:
    return Prediction(sentence.id, "d", 0, 0, 1, sentence.lang, sentence.text, (), (), (), "m", True)


def test_no_case_is_dropped(dev: list[LabelledSentence]) -> None:
    some = dev[:3]
    with pytest.raises(MismatchError):
        label_counts([["a"]], [])
    with pytest.raises(MismatchError, match=some[2].id):
        score(some, [prediction(s) for s in some[:2]])
    with pytest.raises(MismatchError):
        score(some[:1], [prediction(some[0])] * 2)
    assert score(some, [prediction(s) for s in reversed(some)])["sentences"] == 3  # order does not matter, ids do


def test_gate_refuses_what_it_must() -> None:
    def figures(overall: float, french: float) -> dict[str, object]:
        rest = {"event_macro_f1": 0.5, "entity_f1": 0.5, "role_f1": 0.5}
        return {"event_micro_f1": overall, "per_language": {"fr": {"event_micro_f1": french}}} | rest

    def refused(after: dict[str, object]) -> list[str]:
        return [change.figure for change in compare(figures(0.8, 0.8), after) if change.refused]

    assert refused(figures(0.79, 0.77)) == []
    assert refused(figures(0.789, 0.8)) == ["event micro-F1"]
    assert refused(figures(0.8, 0.769)) == ["event micro-F1, fr"]


def test_threshold_is_the_best_one() -> None:
    gold = np.array([[True, False], [True, False], [False, False]])
    probabilities = np.array([[0.9, 0.2], [0.4, 0.3], [0.1, 0.35]])
    assert 0.35 < best_threshold(gold, probabilities) <= 0.4


def test_baseline_learns(ontology: Ontology, dev: list[LabelledSentence]) -> None:
    english = [s for s in dev if s.lang == "en"]
    fitted = TfidfBaseline(ontology).fit(english, english)
    figures = score(english, fitted.predict(english), layers=["types"])
    assert figures["event_micro_f1"] > 0.9  # on its own training sentences
    assert "entity_f1" not in figures


def test_undefined_figures_are_zero() -> None:
    assert (Counts(0, 0, 0).precision, Counts(0, 0, 0).recall, Counts(0, 0, 0).f1) == (0, 0, 0)
