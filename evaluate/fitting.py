"""What is chosen on dev for a release: its calibration and its thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.data.records import LabelledSentence
from tocsin.evaluate.calibration import fit_calibration, logits_of
from tocsin.evaluate.thresholds import precise_thresholds, probability_matrix, type_matrix, type_thresholds
from tocsin.model.pipeline import Pipeline

MIN_PRECISION = 0.5  # a threshold where a type is wrong more often than right is not taken if there is another
PRECISIONS = (0.7, 0.8, 0.9, 0.95)


def fit_settings(
    pipeline: Pipeline, written: Sequence[LabelledSentence], real: Sequence[LabelledSentence]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(settings, comparison of calibration methods) from the dev parts and an uncalibrated pipeline.

    The calibration is of real news if there is any: written sentences nearly all report something. Thresholds are
    chosen on both, because on real news alone most types are too rare to choose one.
    """
    names = pipeline.settings.ontology.type_names
    dev = [*written, *real]
    gold, raw = type_matrix(dev, names), probability_matrix(pipeline, dev)
    part = slice(len(written) if real else 0, None)
    calibration, methods = fit_calibration(raw[part], gold[part])
    probabilities = calibration(logits_of(raw).astype(np.float32))
    settings = {
        "calibration": calibration,
        "thresholds": _named(names, type_thresholds(gold, probabilities, MIN_PRECISION)),
        "precision_thresholds": {
            level: _named(names, precise_thresholds(gold, probabilities, level)) for level in PRECISIONS
        },
    }
    return settings, methods


def _named(names: Sequence[str], thresholds: NDArray[np.float64]) -> dict[str, float]:
    return {name: round(float(value), 2) for name, value in zip(names, thresholds)}
