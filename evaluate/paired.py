"""Two systems on the same suite: do they differ (paired bootstrap, Efron and Tibshirani 1993), and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tocsin.evaluate.bootstrap import (
    Counts,
    Floats,
    Interval,
    counts_by_label,
    counts_by_sentence,
    f1,
    macro_f1,
    percentiles,
    resample,
)
from tocsin.evaluate.metrics import MismatchError
from tocsin.evaluate.report import escaped, markdown_table
from tocsin.evaluate.result_file import PREDICTIONS, read_lines, read_result
from tocsin.evaluate.scores import LAYERS

_RESAMPLES = 5000
_TITLES = {"types": "event micro-F1", "entities": "entity F1", "roles": "role F1"}

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """A figure of both systems, in [0, 1] and rounded as in their results; ``difference`` is the other's minus the
    one's, with its 95 % interval and the two-sided p of there being none."""

    figure: str
    one: float
    other: float
    interval: Interval
    p: float

    @property
    def difference(self) -> float:
        return self.other - self.one


@dataclass(frozen=True)
class Decision:
    """A sentence on which two systems do not make the same number of errors. ``gains``: by layer, how many errors
    (missing and wrong labels) the other one makes fewer."""

    one: Line
    other: Line
    gains: Mapping[str, int]

    @property
    def gain(self) -> int:
        return sum(self.gains.values())


@dataclass(frozen=True)
class Comparison:
    """Two systems on a suite. ``decisions``: the sentences that decide it, the largest gain or loss first."""

    one: str
    other: str
    suite: str
    sentences: int
    layers: Sequence[str]
    differences: Sequence[Difference]
    decisions: Sequence[Decision]


def compare_results(one: Path, other: Path) -> Comparison:
    """Compares two result files by the predictions beside them.

    Raises ``ResultError`` for a file that is missing or is none, ``MismatchError`` if the suites, or the sentences
    of the predictions, are not the same.
    """
    results = read_result(one), read_result(other)
    suites = [result["suite"] for result in results]
    if suites[0]["revision"] != suites[1]["revision"]:
        raise MismatchError(
            f"{one} and {other} are not of the same suite: {suites[0]['name']} ({suites[0]['revision']}) and "
            f"{suites[1]['name']} ({suites[1]['revision']})"
        )
    lines = [read_lines(path.with_suffix(PREDICTIONS), result) for path, result in zip((one, other), results)]
    ids = [[line["id"] for line in side] for side in lines]
    if ids[0] != ids[1]:
        raise MismatchError(f"the predictions of {one} and {other} are not of the same sentences")
    layers = [
        layer
        for layer in LAYERS
        if layer in suites[0]["layers"] and all(layer in result["system"]["layers"] for result in results)
    ]
    if not layers:
        raise MismatchError(f"{one} and {other} predict no layer in common")
    differences: list[Difference] = []
    fewer_errors: dict[str, Counts] = {}
    for layer in layers:
        gold = [_labels(line, "gold", layer) for line in lines[0]]
        said = [[_labels(line, "predicted", layer) for line in side] for side in lines]
        a, b = (counts_by_sentence(gold, side) for side in said)
        differences.append(paired_difference(_TITLES[layer], a, b, f1))
        if layer == "types":
            names = sorted({name for side in (gold, *said) for labels in side for name in labels})
            by_label = [counts_by_label(gold, side, names=names) for side in said]
            differences.append(paired_difference("event macro-F1", by_label[0], by_label[1], macro_f1))
        fewer_errors[layer] = _errors(a) - _errors(b)
    decisions = []
    for i, (ours, theirs) in enumerate(zip(*lines)):
        gains = {layer: int(fewer[i]) for layer, fewer in fewer_errors.items()}
        if any(gains.values()):
            decisions.append(Decision(ours, theirs, gains))
    decisions.sort(key=lambda decision: -abs(decision.gain))
    systems = [result["system"] for result in results]
    names = [system["name"] for system in systems]
    if names[0] == names[1]:  # of two folders: an earlier and a later state
        names = [f"{system['name']} ({system['revision'][:6]})" for system in systems]
    return Comparison(names[0], names[1], suites[0]["name"], len(ids[0]), layers, differences, decisions)


