"""Fits probabilities to what turned out true, and measures how far they are off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from tocsin.model.calibration import Calibration

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
_FOLDS = 5
_CLIP = 1e-6
_DRAWS = 100
BINS = 15


def expected_calibration_error(probabilities: Floats, outcomes: Booleans) -> float:
    """Mean distance of confidence and frequency over :data:`BINS` equally full bins (Naeini et al. 2015).

    Both arrays are flat: one entry for each statement of the model.
    """
    bins = reliability(probabilities, outcomes)
    return float(sum(bin["share"] * abs(bin["confidence"] - bin["frequency"]) for bin in bins))


def reliability(probabilities: Floats, outcomes: Booleans) -> list[dict[str, float]]:
    """Bins of a reliability diagram, from unsure to sure: mean "confidence", "frequency" of being right, "share"."""
    order = np.argsort(probabilities, kind="stable")
    return [
        {
            "confidence": float(probabilities[part].mean()),
            "frequency": float(outcomes[part].mean()),
            "share": len(part) / len(order),
        }
        for part in np.array_split(order, BINS)
        if len(part)
    ]


def error_by_chance(probabilities: Floats) -> float:
    """The calibration error that a perfect model would show on outcomes drawn by its own (flat) probabilities: a mean
    of :data:`_DRAWS` draws. On few sentences it is far from 0."""
    random = np.random.default_rng(0)
    draws = (random.random(len(probabilities)) < probabilities for _ in range(_DRAWS))
    return float(np.mean([expected_calibration_error(probabilities, outcomes) for outcomes in draws]))


def top_statement(probabilities: Floats, gold: Booleans) -> tuple[Floats, Booleans]:
    """(sentences,) twice: the probability of each sentence's most probable type, and whether it has that type."""
    top = probabilities.argmax(1)
    rows = np.arange(len(top))
    return probabilities[rows, top], gold[rows, top]


def calibration_figures(probabilities: Floats, gold: Booleans) -> dict[str, Any]:
    """Calibration errors of (sentences, types) probabilities, their Brier score, and the diagram's bins.

    "ece_top" is of each sentence's most probable type; "ece_all" of all types of all sentences, nearly all of which are
    surely absent: it flatters every model and is stated because others state it. "ece_top_by_chance" is what a perfect
    model would show on so many sentences.
    """
    top, right = top_statement(probabilities, gold)
    return {
        "ece_top": round(expected_calibration_error(top, right), 4),
        "ece_top_by_chance": round(error_by_chance(top), 4),
        "ece_all": round(expected_calibration_error(probabilities.ravel(), gold.ravel()), 4),
        "brier": round(float(((probabilities - gold) ** 2).sum(1).mean()), 4),
        "reliability": [{key: round(value, 4) for key, value in bin.items()} for bin in reliability(top, right)],
    }


def fit_platt(logits: Floats, gold: Booleans, *, shift: bool, per_type: bool) -> tuple[Floats, Floats]:
    """(types,) scales and shifts that make the gold labels most likely; ``logits`` and ``gold`` are (sentences, types).

    One scale for all types. ``shift``: one shift for all (else 0: plain temperature scaling, Guo et al. 2017);
    ``per_type``: each type's own, drawn towards the common one by a normal prior, since most types are rare on dev.
    """
    types = logits.shape[1]

    def unpack(x: Floats) -> tuple[float, Floats]:
        own = x[2:] if per_type else np.zeros(types)
        return float(np.exp(x[0])), (x[1] + own if shift else np.zeros(types))

    def loss(x: Floats) -> tuple[float, Floats]:
        scale, shifts = unpack(x)
        z = scale * logits + shifts
        wrong = expit(z) - gold
        value = float(np.logaddexp(0, z).sum() - z[gold].sum())
        by_type = wrong.sum(0)
        gradient = np.zeros_like(x)
        gradient[0] = (wrong * logits).sum() * scale
        if shift:
            gradient[1] = by_type.sum()
        if per_type:
            value += float((x[2:] ** 2).sum()) / 2
            gradient[2:] = by_type + x[2:]
        return value, gradient

    start = np.zeros(2 + (types if per_type else 0))
    scale, shifts = unpack(minimize(loss, start, jac=True, method="L-BFGS-B").x)
    return np.full(types, scale), shifts


def _platt(shift: bool, per_type: bool) -> Callable[[Floats, Booleans], Calibration]:
    def fit(logits: Floats, gold: Booleans) -> Calibration:
        scale, shifts = fit_platt(logits, gold, shift=shift, per_type=per_type)
        return Calibration(scale.astype(np.float32), shifts.astype(np.float32))

    return fit


def _isotonic(logits: Floats, gold: Booleans) -> Calibration:
    flat = logits.ravel()
    model = IsotonicRegression(out_of_bounds="clip").fit(flat, gold.ravel().astype(float))
    # The surest statements were all right (the least sure all wrong), but so many say no more than this about the next
    # (Laplace's rule of succession).
    fitted = model.predict(flat)
    least, most = (1 / ((fitted == end).sum() + 2) for end in (fitted.min(), fitted.max()))
    knots = np.stack([model.X_thresholds_, np.clip(model.y_thresholds_, least, 1 - most)], 1).astype(np.float32)
    return Calibration.identity(logits.shape[1], knots)


METHODS: dict[str, Callable[[Floats, Booleans], Calibration]] = {
    "none": lambda logits, _: Calibration.identity(logits.shape[1]),
    "temperature": _platt(shift=False, per_type=False),
    "Platt": _platt(shift=True, per_type=False),
    "Platt, shift per type": _platt(shift=True, per_type=True),
    "isotonic": _isotonic,
}


def compare_methods(probabilities: Floats, gold: Booleans) -> dict[str, dict[str, float]]:
    """Method -> its log loss a sentence and calibration errors on dev, each fifth scored by a fit on the others."""
    logits = logits_of(probabilities)
    results = {}
    for name, fit in METHODS.items():
        scored = np.zeros_like(logits)
        for fold in range(_FOLDS):
            held_out = np.arange(len(logits)) % _FOLDS == fold
            scored[held_out] = fit(logits[~held_out], gold[~held_out])(logits[held_out].astype(np.float32))
        clipped = np.clip(scored, _CLIP, 1 - _CLIP)
        figures = calibration_figures(scored, gold)
        results[name] = {
            "log_loss": round(float(-np.log(np.where(gold, clipped, 1 - clipped)).sum(1).mean()), 4),
            "ece_top": figures["ece_top"],
            "ece_all": figures["ece_all"],
        }
    return results


def fit_calibration(probabilities: Floats, gold: Booleans) -> tuple[Calibration, dict[str, dict[str, float]]]:
    """The method with the best log loss in :func:`compare_methods`, fitted to uncalibrated probabilities, and that
    comparison."""
    compared = compare_methods(probabilities, gold)
    best = min(compared, key=lambda name: compared[name]["log_loss"])
    return METHODS[best](logits_of(probabilities), gold), compared


def logits_of(probabilities: Floats) -> Floats:
    """Logits of probabilities that a plain sigmoid gave."""
    values: Floats = logit(np.clip(probabilities, _CLIP, 1 - _CLIP))
    return values
