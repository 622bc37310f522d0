"""Batch jobs: what is read and written, and that a killed job ends as if it had never been stopped."""

from __future__ import annotations

import csv
import gzip
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_cli import records, tocsin

from tocsin.data.corpus import load_split
from tocsin.data.readers import read_documents
from tocsin.data.records import json_schema
from tocsin.data.writers import CSV_COLUMNS
from tocsin.job import FileJob, InputStream, chunks
from tocsin.model.pipeline import Pipeline


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Real sentences as rows with other fields, and every ninth of them broken."""
    sentences = [s for s in load_split("dev") if s.lang in ("fr", "en", "zh")][:180]
    return [
        {"id": s.id, "text": s.text if i % 9 else "", "place": {"x": i}, "day": f"2026-01-{i % 28 + 1:02d}"}
        for i, s in enumerate(sentences)
    ]


@pytest.fixture(scope="module")
def inputs(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows as a folder of files of several formats."""
    folder = tmp_path_factory.mktemp("in")
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    (folder / "a.jsonl").write_text("".join(lines[:60]), encoding="utf-8")
    (folder / "b.jsonl.gz").write_bytes(gzip.compress("".join(lines[60:100]).encode()))
    with pa.CompressedOutputStream(str(folder / "c.jsonl.zst"), "zstd") as file:
        file.write("".join(lines[100:140]).encode())
    flat = [{k: v for k, v in row.items() if k != "place"} for row in rows[140:]]
    pq.write_table(pa.Table.from_pylist(flat), folder / "d.parquet")
    return folder


