"""A batch job on many machines: ``tocsin predict --engine ray`` hands the inputs to Ray Data.

Ray Data streams: a few tasks read files and cut them into parts (:func:`_read_parts`), actors that hold the model
predict a part each and write it (:class:`_Predictor`), and what became of it comes back in input order. A part is one
Parquet file in ``OUT``, named by its place, so that the file names are in input order. Parts are cut by the inputs
alone, never by the size of the cluster, and a part appears whole or not at all: when a machine is lost, Ray runs its
parts again elsewhere, and they are written once.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tocsin.data.documents import Document, ErrorRow
from tocsin.data.readers import STDIN, Input, Meter, expand_inputs, read_inputs
from tocsin.data.writers import ParquetWriter, TextFile, json_line
from tocsin.job import InputStream, JobError, Totals, chunks, side_file
from tocsin.model.pipeline import Pipeline
from tocsin.model.runtime import load_release

# A part is some 2,000 sentences: half a minute of a core, so little is lost with a machine.
PART_CHARACTERS = 256 * 1024
_PART_INPUTS = 4096
# What one task reads: an hour of a core's prediction, and a moment of reading.
_RUN_BYTES = 32 * 1024 * 1024
_RUN_FILES = 1000
_ACTORS_PER_READER = 16
_UNFINISHED = "."  # files that begin so are no data to those that read a folder of Parquet files


@dataclass(frozen=True)
class RayJob:
    """What is to be done with every input. ``threads``: CPUs that Ray reserves for each actor, and threads of its
    model; ``reading``: options of :func:`tocsin.data.readers.read_inputs`."""

    model: str | None
    fingerprint: str
    thresholds: Mapping[str, float]
    threads: int
    deduplicate: bool
    reading: Mapping[str, Any]
    unit: str
    lang: str | None
    all_scores: bool

    def load(self) -> Pipeline:
        """The model as this machine has it; raises :class:`JobError` if it is another than the driver's."""
        pipeline = load_release(self.model, self.threads, self.deduplicate)
        if pipeline.settings.fingerprint != self.fingerprint:
            raise JobError(f"{self.model or 'the shipped model'}: not the same on all machines")
        return pipeline.with_settings(thresholds=dict(self.thresholds))


@dataclass(frozen=True)
class Part:
    """A part that is written (if it has records): what it adds to the totals, its error rows, and the Ray node that
    predicted it."""

    name: str
    totals: Totals
    errors: tuple[ErrorRow, ...]
    node: str


def predict_files(files: Sequence[str], output: Path, job: RayJob, address: str | None = None) -> Iterator[Part]:
    """Predicts ``files`` into the folder ``output`` and gives the parts in input order as they are done; error rows
    are written to its side file. Paths must lead to the same files on all machines.

    ``address``: of a running cluster, as ``ray.init`` takes it; ``None``: the one that Ray finds, else a new one on
    this machine. Raises :class:`JobError` if the job cannot start or go on; an output that exists is not touched, and
    where there are no records there is none.
    """
    if STDIN in files:
        raise JobError("standard input cannot be read by other machines, give files")
    if output.exists():
        raise JobError(f"{output}: exists already; name another folder, --engine ray overwrites nothing")
    inputs = expand_inputs(files, job.reading["format"])
    if job.model is not None and Path(job.model).exists():
        job = replace(job, model=str(Path(job.model).resolve()))  # relative paths mean what they mean here
    output.mkdir(parents=True)
    side = TextFile(side_file(output))
    side.path.unlink(missing_ok=True)
    try:
        for part in _execute(inputs, output.resolve(), job, address):
            if part.errors:
                side.open(side.path.stat().st_size if side.path.exists() else 0)
                for row in part.errors:
                    side.append(json_line(row.to_dict()))
                side.close()
            yield part
    finally:
        for rest in output.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(rest) if rest.is_dir() else rest.unlink()
        if not any(output.iterdir()):
            output.rmdir()  # nothing came of it: the same command may be tried again


