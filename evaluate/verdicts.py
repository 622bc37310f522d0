"""What is wrong with a prediction, label by label: the kinds of error that a reader of a result can ask for.

Spans and events are dicts as they stand in a result's predictions file. A predicted label that the annotators did not
look for is "unknown": neither right nor an error.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

# Of a gold label: right or missed. Of a predicted one: right, extra or unknown. Of a span on either side also: another
# label at the same place, or the same label at a place that only overlaps.
RIGHT, MISSED, EXTRA, LABEL, BOUNDARY, UNKNOWN = "right", "missed", "extra", "label", "boundary", "unknown"

KINDS = {
    "type missed": "A type of the gold labels is not predicted",
    "type extra": "A predicted type is not in the gold labels",
    "primary wrong": "The first type, or that there is none, differs",
    **{
        f"{layer} {kind}": text
        for layer in ("entity", "role")
        for kind, text in (
            (MISSED, "A gold span is not predicted at all"),
            (EXTRA, "A predicted span is not in the gold labels at all"),
            (LABEL, "The right place with the wrong label"),
            (BOUNDARY, "The right label, but the span begins or ends elsewhere"),
        )
    },
}


def type_verdicts(
    gold: Sequence[str], predicted: Sequence[str], annotated: Collection[str] | None = None
) -> tuple[list[str], list[str]]:
    """Verdict on each gold and on each predicted type; ``annotated``: the types looked for, ``None`` for all."""
    return (
        [RIGHT if name in predicted else MISSED for name in gold],
        [
            UNKNOWN if annotated is not None and name not in annotated else RIGHT if name in gold else EXTRA
            for name in predicted
        ],
    )


def span_verdicts(
    gold: Sequence[Mapping[str, Any]],
    predicted: Sequence[Mapping[str, Any]],
    annotated: Collection[str] | None = None,
) -> tuple[list[str], list[str]]:
    """Verdict on each gold and on each predicted span; ``annotated`` as in :func:`type_verdicts`."""
    known = [span for span in predicted if annotated is None or span["label"] in annotated]
    return (
        [_verdict(span, known, MISSED) for span in gold],
        [_verdict(span, gold, EXTRA) if span in known else UNKNOWN for span in predicted],
    )


def _verdict(span: Mapping[str, Any], others: Sequence[Mapping[str, Any]], alone: str) -> str:
    place = (span["start"], span["end"])
    same_place = [other["label"] for other in others if (other["start"], other["end"]) == place]
    if span["label"] in same_place:
        return RIGHT
    if same_place:
        return LABEL
    overlaps = any(
        other["label"] == span["label"] and other["start"] < span["end"] and span["start"] < other["end"]
        for other in others
    )
    return BOUNDARY if overlaps else alone


def judge(line: Mapping[str, Any], layers: Collection[str] = ("types", "entities", "roles")) -> dict[str, Any]:
    """Verdicts on one line of a predictions file and the :data:`KINDS` of error in it.

    ``layers``: those that the system predicts; it makes no error in another. Where some types were not looked for, the
    primary type is neither right nor wrong, as in :func:`tocsin.evaluate.scores.score`. The result has "gold" and
    "predicted", each with the verdicts of "types", "entities" and "roles", and "kinds".
    """
    gold, predicted, annotated = line["gold"], line["predicted"], line.get("annotated") or {}
    said = [event["type"] for event in predicted["types"]]
    verdicts = {"types": type_verdicts(gold["types"], said, annotated.get("types"))}
    for layer in ("entities", "roles"):
        verdicts[layer] = span_verdicts(gold[layer], predicted[layer], annotated.get(layer))
    found = set()
    if "types" in layers and annotated.get("types") is None and gold["types"][:1] != said[:1]:
        found.add("primary wrong")
    for layer, name in (("types", "type"), ("entities", "entity"), ("roles", "role")):
        if layer in layers:
            found |= {f"{name} {verdict}" for side in verdicts[layer] for verdict in side}
    return {
        "gold": {layer: sides[0] for layer, sides in verdicts.items()},
        "predicted": {layer: sides[1] for layer, sides in verdicts.items()},
        "kinds": [kind for kind in KINDS if kind in found],
    }
