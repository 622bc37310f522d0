"""The command line as a user meets it: formats, outputs, exit codes, and messages for bad input."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tocsin.data.corpus import CORPUS_DIR
from tocsin.data.ontology import load_ontology
from tocsin.data.records import json_schema
from tocsin.model.runtime import RELEASED_DIR

ARTICLE = Path(__file__).resolve().parents[1] / "data" / "examples" / "port.fr.txt"

COMMANDS = ["predict", "view", "types", "schema", "train", "export", "evaluate", "benchmark", "data"]


def tocsin(*arguments: object, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", *map(str, arguments)], input=stdin, capture_output=True, check=False
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_types_and_schema_print_everything() -> None:
    shown = tocsin("types").stdout
    ontology = load_ontology()
    assert all(name in shown for name in (*ontology.type_names, *ontology.entity_names, *ontology.role_names))
    assert json.loads(tocsin("schema", "prediction").stdout) == json_schema("prediction")


def test_help_begins_with_what_newcomers_use() -> None:
    rows = [line.strip("│ ").split() for line in tocsin("--help").stdout.splitlines() if line.startswith("│ ")]
    commands = [row[0] for row in rows if row and row[0] in COMMANDS]
    assert commands == COMMANDS


def test_data_check_passes_and_counts() -> None:
    done = tocsin("data", "check")
    assert done.returncode == 0, done.stdout[-2000:]
    assert done.stdout.rstrip().endswith("0 problems, 0 remarks")
    assert "leadership_change" in done.stdout


def test_data_check_names_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "fr" / "train.txt"
    path.parent.mkdir()
    path.write_text("war | Rien\n")
    done = tocsin("data", "check", path)
    assert done.returncode == 1
    assert f"{path}:1: unknown event type 'war'" in done.stdout


def test_predicts_an_article_to_jsonl(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    done = tocsin("predict", ARTICLE, "-o", output)
    assert done.returncode == 0, done.stderr
    assert f"records in {output}" in done.stderr
    text = ARTICLE.read_text(encoding="utf-8")
    validator = jsonschema.Draft202012Validator(json_schema("prediction"))
    assert len(records(output)) == 13
    for number, record in enumerate(records(output)):
        validator.validate(record)
        assert record["id"] == f"{ARTICLE.name}#{number}"
        assert text[record["start"] : record["end"]] == record["text"]
    assert tocsin("predict", ARTICLE).stdout == output.read_text(encoding="utf-8")  # a pipe gets the same


def test_all_formats_give_the_same_records(tmp_path: Path) -> None:
    rows = [
        {"n": "x1", "body": "Un drone a visé le port. Rien d'autre."},
        {"n": "x2", "body": "الجيش ينسحب من المدينة"},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "a.csv").write_text("n,body\n" + "\n".join(f"{r['n']},{r['body']}" for r in rows), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    results = []
    for suffix in ("jsonl", "csv", "parquet"):
        output = tmp_path / f"{suffix}.out"
        done = tocsin("predict", tmp_path / f"a.{suffix}", "--text-field", "body", "--id-field", "n", "-o", output)
        assert done.returncode == 0, done.stderr
        results.append(records(output))
    assert results[0] == results[1] == results[2]
    assert [record["id"] for record in results[0]] == ["x1#0", "x1#1", "x2#0"]


def test_units_languages_scores_and_standard_input() -> None:
    done = tocsin("predict", "-", "--unit", "document", "--lang", "fr", "--all-scores", stdin=b"Un. Deux.")
    (line,) = done.stdout.splitlines()
    record = json.loads(line)
    assert (record["id"], record["text"], record["lang"]) == ("stdin", "Un. Deux.", "fr")
    assert len(record["scores"]) == 43


def test_bad_inputs_become_error_rows_and_never_stop_a_batch(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "latin.txt").write_bytes("été".encode("latin-1"))
    (tmp_path / "bad.jsonl").write_text('{"text": "Il pleut."}\n{"text": \n{"body": "x"}\n')
    output = tmp_path / "out.jsonl"
    (tmp_path / "folder").mkdir()
    names = ("none.txt", "empty.txt", "latin.txt", "bad.jsonl", "folder")
    done = tocsin("predict", *(tmp_path / name for name in names), ARTICLE, "-o", output)
    assert done.returncode == 3
    errors = records(tmp_path / "out.jsonl.errors.jsonl")
    assert [(Path(e["file"]).name, e["line"]) for e in errors] == [
        ("none.txt", None), ("empty.txt", None), ("latin.txt", 1), ("bad.jsonl", 2), ("bad.jsonl", 3),
        ("folder", None),
    ]  # fmt: skip
    assert all(e["reason"] in done.stderr for e in errors)
    assert records(output)[0]["text"] == "Il pleut."
    assert records(output)[-1]["doc_id"] == ARTICLE.name
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["predict", "none.txt"], 1, "none.txt: no such file or directory"),
        (["predict", "*.nothing"], 1, "*.nothing: no file matches"),
        (["predict", ARTICLE, "--lang", "tlh"], 2, "unknown language 'tlh'; known: "),
        (["predict", ARTICLE, "--model", "none"], 1, "none: not a model folder"),
        (["predict", ARTICLE, "-o", "none/out.jsonl"], 1, "none/out.jsonl: no such file or directory"),
        (["predict", ARTICLE, "--unit", "word"], 2, "unit"),
        (["predict", "-", "-"], 2, "standard input can be read only once"),
        (["train", "none.toml"], 2, "none.toml: no such recipe"),
        (["evaluate", "--corpus", "none"], 1, "none: no corpus files"),
    ],
)
def test_wrong_usage_is_named(arguments: list[object], code: int, message: str) -> None:
    done = tocsin(*arguments)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_recipe_key_and_damaged_model(tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text("colour = 1\n")
    done = tocsin("train", recipe)
    assert done.returncode == 2 and f"{recipe}: unknown key 'colour'" in done.stderr
    (tmp_path / "model").mkdir()
    for name in ("model.onnx", "tokenizer.json", "config.json"):
        (tmp_path / "model" / name).write_bytes((RELEASED_DIR / name).read_bytes()[:1000])
    done = tocsin("predict", ARTICLE, "--model", tmp_path / "model")
    assert done.returncode == 1 and "config.json: damaged" in done.stderr


def test_a_language_nobody_tested_is_said() -> None:
    done = tocsin("predict", "-", "--lang", "yo", stdin=b"Ogun ti bere.")
    assert done.returncode == 0
    assert "not tested on the language of some sentences: 1 in 'yo'" in done.stderr


def test_output_never_overwrites_an_input(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "Il pleut."}\n')
    done = tocsin("predict", path, "-o", path)
    assert done.returncode == 2 and "would overwrite an input" in done.stderr
    assert path.read_text() == '{"text": "Il pleut."}\n'
    side = tmp_path / "out.jsonl.errors.jsonl"
    side.write_text('{"text": "Il pleut."}\n')
    assert tocsin("predict", side, "-o", tmp_path / "out.jsonl").returncode == 2


def test_a_pipe_gets_utf8_jsonl_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = tocsin("predict", "-", stdin="الجيش ينسحب من المدينة".encode())
    assert done.stderr == "tocsin: 1 inputs: 1 gave 1 records, 0 are error rows\n"
    assert json.loads(done.stdout)["text"] == "الجيش ينسحب من المدينة"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_said() -> None:
    done = tocsin("predict", ARTICLE, "-o", "/dev/full")
    assert done.returncode == 1
    assert "/dev/full: no space left on device" in done.stderr and "Traceback" not in done.stderr


def test_a_line_of_two_hundred_thousand_characters(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    end = " Les rebelles ont attaqué la caserne de Gao."
    line = "=" * (200_000 - len(end)) + end
    path.write_text(line)
    output = tmp_path / "out.jsonl"
    assert tocsin("predict", path, "--lang", "fr", "-o", output).returncode == 0
    (record,) = records(output)
    assert record["text"] == line
    assert any("Gao" in span["text"] and span["end"] > 199_990 for span in record["entities"])
    assert all(line[s["start"] : s["end"]] == s["text"] for s in (*record["entities"], *record["roles"]))


def test_terminal_view_marks_the_text() -> None:
    from rich.console import Console

    import tocsin as api
    from tocsin.view import print_prediction

    console = Console(record=True, width=70, file=io.StringIO(), force_terminal=True)
    text = ARTICLE.read_text(encoding="utf-8")
    for record in api.load().predict(text):
        print_prediction(record, console)
    print_prediction(api.load().predict("Gao\x1b[2J\r\nest tombée", unit="document")[0], console)
    shown = console.export_text(styles=False)
    assert "shelling_missile_attack" in shown and "no event" in shown
    assert "\x1b" not in shown
    assert all(len(line) <= 70 for line in shown.splitlines())
    assert text.split("\n")[0] in shown


def test_evaluate_writes_table_and_json(tmp_path: Path) -> None:
    output = tmp_path / "scores.json"
    for language in ("fr", "zh"):
        shutil.copytree(CORPUS_DIR / language, tmp_path / "corpus" / language)
    done = tocsin("evaluate", "--split", "dev", "--corpus", tmp_path / "corpus", "-o", output)
    assert done.returncode == 0, done.stderr
    systems = json.loads(output.read_text())["systems"]
    model, baseline = systems.values()
    assert model["event_micro_f1"] > baseline["event_micro_f1"]
    assert {"per_type", "per_entity", "per_role"} <= model.keys()
    assert model["per_language"].keys() == {"fr", "zh"}
    assert "tfidf" in done.stdout and "per language" in done.stdout.lower()


def test_real_news_without_its_texts_says_where_they_are(tmp_path: Path) -> None:
    done = tocsin("evaluate", "--suite", "real-news", "--no-baseline")
    assert done.returncode == 2
    for name in ("wikinews_ner_fr", "ntrex", "current_events_en"):
        assert f"{name}: " in done.stderr
    assert "github.com/MicrosoftTranslator/NTREX" in done.stderr
    done = tocsin("evaluate", "--suite", "real-news", "--no-baseline", "--datasets", tmp_path)
    assert done.returncode == 1
    assert "no such folder" in done.stderr
    assert tocsin("evaluate", "--suite", "real-news", "--split", "train", "--datasets", tmp_path).returncode == 2


def test_data_check_names_near_duplicates_and_draws(tmp_path: Path) -> None:
    folder = tmp_path / "corpus" / "en"
    folder.mkdir(parents=True)
    first = "accident | A [veh ferry] with sixty pilgrims on board [trigger capsized] near the mouth of the river Ombe"
    second = "accident | A [veh ferry] with sixty pilgrims aboard [trigger capsized] near the mouth of the river Ombe"
    (folder / "train.txt").write_text(first + "\n", encoding="utf-8")
    (folder / "test.txt").write_text(second + "\n", encoding="utf-8")
    picture = tmp_path / "types.png"
    done = tocsin("data", "check", tmp_path / "corpus", "--picture", picture)
    assert done.returncode == 1
    assert "en/train.txt:1: leaks from test into train: nearly the same as en/test.txt:1" in done.stdout
    assert "1 problems" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