def _execute(inputs: Sequence[Input], output: Path, job: RayJob, address: str | None) -> Iterator[Part]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anyone
    # Ray warns of how Ray Data itself makes actors; what fails is raised as an exception all the same.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray
    from ray.data import ActorPoolStrategy, DataContext, TaskPoolStrategy

    started = not ray.is_initialized()
    if started:
        try:
            ray.init(address, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise JobError(f"no Ray cluster at {address or 'this machine'}: {error}") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        actors = sum(int(node["Resources"].get("CPU", 0)) // job.threads for node in ray.nodes() if node["Alive"])
        if not actors:
            raise JobError(f"no machine of the Ray cluster has the {job.threads} CPUs that --threads asks for")
        context = DataContext.get_current()
        context.execution_options.preserve_order = True
        context.target_max_block_size = 1  # a block is one part, whatever its size: the unit of scheduling and retry
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        runs = _runs(inputs)
        arguments = (dict(job.reading), PART_CHARACTERS, str(Path.cwd()))
        parts = (
            ray.data.from_items(runs, override_num_blocks=len(runs))
            # Readers wait most of the time. Asking for a CPU they would keep it from an actor, or wait for ever.
            .flat_map(
                _read_parts, fn_args=arguments, num_cpus=0, compute=TaskPoolStrategy(1 + actors // _ACTORS_PER_READER)
            )
            .map(
                _Predictor,
                fn_constructor_args=(job, str(output)),
                num_cpus=job.threads,
                compute=ActorPoolStrategy(
                    min_size=1, max_size=actors, initial_size=actors, max_tasks_in_flight_per_actor=2
                ),
            )
        )
        for row in parts.iter_rows():
            yield _part(row)
    except ray.exceptions.RayError as error:
        raise JobError(f"the Ray job failed: {str(error).strip().splitlines()[-1]}") from error
    finally:
        if started:
            ray.shutdown()


def _runs(inputs: Sequence[Input]) -> list[dict[str, Any]]:
    """Rows of consecutive inputs that one task reads."""
    runs: list[list[Input]] = []
    size = 0
    for item in inputs:
        if not runs or size >= _RUN_BYTES or len(runs[-1]) >= _RUN_FILES:
            runs.append([])
            size = 0
        runs[-1].append(item)
        path = Path(item.path)
        size += path.stat().st_size if path.is_file() else 0
    return [
        {"name": f"{number:06}", "inputs": json.dumps([vars(item) for item in run])} for number, run in enumerate(runs)
    ]


def _read_parts(
    run: dict[str, Any], reading: dict[str, Any], part_characters: int, folder: str
) -> Iterator[dict[str, Any]]:
    """The documents and error rows of a run as rows of one part each, in order, every input as a JSON text."""
    os.chdir(folder)  # relative paths mean what they mean to who started the job
    items: list[str] = []
    size = number = 0
    for item in read_inputs([Input(**item) for item in json.loads(run["inputs"])], **reading, meter=Meter()):
        # A document in pieces stays in one part, where its sentences are counted.
        full = size >= part_characters or len(items) >= _PART_INPUTS
        if full and not (isinstance(item, Document) and item.continued):
            yield {"name": f"{run['name']}-{number:06}", "items": items}
            items, size, number = [], 0, number + 1
        # Escapes keep what is no character (in other fields of a row), and plain text what has no JSON type.
        items.append(json.dumps(vars(item), default=str))
        size += len(item.text) if isinstance(item, Document) else 0
    if items:
        yield {"name": f"{run['name']}-{number:06}", "items": items}


class _Predictor:
    """An actor: loads the model once, then predicts and writes part after part."""

    def __init__(self, job: RayJob, output: str):
        os.environ["RAYON_NUM_THREADS"] = str(job.threads)  # of the tokenizer, which would take all cores
        import ray

        self._job, self._output = job, Path(output)
        self._pipeline = job.load()
        self._node = ray.get_runtime_context().get_node_id()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Writes the part ``row``; a part without records (but error rows) gets no file."""
        job, name, totals = self._job, row["name"], Totals()
        # A name of its own for each attempt: one that was given up may still be writing.
        unfinished = self._output / f"{_UNFINISHED}{name}-{uuid.uuid4().hex}.parquet"
        writer = ParquetWriter(unfinished)
        writer.open(0)
        errors: list[ErrorRow] = []
        for chunk in chunks(InputStream(_items(row["items"])), self._pipeline, job.unit, job.lang):
            for batch in chunk.batches():
                predictions = self._pipeline.predict(batch, job.all_scores)
                for prediction in predictions:
                    writer.write(prediction)
                totals.add(predictions)
            writer.commit()
            totals.close(chunk)
            errors += chunk.errors
        writer.finish()
        writer.clean()
        if totals.records:
            unfinished.replace(self._output / f"{name}.parquet")
        else:
            unfinished.unlink()
        return {
            "name": name,
            "totals": json.dumps(vars(totals)),
            "errors": [json.dumps(error.to_dict()) for error in errors],
            "node": self._node,
        }


def _items(rows: Iterable[str]) -> Iterator[Document | ErrorRow]:
    for row in map(json.loads, rows):
        yield ErrorRow(**row) if "reason" in row else Document(**row)


def _part(row: dict[str, Any]) -> Part:
    totals = Totals(**json.loads(row["totals"]))
    totals.untested = Counter(totals.untested)
    return Part(row["name"], totals, tuple(ErrorRow(**json.loads(error)) for error in row["errors"]), row["node"])
