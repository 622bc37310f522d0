"""Runs systems on labelled sentences: a released model, and the baseline beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.data.records import LabelledSentence, Prediction
from tocsin.evaluate.scores import score
from tocsin.model.pipeline import Pipeline, sentences_of_texts

Splits = Mapping[str, Sequence[LabelledSentence]]


def predict_labelled(
    pipeline: Pipeline, sentences: Sequence[LabelledSentence], all_scores: bool = False
) -> list[Prediction]:
    """Predictions for the texts of labelled sentences, with their ids, in order."""
    return pipeline.predict(sentences_of_texts((s.id, s.lang, s.text) for s in sentences), all_scores)


def evaluate_systems(
    pipeline: Pipeline, gold: Sequence[LabelledSentence], baseline_splits: Splits | None
) -> dict[str, dict[str, Any]]:
    """System -> figures on ``gold``, the model first.

    ``baseline_splits``: "train" and "dev" to fit the TF-IDF baseline on, or ``None`` to leave it out.
    """
    results = {pipeline.settings.name: score(gold, predict_labelled(pipeline, gold))}
    if baseline_splits is not None:
        from tocsin.evaluate.baseline import NAME, TfidfBaseline  # needs scikit-learn

        baseline = TfidfBaseline(pipeline.settings.ontology)
        baseline.fit(baseline_splits["train"], baseline_splits["dev"])
        results[NAME] = score(gold, baseline.predict(gold), spans=False)
    return results