def test_a_folder_of_all_formats_gives_every_row_once(inputs: Path, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    done = tocsin("predict", inputs, "--unit", "document", "--keep", "-o", output)
    assert done.returncode == 3, done.stderr
    predicted, errors = records(output), records(tmp_path / "out.jsonl.errors.jsonl")
    good = [row for row in rows if row["text"]]
    assert [r["id"] for r in predicted] == [row["id"] for row in good]  # in order, none twice
    assert [r["text"] for r in predicted] == [row["text"] for row in good]
    assert [e["id"] for e in errors] == [row["id"] for row in rows if not row["text"]]
    assert f"{len(rows)} inputs: {len(good)} gave {len(good)} records" in done.stderr
    assert f"{len(rows) - len(good)} are error rows" in done.stderr
    assert predicted[0]["input"] == {key: good[0][key] for key in ("id", "place", "day")}
    validator = jsonschema.Draft202012Validator(json_schema("prediction"))
    for record in predicted:
        validator.validate(record)
    assert not (tmp_path / "out.jsonl.job").exists()


def test_csv_and_parquet_say_what_jsonl_says(inputs: Path, tmp_path: Path) -> None:
    for suffix in ("jsonl", "csv", "parquet"):
        done = tocsin("predict", inputs / "*.jsonl*", "--keep", "--all-scores", "-o", tmp_path / f"out.{suffix}")
        assert done.returncode == 3, done.stderr
    expected = records(tmp_path / "out.jsonl")
    table = pq.read_table(tmp_path / "out.parquet").to_pylist()
    for row, record in zip(table, expected, strict=True):
        assert json.loads(row["input"]) == record["input"]
        assert dict(row["scores"]) == record["scores"]
        for name in ("id", "text", "lang", "start", "end", "events", "entities", "roles"):
            assert row[name] == record[name]
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == CSV_COLUMNS
    # One row an event; a sentence without one keeps a row of its own.
    assert len(lines) == sum(max(len(record["events"]), 1) for record in expected)
    assert {line["notes"] for line in lines} == {record["text"] for record in expected}
    assert len({line["event_id"] for line in lines}) == len(lines)
    first = next(line for line in lines if line["type"])
    event = next(record for record in expected if record["id"] == first["event_id"])["events"][0]
    assert first["type"] == event["type"]
    assert first["event_type"] == (event["acled"] or {}).get("event_type", "")
    assert not (tmp_path / "out.parquet.parts").exists()


@pytest.fixture(scope="module")
def many(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thousands of short texts, so that there is something to stop: four chunks that are soon predicted."""
    path = tmp_path_factory.mktemp("many") / "many.jsonl"
    lines = [json.dumps(row | {"text": row["text"][:12]}, ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines) * 11, encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", ["csv", "parquet"])  # JSONL is the same text file as CSV, less its header
def test_a_killed_job_ends_as_if_it_had_never_been_stopped(suffix: str, many: Path, tmp_path: Path) -> None:
    arguments = ["predict", str(many), "--unit", "document", "--lang", "fr", "--id-field", "day"]
    whole, broken = tmp_path / f"whole.{suffix}", tmp_path / f"broken.{suffix}"
    assert tocsin(*arguments, "-o", whole).returncode == 3
    rng = random.Random(suffix)
    state = tmp_path / f"broken.{suffix}.job"
    kills, done = 0, False
    while not done:
        process = subprocess.Popen(
            [sys.executable, "-m", "tocsin", *arguments, "-o", str(broken)], stdout=-3, stderr=-3
        )
        before = state.read_bytes() if state.exists() else b""
        # Waiting for another process to get on, then a random moment of its work.
        while process.poll() is None and (not state.exists() or state.read_bytes() == before):
            time.sleep(0.002)
        time.sleep(rng.random() * 0.1)
        done = process.poll() is not None
        process.send_signal(signal.SIGKILL) if not done else None
        kills += not done
        process.wait()
        assert kills < 20
    assert kills >= 2
    assert broken.read_bytes() == whole.read_bytes()
    side = [path.with_name(path.name + ".errors.jsonl") for path in (whole, broken)]
    assert side[0].read_bytes() == side[1].read_bytes() != b""
    assert not state.exists()


def test_an_unfinished_job_is_not_overwritten_by_another(many: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(many.read_bytes())
    process = subprocess.Popen([sys.executable, "-m", "tocsin", "predict", str(source), "-o", str(output)], stderr=-1)
    state = tmp_path / "out.jsonl.job"
    while not state.exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130, told
    assert b"the same command goes on from here" in told
    before = output.read_bytes(), state.read_bytes()
    assert before[0].endswith(b"}\n")
    done = tocsin("predict", source, "-o", output, "--unit", "document")
    assert done.returncode == 1
    assert "an unfinished job with another unit ('sentence', now 'document')" in done.stderr
    kept = source.read_bytes()
    source.write_bytes(kept.replace(b"e", b"E", 1000))
    done = tocsin("predict", source, "-o", output)
    assert done.returncode == 1
    assert "the inputs are not those of the unfinished job" in done.stderr
    assert (output.read_bytes(), state.read_bytes()) == before
    state.write_text("{", encoding="utf-8")
    assert "out.jsonl.job: damaged" in tocsin("predict", source, "-o", output).stderr
    state.write_bytes(before[1])
    source.write_bytes(kept)
    done = tocsin("predict", source, "-o", output)
    assert "going on after" in done.stderr
    assert done.returncode == 3
    assert len(records(output)) > len(before[0].splitlines())


def test_an_output_inside_the_input_folder_is_refused(inputs: Path) -> None:
    done = tocsin("predict", inputs, "-o", inputs / "out.jsonl")
    assert done.returncode == 2
    assert "lies in the input folder" in done.stderr


def test_a_device_is_written_to_and_keeps_no_state(inputs: Path) -> None:
    assert tocsin("predict", inputs / "d.parquet", "-o", "/dev/null").returncode == 3
    assert not Path("/dev/null.job").exists()
    assert not Path("/dev/null.errors.jsonl").exists()


def test_a_parquet_job_killed_while_it_finishes_can_finish_again(
    inputs: Path, tmp_path: Path, release: Pipeline
) -> None:
    def job() -> FileJob:
        return FileJob(tmp_path / "out.parquet", {"unit": "document"})

    def stream() -> InputStream:
        return InputStream(read_documents([str(inputs / "a.jsonl")]))

    first, items = job(), stream()
    first.open(items)
    for sentences, errors, documents in chunks(items, release, "document", "fr"):
        first.write(release.predict(sentences), errors, documents, items.digest)
    first._writer.finish()  # the file is whole, but the job has not been told off
    whole = (tmp_path / "out.parquet").read_bytes()
    again, items = job(), stream()
    again.open(items)
    assert list(chunks(items, release, "document", "fr")) == []
    again.finish()
    assert (tmp_path / "out.parquet").read_bytes() == whole
    assert {path.name for path in tmp_path.iterdir()} == {"out.parquet", "out.parquet.errors.jsonl"}
