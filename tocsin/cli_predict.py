"""``tocsin predict``: inputs to a file, to a pipe, or as a view on a terminal."""

from __future__ import annotations

import os
import signal
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from tocsin.cli_common import FAILURE, INTERRUPTED, USAGE, ModelOption, exit_code, need
from tocsin.data.errors import reason

if TYPE_CHECKING:
    from tocsin.data.readers import Meter
    from tocsin.data.records import Prediction
    from tocsin.job import Chunk, FileJob, InputStream, Totals
    from tocsin.model.pipeline import Pipeline
    from tocsin.progress import Log

stdout = Console()


class PredictEngine(str, Enum):
    """What runs a batch job."""

    local = "local"
    ray = "ray"


class Unit(str, Enum):
    """What gets a record."""

    sentence = "sentence"
    document = "document"


class Format(str, Enum):
    """How an input is written."""

    text = "text"
    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"


def predict(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Text, JSONL, CSV or Parquet files (.gz and .zst too), folders, patterns; - for standard input."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write: .csv, .parquet, or else JSONL.")
    ] = None,
    text_field: Annotated[str, typer.Option(help="Field or column that holds the text.")] = "text",
    id_field: Annotated[
        str | None,
        typer.Option(help="Field or column that holds the id; default: id where there is one, else the place."),
    ] = None,
    format: Annotated[Format | None, typer.Option(help="Default: told by each file's suffix, else plain text.")] = None,
    unit: Annotated[Unit, typer.Option(help="One record a sentence, or one a document.")] = Unit.sentence,
    lang: Annotated[str | None, typer.Option(help="ISO 639-1 code of all texts; default: detected.")] = None,
    all_scores: Annotated[bool, typer.Option("--all-scores", help="Add the probability of every type.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Carry the other fields of each input row on.")] = False,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Probability from which any type is reported; default: each type's own."),
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Report only what reaches this precision on dev: fewer events, surer ones."),
    ] = None,
    model: ModelOption = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Default: what turns out to help; with --engine ray 1.")
    ] = None,
    dedup: Annotated[
        bool, typer.Option(help="Read identical sentences of a batch once; records are the same either way.")
    ] = True,
    engine: Annotated[
        PredictEngine, typer.Option(help="This machine, or a Ray cluster, which writes a folder of Parquet files.")
    ] = PredictEngine.local,
    address: Annotated[
        str | None, typer.Option(help="Of the Ray cluster; default: the one that Ray finds, else this machine.")
    ] = None,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Tell of the job on standard error in JSON, an object a line.")
    ] = False,
) -> None:
    """Say of every sentence what happened, who, where and with what.

    Writes JSONL, CSV or Parquet to a file, JSONL to a pipe, and a coloured view to a terminal. An input that cannot be
    read becomes an error row (in OUTPUT.errors.jsonl, or on standard error) and never stops the rest. A job that writes
    to a file and is killed or interrupted goes on where it was when the same command is given again.
    Exit codes: 0 all inputs read, 3 some error rows, 1 nothing could be read or written, 2 wrong usage,
    130 interrupted.
    """
    from tocsin import __version__
    from tocsin.data.language import check_language
    from tocsin.data.readers import STDIN, Meter, expand_inputs, read_documents
    from tocsin.job import FileJob, InputStream, JobError, side_file, state_file
    from tocsin.model.runtime import load_release
    from tocsin.model.settings import ModelError, never_reported
    from tocsin.progress import Log

    log = Log(log_json)

    def fail(message: object, code: int = FAILURE) -> NoReturn:
        log("failed", str(message), exit_code=code)
        raise typer.Exit(code)

    try:
        check_language(lang)
    except ValueError as error:
        fail(f"--lang: {error}", USAGE)
    if files.count(STDIN) > 1:
        fail("standard input can be read only once: give - once", USAGE)
    # Python has no stream for what was closed before it started.
    if STDIN in files and sys.stdin is None:
        fail("standard input is closed")
    if output is None and sys.stdout is None:
        fail("standard output is closed: give a file with --output")
    if engine is PredictEngine.ray:
        if output is None or output.suffix.lower() in (".csv", ".jsonl"):
            fail("--engine ray writes a folder of Parquet files: give its name with --output", USAGE)
        need("ray", "ray")
        threads = threads or 1
    elif address is not None:
        fail("--address is of a cluster: give --engine ray too", USAGE)
    if output is not None:
        if output.is_dir() and engine is PredictEngine.local:
            fail(f"{output}: is a directory, expected a file to write", USAGE)
        for folder in files:
            if os.path.isdir(folder) and output.resolve().is_relative_to(Path(folder).resolve()):
                fail(f"{output}: lies in the input folder {folder}, where it would be read as an input", USAGE)
        meant = [item.path for item in expand_inputs(files) if os.path.exists(item.path)]
        for written in (output, side_file(output), state_file(output)):
            if written.exists() and any(written.samefile(path) for path in meant):
                fail(f"{written}: would overwrite an input", USAGE)
    try:
        pipeline = load_release(model, threads, dedup)
        if threshold is not None and precision is not None:
            fail("--threshold and --precision exclude each other", USAGE)
        if threshold is not None or precision is not None:
            pipeline = pipeline.with_settings(thresholds=pipeline.settings.thresholds_for(threshold, precision))
        if precision is not None and (never := never_reported(pipeline.settings.thresholds)):
            log(
                "never_reported", f"types that did not reach this precision on dev are not reported: {', '.join(never)}"
            )
    except ModelError as error:
        fail(error)
    settings = pipeline.settings
    reading: dict[str, Any] = {"format": format and format.value, "text_field": text_field, "id_field": id_field}
    whole = unit is Unit.document
    if engine is PredictEngine.ray:
        from tocsin.cli_ray import predict_on_ray
        from tocsin.ray_engine import RayJob

        assert output is not None and threads is not None
        reading |= {"keep": keep, "whole": whole}
        ray_job = RayJob(
            model, settings.fingerprint, settings.thresholds, threads, dedup, reading, unit.value, lang, all_scores
        )
        try:
            raise typer.Exit(predict_on_ray(files, output, ray_job, address, log))
        except JobError as error:
            fail(error)
        except OSError as error:
            fail(f"{output}: {reason(error)}")
    meter = Meter()
    inputs = InputStream(read_documents(files, **reading, keep=keep, whole=whole, meter=meter))
    job = None
    if output is not None:
        options = reading | {"model": f"{settings.name} {settings.fingerprint}", "files": files, "unit": unit.value}
        options |= {"lang": lang, "all_scores": all_scores, "keep": keep, "version of Tocsin": __version__}
        job = FileJob(output, options | {"threshold": threshold, "precision": precision})
    run = _Run(pipeline, inputs, job, meter, log)
    try:
        run(unit.value, lang, all_scores)
        if job is None:
            sys.stdout.flush()
    except JobError as error:
        fail(error)
    except OSError as error:
        if job is not None or not isinstance(error, BrokenPipeError):
            fail(f"{output or 'standard output'}: {reason(error)}{_how_to_go_on(output)}")
        # The reader of our output has gone (`| head`): no error of ours. What Python still holds goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not run.interrupted:
            raise typer.Exit(exit_code(run.totals.records, run.errors_told)) from None
    run.report()


