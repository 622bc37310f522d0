"""Persons, organizations and locations on the dev parts of public corpora that annotate them in full."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from tocsin.data.adapters import load_public
from tocsin.data.records import LabelledSentence
from tocsin.evaluate.metrics import micro, span_counts
from tocsin.model.pipeline import Pipeline

CORPORA = ("uner", "wikinews_ner_fr")


def score_public_entities(pipeline: Pipeline, datasets: Path, split: str = "dev") -> dict[str, Any]:
    """ "CORPUS LANGUAGE" -> strict micro-F1 and per label, of the labels that the corpus annotates; all else that the
    model marks is not counted. Raises ``DatasetError``."""
    parts: dict[str, list[LabelledSentence]] = defaultdict(list)
    for corpus in CORPORA:
        for sentence in load_public(corpus, split, datasets):
            parts[f"{corpus} {sentence.lang}"].append(sentence)
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
