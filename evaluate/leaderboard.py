"""The leaderboard of a folder of results, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tocsin.evaluate.report import escaped, markdown_table, percent, percent_with_interval
from tocsin.evaluate.result_file import ResultError, read_result

BEGIN, END = "<!-- leaderboard -->", "<!-- /leaderboard -->"
SCORES = {
    "event micro-F1": "event_micro_f1",
    "macro-F1": "event_macro_f1",
    "macro-F1, types with 5+": "event_frequent_macro_f1",
    "primary type": "primary_accuracy",
    "entity F1": "entity_f1",
    "role F1": "role_f1",
}
_RARELY_BY_LANGUAGE = {"event_frequent_macro_f1"}  # few languages have five examples of enough types
COSTS = {"sentences/s": "sentences_per_second", "peak MB": "peak_megabytes", "MB": "megabytes"}


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Results of all ``SYSTEM@SUITE.json`` in ``folder``: the largest suite first, in each the best by the first of
    :data:`SCORES` that any system has there, those without it last. "file" is added to each: its name. Raises
    ``ResultError``."""
    results = [read_result(path) | {"file": path.name} for path in sorted(folder.glob("*@*.json"))]
    if not results:
        raise ResultError(f"{folder}: holds no results (SYSTEM@SUITE.json)")
    revisions: dict[str, tuple[str, str]] = {}
    seen: set[tuple[str, str]] = set()
    for result in results:
        system, suite = result["system"]["name"], result["suite"]
        revision, first = revisions.setdefault(suite["name"], (suite["revision"], system))
        if revision != suite["revision"]:
            raise ResultError(f"{folder}: {first} and {system} were scored on different revisions of {suite['name']}")
        if (system, suite["name"]) in seen:
            raise ResultError(f"{folder}: two results of {system} on {suite['name']}")
        seen.add((system, suite["name"]))
    leading = {name: _leading(ranked)[1] for name, ranked in by_suite(results).items()}

    def rank(result: Mapping[str, Any]) -> tuple[int, str, bool, float]:
        suite = result["suite"]
        figure = result["figures"].get(leading[suite["name"]])
        return -suite["sentences"], suite["name"], figure is None, -(figure or 0.0)

    return sorted(results, key=rank)


def _leading(results: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The first of :data:`SCORES` that any of the results has: a suite may be without types."""
    found = (item for item in SCORES.items() if any(result["figures"].get(item[1]) is not None for result in results))
    return next(found, next(iter(SCORES.items())))


def by_suite(results: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Suite name -> its results, orders kept."""
    suites: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        suites.setdefault(result["suite"]["name"], []).append(result)
    return suites


def leaderboard(results: Sequence[Mapping[str, Any]], *, by_language: bool = True) -> str:
    """For each suite a table of the systems and, if asked for, one by language for each of the figures that languages
    have, in Markdown."""
    parts = []
    for name, ranked in by_suite(results).items():
        suite = ranked[0]["suite"]
        rows = [_row(result) for result in ranked]
        languages = len(suite["languages"])
        many = f"{languages} language{'s' * (languages != 1)}"
        parts += [
            f"**{escaped(name)}**: {suite['sentences']:,} sentences in {many}.",
            markdown_table(["", *SCORES, "ECE", *COSTS], rows),
        ]
        if by_language:
            parts += _language_tables(ranked)
    cores = sorted({result["cost"]["cores"] for result in results if result["cost"].get("cores")})
    parts.append(
        "Percent; in brackets 95 % bootstrap intervals, of F1 and of the primary type. Spans are strict. "
        "ECE is of each sentence's most probable type. "
        f"Speed and memory{f' on {cores[0]} cores' if len(cores) == 1 else ''}. – : not predicted or not measured."
    )
    return "\n\n".join(parts) + "\n"


def _language_tables(ranked: Sequence[Mapping[str, Any]]) -> list[str]:
    """Heading and table of each figure that languages have, of the results of one suite."""
    parts = []
    for heading, key in SCORES.items():
        having = [result for result in ranked if _has_by_language(result, key)]
        if not having or key in _RARELY_BY_LANGUAGE:
            continue
        names = (escaped(result["system"]["name"]) for result in having)
        cells = [
            [lang, f"{sentences:,}", *(percent(_of_language(result, lang, key)) for result in having)]
            for lang, sentences in ranked[0]["suite"]["languages"].items()
        ]
        parts += [f"By language, {heading}:", markdown_table(["", "sentences", *names], cells)]
    return parts


def _row(result: Mapping[str, Any]) -> list[str]:
    figures = result["figures"] | {"intervals": result["intervals"]}
    scores = [percent_with_interval(figures, key) for key in SCORES.values()]
    costs = [_number(result["cost"].get(key)) for key in COSTS.values()]
    return [escaped(result["system"]["name"]), *scores, _error(result.get("calibration")), *costs]


def _of_language(result: Mapping[str, Any], lang: str, key: str) -> float | None:
    figure: float | None = result["figures"].get("per_language", {}).get(lang, {}).get(key)
    return figure


def _has_by_language(result: Mapping[str, Any], key: str) -> bool:
    return any(_of_language(result, lang, key) is not None for lang in result["suite"]["languages"])


def _error(calibration: Mapping[str, Any] | None) -> str:
    return "–" if calibration is None else f"{calibration['ece_top']:.3f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}" if value < 10 else f"{value:,.0f}"


def with_leaderboard(text: str, table: str) -> str:
    """``text`` with ``table`` between its :data:`BEGIN` and :data:`END`; ``ValueError`` if it has no such place."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} followed by {END}")
    return f"{before}{BEGIN}\n\n{table}\n{END}{after}"
