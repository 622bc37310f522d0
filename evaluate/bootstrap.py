"""Bootstrap intervals of F1 (Efron 1979): what a figure would have been on other sentences of the same kind."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 1000

Counts = NDArray[np.int64]
Interval = tuple[float, float]


def counts_by_sentence(gold: Sequence[Collection[Any]], predicted: Sequence[Collection[Any]]) -> Counts:
    """(sentences, 3): correct, predicted and gold labels (or spans) of each sentence."""
    sides = [(set(true), set(said)) for true, said in zip(gold, predicted, strict=True)]
    return np.array([(len(true & said), len(said), len(true)) for true, said in sides]).reshape(-1, 3)


def counts_by_label(gold: Sequence[Collection[str]], predicted: Sequence[Collection[str]]) -> Counts:
    """(sentences, labels, 3): the same for each label that occurs."""
    names = sorted({name for side in (gold, predicted) for labels in side for name in labels})
    columns = [
        counts_by_sentence(*([[name] if name in labels else [] for labels in side] for side in (gold, predicted)))
        for name in names
    ]
    return np.stack(columns, 1) if columns else np.zeros((len(gold), 0, 3), np.int64)


def micro_f1_interval(counts: Counts) -> Interval:
    """95 % interval of micro-F1 (percentiles); ``counts`` as :func:`counts_by_sentence` gives them."""
    return _percentiles(_f1(_resample(counts)))


def macro_f1_interval(counts: Counts) -> Interval:
    """95 % interval of macro-F1 over the labels that occur in a resample; of :func:`counts_by_label`."""
    sentences, labels, _ = counts.shape
    resampled = _resample(counts.reshape(sentences, labels * 3)).reshape(_RESAMPLES, labels, 3)
    occurs = resampled[..., 1:].any(-1)
    return _percentiles((_f1(resampled) * occurs).sum(1) / np.maximum(occurs.sum(1), 1))


def _resample(rows: Counts) -> Counts:
    # How often each sentence is drawn, times what it counts: (resamples, columns).
    random = np.random.default_rng(0)
    draws = random.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), _RESAMPLES)
    return draws @ rows


def _f1(counts: Counts) -> NDArray[np.float64]:
    values: NDArray[np.float64] = 2 * counts[..., 0] / np.maximum(counts[..., 1] + counts[..., 2], 1)
    return values


def _percentiles(values: NDArray[np.float64]) -> Interval:
    low, high = np.percentile(values, [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)
