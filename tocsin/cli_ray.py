"""``tocsin predict --engine ray``: what the command prints, and how it ends."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tocsin.job import Totals, side_file
from tocsin.ray_engine import RayJob, add, predict_files


def predict_on_ray(files: list[str], output: Path, job: RayJob, address: str | None) -> int:
    """Runs the job and tells of it as the local engine does; returns the exit code: 0 all inputs read, 3 some error
    rows, 1 nothing could be read, 130 interrupted. Raises what :func:`tocsin.ray_engine.predict_files` does."""
    totals = Totals()
    columns = (SpinnerColumn(), TextColumn("{task.completed} sentences"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("predict", total=None)
        try:
            for part in predict_files(files, output, job, address):
                for row in part.errors:
                    print(f"tocsin: {row}", file=sys.stderr)
                add(totals, part.totals)
                bar.advance(task, part.totals.records)
        except KeyboardInterrupt:
            print(f"tocsin: interrupted; {output} is not all, delete it to start over", file=sys.stderr)
            return 130
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
