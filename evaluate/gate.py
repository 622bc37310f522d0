"""The export gate: a quantized model may not lose more against its float original than stated here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tocsin.data.records import LabelledSentence, Prediction
from tocsin.evaluate.bootstrap import counts_by_sentence, f1, percentiles, resample

GATED = {"event micro-F1": "event_micro_f1", "entity F1": "entity_f1", "role F1": "role_f1"}  # title -> key
MAX_DROP = 0.01  # event micro-F1, entity F1 and role F1, overall
MAX_DROP_LANGUAGE = 0.03  # event micro-F1, in one language, if it is more than chance


@dataclass(frozen=True)
class Change:
    """One figure before and after. ``limit``: the drop allowed, ``None`` for one that is only shown. ``least``: the
    lower end of the drop's 95 % interval, where a drop within chance is no reason to refuse."""

    figure: str
    before: float
    after: float
    limit: float | None
    least: float | None = None

    @property
    def refused(self) -> bool:
        # Rounded, so that a drop of exactly the limit passes whatever binary fractions make of it.
        too_much = self.limit is not None and round(self.before - self.after, 6) > self.limit
        return too_much and (self.least is None or self.least > 0)


def compare(before: Mapping[str, Any], after: Mapping[str, Any], least: Mapping[str, float]) -> list[Change]:
    """Changes between two results of :func:`tocsin.evaluate.scores.score`, the gated figures first.

    ``least``: of :func:`least_drops`.
    """
    changes = [Change(figure, before[name], after[name], MAX_DROP) for figure, name in GATED.items()]
    for lang, figures in before["per_language"].items():
        after_lang = after["per_language"][lang]["event_micro_f1"]
        figure = f"event micro-F1, {lang}"
        changes.append(Change(figure, figures["event_micro_f1"], after_lang, MAX_DROP_LANGUAGE, least[lang]))
    return [*changes, Change("event macro-F1", before["event_macro_f1"], after["event_macro_f1"], None)]


def least_drops(
    gold: Sequence[LabelledSentence], before: Sequence[Prediction], after: Sequence[Prediction]
) -> dict[str, float]:
    """Language -> lower end of the 95 % interval of the drop in event micro-F1, by a paired bootstrap: on the eighty
    sentences of a language, two fits of the thresholds alone differ by three points. All stand in gold order."""
    drops = {}
    for lang in sorted({sentence.lang for sentence in gold}):
        rows = [i for i, sentence in enumerate(gold) if sentence.lang == lang]
        types = [gold[i].types for i in rows]
        sides = ([[event.type.name for event in side[i].events] for i in rows] for side in (before, after))
        one, other = (f1(resample(counts_by_sentence(types, side))) for side in sides)
        drops[lang] = percentiles(one - other)[0]
    return drops
