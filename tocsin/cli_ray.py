"""``tocsin predict --engine ray``: what is told of a job on a Ray cluster, and how it ends."""

from __future__ import annotations

from pathlib import Path

from tocsin.cli_common import INTERRUPTED, exit_code
from tocsin.data.readers import Meter
from tocsin.job import Totals
from tocsin.progress import Display, Log, Pace
from tocsin.ray_engine import RayJob, predict_files


def predict_on_ray(files: list[str], output: Path, job: RayJob, address: str | None, log: Log) -> int:
    """Runs the job and tells of it as the local engine does; returns the exit code. Raises what
    :func:`tocsin.ray_engine.predict_files` does."""
    totals, meter = Totals(), Meter()  # how much the machines have read is not known here
    pace = Pace(meter)
    log("started", **pace.figures(totals))
    with Display(log, pace, meter) as display:
        try:
            for part in predict_files(files, output, job, address):
                for row in part.errors:
                    log("error_row", str(row), **row.to_dict())
                totals.include(part.totals)
                display.advance(part.totals.records, totals)
        except KeyboardInterrupt:
            message = f"interrupted; {output} is not all, delete it to start over"
            log("interrupted", message, exit_code=INTERRUPTED, **pace.figures(totals))
            return INTERRUPTED
    if untested := totals.untested_languages():
        log("untested", untested)
    code = exit_code(totals.records, totals.errors)
    log("finished", totals.summary(output), exit_code=code, **pace.figures(totals))
    return code
