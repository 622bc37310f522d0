"""From logits of event types to calibrated probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tocsin.model.decoding import Floats, sigmoid

_SLOPE = 1e-3  # a step function would make two types of a sentence equal that are not


@dataclass(frozen=True)
class Calibration:
    """Platt scaling (Platt 1999), then an isotonic map (Zadrozny and Elkan 2002) if there is one.

    probability = sigmoid(z) with z = scale * logit + shift, or what the line through ``knots`` says at z. ``scale``,
    ``shift``: (types,) float32; ``knots``: (n, 2) float32, z and probability, both rising. ``scale`` is above 0, so a
    type's sentences keep their order.
    """

    scale: Floats
    shift: Floats
    knots: Floats | None = None

    @classmethod
    def identity(cls, types: int, knots: Floats | None = None) -> Calibration:
        return cls(np.ones(types, np.float32), np.zeros(types, np.float32), knots)

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any], type_names: Sequence[str]) -> Calibration:
        """From a config's "calibration"; raises ``ValueError``, ``KeyError`` or ``TypeError`` if it is not one."""
        scale, shift = (np.array([entry[key][name] for name in type_names], np.float32) for key in ("scale", "shift"))
        if not (scale > 0).all() or not np.isfinite([*scale, *shift]).all():
            raise ValueError("a scale is not above 0, or a number is not finite")
        if "knots" not in entry:
            return cls(scale, shift)
        knots = np.array(entry["knots"], np.float32)
        if knots.ndim != 2 or knots.shape[1] != 2 or not (np.diff(knots, axis=0) >= 0).all():
            raise ValueError("knots are not pairs that rise")
        if not ((knots[:, 1] >= 0) & (knots[:, 1] <= 1)).all():
            raise ValueError("a knot is no probability")
        return cls(scale, shift, knots)

    def to_dict(self, type_names: Sequence[str]) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "scale": {name: float(f"{value:.5g}") for name, value in zip(type_names, self.scale)},
            "shift": {name: float(f"{value:.5g}") for name, value in zip(type_names, self.shift)},
        }
        if self.knots is not None:
            entry["knots"] = [[round(float(z), 4), round(float(p), 5)] for z, p in self.knots]
        return entry

    def __call__(self, logits: Floats) -> Floats:
        """(..., types) logits -> probabilities."""
        z = logits * self.scale + self.shift
        plain = sigmoid(z)
        if self.knots is None:
            return plain
        mapped = np.interp(z, self.knots[:, 0], self.knots[:, 1])
        result: Floats = ((1 - _SLOPE) * mapped + _SLOPE * plain).astype(np.float32)
        return result
