"""What is told of a job while it runs: a bar on a terminal, lines on standard error, or JSON lines for job runners."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

from tocsin.data.readers import Meter
from tocsin.data.writers import json_line
from tocsin.job import Totals

_SECONDS_BETWEEN_LINES = 5.0


class Log:
    """Messages on standard error: as text, or with ``as_json`` each as an object with its time, its event and what
    belongs to it. Whether anyone listens makes no difference to the job."""

    def __init__(self, as_json: bool):
        self.as_json = as_json

    def __call__(self, event: str, message: str = "", **fields: Any) -> None:
        if self.as_json:
            now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
            told = {"message": message} if message else {}
            self._print(json_line({"time": now, "event": event} | told | fields))
        elif message:
            self._print(f"tocsin: {message}\n")

    def _print(self, line: str) -> None:
        if sys.stderr is None:  # closed before Python started; print would turn to standard output
            return
        try:
            # Plain print: a message may hold brackets that rich would take for markup.
            print(line, end="", file=sys.stderr, flush=True)
        except BrokenPipeError:
            # The reader has gone. What Python still holds, and what comes, goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


class Pace:
    """How fast this run is, and how long it will take: what an earlier run of the job did took none of its time."""

    def __init__(self, meter: Meter, clock: Callable[[], float] = time.monotonic):
        self._meter, self._clock = meter, clock
        self.begin()

    def begin(self) -> None:
        """From here on it counts."""
        self._start, self._read, self._sentences = self._clock(), self._meter.done, 0

    def advance(self, sentences: int) -> None:
        """So many more sentences are done."""
        self._sentences += sentences

    @property
    def seconds(self) -> float:
        """Since it began."""
        return self._clock() - self._start

    @property
    def rate(self) -> float:
        """Sentences a second."""
        return self._sentences / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """As the bytes that are left to read tell; ``None`` where the end of the inputs is not known."""
        read, total = self._meter.done - self._read, self._meter.total
        return self.seconds * (total - self._meter.done) / read if total is not None and read else None

    def figures(self, totals: Totals) -> dict[str, Any]:
        """All that can be told, for a log."""
        left = self.seconds_left
        return {
            "inputs": totals.inputs,
            "documents": totals.documents,
            "records": totals.records,
            "errors": totals.errors,
            "seconds": round(self.seconds, 1),
            "sentences_per_second": round(self.rate, 1),
            "bytes_read": self._meter.done,
            "bytes_total": self._meter.total,
            "seconds_left": None if left is None else round(left, 1),
        }

    def line(self, totals: Totals) -> str:
        """What a person wants to know, for the bar."""
        left = self.seconds_left
        parts = [f"{self.rate:.1f} sentences/s", f"{totals.errors} errors"]
        return ", ".join(parts if left is None else [*parts, f"{timedelta(seconds=round(left))} left"])


class Display:
    """Progress as a bar (``shown``, if standard error is a terminal) and in a JSON log; else nothing."""

    def __init__(self, log: Log, pace: Pace, meter: Meter, shown: bool = True):
        terminal = sys.stderr is not None and sys.stderr.isatty()
        columns = (SpinnerColumn(), BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"))
        # Without redirect_stdout=False the bar would take our JSONL for chatter and print it on standard error.
        self._bar = Progress(
            *columns,
            console=Console(stderr=True),
            disable=not (shown and terminal) or log.as_json,
            transient=True,
            redirect_stdout=False,
        )
        self._log, self._pace, self._meter = log, pace, meter
        self._task = self._bar.add_task("", total=None)
        self._told = 0.0

    def __enter__(self) -> Display:
        self._bar.start()
        self._pace.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self, sentences: int, totals: Totals) -> None:
        """So many more sentences are done."""
        self._pace.advance(sentences)
        if self._log.as_json:
            if self._pace.seconds >= self._told + _SECONDS_BETWEEN_LINES:
                self._told = self._pace.seconds
                self._log("progress", **self._pace.figures(totals))
        else:
            read, total = self._meter.done, self._meter.total
            self._bar.update(self._task, description=self._pace.line(totals), completed=read, total=total)
