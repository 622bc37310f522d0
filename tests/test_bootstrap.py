"""Bootstrap intervals against resampling done the slow way with scikit-learn's F1."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.metrics import f1_score

from tocsin.data.records import LabelledSentence
from tocsin.evaluate.bootstrap import (
    counts_by_label,
    counts_by_sentence,
    intervals,
    macro_f1_interval,
    micro_f1_interval,
    share_interval,
    weighted_f1_interval,
)
from tocsin.evaluate.scores import score
from tocsin.model.pipeline import Pipeline


def test_intervals_agree_with_resampled_scikit_learn() -> None:
    random = np.random.default_rng(5)
    gold = random.random((200, 6)) < [0.5, 0.3, 0.2, 0.1, 0.05, 0.02]
    predicted = gold ^ (random.random(gold.shape) < 0.1)
    sides = [[[str(i) for i in np.flatnonzero(row)] for row in side] for side in (gold, predicted)]
    values: dict[str, list[float]] = {"micro": [], "macro": [], "weighted": []}
    for _ in range(400):
        rows = random.integers(0, len(gold), len(gold))
        for average, found in values.items():
            found.append(float(f1_score(gold[rows], predicted[rows], average=average, zero_division=0)))
    for average, interval in (
        ("micro", micro_f1_interval(counts_by_sentence(*sides))),
        ("macro", macro_f1_interval(counts_by_label(*sides))),
        ("weighted", weighted_f1_interval(counts_by_label(*sides))),
    ):
        expected = np.percentile(values[average], [2.5, 97.5])
        assert np.allclose(interval, expected, atol=0.02), average


def test_nothing_right_and_nothing_there() -> None:
    assert micro_f1_interval(counts_by_sentence([["a"], []], [["b"], []])) == (0.0, 0.0)
    assert macro_f1_interval(counts_by_label([[], []], [[], []])) == (0.0, 0.0)
    assert micro_f1_interval(counts_by_sentence([["a"], ["b"]], [["a"], ["b"]])) == (1.0, 1.0)


def test_interval_of_a_share_is_that_of_a_binomial() -> None:
    low, high = share_interval([True] * 80 + [False] * 20)
    assert abs(low - 0.72) < 0.02 and abs(high - 0.87) < 0.02  # 0.8 ± 1.96 · 0.04
    assert share_interval([True] * 5) == (1.0, 1.0)


def test_frequent_types_are_those_of_all_sentences(release: Pipeline, dev: list[LabelledSentence]) -> None:
    arrests, rare = ([s for s in dev if s.types == (name,)][:count] for name, count in (("arrest", 6), ("aid", 4)))
    gold = [*arrests, *rare]
    right = release.predict_labelled(gold)
    said = [replace(p, events=p.events[:1] if p.id in {s.id for s in arrests} else ()) for p in right]
    figures, found = score(gold, said), intervals(gold, said)
    assert figures["event_frequent_macro_f1"] > figures["event_macro_f1"]
    low, high = found["event_frequent_macro_f1"]
    assert low <= figures["event_frequent_macro_f1"] <= high
    assert found["event_frequent_macro_f1"] == macro_f1_interval(
        counts_by_label([s.types for s in gold], [[e.type.name for e in p.events] for p in said], names=["arrest"])
    )
    assert "event_frequent_macro_f1" not in intervals(rare, said[len(arrests) :])
    without = {"primary_weighted_f1", "primary_macro_f1", "sentences"}
    assert score(gold, said, details=False).keys() - found.keys() == without
