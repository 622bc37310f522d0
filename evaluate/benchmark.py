"""One system on one suite: its predictions, everything that is measured on them, and the result written of it."""

from __future__ import annotations

import json
import platform
from collections.abc import Collection, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.data.records import Annotated, LabelledSentence, Prediction
from tocsin.evaluate.bootstrap import intervals
from tocsin.evaluate.calibration import calibration_figures
from tocsin.evaluate.candidates import Candidate
from tocsin.evaluate.metrics import align, fully_typed, known, primary_confusion
from tocsin.evaluate.ranking import coverage_risk, mean_average_precision
from tocsin.evaluate.result_file import FORMAT, PREDICTIONS, read_result
from tocsin.evaluate.scores import LAYERS, score
from tocsin.evaluate.suites import Suite
from tocsin.model.pipeline import available_cores

_PACKAGES = (
    "tocsin", "numpy", "onnxruntime", "tokenizers", "scikit-learn", "scipy", "torch", "transformers", "spacy", "setfit",
    "span-marker", "gliner", "gliner2",
)  # fmt: skip


def is_current(path: Path, candidate: Candidate, suite: Suite) -> bool:
    """Whether the file holds the whole result of this revision of the system on this revision of the suite."""
    try:
        result = read_result(path)
        with path.with_suffix(PREDICTIONS).open(encoding="utf-8") as file:
            lines = sum(1 for _ in file)
    except (OSError, ValueError):
        return False
    found = (result["system"]["revision"], result["suite"]["revision"], lines)
    return found == (candidate.revision, suite.revision, len(suite.gold))


def run_one(candidate: Candidate, suite: Suite, path: Path) -> dict[str, Any]:
    """Predicts, scores and measures, and writes the result to ``path`` and the predictions beside it.

    The result is written last: where it is, all is there. Raises ``MismatchError`` if the system does not answer for
    every sentence of the suite and for no other.
    """
    candidate.prepare()
    predicted = align(suite.gold, candidate.predict(suite))
    result = build_result(candidate, suite, predicted, candidate.cost(suite))
    path.unlink(missing_ok=True)
    lines = (json.dumps(line, ensure_ascii=False) + "\n" for line in prediction_lines(suite.gold, predicted))
    _write(path.with_suffix(PREDICTIONS), "".join(lines))
    parts = (f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in result.items())
    _write(path, "{\n" + ",\n".join(parts) + "\n}\n")  # a part a line: indented, a result has thousands
    return result


def build_result(
    candidate: Candidate, suite: Suite, predicted: Sequence[Prediction], cost: dict[str, float | None]
) -> dict[str, Any]:
    """Everything that is told of a system on a suite; ``predicted`` stands in the order of the suite."""
    layers = [layer for layer in suite.layers if layer in candidate.layers]
    system: dict[str, Any] = {"name": candidate.name, "kind": candidate.kind, "revision": candidate.revision}
    system["layers"] = [layer for layer in LAYERS if layer in candidate.layers]
    # Where a folder lies on one machine is nobody's business.
    system["made_with"] = {
        key: Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
        for key, value in candidate.made_with.items()
    }
    return {
        "format": FORMAT,
        "system": system,
        "suite": suite.to_dict(),
        "figures": score(suite.gold, predicted, layers=layers) | _average_precision(suite.gold, predicted, layers),
        "intervals": intervals(suite.gold, predicted, layers),
        **_of_primary_types(suite.gold, known(suite.gold, predicted), layers),
        "per_language_per_type": _types_by_language(suite.gold, predicted) if "types" in layers else {},
        "cost": cost,
        "environment": environment(candidate.seed),
    }


