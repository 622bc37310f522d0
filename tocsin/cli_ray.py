"""``tocsin predict --engine ray``: what is told of a job on a Ray cluster, and how it ends."""

from __future__ import annotations

import sys
from pathlib import Path

from tocsin.cli_common import FAILURE, INTERRUPTED, SOME_ERRORS
from tocsin.data.readers import Meter
from tocsin.job import Totals, side_file
from tocsin.progress import Display, Log, Pace
from tocsin.ray_engine import RayJob, add, predict_files


def predict_on_ray(files: list[str], output: Path, job: RayJob, address: str | None, log: Log) -> int:
    """Runs the job and tells of it as the local engine does; returns the exit code. Raises what
    :func:`tocsin.ray_engine.predict_files` does."""
    totals, meter = Totals(), Meter()  # how much the machines have read is not known here
    pace = Pace(meter)
    log("started", **pace.figures(totals))
    with Display(log, pace, meter, shown=sys.stderr.isatty()) as display:
        try:
            for part in predict_files(files, output, job, address):
                for row in part.errors:
                    log("error_row", str(row), **row.to_dict())
                add(totals, part.totals)
                display.advance(part.totals.records, totals)
        except KeyboardInterrupt:
            message = f"interrupted; {output} is not all, delete it to start over"
            log("interrupted", message, exit_code=INTERRUPTED, **pace.figures(totals))
            return INTERRUPTED
    if totals.untested:
        counts = ", ".join(f"{count} in {lang!r}" for lang, count in sorted(totals.untested.items()))
        log("untested", f"the model was not tested on the language of some sentences: {counts}")
    code = 0 if not totals.errors else SOME_ERRORS if totals.records else FAILURE
    where = f" in {side_file(output)}" if totals.errors else ""
    summary = (
        f"{totals.inputs} inputs: {totals.documents} gave {totals.records} records in {output}, "
        f"{totals.errors} are error rows{where}"
    )
    log("finished", summary, exit_code=code, **pace.figures(totals))
    return code
