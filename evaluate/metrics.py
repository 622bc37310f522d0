"""Metrics as pure functions of gold and predicted labels; reporting stands in :mod:`tocsin.evaluate.report`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tocsin.data.records import LabelledSentence, Prediction, Span


class MismatchError(ValueError):
    """Gold and predictions do not speak of the same sentences."""


@dataclass(frozen=True)
class Counts:
    """True positives, predicted and gold positives; their precision, recall and F1 in [0, 1] (0 where undefined)."""

    correct: int
    predicted: int
    gold: int

    @property
    def precision(self) -> float:
        return self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        return self.correct / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        total = self.predicted + self.gold
        return 2 * self.correct / total if total else 0.0

    def to_dict(self) -> dict[str, float]:
        figures = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {name: round(value, 4) for name, value in figures.items()} | {"support": self.gold}


def micro(per_label: Mapping[str, Counts]) -> Counts:
    """All labels' counts added up."""
    values = per_label.values()
    return Counts(sum(c.correct for c in values), sum(c.predicted for c in values), sum(c.gold for c in values))


def macro_f1(per_label: Mapping[str, Counts]) -> float:
    """Mean F1 over the labels that occur in gold or prediction; 0 if none does."""
    values = [counts.f1 for counts in per_label.values() if counts.gold or counts.predicted]
    return sum(values) / len(values) if values else 0.0


def label_counts(gold: Sequence[Collection[str]], predicted: Sequence[Collection[str]]) -> dict[str, Counts]:
    """Counts per label of multi-label classification; one collection of labels a sentence."""
    if len(gold) != len(predicted):
        raise MismatchError(f"{len(gold)} gold and {len(predicted)} predicted sentences")
    correct: Counter[str] = Counter()
    in_gold: Counter[str] = Counter()
    in_predicted: Counter[str] = Counter()
    for true, said in zip(gold, predicted, strict=True):
        correct.update(set(true) & set(said))
        in_gold.update(set(true))
        in_predicted.update(set(said))
    return {
        name: Counts(correct[name], in_predicted[name], in_gold[name]) for name in sorted(in_gold.keys() | in_predicted)
    }


def span_counts(gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]) -> dict[str, Counts]:
    """Strict counts per label: a span counts when start, end and label agree (seqeval's strict mode)."""
    return _by_label(
        label_counts(*([[f"{s.label}\t{s.start}\t{s.end}\t{i}" for s in spans] for i, spans in enumerate(side)]
                       for side in (gold, predicted)))
    )  # fmt: skip


def _by_label(exact: Mapping[str, Counts]) -> dict[str, Counts]:
    per_label: dict[str, Counts] = {}
    for key, counts in exact.items():
        label = key.split("\t")[0]
        before = per_label.get(label, Counts(0, 0, 0))
        per_label[label] = Counts(
            before.correct + counts.correct, before.predicted + counts.predicted, before.gold + counts.gold
        )
    return dict(sorted(per_label.items()))


def primary_accuracy(gold: Sequence[LabelledSentence], predicted: Sequence[Prediction]) -> float:
    """Share of sentences whose primary type (or its absence) is predicted."""
    right = sum((g.types[0] if g.types else None) == p.primary for g, p in zip(gold, predicted, strict=True))
    return right / len(gold) if gold else 0.0


def align(gold: Sequence[LabelledSentence], predicted: Sequence[Prediction]) -> list[Prediction]:
    """The predictions in gold order; raises :class:`MismatchError` if the ids differ in any way."""
    by_id = {prediction.id: prediction for prediction in predicted}
    missing = [g.id for g in gold if g.id not in by_id]
    if missing or len(by_id) != len(predicted) or len(predicted) != len(gold):
        example = f", {missing[0]!r} has no prediction" if missing else ""
        raise MismatchError(f"{len(gold)} gold and {len(predicted)} predicted sentences{example}")
    return [by_id[g.id] for g in gold]
