"""The export gate: a quantized model may not lose more against its float original than stated here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_DROP = 0.01  # event micro-F1, overall
MAX_DROP_LANGUAGE = 0.03  # event micro-F1, in one language


@dataclass(frozen=True)
class Change:
    """One figure before and after; ``limit`` is the drop allowed, ``None`` for a figure that is only shown."""

    figure: str
    before: float
    after: float
    limit: float | None

    @property
    def refused(self) -> bool:
        # Rounded, so that a drop of exactly the limit passes whatever binary fractions make of it.
        return self.limit is not None and round(self.before - self.after, 6) > self.limit


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Changes between two results of :func:`tocsin.evaluate.scores.score`, the gated figures first."""
    changes = [Change("event micro-F1", before["event_micro_f1"], after["event_micro_f1"], MAX_DROP)]
    for lang, figures in before["per_language"].items():
        after_lang = after["per_language"][lang]["event_micro_f1"]
        changes.append(Change(f"event micro-F1, {lang}", figures["event_micro_f1"], after_lang, MAX_DROP_LANGUAGE))
    for name in ("event_macro_f1", "entity_f1", "role_f1"):
        changes.append(Change(name.replace("_f1", " F1").replace("_", " "), before[name], after[name], None))
    return changes
