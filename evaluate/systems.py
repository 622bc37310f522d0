"""Runs systems on labelled sentences: a released model, and the baseline beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.data.records import LabelledSentence
from tocsin.evaluate.scores import score
from tocsin.model.pipeline import Pipeline

Splits = Mapping[str, Sequence[LabelledSentence]]


def evaluate_systems(
    pipeline: Pipeline, gold: Sequence[LabelledSentence], baseline_splits: Splits | None
) -> dict[str, dict[str, Any]]:
    """System -> figures on ``gold``, the model first.

    ``baseline_splits``: "train" and "dev" to fit the TF-IDF baseline on, or ``None`` to leave it out.
    """
    results = {pipeline.settings.name: score(gold, pipeline.predict_labelled(gold))}
    if baseline_splits is not None:
        from tocsin.evaluate.peers.tfidf import TfidfPeer  # needs scikit-learn

        baseline = TfidfPeer(pipeline.settings.ontology)
        baseline.fit(baseline_splits["train"], baseline_splits["dev"])
        results[baseline.name] = score(gold, baseline.predict(gold), layers=["types"])
    return results
