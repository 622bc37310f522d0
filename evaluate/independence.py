"""Whether what a model says of a sentence depends on which other sentences share its batch."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tocsin.data.records import LabelledSentence, Prediction
from tocsin.model.pipeline import Pipeline


@dataclass(frozen=True)
class Dependence:
    """``scores``: the largest difference of an event type's probability, or of the score of a span that is always
    found; ``spans``: sentences whose spans are not always the same."""

    scores: float
    spans: int


def dependence(pipeline: Pipeline, sentences: Sequence[LabelledSentence], sizes: Sequence[int] = (8, 64)) -> Dependence:
    """Compares each sentence alone with the same in batches of these sizes, sorted by length and shuffled."""
    alone = _OneBatch(pipeline.engine, pipeline.tokenizer, pipeline.settings)
    by_length = sorted(sentences, key=lambda sentence: len(sentence.text))
    shuffled = random.Random(0).sample(by_length, len(by_length))
    first = _predicted(alone, sentences, 1)
    scores, differing = 0.0, set()
    for order in (by_length, shuffled):
        for size in sizes:
            for id, prediction in _predicted(alone, order, size).items():
                ours, theirs = _scores(prediction), _scores(first[id])
                scores = max(scores, *(abs(ours[key] - theirs[key]) for key in ours.keys() & theirs.keys()))
                if ours.keys() != theirs.keys():
                    differing.add(id)
    return Dependence(scores, len(differing))


class _OneBatch(Pipeline):
    """What is predicted at once is one batch, whatever the pipeline would put together."""

    @staticmethod
    def _batches(windows: list[Any]) -> Iterator[list[Any]]:
        yield windows


def _predicted(pipeline: Pipeline, order: Sequence[LabelledSentence], size: int) -> dict[str, Prediction]:
    parts = (order[start : start + size] for start in range(0, len(order), size))
    return {p.id: p for part in parts for p in pipeline.predict_labelled(part, all_scores=True)}


def _scores(prediction: Prediction) -> dict[tuple[object, ...], float]:
    # Of event types by name, of spans by layer, place and label.
    found: dict[tuple[object, ...], float] = {(name,): score for name, score in (prediction.scores or {}).items()}
    for layer, spans in (("entity", prediction.entities), ("role", prediction.roles)):
        found.update({(layer, s.start, s.end, s.label): s.score or 0.0 for s in spans})
    return found
