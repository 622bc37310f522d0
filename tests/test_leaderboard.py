"""The leaderboard of a benchmark's results, and the verdicts that its page shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from tocsin.cli import app
from tocsin.data.records import Span
from tocsin.evaluate.leaderboard import (
    BEGIN,
    END,
    leaderboard,
    read_results,
    with_leaderboard,
)
from tocsin.evaluate.metrics import micro, span_counts
from tocsin.evaluate.result_file import ResultError, read_lines
from tocsin.evaluate.verdicts import judge, span_verdicts, type_verdicts

ROOT = Path(__file__).resolve().parents[1]
RESULTS_DIR = ROOT / "evaluate" / "results" / "benchmark"


def result(name: str, micro_f1: float, **changes: Any) -> dict[str, Any]:
    figures = {"event_micro_f1": micro_f1, "event_macro_f1": 0.5, "per_language": {"fr": {"event_micro_f1": 0.25}}}
    return {
        "format": 1,
        "system": {"name": name, "kind": "peer", "revision": "1", "layers": ["types"]},
        "suite": {
            "name": "own",
            "revision": "a",
            "sentences": 1200,
            "languages": {"fr": 1000, "ar": 200},
            "layers": ["types"],
        },
        "figures": figures,
        "intervals": {"event_micro_f1": [micro_f1 - 0.1, micro_f1 + 0.1]},
        "calibration": {"ece_top": 0.0512},
        "cost": {"sentences_per_second": 1234.5, "peak_megabytes": None, "megabytes": 4.25, "cores": 2},
        "environment": {},
    } | changes


def write(folder: Path, *results: dict[str, Any]) -> Path:
    for number, entry in enumerate(results):
        (folder / f"{number}@{entry['suite']['name']}.json").write_text(json.dumps(entry))
    return folder


def test_leaderboard_ranks_systems_and_shows_what_is_missing(tmp_path: Path) -> None:
    found = read_results(write(tmp_path, result("worse", 0.4), result("better", 0.6, calibration=None)))
    lines = leaderboard(found).splitlines()
    assert lines[0] == "**own**: 1,200 sentences in 2 languages."
    better, worse = lines[4:6]
    assert better == "| better | 60.0 (50.0–70.0) | 50.0 | – | – | – | – | – | 1,234 | – | 4.2 |"
    assert worse.startswith("| worse | 40.0 (30.0–50.0)") and "| 0.051 |" in worse
    assert "By language, event micro-F1:" in lines and "| fr | 1,000 | 25.0 | 25.0 |" in lines
    assert "| ar | 200 | – | – |" in lines


def test_leaderboard_has_a_table_by_language_for_each_figure_and_those_that_have_it(tmp_path: Path) -> None:
    stated = result("both", 0.6)
    figures = stated["figures"] | {"per_language": {"fr": {"event_micro_f1": 0.25, "role_f1": 0.5}, "ar": {}}}
    found = read_results(write(tmp_path, result("types", 0.4), stated | {"figures": figures}))
    page = leaderboard(found)
    assert "By language, role F1:\n\n|  | sentences | both |\n" in page and "\n| fr | 1,000 | 50.0 |\n" in page
    assert "By language, entity F1:" not in page


def test_systems_of_a_suite_are_ranked_by_one_figure(tmp_path: Path) -> None:
    def entities_alone(name: str, entity_f1: float, suite: str) -> dict[str, Any]:
        stated = result(name, 0, figures={"entity_f1": entity_f1}, intervals={})
        return stated | {"suite": stated["suite"] | {"name": suite}}

    found = read_results(
        write(
            tmp_path,
            entities_alone("spans", 0.9, "own"),
            result("worse", 0.0),
            result("better", 0.6),
            entities_alone("few", 0.2, "uner"),
            entities_alone("many", 0.8, "uner"),
        )
    )
    ranked = [(entry["suite"]["name"], entry["system"]["name"]) for entry in found]
    assert ranked == [("own", "better"), ("own", "worse"), ("own", "spans"), ("uner", "many"), ("uner", "few")]


def test_names_are_no_markdown(tmp_path: Path) -> None:
    stated = result("a|b <i>", 0.5)
    stated["suite"] = stated["suite"] | {"name": "*own*"}
    page = leaderboard(read_results(write(tmp_path, stated)))
    assert "\n| a\\|b \\<i\\> | 50.0 " in page and "\n|  | sentences | a\\|b \\<i\\> |" in page
    assert page.startswith("**\\*own\\***: ")


def report(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["benchmark", "report", *map(str, arguments)])


def test_the_report_command_writes_page_leaderboard_and_readme(tmp_path: Path) -> None:
    results, page, readme = tmp_path / "results", tmp_path / "page.html", tmp_path / "README.md"
    results.mkdir()
    write(results, result("a", 0.5), result("b", 0.75))
    readme.write_text(f"# Mine\n{BEGIN}\n{END}\nafter\n", encoding="utf-8")
    done = report(results, "-o", page, "--readme", readme)
    assert done.exit_code == 0, done.output
    found = read_results(results)
    assert "<html" in page.read_text("utf-8")
    assert page.with_suffix(".md").read_text("utf-8") == leaderboard(found)
    table = leaderboard(found, by_language=False)
    assert readme.read_text("utf-8") == f"# Mine\n{BEGIN}\n\n{table}\n{END}\nafter\n"
    readme.write_text("# Mine\n", encoding="utf-8")
    done = report(results, "-o", page, "--readme", readme)
    assert done.exit_code == 1 and f"{readme}: no {BEGIN}" in done.stderr


def test_a_report_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    done = report(results, "-o", tmp_path / "page.html")
    assert done.exit_code == 1 and f"{results}: holds no results" in done.stderr
    write(results, result("a", 0.5))
    done = report(results, "-o", tmp_path / "page.md")  # the leaderboard would take its place
    assert done.exit_code == 2 and "page.md: a page is .html" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (result("a", 0.5), "two results of a on own"),
        (result("b", 0.5, suite=result("b", 0.5)["suite"] | {"revision": "b"}), "different revisions of own"),
        (result("b", 0.5, format=2), "1@own.json, field 'format': expected 1"),
        (result("b", 0.5, cost=None), "1@own.json, field 'cost': expected an object"),
        (result("b", 0.5, system={"name": "b"}), "1@own.json, field 'system': missing 'layers'"),
    ],
)
def test_results_that_cannot_stand_side_by_side_are_refused(
    tmp_path: Path, second: dict[str, Any], message: str
) -> None:
    with pytest.raises(ResultError, match=message):
        read_results(write(tmp_path, result("a", 0.5), second))


NOTHING: dict[str, list[Any]] = {"types": [], "entities": [], "roles": []}


def line_with(**changes: Any) -> str:
    entry = {"id": "2", "lang": "fr", "text": "Rien.", "gold": NOTHING, "predicted": NOTHING}
    return json.dumps(entry | changes)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ('{"id": "2"', "x:2: not valid JSON"),
        ('{"id": "2", "lang": "fr", "text": "Rien.", "gold": {}}', "x:2: missing field 'predicted'"),
        ("", "x: 1 sentences, its result was scored on 2"),
        ("7", "x:2: expected an object, got int"),
        (line_with(gold=[]), "x:2, field 'gold': expected an object"),
        (line_with(gold={"types": []}), "x:2, field 'gold': expected a list of labels as 'entities'"),
        (
            line_with(predicted=NOTHING | {"types": ["aid"]}),
            "x:2, field 'predicted': expected a list of labels as 'types'",
        ),
        (
            line_with(gold=NOTHING | {"roles": [{"start": 0}]}),
            "x:2, field 'gold': expected a list of labels as 'roles'",
        ),
        (line_with(annotated=["types"]), "x:2, field 'annotated': expected an object"),
    ],
)
def test_lines_of_a_predictions_file_are_whole(tmp_path: Path, second: str, message: str) -> None:
    first = json.dumps(
        {"id": "1", "lang": "fr", "text": "Rien.\u2028", "gold": NOTHING, "predicted": NOTHING}, ensure_ascii=False
    )
    path = tmp_path / "x"
    path.write_text(f"{first}\n{second}", encoding="utf-8")
    with pytest.raises(ResultError, match=message):
        read_lines(path, {"suite": {"sentences": 2}})
    path.write_text(first, encoding="utf-8")
    assert read_lines(path, {"suite": {"sentences": 1}}) == [json.loads(first)]


def test_a_leaderboard_replaces_what_stands_between_its_markers() -> None:
    text = with_leaderboard(f"# A\n{BEGIN}\nold\n{END}\nafter", "new\n")
    assert text == f"# A\n{BEGIN}\n\nnew\n\n{END}\nafter"
    assert with_leaderboard(text, "new\n") == text
    with pytest.raises(ValueError, match=f"no {BEGIN} followed by {END}"):
        with_leaderboard(f"{END} {BEGIN}", "new")


@pytest.mark.skipif(not list(RESULTS_DIR.glob("*@*.json")), reason="no benchmark results are committed")
def test_the_leaderboard_of_the_readme_is_current() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    results = read_results(RESULTS_DIR)
    assert text == with_leaderboard(text, leaderboard(results, by_language=False))
    page = RESULTS_DIR.with_name("benchmark.md").read_text(encoding="utf-8")
    assert page == leaderboard(results)


def spans(*entries: tuple[int, int, str]) -> list[dict[str, Any]]:
    return [{"start": start, "end": end, "label": label} for start, end, label in entries]


def test_verdicts_tell_wrong_labels_and_ends_from_missed_and_invented_spans() -> None:
    gold = spans((0, 4, "person"), (5, 9, "person"), (10, 14, "weapon"), (20, 24, "date"))
    predicted = spans((0, 4, "person"), (5, 9, "organization"), (11, 14, "weapon"), (30, 34, "date"))
    assert span_verdicts(gold, predicted) == (
        ["right", "label", "boundary", "missed"],
        ["right", "label", "boundary", "extra"],
    )


def test_labels_that_nobody_looked_for_are_no_errors() -> None:
    assert type_verdicts(["protest"], ["protest", "arrest"], ["protest"]) == (["right"], ["right", "unknown"])
    line = {
        "gold": {"types": ["arrest"], "entities": [], "roles": spans((0, 2, "actor"))},
        "predicted": {
            "types": [{"type": "aid"}, {"type": "arrest"}],
            "entities": spans((0, 2, "person")),
            "roles": [],
        },
        "annotated": {"types": ["arrest"], "entities": ["date"]},
    }
    assert judge(line)["kinds"] == ["role missed"]
    assert judge(line, layers=["types", "entities"])["kinds"] == []
    # Another type may come first that nobody looked for: no primary is wrong, as no figure counts it.
    missed = judge(line | {"predicted": NOTHING}, layers=["types"])
    assert missed["kinds"] == ["type missed"]
    assert judge(line | {"annotated": {}})["kinds"] == ["type extra", "primary wrong", "entity extra", "role missed"]


span_sets = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 4), st.sampled_from(["person", "weapon"])), max_size=5, unique=True
)


@given(span_sets, span_sets)
def test_right_verdicts_are_what_strict_f1_counts(gold: list[Any], predicted: list[Any]) -> None:
    sides = [[(start, start + length, label) for start, length, label in side] for side in (gold, predicted)]
    counts = micro(span_counts(*([[Span(*span, text="") for span in side]] for side in sides)))
    verdicts = span_verdicts(spans(*sides[0]), spans(*sides[1]))
    assert [side.count("right") for side in verdicts] == [counts.correct, counts.correct]
