"""Batch jobs: what is read and written, and that a killed job ends as if it had never been stopped."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import pty
import random
import resource
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cheap import CheapModel, cheap, command
from test_cli import records, tocsin
from typer.testing import CliRunner, Result

import tocsin as package
from tocsin.cli import app
from tocsin.data import readers
from tocsin.data.corpus import load_split
from tocsin.data.documents import Document
from tocsin.data.readers import Meter, read_documents
from tocsin.data.records import Prediction, json_schema
from tocsin.data.writers import CSV_COLUMNS, ParquetWriter
from tocsin.evaluate import kill_resume
from tocsin.job import Chunk, FileJob, InputStream, Totals, chunks, side_file, state_file
from tocsin.model import runtime
from tocsin.model.pipeline import Pipeline, Progress, Sentence
from tocsin.progress import Pace


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
    assert {line["scores"] for line in lines} == {json.dumps(record["scores"]) for record in expected}
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


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_a_killed_job_ends_as_if_it_had_never_been_stopped(suffix: str, many: Path, tmp_path: Path) -> None:
    arguments = ["predict", many, "--unit", "document", "--lang", "fr", "--id-field", "day", "--keep"]
    whole, broken = tmp_path / f"whole.{suffix}", tmp_path / f"broken.{suffix}"
    assert cheap(*arguments, "-o", whole).returncode == 3
    rng = random.Random(suffix)
    state = state_file(broken)
    kills, done = 0, False
    while not done:
        process = subprocess.Popen(command(*arguments, "-o", broken), stdout=-3, stderr=-3)
        before = state.read_bytes() if state.exists() else b""
        # Waiting for another process to get on, then a random moment of its work.
        while process.poll() is None and (not state.exists() or state.read_bytes() == before):
            time.sleep(0.001)
        time.sleep(rng.random() * 0.02)
        done = process.poll() is not None or kills == 3
        if not done:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills
    assert broken.read_bytes() == whole.read_bytes()
    assert side_file(broken).read_bytes() == side_file(whole).read_bytes() != b""
    assert not state.exists()


def test_an_interrupted_job_says_how_to_go_on(many: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    process = subprocess.Popen(command("predict", many, "-o", output), stderr=-1)
    while not state_file(output).exists():
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130, told
    assert b"the same command goes on from here" in told
    before = output.read_bytes()
    assert before.endswith(b"}\n")
    done = cheap("predict", many, "-o", output)
    assert (done.returncode, "going on after" in done.stderr) == (3, True)
    assert output.read_bytes().startswith(before) and len(output.read_bytes()) > len(before)


class InterruptedModel(CheapModel):
    """Gets so many ^C while it predicts the batch of this number."""

    def __init__(self, batch: int = 1, times: int = 1):
        super().__init__()
        self.batches, self.times = batch, times

    def predict(
        self, sentences: Sequence[Sentence], all_scores: bool = False, progress: Progress | None = None
    ) -> list[Prediction]:
        self.batches -= 1
        for _ in range(0 if self.batches else self.times):
            signal.raise_signal(signal.SIGINT)
        return super().predict(sentences, all_scores, progress)


class InterruptedPipe(io.RawIOBase):
    """What a pipe gives whose writer is interrupted together with its reader: the beginning, a ^C, the end."""

    def __init__(self, data: bytes):
        self._rest = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        if not part:
            signal.raise_signal(signal.SIGINT)
        buffer[: len(part)] = part
        return len(part)


@pytest.mark.parametrize("when", ["reading", "predicting"])
def test_what_an_interrupt_cuts_is_not_kept_and_the_job_goes_on(
    when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "".join(f'{{"id": "{number}", "text": "Gao {number}."}}\n' for number in range(1500)).encode()
    cut = lines[: lines.index(b'"1200"') + 3]
    arguments = ["-", "--format", "jsonl", "--lang", "fr", "-o"]
    whole, output = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    monkeypatch.setattr(runtime, "load_release", lambda *_: CheapModel())
    assert predict(*arguments, whole, stdin=lines).exit_code == 0
    with monkeypatch.context() as patch:
        if when == "reading":
            patch.setattr(readers, "_open", lambda *_: io.BufferedReader(InterruptedPipe(cut)))
        else:  # the end of the pipe was read before the interrupt came
            patch.setattr(runtime, "load_release", lambda *_: InterruptedModel(batch=3))
        done = predict(*arguments, output, stdin=cut)
    assert done.exit_code == 130
    assert done.stderr.endswith("tocsin: interrupted; the same command goes on from here\n")
    assert 0 < len(records(output)) < 1200
    done = predict(*arguments, output, stdin=lines)
    assert (done.exit_code, "going on after" in done.stderr) == (0, True), done.stderr
    assert output.read_bytes() == whole.read_bytes()
    assert not side_file(output).exists()


@pytest.mark.parametrize("to_file", [False, True])
def test_an_interrupt_ends_a_run_that_waits_for_input(to_file: bool, tmp_path: Path) -> None:
    options = ["-o", tmp_path / "out.jsonl"] if to_file else []
    words = command("predict", "-", "--log-json", *options)
    process = subprocess.Popen(words, stdin=-1, stdout=-1, stderr=-1)
    try:
        assert process.stderr is not None
        assert json.loads(process.stderr.readline())["event"] == "started"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130  # its standard input is still open
    finally:
        process.kill()
        _, told = process.communicate()
    (end,) = map(json.loads, told.splitlines())
    assert (end["event"], end["exit_code"], end["inputs"]) == ("interrupted", 130, 0)


def test_an_interrupted_run_to_a_pipe_finishes_its_batch_and_says_so(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(runtime, "load_release", lambda *_: InterruptedModel(batch=2))
    done = predict(many, "--log-json")
    told = json.loads(done.stderr.splitlines()[-1])
    assert (done.exit_code, told["event"], told["exit_code"]) == (130, "interrupted", 130)
    written = [json.loads(line) for line in done.stdout.splitlines()]
    assert 512 < len(written) == told["records"] < 1760
    monkeypatch.setattr(runtime, "load_release", lambda *_: InterruptedModel())
    told = predict(many).stderr
    assert told.endswith(" are error rows\ntocsin: interrupted\n")  # nothing to go on from
    assert signal.getsignal(signal.SIGINT) is handler


def test_who_interrupts_twice_does_not_wait_for_the_batch(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.jsonl"
    monkeypatch.setattr(runtime, "load_release", lambda *_: InterruptedModel(batch=2, times=2))
    done = predict(many, "-o", output)
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        130,
        "tocsin: interrupted; the same command goes on from here",
    )
    twice = len(records(output))
    monkeypatch.setattr(runtime, "load_release", lambda *_: InterruptedModel())
    assert predict(many, "-o", output).exit_code == 130
    assert len(records(output)) > twice


def test_an_interrupt_while_parquet_is_assembled_comes_too_late(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "load_release", lambda *_: CheapModel())
    output, finish = tmp_path / "out.parquet", ParquetWriter.finish

    def interrupted(writer: ParquetWriter) -> None:
        signal.raise_signal(signal.SIGINT)
        finish(writer)

    monkeypatch.setattr(ParquetWriter, "finish", interrupted)
    done = predict(many, "-o", output)
    assert (done.exit_code, "interrupted" in done.stderr) == (3, False)
    assert pq.read_table(output).num_rows == 1760
    assert {path.name for path in tmp_path.iterdir()} == {"out.parquet", "out.parquet.errors.jsonl"}


def test_kills_at_random_moments_are_told_and_a_difference_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.jsonl"
    kill_resume.write_inputs(source, 1200)
    assert [row["text"] == "" for row in records(source)] == [not number % 10 for number in range(1200)]
    monkeypatch.setattr(kill_resume, "_command", lambda source, output: command("predict", source, "-o", output))
    result = kill_resume.kill_and_resume(source, 1200, "csv", 2, 1, tmp_path)
    assert (result.identical, len(result.kills)) == (True, 2)
    assert "| csv | 1,200 | 2 | " in kill_resume.page([result], 1)

    def differing(source: Path, output: Path) -> list[str]:
        return command("predict", source, "-o", output, *(["--keep"] if output.stem == "killed" else []))

    monkeypatch.setattr(kill_resume, "_command", differing)
    assert not kill_resume.kill_and_resume(source, 1200, "csv", 0, 1, tmp_path).identical


@pytest.fixture
def unfinished(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Input and output of a job that was stopped when all but the end was done."""
    monkeypatch.setattr(runtime, "load_release", lambda *_: CheapModel())
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(many.read_bytes())
    with monkeypatch.context() as patch:
        patch.setattr(FileJob, "finish", lambda _: None)
        assert predict(source, "-o", output).exit_code == 3
    return source, output


