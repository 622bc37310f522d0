"""What each choice in training brings: runs that differ in one thing, scored on real-news dev with intervals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tocsin.data.records import LabelledSentence, Prediction
from tocsin.evaluate.bootstrap import intervals
from tocsin.evaluate.report import markdown_table, percent_with_interval
from tocsin.evaluate.scores import score
from tocsin.evaluate.thresholds import best_threshold, reported, scores_of, type_matrix
from tocsin.model.pipeline import Pipeline

FIGURES = ("event_micro_f1", "event_macro_f1", "entity_f1", "role_f1")


def score_cross_fitted(pipeline: Pipeline, gold: Sequence[LabelledSentence]) -> dict[str, Any]:
    """Figures on ``gold`` with intervals; each half's threshold is the one that is best on the other half.

    So runs whose probabilities lie elsewhere are compared fairly, and no sentence is scored with a threshold that it
    helped to choose.
    """
    names = pipeline.settings.ontology.type_names
    predictions = pipeline.predict_labelled(gold, all_scores=True)
    probabilities = scores_of(predictions, names)
    types = type_matrix(gold, names)
    halves = [slice(half, None, 2) for half in (0, 1)]
    chosen: list[Prediction] = list(predictions)
    for ours, other in (halves, halves[::-1]):
        threshold = best_threshold(types[other], probabilities[other])
        chosen[ours] = [reported(p, pipeline.settings.ontology, threshold) for p in predictions[ours]]
    figures = score(gold, chosen)
    return {name: figures[name] for name in FIGURES} | {"scored": len(gold), "intervals": intervals(gold, chosen)}


def score_run(run: Path, gold: Sequence[LabelledSentence]) -> dict[str, Any]:
    """:func:`score_cross_fitted` of a trained run, with the recipe and the sources that its config states."""
    from tocsin.model.export import load_trained  # torch: who only writes the saved results' page shall not need it
    from tocsin.model.torch_engine import torch_pipeline

    model, tokenizer = load_trained(run)
    training = model.config.training
    stated = {key: training[key] for key in ("recipe", "sources", "sentences", "average_of") if key in training}
    return stated | score_cross_fitted(torch_pipeline(model, tokenizer), gold)


def ablation_page(results: Mapping[str, Mapping[str, Any]], control: str) -> str:
    """Markdown: each run's figures with their intervals, and what its recipe sets otherwise than the control's."""

    def changes(run: Mapping[str, Any]) -> str:
        if "average_of" in run:
            return f"mean of the weights of {', '.join(run['average_of'])}"
        base = results[control]["recipe"]
        changed = {k: v for k, v in run["recipe"].items() if k != "name" and v != base.get(k)}
        return ", ".join(f"`{key}` = {json.dumps(value)}" for key, value in changed.items()) or "–"

    figures = [[name, *(percent_with_interval(run, figure) for figure in FIGURES)] for name, run in results.items()]
    recipes = [[name, f"{run['sentences']['train']:,}", changes(run)] for name, run in results.items()]
    return f"""\
# What each choice in training brings

Real-news dev ({results[control]["scored"]} sentences), percent, with 95 % bootstrap intervals over sentences. The
threshold of each half of the sentences is the one that is best on the other half. This page is written by
`tocsin ablation` from `ablation.json`.

{markdown_table(["run", "event micro-F1", "event macro-F1", "entity F1", "role F1"], figures)}

What differs from *{control}* (full recipes: `train/recipes/ablation/`, and `ablation.json` as they were run):

{markdown_table(["run", "training sentences", "changed"], recipes)}
"""
