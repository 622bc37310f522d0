"""All figures of one system on one set of labelled sentences."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from tocsin.data.records import LabelledSentence, Prediction
from tocsin.evaluate.metrics import (
    align,
    frequent_macro_f1,
    fully_typed,
    known,
    label_counts,
    macro_f1,
    micro,
    overlap_span_counts,
    primary_accuracy,
    span_counts,
    weighted_f1,
)

LAYERS = ("types", "entities", "roles")
SPAN_LAYERS = {"entity": "entities", "role": "roles"}


def score(
    gold: Sequence[LabelledSentence],
    predicted: Sequence[Prediction],
    *,
    layers: Collection[str] = LAYERS,
    details: bool = True,
) -> dict[str, Any]:
    """Event, entity and role figures, with ``details`` also per type, label and language.

    ``layers``: those of :data:`LAYERS` that are labelled and predicted; of others there are no figures. Labels that a
    sentence's annotators did not look for are not counted, and the primary type only where all types were looked for.
    The result is what ``tocsin evaluate`` writes as JSON.
    """
    predicted = known(gold, align(gold, predicted))
    report: dict[str, Any] = {"sentences": len(gold)}
    per_label = {}
    if "types" in layers:
        events = label_counts([g.types for g in gold], [[e.type.name for e in p.events] for p in predicted])
        per_label["type"] = events
        frequent = frequent_macro_f1(events)
        report |= {
            "event_micro_f1": round(micro(events).f1, 4),
            "event_macro_f1": round(macro_f1(events), 4),
            "event_weighted_f1": round(weighted_f1(events), 4),
            "event_frequent_macro_f1": None if frequent is None else round(frequent, 4),
        }
        if rows := fully_typed(gold):
            report |= _of_primary_types([gold[i] for i in rows], [predicted[i] for i in rows])
    for name, layer in SPAN_LAYERS.items():
        if layer in layers:
            sides = [getattr(g, layer) for g in gold], [getattr(p, layer) for p in predicted]
            per_label[name] = span_counts(*sides)
            report[f"{name}_f1"] = round(micro(per_label[name]).f1, 4)
            report[f"{name}_overlap_f1"] = round(micro(overlap_span_counts(*sides)).f1, 4)
    if details:
        for name, counts in per_label.items():
            report[f"per_{name}"] = {label: c.to_dict() for label, c in counts.items()}
        report["per_language"] = {}
        for lang in sorted({g.lang for g in gold}):
            rows = [i for i, g in enumerate(gold) if g.lang == lang]
            report["per_language"][lang] = score(
                [gold[i] for i in rows], [predicted[i] for i in rows], layers=layers, details=False
            )
    return report


def _of_primary_types(gold: Sequence[LabelledSentence], predicted: Sequence[Prediction]) -> dict[str, float]:
    # F1 of the primary types alone is what is stated of corpora with one label a text, as ACLED's.
    first = label_counts([g.types[:1] for g in gold], [[p.primary] if p.primary else [] for p in predicted])
    return {
        "primary_accuracy": round(primary_accuracy(gold, predicted), 4),
        "primary_weighted_f1": round(weighted_f1(first), 4),
        "primary_macro_f1": round(macro_f1(first), 4),
    }
