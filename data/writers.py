"""Predictions to JSONL, CSV or Parquet, in a way that a killed job can go on.

A writer is told from which position to go on, and tells after each commit which position is safe on disk: bytes of a
text file, finished parts of a Parquet file.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.data.readers import COMPRESSIONS
from tocsin.data.records import Prediction, Span

CSV_COLUMNS = (
    "event_id", "doc_id", "sentence", "language", "language_tested", "event_type", "sub_event_type", "type", "group",
    "score", "plover", "cameo", "quad_class", "actor1", "actor2", "location", "event_date", "weapon", "casualties",
    "notes", "input", "start", "end", "model", "scores",
)  # fmt: skip

_SPAN = pa.struct([
    ("start", pa.int64()), ("end", pa.int64()), ("label", pa.string()), ("text", pa.string()), ("score", pa.float64()),
])  # fmt: skip
_ACLED = pa.struct([("event_type", pa.string()), ("sub_event_type", pa.string())])
_EVENT = pa.struct([
    ("type", pa.string()), ("group", pa.string()), ("score", pa.float64()), ("acled", _ACLED), ("plover", pa.string()),
    ("cameo", pa.list_(pa.string())), ("quad_class", pa.string()),
])  # fmt: skip
PARQUET_SCHEMA = pa.schema([
    ("id", pa.string()), ("doc_id", pa.string()), ("sentence", pa.int64()), ("start", pa.int64()), ("end", pa.int64()),
    ("lang", pa.string()), ("lang_tested", pa.bool_()), ("text", pa.string()), ("events", pa.list_(_EVENT)),
    ("entities", pa.list_(_SPAN)), ("roles", pa.list_(_SPAN)), ("model", pa.string()),
    ("scores", pa.map_(pa.string(), pa.float64())), ("input", pa.string()),
])  # fmt: skip


# A part is written when it has so many rows, or so many characters of text and kept fields.
_PART_ROWS = 512
_PART_CHARACTERS = 2**22
# A row group of the whole file has so many parts, or so many bytes in memory.
_GROUP_PARTS = 16
_GROUP_BYTES = 2**26


class Writer(Protocol):
    """Where predictions go. ``commit`` returns the position from which a later ``open`` may go on; ``finish`` makes the
    file whole and may be repeated until ``clean`` takes away what that needs."""

    def open(self, position: int) -> None: ...
    def write(self, prediction: Prediction) -> None: ...
    def commit(self) -> int: ...
    def finish(self) -> None: ...
    def clean(self) -> None: ...
    def close(self) -> None: ...


def make_writer(path: Path) -> Writer:
    """A writer for ``path``, of the format that its suffix names (.csv, .parquet), JSONL for any other."""
    suffix = path.suffix.lower()
    return CsvWriter(path) if suffix == ".csv" else ParquetWriter(path) if suffix == ".parquet" else JsonlWriter(path)


_SURROGATES = re.compile("[\ud800-\udfff]")


def json_line(value: Any) -> str:
    """One line of JSONL in UTF-8. What JSON does not know (dates of a kept Parquet column, numbers that are none) is
    written as text, half of a UTF-16 pair (of a kept field) as the escape that it was."""
    try:
        line = json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        line = json.dumps(_finite(value), ensure_ascii=False, default=str)
    return _SURROGATES.sub(lambda half: f"\\u{ord(half.group()):04x}", line) + "\n"


def _finite(value: Any) -> Any:
    """``value`` with the text of each number that JSON does not have: NaN and the infinities."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


class TextFile:
    """A text file that can be cut back to a safe length and appended to."""

    def __init__(self, path: Path):
        self.path = path
        self._file: IO[bytes] | None = None

    def open(self, position: int) -> None:
        """Everything after ``position`` bytes is dropped; :class:`OSError` if the file is shorter than that."""
        self._file = self.path.open("r+b" if position else "wb")
        if position:
            if self._file.seek(0, os.SEEK_END) < position:
                raise OSError(f"is shorter than the {position} bytes that were written before")
            self._file.truncate(position)
            self._file.seek(position)

    def append(self, text: str) -> None:
        assert self._file is not None
        self._file.write(text.encode())

    def commit(self) -> int:
        assert self._file is not None
        self._file.flush()
        if not self.path.is_file():
            return 0  # a device: nothing to make safe, and nothing to go on from
        os.fsync(self._file.fileno())
        return self._file.tell()

    def finish(self) -> None:
        pass  # whole after every commit

    def clean(self) -> None:
        pass

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class JsonlWriter(TextFile):
    """One prediction a line, as ``tocsin schema prediction`` describes it."""

    def open(self, position: int) -> None:
        """:class:`OSError` too for a name that promises a compressed file, which nothing could go on with."""
        if self.path.suffix.lower() in COMPRESSIONS:
            raise OSError(f"is not written compressed; leave out {self.path.suffix}")
        super().open(position)

    def write(self, prediction: Prediction) -> None:
        self.append(json_line(prediction.to_dict()))


