"""Documents from plain text, JSONL, CSV and Parquet; what cannot be read becomes an error row, never silence."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

FORMATS = {".txt": "text", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}
STDIN = "-"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Document:
    """One text to predict; ``lang`` is ISO 639-1 or ``None`` to detect it."""

    id: str
    text: str
    file: str
    line: int | None = None
    lang: str | None = None


@dataclass(frozen=True)
class ErrorRow:
    """One input that could not be read or predicted; ``line`` is 1-based (CSV and Parquet: the row)."""

    id: str | None
    file: str
    line: int | None
    reason: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.reason}"


def read_documents(
    paths: Iterable[str], *, format: str | None = None, text_field: str = "text", id_field: str = "id"
) -> Iterator[Document | ErrorRow]:
    """Documents and error rows in input order.

    ``paths``: files or "-" for standard input. ``format``: one of "text", "jsonl", "csv", "parquet"; by default told
    by the suffix, plain text for other suffixes and for standard input. A text file is one document.
    """
    for path in paths:
        if path == STDIN:
            yield from _read(io.BytesIO(sys.stdin.buffer.read()), STDIN, format or "text", text_field, id_field)
            continue
        kind = format or FORMATS.get(Path(path).suffix.lower(), "text")
        if Path(path).is_dir():
            yield ErrorRow(None, path, None, "is a directory, expected a file")
            continue
        try:
            with Path(path).open("rb") as stream:
                yield from _read(stream, path, kind, text_field, id_field)
        except OSError as error:
            yield ErrorRow(None, path, None, (error.strerror or str(error)).lower())


def _read(stream: BinaryIO, file: str, kind: str, text_field: str, id_field: str) -> Iterator[Document | ErrorRow]:
    if kind == "text":
        yield _read_text(stream, file)
        return
    reader = {"jsonl": _read_jsonl, "csv": _read_csv, "parquet": _read_parquet}[kind]
    empty = True
    for item in reader(stream, file, text_field, id_field):
        empty = False
        yield item
    if empty:
        yield ErrorRow(None, file, None, "the file is empty")


def _decode(data: bytes) -> str:
    """UTF-8, with or without a byte-order mark; ``ValueError`` that says where it is not."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not valid UTF-8: byte 0x{data[error.start]:02x} at position {error.start}") from None


def _read_text(stream: BinaryIO, file: str) -> Document | ErrorRow:
    data = stream.read()
    name = "stdin" if file == STDIN else Path(file).name
    try:
        text = _decode(data)
    except ValueError as error:
        position = int(str(error).rpartition(" ")[2])
        return ErrorRow(name, file, data[:position].count(b"\n") + 1, str(error))
    if not text.strip():
        return ErrorRow(name, file, None, "the file is empty" if not data else "the file holds only blank space")
    return Document(name, text, file)


def _document(row: Any, file: str, line: int, text_field: str, id_field: str) -> Document | ErrorRow:
    if not isinstance(row, dict):
        return ErrorRow(None, file, line, f"expected a JSON object, got {type(row).__name__}")
    given = row.get(id_field)
    # Without an id of its own a record is known by its place.
    name = str(given) if given is not None else f"{'stdin' if file == STDIN else Path(file).name}:{line}"
    if text_field not in row:
        return ErrorRow(name, file, line, f"no field {text_field!r} (fields: {', '.join(map(str, row)) or 'none'})")
    text = row[text_field]
    if not isinstance(text, str):
        return ErrorRow(name, file, line, f"field {text_field!r}: expected a string, got {type(text).__name__}")
    if not text.strip():
        return ErrorRow(name, file, line, f"field {text_field!r} is empty")
    if surrogate := _SURROGATE.search(text):
        # Half of a UTF-16 pair: valid in a JSON escape, but no character, and no UTF-8 file can hold it.
        return ErrorRow(name, file, line, f"field {text_field!r}: lone surrogate at position {surrogate.start()}")
    return Document(name, text, file, line)


def _read_jsonl(stream: BinaryIO, file: str, text_field: str, id_field: str) -> Iterator[Document | ErrorRow]:
    for line, data in enumerate(stream, 1):
        if not data.strip():
            continue
        try:
            row = json.loads(_decode(data))
        except RecursionError:
            yield ErrorRow(None, file, line, "not valid JSON: nested too deep")
        except json.JSONDecodeError as error:
            yield ErrorRow(None, file, line, f"not valid JSON: {error.msg} at column {error.colno}")
        except ValueError as error:
            yield ErrorRow(None, file, line, str(error))
        else:
            yield _document(row, file, line, text_field, id_field)


def _read_csv(stream: BinaryIO, file: str, text_field: str, id_field: str) -> Iterator[Document | ErrorRow]:
    csv.field_size_limit(sys.maxsize)
    # A byte that is not UTF-8 becomes a lone surrogate, so that it spoils its own row and not the file.
    lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    rows = csv.DictReader(lines)
    if rows.fieldnames is not None and text_field not in rows.fieldnames:
        yield ErrorRow(None, file, 1, f"no column {text_field!r} (columns: {', '.join(rows.fieldnames)})")
        return
    number = 0
    while True:
        number += 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield ErrorRow(None, file, rows.line_num, f"not valid CSV: {error}")
            continue
        text = row[text_field]
        if isinstance(text, str) and _SURROGATE.search(text):
            yield ErrorRow(row.get(id_field), file, number, f"field {text_field!r}: not valid UTF-8")
        elif text is None:
            yield ErrorRow(row.get(id_field), file, number, f"the row ends before field {text_field!r}")
        else:
            yield _document(row, file, number, text_field, id_field)


def _read_parquet(stream: BinaryIO, file: str, text_field: str, id_field: str) -> Iterator[Document | ErrorRow]:
    try:
        table = pq.ParquetFile(stream)
    except pa.ArrowInvalid as error:
        yield ErrorRow(None, file, None, f"not a Parquet file: {error}")
        return
    columns = table.schema_arrow.names
    if text_field not in columns:
        yield ErrorRow(None, file, None, f"no column {text_field!r} (columns: {', '.join(columns)})")
        return
    wanted = [name for name in (id_field, text_field) if name in columns]
    number = 0
    for batch in table.iter_batches(batch_size=1024, columns=wanted):
        for row in batch.to_pylist():
            number += 1
            yield _document(row, file, number, text_field, id_field)
