"""The probability from which an event type is reported."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tocsin.data.records import LabelledSentence
from tocsin.model.pipeline import Pipeline


def type_matrix(sentences: Sequence[LabelledSentence], type_names: Sequence[str]) -> NDArray[np.bool_]:
    """(sentences, types): whether each sentence has each type."""
    return np.array([[name in sentence.types for name in type_names] for sentence in sentences])


def best_threshold(gold: NDArray[np.bool_], probabilities: NDArray[np.floating]) -> float:
    """The one threshold of 0.05, 0.06 … 0.95 with the best micro-F1; both arrays are (sentences, types).

    Of equally good ones the middle is taken: it is the one least fitted to these sentences.
    """
    candidates = np.arange(5, 96) / 100
    scores = []
    for threshold in candidates:
        predicted = probabilities >= threshold
        scores.append(2 * (predicted & gold).sum() / max(predicted.sum() + gold.sum(), 1))
    best = np.flatnonzero(np.isclose(scores, np.max(scores)))
    return float(candidates[best[len(best) // 2]])


def thresholds_from(pipeline: Pipeline, dev: Sequence[LabelledSentence]) -> dict[str, float]:
    """Type -> threshold for ``with_settings``: one for all types, the best on ``dev``."""
    names = pipeline.settings.ontology.type_names
    scores = [prediction.scores or {} for prediction in pipeline.predict_labelled(dev, all_scores=True)]
    probabilities = np.array([[row[name] for name in names] for row in scores])
    return dict.fromkeys(names, best_threshold(type_matrix(dev, names), probabilities))
