"""The page of a benchmark: what its result files hold, and the sentences with gold beside prediction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tocsin.data.ontology import Ontology
from tocsin.evaluate.leaderboard import COSTS, SCORES, by_suite
from tocsin.evaluate.page import label_names, render_page
from tocsin.evaluate.result_file import PREDICTIONS, ResultError, read_lines
from tocsin.evaluate.verdicts import KINDS, judge

_SPAN_LAYERS = ("entities", "roles")


def benchmark_page(results: Sequence[Mapping[str, Any]], folder: Path, ontology: Ontology) -> str:
    """The HTML page of :func:`tocsin.evaluate.leaderboard.read_results`, whose predictions lie in ``folder``.

    A result without ``SYSTEM@SUITE.predictions.jsonl`` has no sentences to show. Raises :class:`ResultError`.
    """
    names = label_names(ontology)
    names["groups"]["other"] = ""
    suites = []
    for name, ranked in by_suite(results).items():
        sentences: list[Any] | None = None
        rows = []
        for result in ranked:
            path = (folder / result["file"]).with_suffix(PREDICTIONS)
            layers = [layer for layer in result["system"]["layers"] if layer in result["suite"]["layers"]]
            judged = None
            if path.exists():
                lines = read_lines(path, result)
                own = [_sentence(line) for line in lines]
                if sentences is not None and own != sentences:
                    raise ResultError(f"{path}: other sentences or other gold labels than another system of {name}")
                sentences = own
                judged = [_judged(line, layers) for line in lines]
            rows.append({"result": result, "layers": layers, "judged": judged})
            for kind in result["figures"].get("per_type", ()):  # a suite may have another scheme's codes
                names["types"].setdefault(kind, {"group": "other", "definition": ""})
        suites.append({"name": name, "sentences": sentences, "systems": rows})
    data = {"suites": suites, "scores": SCORES, "costs": COSTS, "kinds": KINDS}
    try:
        return render_page("benchmark", "Tocsin benchmark", names | data)
    except ValueError as error:
        raise ResultError(f"{folder}: a result holds a number that is none: {error}") from None


def _sentence(line: Mapping[str, Any]) -> list[Any]:
    gold = line["gold"]
    spans = ([[span["start"], span["end"], span["label"]] for span in gold[layer]] for layer in _SPAN_LAYERS)
    return [line["id"], line["lang"], line["text"], gold["types"], *spans]


def _judged(line: Mapping[str, Any], layers: Collection[str]) -> list[Any]:
    """[kinds, gold verdicts of types, entities, roles, predicted types, entities and roles with their verdicts]."""
    verdicts, predicted = judge(line, layers), line["predicted"]
    types = zip(predicted["types"], verdicts["predicted"]["types"], strict=True)
    return [
        verdicts["kinds"],
        verdicts["gold"],
        [[event["type"], event.get("score"), verdict] for event, verdict in types],
        *(
            [[span["start"], span["end"], span["label"], verdict]
             for span, verdict in zip(predicted[layer], verdicts["predicted"][layer], strict=True)]
            for layer in _SPAN_LAYERS
        ),
    ]  # fmt: skip
