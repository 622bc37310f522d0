"""The probability from which an event type is reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tocsin.data.ontology import Ontology
from tocsin.data.records import Event, LabelledSentence, Prediction
from tocsin.model.pipeline import Pipeline

CANDIDATES = np.arange(5, 96) / 100
_ENOUGH = 12  # gold sentences of a type from which its own best threshold beats the common one (dev, cross-validated)


def type_matrix(sentences: Sequence[LabelledSentence], type_names: Sequence[str]) -> NDArray[np.bool_]:
    """(sentences, types): whether each sentence has each type."""
    return np.array([[name in sentence.types for name in type_names] for sentence in sentences])


def probability_matrix(pipeline: Pipeline, sentences: Sequence[LabelledSentence]) -> NDArray[np.float64]:
    """(sentences, types): the pipeline's probabilities."""
    names = pipeline.settings.ontology.type_names
    return scores_of(pipeline.predict_labelled(sentences, all_scores=True), names)


def scores_of(predictions: Sequence[Prediction], type_names: Sequence[str]) -> NDArray[np.float64]:
    """(sentences, types): the scores of predictions that carry all of them."""
    return np.array([[(prediction.scores or {})[name] for name in type_names] for prediction in predictions])


def best_threshold(gold: NDArray[np.bool_], probabilities: NDArray[np.floating], min_precision: float = 0.0) -> float:
    """The one threshold of 0.05, 0.06 … 0.95 with the best micro-F1; both arrays are (sentences, types).

    Of equally good ones the middle is taken: it is the one least fitted to these sentences. Thresholds whose precision
    is below ``min_precision`` come last, by their precision.
    """
    scores = []
    for threshold in CANDIDATES:
        predicted = probabilities >= threshold
        correct = (predicted & gold).sum()
        precision = correct / max(predicted.sum(), 1)
        f1 = 2 * correct / max(predicted.sum() + gold.sum(), 1)
        scores.append(f1 if precision >= min_precision else precision - 1)
    best = np.flatnonzero(np.isclose(scores, np.max(scores)))
    return float(CANDIDATES[best[len(best) // 2]])


def type_thresholds(
    gold: NDArray[np.bool_], probabilities: NDArray[np.floating], min_precision: float
) -> NDArray[np.float64]:
    """(types,): each type's own best threshold if it has enough gold sentences, else the best one of all types."""
    common = best_threshold(gold, probabilities, min_precision)
    return np.array(
        [
            best_threshold(gold[:, [i]], probabilities[:, [i]], min_precision) if column.sum() >= _ENOUGH else common
            for i, column in enumerate(gold.T)
        ]
    )


def precise_thresholds(
    gold: NDArray[np.bool_], probabilities: NDArray[np.floating], precision: float
) -> NDArray[np.float64]:
    """(types,): the lowest threshold with which a type's reports are right so often, as they are at all higher ones
    that leave enough reports to tell.

    A type with too few reports to tell takes the threshold that reaches it over all types; 1 if none does.
    """

    def lowest(gold: NDArray[np.bool_], probabilities: NDArray[np.floating]) -> float | None:
        reached = None
        for threshold in CANDIDATES[::-1]:
            predicted = probabilities >= threshold
            if predicted.sum() < _ENOUGH:
                continue
            if gold[predicted].mean() < precision:
                break
            reached = float(threshold)
        return reached

    common = lowest(gold, probabilities)
    own = [lowest(gold[:, i], probabilities[:, i]) for i in range(gold.shape[1])]
    fallback = 1.0 if common is None else common
    # A type whose own reports stay below the precision at every threshold is not reported at all.
    few = [(probabilities[:, i] >= CANDIDATES[0]).sum() < _ENOUGH for i in range(gold.shape[1])]
    return np.array([value if value is not None else fallback if few[i] else 1.0 for i, value in enumerate(own)])


def thresholds_from(pipeline: Pipeline, dev: Sequence[LabelledSentence]) -> dict[str, float]:
    """Type -> threshold for ``with_settings``: one for all types, the best on ``dev``."""
    names = pipeline.settings.ontology.type_names
    probabilities = probability_matrix(pipeline, dev)
    return dict.fromkeys(names, best_threshold(type_matrix(dev, names), probabilities))


def reported(prediction: Prediction, ontology: Ontology, threshold: float) -> Prediction:
    """A prediction with scores, reporting the types of ``threshold`` or more."""
    scores = prediction.scores or {}
    events = [Event(kind, scores[kind.name]) for kind in ontology.types if scores[kind.name] >= threshold]
    return replace(prediction, events=tuple(sorted(events, key=lambda event: -event.score)))
