"""What training on a user's own sentences changed: the model before and after, on the same dev parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.data.records import LabelledSentence
from tocsin.evaluate.scores import score
from tocsin.model.pipeline import Pipeline

_LAYERS = {"entity_f1": "entities", "role_f1": "roles"}


def before_and_after(
    before: Pipeline, after: Pipeline, parts: Mapping[str, Sequence[LabelledSentence]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Part -> "before" and "after" -> figures as :func:`score` gives them, without those of spans in a part where none
    were labelled. Parts without sentences are left out."""
    results: dict[str, dict[str, dict[str, Any]]] = {}
    for part, gold in parts.items():
        unlabelled = [
            figure
            for figure, layer in _LAYERS.items()
            if all(getattr(sentence.annotated, layer) == frozenset() for sentence in gold)
        ]
        for name, pipeline in (("before", before), ("after", after)):
            if gold:
                figures = score(gold, pipeline.predict_labelled(gold))
                shown = {figure: value for figure, value in figures.items() if figure not in unlabelled}
                results.setdefault(part, {})[name] = shown
    return results