def predict(*arguments: object, stdin: bytes | None = None) -> Result:
    """The command in this process, with the model that ``load_release`` is patched to give."""
    return CliRunner().invoke(app, ["predict", *map(str, arguments)], input=stdin)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (["--unit", "document"], "unit"),
        (["--lang", "fr"], "lang"),
        (["--keep"], "keep"),
        (["--all-scores"], "all_scores"),
        (["--threshold", "0.9"], "threshold"),
        (["--precision", "0.5"], "precision"),
        (["--text-field", "day"], "text_field"),
        (["--id-field", "day"], "id_field"),
        (["--format", "text"], "format"),
        ([__file__], "files"),
    ],
)
def test_an_unfinished_job_is_not_overwritten_with_other_options(
    unfinished: tuple[Path, Path], options: list[str], name: str
) -> None:
    source, output = unfinished
    before = output.read_bytes(), state_file(output).read_bytes()
    done = predict(source, *options, "-o", output)
    assert done.exit_code == 1
    assert f"an unfinished job with another {name} (" in done.stderr
    assert "finish it with the command that began it, or delete" in done.stderr
    assert (output.read_bytes(), state_file(output).read_bytes()) == before


def test_an_unfinished_job_is_not_overwritten_by_another_model_or_other_inputs(
    unfinished: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = unfinished
    state, inputs = state_file(output), source.read_bytes()
    before = output.read_bytes(), state.read_bytes()
    with monkeypatch.context() as patch:
        other = CheapModel(replace(CheapModel().settings, fingerprint="0"))
        patch.setattr(runtime, "load_release", lambda *_: other)
        assert "an unfinished job with another model (" in predict(source, "-o", output).stderr
        patch.setattr(runtime, "load_release", lambda *_: CheapModel())
        patch.setattr(package, "__version__", "0.0")
        assert "an unfinished job with another version of Tocsin (" in predict(source, "-o", output).stderr
    for changed in (inputs.replace(b"e", b"E", 1), inputs[: len(inputs) // 2], b"{}\n" + inputs):
        source.write_bytes(changed)
        done = predict(source, "-o", output)
        assert done.exit_code == 1
        assert "the inputs are not those of the unfinished job" in done.stderr
    source.write_bytes(inputs)
    lacking = json.loads(before[1])
    del lacking["inputs"]["taken"]
    for damaged in ("{", "[]", json.dumps(lacking), json.dumps(lacking | {"inputs": None})):
        state.write_text(damaged, encoding="utf-8")
        assert "out.jsonl.job: damaged" in predict(source, "-o", output).stderr
    state.write_bytes(before[1])
    errors = side_file(output).read_bytes()
    for path in (output, side_file(output)):
        content = path.read_bytes()
        path.write_bytes(content[:-5])
        assert _told_to_start_over(predict(source, "-o", output), path, "is shorter than the", state)
        path.unlink()
        assert _told_to_start_over(predict(source, "-o", output), path, "no such file or directory", state)
        path.write_bytes(content)
    assert predict(source, "-o", output).exit_code == 3
    assert (output.read_bytes(), side_file(output).read_bytes(), state.exists()) == (before[0], errors, False)


def _told_to_start_over(done: Result, path: Path, reason: str, state: Path) -> bool:
    told = done.stderr.splitlines()[-1]
    return (
        done.exit_code == 1
        and told.startswith(f"tocsin: {path}: {reason}")
        and told.endswith(f"; delete {state} to start over")
    )


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_full_disk_stops_a_job_that_then_goes_on(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "load_release", lambda *_: CheapModel())
    source = tmp_path / "in.jsonl"
    source.write_text("".join(f'{{"text": "{number:0100}"}}\n' for number in range(3000)), encoding="utf-8")
    whole, output = tmp_path / f"whole.{suffix}", tmp_path / f"out.{suffix}"
    assert predict(source, "--lang", "fr", "-o", whole).exit_code == 0
    # A limit on the size of a file stands in for a full disk: writing fails in the same way.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole.stat().st_size - 100, hard))
    try:
        done = predict(source, "--lang", "fr", "-o", output)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert done.exit_code == 1
    assert done.stderr.endswith("file too large; the same command goes on from here\n")
    done = predict(source, "--lang", "fr", "-o", output)
    assert (done.exit_code, "going on after" in done.stderr) == (0, True)
    assert output.read_bytes() == whole.read_bytes()


def test_endless_input_is_read_as_it_is_written_and_a_closed_pipe_ends_it() -> None:
    words = " ".join(map(shlex.quote, command("predict", "-", "--format", "jsonl")))
    line = shlex.quote('{"text": "Il pleut."}')
    pipes = f"yes {line} | {words} | head -n 1; echo ${{PIPESTATUS[1]}}"
    done = subprocess.run(["bash", "-c", pipes], capture_output=True, text=True, check=False)
    record, code = done.stdout.splitlines()
    assert json.loads(record)["text"] == "Il pleut."
    assert (code, done.stderr) == ("0", "")


def test_a_closed_pipe_does_not_hide_error_rows(many: Path) -> None:
    words = shlex.join(command("predict", many))
    done = subprocess.run(
        ["bash", "-c", f"{words} | head -n 1; exit ${{PIPESTATUS[0]}}"], capture_output=True, check=False
    )
    assert (done.returncode, len(done.stdout.splitlines())) == (3, 1)


def test_a_job_ends_though_nobody_reads_standard_error(many: Path, tmp_path: Path) -> None:
    whole, output, silent = tmp_path / "whole.jsonl", tmp_path / "out.jsonl", tmp_path / "silent.jsonl"
    cheap("predict", many, "-o", whole)
    read, write = os.pipe()
    os.close(read)
    assert subprocess.run(command("predict", many, "-o", output), stderr=write, check=False).returncode == 3
    os.close(write)
    assert output.read_bytes() == whole.read_bytes()
    closed = shlex.join(command("predict", many)) + f" 2>&- > {shlex.quote(str(silent))}"
    assert subprocess.run(["bash", "-c", closed], check=False).returncode == 3
    assert silent.read_bytes() == whole.read_bytes()  # no message among the records


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ("- <&-", 1, "tocsin: standard input is closed"),
        ("README.md >&-", 1, "tocsin: standard output is closed: give a file with --output"),
        ("README.md --lang en -o /dev/null >&-", 0, "tocsin: 1 inputs: 1 gave "),
    ],
)
def test_closed_standard_streams(arguments: str, code: int, told: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{shlex.join(command('predict'))} {arguments}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert done.stderr.startswith(told) and done.stderr.count("\n") == 1


def test_a_view_on_a_terminal_has_no_summary(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("Il pleut.", encoding="utf-8")
    master, slave = pty.openpty()
    done = subprocess.run(command("predict", source, "--lang", "fr"), stdout=slave, stderr=-1, check=False)
    os.close(slave)
    os.close(master)
    assert (done.returncode, done.stderr) == (0, b"")


def test_nothing_is_read_ahead_of_what_is_written() -> None:
    taken = 0

    def endless() -> Iterator[Document]:
        nonlocal taken
        while True:
            taken += 1
            yield Document(str(taken), "Il pleut.", "-")

    work = chunks(InputStream(endless()), CheapModel(), "sentence", "fr")
    assert len(next(work).sentences) == taken == 512
    next(work)
    assert taken == 1024


def test_a_long_text_file_is_one_document_and_a_job_goes_on_in_its_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "load_release", lambda *_: CheapModel())
    text = "".join(f"L'armée a pris la ville {i}. Rien\nde plus.\n\n" for i in range(4000))
    source, whole, output = tmp_path / "a.txt", tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    source.write_text(text, encoding="utf-8")
    assert "1 inputs: 1 gave 8000 records" in predict(source, "-o", whole).stderr
    for number, record in enumerate(records(whole)):
        assert (record["id"], record["sentence"], record["doc_id"]) == (f"a.txt#{number}", number, "a.txt")
        assert text[record["start"] : record["end"]] == record["text"]
    commit = FileJob.commit
    with monkeypatch.context() as patch:

        def killed(job: FileJob, chunk: Chunk) -> None:
            commit(job, chunk)
            raise KeyboardInterrupt

        patch.setattr(FileJob, "commit", killed)
        predict(source, "-o", output)
    assert 0 < len(records(output)) < 8000
    assert predict(source, "-o", output).exit_code == 0
    assert output.read_bytes() == whole.read_bytes()
    assert "more than 4 MiB" not in predict(source, "--unit", "document", "-o", output).stderr
    source.write_text(text * 30, encoding="utf-8")
    done = predict(source, "--unit", "document", "-o", output)
    assert done.exit_code == 1
    assert "more than 4 MiB, which is too much for one record" in done.stderr


def test_a_job_is_told_in_json(many: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    done = cheap("predict", many, "--log-json", "-o", output)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    errors = [row for row in told if row["event"] == "error_row"]
    started, *_, finished = told
    assert (started["event"], finished["event"]) == ("started", "finished")
    assert started["bytes_total"] == finished["bytes_read"] == many.stat().st_size
    assert {event["event"] for event in told} <= {"started", "error_row", "progress", "untested", "finished"}
    assert (finished["exit_code"], finished["errors"]) == (3, len(errors))
    assert finished["inputs"] == finished["documents"] + finished["errors"]
    assert errors[0]["line"] == 1 and errors[0]["reason"] == "field 'text' is empty"
    failed = json.loads(cheap("predict", many, "--log-json", "-o", "none/out.csv").stderr.splitlines()[-1])
    assert (failed["event"], failed["exit_code"]) == ("failed", 1)


def test_a_terminal_shows_a_bar_with_rate_and_errors(many: Path, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(command("predict", many, "-o", tmp_path / "out.jsonl"), stderr=slave)
    os.close(slave)
    told = b""
    with suppress(OSError):  # how Linux says that the other side is closed
        while part := os.read(master, 2**16):
            told += part
    os.close(master)
    assert process.wait() == 3
    assert b"sentences/s, 220 errors, 0:00:00 left" in told


def test_the_time_left_is_told_by_the_bytes_of_this_run() -> None:
    now = 100.0
    meter = Meter()
    pace = Pace(meter, lambda: now)
    meter.total, meter.done = 1000, 500  # what an earlier run of the job read
    pace.begin()
    assert pace.seconds_left is None
    now, meter.done = 110.0, 600
    pace.advance(50)
    assert pace.figures(Totals())["sentences_per_second"] == 5.0
    assert pace.figures(Totals())["seconds_left"] == 40.0
    assert pace.line(Totals(errors=2)) == "5.0 sentences/s, 2 errors, 0:00:40 left"
    meter.total = None
    assert pace.figures(Totals())["seconds_left"] is None


def test_an_output_inside_the_input_folder_is_refused(inputs: Path) -> None:
    done = tocsin("predict", inputs, "-o", inputs / "out.jsonl")
    assert done.returncode == 2
    assert "lies in the input folder" in done.stderr


def test_a_device_is_written_to_and_keeps_no_state(inputs: Path) -> None:
    done = tocsin("predict", inputs / "d.parquet", "-o", "/dev/null")
    assert done.returncode == 3
    assert done.stderr.endswith(" records in /dev/null, 4 are error rows\n")
    assert not Path("/dev/null.job").exists()
    assert not Path("/dev/null.errors.jsonl").exists()


def test_an_output_that_cannot_be_opened_costs_no_error_rows(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "load_release", lambda *_: CheapModel())
    output = tmp_path / "out.parquet"
    side_file(output).write_text("{}\n", encoding="utf-8")
    (tmp_path / "out.parquet.parts").touch()
    done = predict(many, "-o", output)
    assert (done.exit_code, "out.parquet: file exists" in done.stderr) == (1, True)
    assert side_file(output).read_text(encoding="utf-8") == "{}\n"


def test_a_parquet_job_killed_while_it_finishes_can_finish_again(
    inputs: Path, tmp_path: Path, release: Pipeline
) -> None:
    def job() -> FileJob:
        return FileJob(tmp_path / "out.parquet", {"unit": "document"})

    def stream() -> InputStream:
        return InputStream(read_documents([str(inputs / "a.jsonl")]))

    first, items = job(), stream()
    first.open(items)
    for chunk in chunks(items, release, "document", "fr"):
        first.write(release.predict(chunk.sentences))
        first.commit(chunk)
    first._writer.finish()  # the file is whole, but the job has not been told off
    whole = (tmp_path / "out.parquet").read_bytes()
    again, items = job(), stream()
    again.open(items)
    assert list(chunks(items, release, "document", "fr")) == []
    again.finish()
    assert (tmp_path / "out.parquet").read_bytes() == whole
    assert {path.name for path in tmp_path.iterdir()} == {"out.parquet", "out.parquet.errors.jsonl"}
