"""The page of a benchmark: what its result files hold, and the sentences with gold beside prediction."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tocsin.data.ontology import Ontology
from tocsin.evaluate.errors import KINDS, judge
from tocsin.evaluate.leaderboard import COSTS, SCORES, ResultError, by_suite
from tocsin.evaluate.page import label_names, render_page

_SPAN_LAYERS = ("entities", "roles")


def benchmark_page(results: Sequence[Mapping[str, Any]], folder: Path, ontology: Ontology) -> str:
    """The HTML page of :func:`tocsin.evaluate.leaderboard.read_results`, whose predictions lie in ``folder``.

    A result without ``SYSTEM@SUITE.predictions.jsonl`` has no sentences to show. Raises :class:`ResultError`.
    """
    suites = []
    for name, ranked in by_suite(results).items():
        sentences: list[Any] | None = None
        rows = []
        for result in ranked:
            path = (folder / result["file"]).with_suffix(".predictions.jsonl")
            judged = None
            if path.exists():
                lines = _read_lines(path, result["suite"]["sentences"])
                own = [_sentence(line) for line in lines]
                if sentences is not None and own != sentences:
                    raise ResultError(f"{path}: other sentences or other gold labels than another system of {name}")
                sentences = own
                judged = [_judged(line, result["system"]["layers"]) for line in lines]
            rows.append({"result": result, "judged": judged})
        suites.append({"name": name, "sentences": sentences, "systems": rows})
    data = {"suites": suites, "scores": SCORES, "costs": COSTS, "kinds": KINDS}
    return render_page("benchmark", "Tocsin benchmark", label_names(ontology) | data)


def _read_lines(path: Path, expected: int) -> list[dict[str, Any]]:
    lines = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                entry = json.loads(line)
                if missing := [key for key in ("id", "lang", "text", "gold", "predicted") if key not in entry]:
                    raise ResultError(f"{path}:{number}: missing field {missing[0]!r}")
                lines.append(entry)
    except OSError as error:
        raise ResultError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except ResultError:
        raise
    except ValueError as error:
        raise ResultError(f"{path}:{len(lines) + 1}: not valid JSON: {error}") from error
    if len(lines) != expected:
        raise ResultError(f"{path}: {len(lines)} sentences, its result was scored on {expected}")
    return lines


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
