"""All figures of one system on one set of labelled sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tocsin.data.records import LabelledSentence, Prediction
from tocsin.evaluate.metrics import align, label_counts, macro_f1, micro, primary_accuracy, span_counts


def score(
    gold: Sequence[LabelledSentence], predicted: Sequence[Prediction], *, spans: bool = True, details: bool = True
) -> dict[str, Any]:
    """Event, entity and role figures, with ``details`` also per type, label and language.

    ``spans``: False for a system that predicts none. The result is what ``tocsin evaluate`` writes as JSON.
    """
    predicted = align(gold, predicted)
    events = label_counts([g.types for g in gold], [[e.type.name for e in p.events] for p in predicted])
    report: dict[str, Any] = {
        "sentences": len(gold),
        "event_micro_f1": round(micro(events).f1, 4),
        "event_macro_f1": round(macro_f1(events), 4),
        "primary_accuracy": round(primary_accuracy(gold, predicted), 4),
    }
    layers = {}
    if spans:
        layers = {
            "entity": span_counts([g.entities for g in gold], [p.entities for p in predicted]),
            "role": span_counts([g.roles for g in gold], [p.roles for p in predicted]),
        }
        report |= {f"{layer}_f1": round(micro(counts).f1, 4) for layer, counts in layers.items()}
    if details:
        report["per_type"] = {name: counts.to_dict() for name, counts in events.items()}
        for layer, counts in layers.items():
            report[f"per_{layer}"] = {label: c.to_dict() for label, c in counts.items()}
        report["per_language"] = {}
        for lang in sorted({g.lang for g in gold}):
            rows = [i for i, g in enumerate(gold) if g.lang == lang]
            report["per_language"][lang] = score(
                [gold[i] for i in rows], [predicted[i] for i in rows], spans=spans, details=False
            )
    return report
