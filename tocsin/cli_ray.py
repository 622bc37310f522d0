"""``tocsin predict --engine ray``: what the command prints, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tocsin.job import side_file
from tocsin.ray_engine import Part, RayJob, predict_files, total


def predict_on_ray(files: list[str], output: Path, job: RayJob, address: str | None) -> int:
    """Runs the job and tells of it as the local engine does; returns the exit code: 0 all inputs read, 3 some error
    rows, 1 nothing could be read. Raises what :func:`tocsin.ray_engine.predict_files` does."""
    totals = total(_shown(predict_files(files, output, job, address)))
    if totals.untested:
        counts = ", ".join(f"{count} in {lang!r}" for lang, count in sorted(totals.untested.items()))
        print(f"tocsin: the model was not tested on the language of some sentences: {counts}", file=sys.stderr)
    where = f" in {side_file(output)}" if totals.errors else ""
    print(
        f"tocsin: {totals.inputs} inputs: {totals.documents} gave {totals.records} records in {output}, "
        f"{totals.errors} are error rows{where}",
        file=sys.stderr,
    )
    return 0 if not totals.errors else 3 if totals.records else 1


def _shown(parts: Iterator[Part]) -> Iterator[Part]:
    """The parts as they come, with their error rows printed and their records counted on a terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.completed} sentences"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("predict", total=None)
        for part in parts:
            for row in part.errors:
                print(f"tocsin: {row}", file=sys.stderr)
            bar.advance(task, part.totals.records)
            yield part
