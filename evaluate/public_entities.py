"""Persons, organizations and locations on the dev parts of public corpora that annotate them in full."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tocsin.data.adapters import load_public
from tocsin.data.records import LabelledSentence
from tocsin.evaluate.metrics import micro, span_counts
from tocsin.model.pipeline import Pipeline

CORPORA = ("uner", "wikinews_ner_fr")


def public_entities(datasets: Path) -> dict[str, list[LabelledSentence]]:
    """ "CORPUS LANGUAGE" -> the sentences of its dev part; raises ``DatasetError``."""
    parts: dict[str, list[LabelledSentence]] = defaultdict(list)
    for corpus in CORPORA:
        for sentence in load_public(corpus, "dev", datasets):
            parts[f"{corpus} {sentence.lang}"].append(sentence)
    return parts


def score_public_entities(pipeline: Pipeline, parts: Mapping[str, Sequence[LabelledSentence]]) -> dict[str, Any]:
    """Part -> strict micro-F1 and per label, of the labels that its corpus annotates; all else that the model marks is
    not counted."""
    results = {}
    for name, gold in sorted(parts.items()):
        labels = gold[0].annotated.entities or frozenset()
        predicted = [
            [span for span in prediction.entities if span.label in labels]
            for prediction in pipeline.predict_labelled(gold)
        ]
        counts = span_counts([sentence.entities for sentence in gold], predicted)
        results[name] = {
            "sentences": len(gold),
            "entity_f1": round(micro(counts).f1, 4),
            "per_label": {label: c.to_dict() for label, c in counts.items()},
        }
    return results
