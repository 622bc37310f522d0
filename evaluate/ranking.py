"""Metrics of probabilities as an order: how well they rank, and what is right if only the surest are kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COVERAGES = np.arange(1, 11) / 10


def average_precision(gold: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    """Area under the steps of precision over recall; both arrays are (statements,), one at least of ``gold`` is true.

    Equal scores are one step, as in scikit-learn.
    """
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    correct = np.cumsum(gold[order])[last]
    return float(np.sum(np.diff(correct / gold.sum(), prepend=0) * correct / (last + 1)))


def mean_average_precision(
    gold: NDArray[np.bool_], scores: NDArray[np.floating], looked_for: NDArray[np.bool_]
) -> float | None:
    """Mean over the types that are gold in some sentences and not in others; ``None`` if no type is.

    All arrays are (sentences, types). ``looked_for``: whether it is known if the sentence has the type; a sentence
    where it is not does not count for the type.
    """
    columns = [(gold[rows, i], scores[rows, i]) for i, rows in enumerate(looked_for.T)]
    values = [average_precision(*column) for column in columns if column[0].any() and not column[0].all()]
    return float(np.mean(values)) if values else None


def coverage_risk(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> list[dict[str, float]]:
    """For each of :data:`COVERAGES` the "risk": share of wrong statements among that share of the surest ones.

    Both arrays are (statements,), one at least (El-Yaniv and Wiener 2010). Statements of one confidence are
    taken to be wrong equally often, so that their order does not count.
    """
    _, group = np.unique(-confidence, return_inverse=True)
    wrong = np.bincount(group, ~right) / np.bincount(group)
    mean = np.cumsum(wrong[np.sort(group)]) / np.arange(1, len(right) + 1)
    kept = np.maximum(np.ceil(COVERAGES * len(right) - 1e-9).astype(int), 1)
    return [
        {"coverage": float(share), "risk": round(float(mean[count - 1]), 4)} for share, count in zip(COVERAGES, kept)
    ]
