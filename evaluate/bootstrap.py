"""Bootstrap intervals of F1 (Efron 1979): what a figure would have been on other sentences of the same kind."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.data.records import LabelledSentence, Prediction, Span
from tocsin.evaluate.metrics import FREQUENT, fully_typed, known, overlap_span_counts
from tocsin.evaluate.scores import LAYERS, SPAN_LAYERS

SEED = 0
_RESAMPLES = 1000

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Interval = tuple[float, float]


def intervals(
    gold: Sequence[LabelledSentence], predicted: Sequence[Prediction], layers: Collection[str] = LAYERS
) -> dict[str, Interval]:
    """95 % intervals of what :func:`tocsin.evaluate.scores.score` gives of these layers: every F1 of events, entities
    and roles over all sentences, and the accuracy of the primary type, but not its F1. The predictions stand in gold
    order."""
    predicted = known(gold, predicted)
    found = {}
    if "types" in layers:
        types = [g.types for g in gold], [[event.type.name for event in p.events] for p in predicted]
        found["event_micro_f1"] = micro_f1_interval(counts_by_sentence(*types))
        by_label = counts_by_label(*types)
        found["event_macro_f1"] = macro_f1_interval(by_label)
        found["event_weighted_f1"] = weighted_f1_interval(by_label)
        frequent = by_label[..., 2].sum(0) >= FREQUENT  # in all sentences: the same types in every resample
        if frequent.any():
            found["event_frequent_macro_f1"] = macro_f1_interval(by_label[:, frequent])
        if rows := fully_typed(gold):
            found["primary_accuracy"] = share_interval(
                [(gold[i].types[0] if gold[i].types else None) == predicted[i].primary for i in rows]
            )
    for name, layer in SPAN_LAYERS.items():
        if layer in layers:
            sides = [getattr(g, layer) for g in gold], [getattr(p, layer) for p in predicted]
            found[f"{name}_f1"] = micro_f1_interval(span_counts_by_sentence(*sides))
            found[f"{name}_overlap_f1"] = micro_f1_interval(overlap_counts_by_sentence(*sides))
    return found


def counts_by_sentence(gold: Sequence[Collection[Any]], predicted: Sequence[Collection[Any]]) -> Counts:
    """(sentences, 3): correct, predicted and gold labels (or spans) of each sentence."""
    sides = [(set(true), set(said)) for true, said in zip(gold, predicted, strict=True)]
    return np.array([(len(true & said), len(said), len(true)) for true, said in sides]).reshape(-1, 3)


def span_counts_by_sentence(gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]) -> Counts:
    """(sentences, 3): the same of spans, which are right when start, end and label agree."""
    keys = ([[(span.start, span.end, span.label) for span in spans] for spans in side] for side in (gold, predicted))
    return counts_by_sentence(*keys)


def overlap_counts_by_sentence(gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]) -> Counts:
    """(sentences, 3): the same of spans as :func:`tocsin.evaluate.metrics.overlap_span_counts` counts them."""
    rows = []
    for true, said in zip(gold, predicted, strict=True):
        counts = overlap_span_counts([true], [said]).values()
        rows.append([sum(c.correct for c in counts), sum(c.predicted for c in counts), sum(c.gold for c in counts)])
    return np.array(rows).reshape(-1, 3)


def counts_by_label(
    gold: Sequence[Collection[str]], predicted: Sequence[Collection[str]], *, names: Sequence[str] | None = None
) -> Counts:
    """(sentences, labels, 3): the same for each label of ``names``, by default for each that occurs."""
    if names is None:
        names = sorted({name for side in (gold, predicted) for labels in side for name in labels})
    columns = [
        counts_by_sentence(*([[name] if name in labels else [] for labels in side] for side in (gold, predicted)))
        for name in names
    ]
    return np.stack(columns, 1) if columns else np.zeros((len(gold), 0, 3), np.int64)


def micro_f1_interval(counts: Counts) -> Interval:
    """95 % interval of micro-F1 (percentiles); ``counts`` as :func:`counts_by_sentence` gives them."""
    return percentiles(f1(resample(counts)))


def macro_f1_interval(counts: Counts) -> Interval:
    """95 % interval of macro-F1 over the labels that occur in a resample; of :func:`counts_by_label`."""
    return percentiles(macro_f1(resample(counts)))


def weighted_f1_interval(counts: Counts) -> Interval:
    """95 % interval of F1 weighted by gold; of :func:`counts_by_label`."""
    resampled = resample(counts)
    weights = resampled[..., 2]
    return percentiles((f1(resampled) * weights).sum(1) / np.maximum(weights.sum(1), 1))


def share_interval(right: Sequence[bool]) -> Interval:
    """95 % interval of a share."""
    return percentiles(resample(np.array(right, np.int64)[:, None])[:, 0] / len(right))


def resample(counts: Counts, resamples: int = _RESAMPLES) -> Floats:
    """(resamples, ...): sums of the rows of ``counts`` over as many sentences, drawn with replacement.

    Counts of as many sentences get the same draws, so figures of two systems can be compared draw by draw.
    """
    random = np.random.default_rng(SEED)
    draws = random.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), resamples)
    # As floats, which hold such counts exactly: products of integers are slow.
    sums: Floats = draws.astype(np.float64) @ counts.reshape(len(counts), -1).astype(np.float64)
    return sums.reshape(resamples, *counts.shape[1:])


def f1(counts: Floats) -> Floats:
    """(...): F1 of (..., 3) counts."""
    values: Floats = 2 * counts[..., 0] / np.maximum(counts[..., 1] + counts[..., 2], 1)
    return values


def macro_f1(counts: Floats) -> Floats:
    """(resamples,): mean F1 of (resamples, labels, 3) counts over the labels that occur."""
    occurs = counts[..., 1:].any(-1)
    values: Floats = (f1(counts) * occurs).sum(1) / np.maximum(occurs.sum(1), 1)
    return values


def percentiles(values: Floats) -> Interval:
    """The middle 95 % of some values."""
    low, high = np.percentile(values, [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)