def _how_to_go_on(output: Path | None) -> str:
    """The end of a message on why a job stopped."""
    from tocsin.job import state_file

    return "; the same command goes on from here" if output is not None and state_file(output).exists() else ""


class _Run:
    """One `predict`: to the files of a job, to a pipe, or as a view on a terminal; and what is told about it."""

    def __init__(self, pipeline: Pipeline, inputs: InputStream, job: FileJob | None, meter: Meter, log: Log):
        from tocsin.job import Totals
        from tocsin.progress import Pace

        self.pipeline, self.inputs, self.job, self.meter, self.log = pipeline, inputs, job, meter, log
        self._totals = Totals()
        self.pace = Pace(meter)
        # Not rich's is_terminal, which FORCE_COLOR overrides: a pipe gets JSONL.
        self.view = job is None and sys.stdout.isatty()
        self.errors_told = 0  # by this run, also of a chunk that is not yet written
        self.interrupted = False
        self._must_finish = False  # what is in hand, before an interrupt ends the run

    @property
    def totals(self) -> Totals:
        """What became of the inputs, of those that earlier runs of the job read too."""
        return self.job.totals if self.job else self._totals

    def __call__(self, unit: str, lang: str | None, all_scores: bool) -> None:
        handler = signal.signal(signal.SIGINT, self._interrupt)
        try:
            self._work(unit, lang, all_scores)
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            signal.signal(signal.SIGINT, handler)
            if self.job is not None:
                self.job.close()

    def _interrupt(self, *_: object) -> None:
        # Who cannot wait for what must be finished interrupts once more.
        self.interrupted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if not self._must_finish:
            raise KeyboardInterrupt

    def _work(self, unit: str, lang: str | None, all_scores: bool) -> None:
        from tocsin.job import chunks
        from tocsin.progress import Display

        if self.job is not None:
            self.job.open(self.inputs)
        elif not self.view:
            # JSONL is UTF-8 whatever the locale says.
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
        before = self.totals.inputs
        self.log("started", f"going on after {before} inputs" if before else "", **self.pace.figures(self.totals))
        with Display(self.log, self.pace, self.meter, shown=not self.view) as display:
            for chunk in chunks(self.inputs, self.pipeline, unit, lang):
                # ^C reaches the writer of a pipe as well: when it falls, the last chunk may end in half a line, where
                # the inputs will not end when the job goes on. So this one is dropped.
                self._must_finish = not chunk.last
                for row in chunk.errors:
                    self.log("error_row", str(row), **row.to_dict())
                self.errors_told += len(chunk.errors)
                for batch in chunk.batches():
                    self._must_finish = not chunk.last
                    done = self.pipeline.predict(batch, all_scores, lambda count: display.advance(count, self.totals))
                    self._must_finish = True
                    self._write(done)
                if self.interrupted and chunk.last:
                    return
                self._commit(chunk)
                display.advance(0, self.totals)
                self._must_finish = False
                if self.interrupted:
                    return
        if self.job is not None:
            self._must_finish = True
            self.job.finish()
            self.interrupted = False  # too late: nothing is left to go on with

    def _write(self, predictions: list[Prediction]) -> None:
        from tocsin.data.writers import json_line

        if self.job is not None:
            self.job.write(predictions)
            return
        self._totals.add(predictions)
        for prediction in predictions:
            if self.view:
                from tocsin.view import print_prediction

                print_prediction(prediction, stdout)
            else:
                sys.stdout.write(json_line(prediction.to_dict()))

    def _commit(self, chunk: Chunk) -> None:
        if self.job is not None:
            self.job.commit(chunk)
        else:
            self._totals.close(chunk)

    def report(self) -> None:
        """The closing summary, and the exit code if it is not 0."""
        totals = self.totals
        if untested := totals.untested_languages():
            self.log("untested", untested)
        code = INTERRUPTED if self.interrupted else exit_code(totals.records, totals.errors)
        output = self.job.output if self.job else None
        told = [] if self.view else [totals.summary(output)]
        if self.interrupted:
            told.append(f"interrupted{_how_to_go_on(output)}")
        event, figures = "interrupted" if self.interrupted else "finished", self.pace.figures(totals)
        self.log(event, "\ntocsin: ".join(told), exit_code=code, **figures)
        if code:
            raise typer.Exit(code)