def paired_difference(figure: str, one: Counts, other: Counts, statistic: Callable[[Floats], Floats]) -> Difference:
    """The difference of a figure between two systems: both are resampled by the same draws of sentences.

    ``one``, ``other``: (sentences, ...) counts; ``statistic``: the figure of each of (resamples, ...) sums of them.
    """
    a, b = (round(float(statistic(counts.sum(0, keepdims=True).astype(np.float64))[0]), 4) for counts in (one, other))
    drawn = statistic(resample(other, _RESAMPLES)) - statistic(resample(one, _RESAMPLES))
    tail = min(float((drawn <= 0).mean()), float((drawn >= 0).mean()))
    return Difference(figure, a, b, percentiles(drawn), min(1.0, max(2 * tail, 1 / _RESAMPLES)))


def comparison_page(comparison: Comparison, shown: int) -> str:
    """The comparison as Markdown, with ``shown`` of the sentences that decide it."""
    one, other = escaped(comparison.one), escaped(comparison.other)
    rows = [
        [
            difference.figure,
            f"{100 * difference.one:.1f}",
            f"{100 * difference.other:.1f}",
            f"{100 * difference.difference:+.1f}",
            " to ".join(f"{100 * edge:+.1f}" for edge in difference.interval),
            f"{difference.p:.4f}" if difference.p > 1 / _RESAMPLES else f"< {2 / _RESAMPLES:.4f}",
        ]
        for difference in comparison.differences
    ]
    decisions = comparison.decisions
    better = sum(decision.gain > 0 for decision in decisions)
    worse = sum(decision.gain < 0 for decision in decisions)
    parts = [
        f"# {one} and {other} on {escaped(comparison.suite)}",
        f"{comparison.sentences:,} sentences, percent. Difference: {other} − {one}, with 95 % interval and two-sided p "
        f"of a paired bootstrap ({_RESAMPLES:,} resamples of sentences). Spans are strict.",
        markdown_table(["", one, other, "difference", "95 % interval", "p"], rows),
        f"## Sentences that decide it\n\n{len(decisions):,} sentences have another number of errors (labels that are "
        f"missing or wrong): fewer with {other} in {better:,}, with {one} in {worse:,}. The largest differences first.",
    ]
    for decision in decisions[:shown]:
        winner = other if decision.gain > 0 else one if decision.gain < 0 else "neither"
        gains = ", ".join(f"{layer} {gain:+d}" for layer, gain in decision.gains.items() if gain)
        line = decision.one
        cells = [["gold", *_cells(line, "gold", comparison.layers)]]
        cells += [
            [name, *_cells(side, "predicted", comparison.layers)]
            for name, side in ((one, line), (other, decision.other))
        ]
        head = f"### {escaped(line['id'])} ({line['lang']}): better with {winner}; errors fewer with {other}: {gains}"
        parts.append(f"{head}\n\n> {escaped(line['text'])}\n\n{markdown_table(['', *comparison.layers], cells)}")
    return "\n\n".join(parts) + "\n"


def _errors(counts: Counts) -> Counts:
    errors: Counts = counts[:, 1] + counts[:, 2] - 2 * counts[:, 0]  # predicted or gold, but not both
    return errors


def _labels(line: Line, side: str, layer: str) -> list[Any]:
    """What counts of a layer: names of types, or (start, end, label) of spans; nothing that was not looked for."""
    looked_for = line.get("annotated", {}).get(layer)
    labels = line[side][layer]
    if layer == "types":
        names = [label if isinstance(label, str) else label["type"] for label in labels]
        return [name for name in names if looked_for is None or name in looked_for]
    return [
        (span["start"], span["end"], span["label"])
        for span in labels
        if looked_for is None or span["label"] in looked_for
    ]


def _cells(line: Line, side: str, layers: Sequence[str]) -> list[str]:
    cells = []
    for layer in layers:
        labels = _labels(line, side, layer)
        if layer == "types":
            cells.append(", ".join(labels) or "–")
        else:
            cells.append("; ".join(f"{label}: {line['text'][s:e]}" for s, e, label in sorted(labels)) or "–")
    return [escaped(cell) for cell in cells]