def prediction_lines(gold: Sequence[LabelledSentence], predicted: Sequence[Prediction]) -> list[dict[str, Any]]:
    """One entry a sentence with gold and predicted labels, and what was looked for where that is not all."""
    lines = []
    for sentence, prediction in zip(gold, predicted, strict=True):
        line: dict[str, Any] = {
            "id": sentence.id,
            "lang": sentence.lang,
            "text": sentence.text,
            "gold": {
                "types": list(sentence.types),
                "entities": [span.to_dict() for span in sentence.entities],
                "roles": [span.to_dict() for span in sentence.roles],
            },
            "predicted": {
                "types": [{"type": event.type.name, "score": round(event.score, 4)} for event in prediction.events],
                "entities": [span.to_dict() for span in prediction.entities],
                "roles": [span.to_dict() for span in prediction.roles],
            },
        }
        if sentence.annotated != Annotated():
            line["annotated"] = sentence.annotated.to_dict()
        lines.append(line)
    return lines


def environment(seed: int) -> dict[str, Any]:
    """What the figures were computed with."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "versions": versions,
        "machine": _machine(),
        "cores": available_cores(),
        "seed": seed,
        "date": date.today().isoformat(),
    }


def _machine() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # Linux alone has it
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _matrices(
    gold: Sequence[LabelledSentence], predicted: Sequence[Prediction]
) -> tuple[list[str], NDArray[np.bool_], NDArray[np.float64]]:
    # A code that no type of ours stands for has a gold label but no probability: it is never stated.
    names = sorted({*(name for g in gold for name in g.types), *(name for p in predicted for name in p.scores or ())})
    labels = np.array([[name in sentence.types for name in names] for sentence in gold])
    scores = np.array([[(prediction.scores or {}).get(name, 0.0) for name in names] for prediction in predicted])
    return names, labels, scores


def _average_precision(
    gold: Sequence[LabelledSentence], predicted: Sequence[Prediction], layers: Collection[str]
) -> dict[str, float | None]:
    if "types" not in layers:
        return {}
    if any(prediction.scores is None for prediction in predicted):
        return {"average_precision": None}
    names, labels, scores = _matrices(gold, predicted)
    looked_for = np.array(
        [[s.annotated.types is None or name in s.annotated.types for name in names] for s in gold], dtype=bool
    )
    value = mean_average_precision(labels, scores, looked_for)
    return {"average_precision": None if value is None else round(value, 4)}


def _of_primary_types(
    gold: Sequence[LabelledSentence], predicted: Sequence[Prediction], layers: Collection[str]
) -> dict[str, Any]:
    """ "calibration", "coverage" and "confusion", of the sentences whose types are all known; ``None`` for none."""
    rows = fully_typed(gold) if "types" in layers else []
    told: dict[str, Any] = {"calibration": None, "coverage": None, "confusion": None}
    if not rows:
        return told
    gold, predicted = [gold[i] for i in rows], [predicted[i] for i in rows]
    labels, counts = primary_confusion(gold, predicted)
    told["confusion"] = {"labels": labels, "counts": counts}
    if any(prediction.scores is None for prediction in predicted):
        return told
    _, types, probabilities = _matrices(gold, predicted)
    told["calibration"] = calibration_figures(probabilities, types)
    # That there is no event is as sure as the surest type is unlikely.
    sure = [p.events[0].score if p.events else 1 - float(row.max()) for p, row in zip(predicted, probabilities)]
    right = [p.primary == (g.types[0] if g.types else None) for g, p in zip(gold, predicted)]
    told["coverage"] = coverage_risk(np.array(sure), np.array(right))
    return told


def _types_by_language(
    gold: Sequence[LabelledSentence], predicted: Sequence[Prediction]
) -> dict[str, dict[str, dict[str, float]]]:
    found = {}
    for lang in sorted({sentence.lang for sentence in gold}):
        rows = [i for i, sentence in enumerate(gold) if sentence.lang == lang]
        figures = score([gold[i] for i in rows], [predicted[i] for i in rows], layers=["types"])["per_type"]
        found[lang] = {name: {"f1": entry["f1"], "support": entry["support"]} for name, entry in figures.items()}
    return found


def _write(path: Path, text: str) -> None:
    # Never half a file under this name.
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
