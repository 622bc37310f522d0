"""Metrics as pure functions of gold and predicted labels; reporting stands in :mod:`tocsin.evaluate.report`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from tocsin.data.records import LabelledSentence, Prediction, Span

FREQUENT = 5  # F1 over fewer examples of a type says little


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


def weighted_f1(per_label: Mapping[str, Counts]) -> float:
    """Mean F1 over the labels, each weighted by how often it is gold; 0 if none is."""
    total = sum(counts.gold for counts in per_label.values())
    return sum(counts.f1 * counts.gold for counts in per_label.values()) / total if total else 0.0


def frequent_macro_f1(per_label: Mapping[str, Counts]) -> float | None:
    """Mean F1 over the labels that are gold in :data:`FREQUENT` sentences or more; ``None`` if no label is."""
    frequent = {label: counts for label, counts in per_label.items() if counts.gold >= FREQUENT}
    return macro_f1(frequent) if frequent else None


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


def overlap_span_counts(gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]) -> dict[str, Counts]:
    """Lenient counts per label: a predicted span counts when a gold span of its label shares a character with it.

    One gold span answers for one predicted span: as many pairs are made as can be.
    """
    per_label: dict[str, Counts] = {}
    for true, said in zip(gold, predicted, strict=True):
        for label in sorted({span.label for span in (*true, *said)}):
            sides = [{(span.start, span.end) for span in side if span.label == label} for side in (true, said)]
            counts = Counts(overlapping_pairs(*sides), len(sides[1]), len(sides[0]))
            per_label[label] = micro({"before": per_label[label], "here": counts}) if label in per_label else counts
    return dict(sorted(per_label.items()))


def overlapping_pairs(one: Collection[tuple[int, int]], other: Collection[tuple[int, int]]) -> int:
    """The most pairs of half-open intervals, one of each side and each used once, that share a point."""
    left = sorted((end, start, side) for side, spans in enumerate((one, other)) for start, end in spans)
    pairs = 0
    while left:
        # Whatever overlaps the interval that ends first holds its last point. Of these the one that ends first is the
        # hardest to pair otherwise: any other pairing can be exchanged for this one.
        end, _, side = left.pop(0)
        partner = next((interval for interval in left if interval[2] != side and interval[1] < end), None)
        if partner is not None:
            left.remove(partner)
            pairs += 1
    return pairs


def fully_typed(gold: Sequence[LabelledSentence]) -> list[int]:
    """Places of the sentences whose types are all known: of the others no primary type can be called right or wrong."""
    return [i for i, sentence in enumerate(gold) if sentence.annotated.types is None]


def primary_accuracy(gold: Sequence[LabelledSentence], predicted: Sequence[Prediction]) -> float:
    """Share of sentences whose primary type (or its absence) is predicted."""
    right = sum((g.types[0] if g.types else None) == p.primary for g, p in zip(gold, predicted, strict=True))
    return right / len(gold) if gold else 0.0


def primary_confusion(
    gold: Sequence[LabelledSentence], predicted: Sequence[Prediction]
) -> tuple[list[str], list[list[int]]]:
    """(labels, counts): how often a sentence of the row's primary type gets the column's; the last label is "none"."""
    pairs = Counter((g.types[0] if g.types else None, p.primary) for g, p in zip(gold, predicted, strict=True))
    named: list[str | None] = [*sorted({name for pair in pairs for name in pair if name}), None]
    return [name or "none" for name in named], [[pairs[row, column] for column in named] for row in named]


def known(gold: Sequence[LabelledSentence], predicted: Sequence[Prediction]) -> list[Prediction]:
    """The predictions without the labels that their sentence's annotators did not look for, which are neither right
    nor wrong."""
    kept = []
    for sentence, prediction in zip(gold, predicted, strict=True):
        types, entities, roles = (getattr(sentence.annotated, layer) for layer in ("types", "entities", "roles"))
        if types is not None:
            events = tuple(event for event in prediction.events if event.type.name in types)
            prediction = replace(prediction, events=events)
        if entities is not None:
            spans = tuple(span for span in prediction.entities if span.label in entities)
            prediction = replace(prediction, entities=spans)
        if roles is not None:
            prediction = replace(prediction, roles=tuple(span for span in prediction.roles if span.label in roles))
        kept.append(prediction)
    return kept


def align(gold: Sequence[LabelledSentence], predicted: Sequence[Prediction]) -> list[Prediction]:
    """The predictions in gold order; raises :class:`MismatchError` if the ids differ in any way."""
    by_id = {prediction.id: prediction for prediction in predicted}
    missing = [g.id for g in gold if g.id not in by_id]
    if missing or len(by_id) != len(predicted) or len(predicted) != len(gold):
        example = f", {missing[0]!r} has no prediction" if missing else ""
        raise MismatchError(f"{len(gold)} gold and {len(predicted)} predicted sentences{example}")
    return [by_id[g.id] for g in gold]