class CsvWriter(TextFile):
    """One row an event, with ACLED's names for what ACLED has; a sentence without an event has one row without one."""

    def open(self, position: int) -> None:
        super().open(position)
        if not position:
            self.append(_csv_line(CSV_COLUMNS))

    def write(self, prediction: Prediction) -> None:
        for row in csv_rows(prediction):
            self.append(_csv_line(row))


def _csv_line(cells: Any) -> str:
    # csv quotes cells with a character of the line's end, and a lone \r in a cell needs quotes too.
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n") + "\n"


def csv_rows(prediction: Prediction) -> Iterator[list[object]]:
    """The rows of :data:`CSV_COLUMNS` of a prediction. Mentions of one kind are joined by "; ", as they are written;
    ``input`` and ``scores`` are JSON."""

    def mentions(spans: tuple[Span, ...], label: str) -> str:
        return "; ".join(span.text for span in spans if span.label == label)

    place = [prediction.doc_id, prediction.sentence, prediction.lang, str(prediction.lang_tested).lower()]
    spans = [mentions(prediction.roles, label) for label in ("actor", "target")]
    spans += [mentions(prediction.entities, label) for label in ("location", "date", "weapon", "casualties")]
    row = prediction.to_dict()
    kept, scores = (json_line(row[name])[:-1] if name in row else "" for name in ("input", "scores"))
    tail = [*spans, prediction.text, kept, prediction.start, prediction.end, prediction.model, scores]
    if not prediction.events:
        yield [prediction.id, *place, *[""] * 8, *tail]
    for number, event in enumerate(prediction.events):
        kind = event.type
        yield [
            prediction.id if number == 0 else f"{prediction.id}/{number}",
            *place,
            kind.acled_event_type or "",
            kind.acled_sub_event_type or "",
            kind.name,
            kind.group,
            round(event.score, 4),
            kind.plover or "",
            " ".join(kind.cameo),
            kind.quad_class or "",
            *tail,
        ]


class ParquetWriter:
    """A Parquet file, row group by row group. Until it is finished the groups are files in ``PATH.parts``."""

    def __init__(self, path: Path):
        self.path = path
        self.parts = path.with_name(path.name + ".parts")
        self._rows: list[dict[str, Any]] = []
        self._characters = 0
        self._count = 0

    def _part(self, number: int) -> Path:
        return self.parts / f"{number:08d}.parquet"

    def open(self, position: int) -> None:
        self.parts.mkdir(exist_ok=True)
        safe, there = {self._part(number) for number in range(position)}, set(self.parts.iterdir())
        for part in there - safe:
            part.unlink()
        if missing := safe - there:
            raise OSError(f"{min(missing)} that was written before is missing")
        self._count = position

    def write(self, prediction: Prediction) -> None:
        row = prediction.to_dict()
        row["scores"] = list(row.get("scores", {}).items()) or None
        row["input"] = json_line(row["input"])[:-1] if "input" in row else None
        self._rows.append(row)
        self._characters += len(row["text"]) + len(row["input"] or "")
        if len(self._rows) == _PART_ROWS or self._characters >= _PART_CHARACTERS:
            self._flush()

    def commit(self) -> int:
        self._flush()
        return self._count

    def _flush(self) -> None:
        if self._rows:
            part = self._part(self._count)
            temporary = part.with_suffix(".tmp")
            pq.write_table(pa.Table.from_pylist(self._rows, PARQUET_SCHEMA), temporary)
            temporary.replace(part)
            self._rows, self._characters = [], 0
            self._count += 1

    def finish(self) -> None:
        temporary = self.path.with_name(self.path.name + ".tmp")
        with pq.ParquetWriter(temporary, PARQUET_SCHEMA) as whole:
            # Thousands of small groups would make the file slow to read, and its footer large.
            group: list[pa.Table] = []
            for number in range(self._count):
                group.append(pq.read_table(self._part(number), schema=PARQUET_SCHEMA))
                full = len(group) == _GROUP_PARTS or sum(part.nbytes for part in group) >= _GROUP_BYTES
                if full or number == self._count - 1:
                    whole.write_table(pa.concat_tables(group))
                    group = []
        temporary.replace(self.path)

    def clean(self) -> None:
        shutil.rmtree(self.parts)

    def close(self) -> None:
        pass
