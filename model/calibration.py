"""From logits of event types to calibrated probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tocsin.model.decoding import Floats, sigmoid


@dataclass(frozen=True)
class Calibration:
    """Platt scaling (Platt 1999): probability = sigmoid(scale * logit + shift). ``scale``, ``shift``: (types,) float32.

    ``scale`` is above 0, so a type's sentences keep their order.
    """

    scale: Floats
    shift: Floats

    @classmethod
    def identity(cls, types: int) -> Calibration:
        return cls(np.ones(types, np.float32), np.zeros(types, np.float32))

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any], type_names: Sequence[str]) -> Calibration:
        """From a config's "calibration"; raises ``ValueError``, ``KeyError`` or ``TypeError`` if it is not one."""
        scale, shift = (np.array([entry[key][name] for name in type_names], np.float32) for key in ("scale", "shift"))
        if not (scale > 0).all() or not np.isfinite([*scale, *shift]).all():
            raise ValueError("a scale is not above 0, or a number is not finite")
        return cls(scale, shift)

    def to_dict(self, type_names: Sequence[str]) -> dict[str, dict[str, float]]:
        return {
            "scale": {name: float(f"{value:.5g}") for name, value in zip(type_names, self.scale)},
            "shift": {name: float(f"{value:.5g}") for name, value in zip(type_names, self.shift)},
        }

    def __call__(self, logits: Floats) -> Floats:
        """(..., types) logits -> probabilities."""
        return sigmoid(logits * self.scale + self.shift)
