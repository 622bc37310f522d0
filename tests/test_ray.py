"""The Ray engine on a local cluster of two machines, one of which is lost while it works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytest.importorskip("ray", reason="the extra ray is not installed")

from ray_run import CHARACTERS, RayRun, difference, read_both, run, two_machines
from typer.testing import CliRunner

from tocsin import ray_engine
from tocsin.cli import app
from tocsin.data.readers import expand_inputs
from tocsin.data.writers import PARQUET_SCHEMA
from tocsin.job import side_file
from tocsin.ray_engine import Part, RayJob, predict_files


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ray")


@pytest.fixture(scope="module")
def result(folder: Path) -> Iterator[RayRun]:
    """The run; the cluster, less the lost machine, is there until the last test."""
    with pytest.MonkeyPatch.context() as patch, two_machines() as second:
        patch.chdir(folder)
        patch.setattr(ray_engine, "PART_CHARACTERS", CHARACTERS)
        yield run(folder, second)


def test_a_lost_machine_loses_no_record_and_doubles_none(result: RayRun, folder: Path) -> None:
    assert result.lost
    assert set(result.after) - {result.lost}  # the other one went on
    local, clustered = read_both(folder)
    assert [row["id"] for row in clustered] == [row["id"] for row in local]  # in order, every one once
    assert len({row["id"] for row in clustered}) == len(clustered) > 200
    assert result.totals.records == len(clustered)
    assert result.totals.inputs == result.rows


def test_records_and_error_rows_are_those_of_the_local_engine(result: RayRun, folder: Path) -> None:
    local, clustered = read_both(folder)
    for ours, theirs in zip(clustered, local, strict=True):
        assert difference(ours, theirs) <= 1e-3, (ours, theirs)
    assert any(row["id"].startswith("in/b/news.jsonl:") for row in clustered)
    assert side_file(folder / "out").read_bytes() == side_file(folder / "local.parquet").read_bytes()
    assert result.totals.errors == len(side_file(folder / "out").read_text(encoding="utf-8").splitlines()) > 25


def test_the_folder_is_a_parquet_data_set_in_order_without_rests(result: RayRun, folder: Path) -> None:
    parts = sorted((folder / "out").iterdir())
    assert {part.suffix for part in parts} == {".parquet"}
    assert all(pq.read_schema(part).equals(PARQUET_SCHEMA) for part in parts)
    assert pq.read_table(folder / "out").num_rows == result.totals.records


def test_the_command_tells_what_became_of_the_inputs(result: RayRun, folder: Path) -> None:
    (folder / "few.jsonl").write_text('{"text": "Troops entered the town."}\n{"text": ""}\n', encoding="utf-8")
    arguments = ["predict", "few.jsonl", "--engine", "ray", "-o", "few", "--lang", "en", "--threshold", "0"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 3, done.output
    assert "tocsin: few.jsonl:2: field 'text' is empty" in done.stderr
    assert "2 inputs: 1 gave 1 records in few, 1 are error rows in few.errors.jsonl" in done.stderr
    [record] = pq.read_table(folder / "few").to_pylist()
    assert record["id"] == "few.jsonl:1#0"
    assert len(record["events"]) == 43  # the threshold reached the actors
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 1
    assert "few: exists already" in again.stderr


def test_a_long_document_is_not_divided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # and back: readers go to the folder of who started the job
    (tmp_path / "a.txt").write_text("One line of a long text.\n\n" * 10_000, encoding="utf-8")
    (tmp_path / "b.txt").write_text("A short one.", encoding="utf-8")
    reading = {"format": None, "text_field": "text", "id_field": None, "keep": False, "whole": False}
    [run] = ray_engine._runs(expand_inputs([str(tmp_path)]))
    first, second = ray_engine._read_parts(run, reading, part_characters=1000, folder=str(tmp_path))
    pieces = [json.loads(item) for item in first["items"]]
    assert {piece["id"] for piece in pieces} == {"a.txt"}
    assert sum(len(piece["text"]) for piece in pieces) == 260_000
    assert [json.loads(item)["id"] for item in second["items"]] == ["b.txt"]


def test_a_relative_model_is_the_same_folder_on_other_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    models = []

    def execute(inputs: object, output: Path, job: RayJob, address: object) -> list[Part]:
        models.append(job.model)
        return []

    monkeypatch.setattr(ray_engine, "_execute", execute)
    reading = {"format": None, "text_field": "text", "id_field": None, "keep": False, "whole": False}
    for model in ("mine", "owner/hub-name", None):
        job = RayJob(model, "", {}, 1, True, reading, "sentence", None, False)
        list(predict_files(["a.txt"], tmp_path / "out", job))
    assert models == [str(tmp_path / "mine"), "owner/hub-name", None]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["in.jsonl", "--engine", "ray"], "writes a folder of Parquet files"),
        (["in.jsonl", "--engine", "ray", "-o", "out.csv"], "writes a folder of Parquet files"),
        (["in.jsonl", "--address", "auto"], "give --engine ray too"),
        (["-", "--engine", "ray", "-o", "never"], "standard input cannot be read by other machines"),
    ],
)
def test_what_ray_cannot_do_is_refused(arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["predict", *arguments])
    assert done.exit_code in (1, 2)
    assert message in done.stderr
