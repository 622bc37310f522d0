"""Documents from plain text, JSONL, CSV and Parquet; what cannot be read becomes an error row, never silence.

JSONL, CSV and Parquet are streamed: memory does not grow with the file. A text file is one document and read whole.
"""

from __future__ import annotations

import codecs
import csv
import glob
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.data.documents import Document, ErrorRow, lone_surrogate

FORMATS = {".txt": "text", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
STDIN = "-"


@dataclass(frozen=True)
class _Source:
    """One input and how to read its rows. ``id_field`` is ``None`` for "id, where there is one"."""

    file: str
    name: str
    text_field: str
    id_field: str | None
    keep: bool

    def error(self, line: int | None, reason: str, id: str | None = None) -> ErrorRow:
        return ErrorRow(id and _writable(id), _writable(self.file), line, _writable(reason))


@dataclass(frozen=True)
class Input:
    """One file to read, or why what was asked for is none. ``name``: what its documents are known by: its own name,
    or its path where two inputs have one name."""

    path: str
    problem: str = ""
    name: str = ""


def expand_inputs(paths: Sequence[str]) -> list[Input]:
    """The files that are meant, in order: a folder stands for the files below it that have a known suffix (hidden ones
    left out; a file of another suffix is a problem, not silence), a pattern with ``*``, ``?`` or ``[`` for its matches.
    """
    inputs = []
    for path in paths:
        if path != STDIN and os.path.isdir(path):
            files = [
                file
                for file in sorted(Path(path).rglob("*"))
                if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
            ]
            known = ", ".join(FORMATS)
            inputs += [
                Input(
                    str(file), "" if _kind(file)[0] else f"not one of {known}; name the file itself to read it as text"
                )
                for file in files
            ] or [Input(path, f"the folder holds no file (expected {known}, or these with .gz or .zst)")]
        elif path != STDIN and not os.path.exists(path) and glob.has_magic(path):
            matches = [match for match in sorted(glob.glob(path, recursive=True)) if os.path.isfile(match)]
            inputs += [Input(match) for match in matches] or [Input(path, "no file matches")]
        else:
            inputs.append(Input(path))
    names = ["stdin" if item.path == STDIN else Path(item.path).name for item in inputs]
    counts = Counter(names)
    return [
        replace(item, name=_writable(name if counts[name] == 1 else item.path)) for item, name in zip(inputs, names)
    ]


def _kind(path: Path) -> tuple[str | None, str | None]:
    """Format and compression as the suffixes tell them."""
    suffix = path.suffix.lower()
    if suffix in COMPRESSIONS:
        return FORMATS.get(path.with_suffix("").suffix.lower()), COMPRESSIONS[suffix]
    return FORMATS.get(suffix), None


def read_documents(
    paths: Sequence[str],
    *,
    format: str | None = None,
    text_field: str = "text",
    id_field: str | None = None,
    keep: bool = False,
) -> Iterator[Document | ErrorRow]:
    """Documents and error rows in input order.

    ``paths``: files, folders and patterns (see :func:`expand_inputs`), or "-" for standard input; files may be
    compressed (.gz, .zst). ``format``: one of "text", "jsonl", "csv", "parquet"; by default told by the suffix, plain
    text for other suffixes and for standard input. A text file is one document, known by its name (its path, where
    two inputs have one name). ``id_field``: by default "id" where a row has it, else a row is known by its place; a
    field asked for must be there. ``keep``: documents carry all other fields of their row.
    """
    return read_inputs(expand_inputs(paths), format=format, text_field=text_field, id_field=id_field, keep=keep)


def read_inputs(
    inputs: Sequence[Input], *, format: str | None, text_field: str, id_field: str | None, keep: bool
) -> Iterator[Document | ErrorRow]:
    """:func:`read_documents` of some of the inputs that :func:`expand_inputs` found."""
    for item in inputs:
        source = _Source(item.path, item.name, text_field, id_field, keep)
        if item.problem:
            yield source.error(None, item.problem)
            continue
        told, compression = _kind(Path(item.path))
        kind = format or told or "text"
        try:
            with _open(item.path, compression) as stream:
                if kind == "parquet" and not stream.seekable():
                    # Parquet is read from its end; a pipe has to be held whole.
                    yield from _read(io.BytesIO(stream.read()), source, kind)
                else:
                    yield from _read(stream, source, kind)
        except OSError as error:
            yield source.error(None, (error.strerror or str(error)).lower())


def _open(path: str, compression: str | None) -> BinaryIO:
    if path == STDIN:
        return sys.stdin.buffer
    if compression is None:
        return Path(path).open("rb")
    return io.BufferedReader(pa.input_stream(path, compression=compression))


def _writable(text: str) -> str:
    # Lone surrogates (of undecodable file names, or of JSON escapes) cannot be written as UTF-8.
    return text.encode("utf-8", "backslashreplace").decode()


def _read(stream: BinaryIO, source: _Source, kind: str) -> Iterator[Document | ErrorRow]:
    if kind == "text":
        yield _read_text(stream, source)
        return
    empty = True
    for item in {"jsonl": _read_jsonl, "csv": _read_csv, "parquet": _read_parquet}[kind](stream, source):
        empty = False
        yield item
    if empty:
        yield source.error(None, "the file is empty")


def _read_text(stream: BinaryIO, source: _Source) -> Document | ErrorRow:
    data = stream.read()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return source.error(1, "UTF-16, expected UTF-8", source.name)
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError:
        line, reason = _where_not_utf8(data)
        return source.error(line, reason, source.name)
    if not text.strip():
        return source.error(None, "the file holds only blank space" if data else "the file is empty", source.name)
    return Document(source.name, text, source.file)


def _where_not_utf8(data: bytes) -> tuple[int, str]:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return line, f"not valid UTF-8: byte 0x{data[error.start]:02x} at position {error.start}"
    raise AssertionError("the data is valid UTF-8")


def _document(row: Any, source: _Source, line: int) -> Document | ErrorRow:
    if not isinstance(row, dict):
        return source.error(line, f"expected a JSON object, got {type(row).__name__}")
    fields = f"(fields: {', '.join(map(str, row)) or 'none'})"
    id = row.get(source.id_field or "id")
    if id is None or id == "":
        if source.id_field is not None:
            return source.error(
                line, f"no field {source.id_field!r} {fields}" if id is None else f"field {source.id_field!r} is empty"
            )
        id = f"{source.name}:{line}"
    name = _writable(id.decode("utf-8", "backslashreplace") if isinstance(id, bytes) else str(id))
    if source.text_field not in row:
        return source.error(line, f"no field {source.text_field!r} {fields}", name)
    text = row[source.text_field]
    if not isinstance(text, str):
        return source.error(line, f"field {source.text_field!r}: expected a string, got {type(text).__name__}", name)
    if not text.strip():
        return source.error(line, f"field {source.text_field!r} is empty", name)
    if (position := lone_surrogate(text)) is not None:
        reason = f"field {source.text_field!r}: lone surrogate at position {position}"
        return source.error(line, reason, name)
    kept = {str(key): value for key, value in row.items() if key != source.text_field} if source.keep else None
    return Document(name, text, source.file, line, kept=kept)


def _read_jsonl(stream: BinaryIO, source: _Source) -> Iterator[Document | ErrorRow]:
    for line, data in enumerate(stream, 1):
        if line == 1:
            data = data.removeprefix(codecs.BOM_UTF8)
        if not data.strip():
            continue
        try:
            row = json.loads(data.decode())
        except UnicodeDecodeError:
            yield source.error(line, _where_not_utf8(data)[1])
        except RecursionError:
            yield source.error(line, "not valid JSON: nested too deep")
        except json.JSONDecodeError as error:
            yield source.error(line, f"not valid JSON: {error.msg} at column {error.colno}")
        except ValueError as error:  # a number of more digits than Python reads
            yield source.error(line, f"not valid JSON: {error}")
        else:
            yield _document(row, source, line)


def _read_csv(stream: BinaryIO, source: _Source) -> Iterator[Document | ErrorRow]:
    csv.field_size_limit(sys.maxsize)
    # A byte that is not UTF-8 becomes a lone surrogate, so that it spoils its own row and not the file.
    lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    rows = csv.DictReader(lines, strict=True)
    try:
        columns = list(rows.fieldnames or [])
    except csv.Error as error:
        yield source.error(1, f"not valid CSV: {error}")
        return
    if not columns:
        return
    for wanted in (source.text_field, source.id_field):
        if wanted is not None and wanted not in columns:
            yield source.error(1, f"no column {wanted!r} (columns: {', '.join(columns)})")
            return
    number = 0
    while True:
        number += 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield source.error(number, f"not valid CSV: {error}")
            continue
        text = row[source.text_field]
        if None in row:
            yield source.error(number, f"{len(columns) + len(row[None])} cells for {len(columns)} columns")
        elif text is None:
            yield source.error(number, f"the row ends before field {source.text_field!r}")
        elif lone_surrogate(text) is not None:
            yield source.error(number, f"field {source.text_field!r}: not valid UTF-8")
        else:
            yield _document(row, source, number)


def _read_parquet(stream: BinaryIO, source: _Source) -> Iterator[Document | ErrorRow]:
    number = 0
    try:
        table = pq.ParquetFile(stream)
        columns = table.schema_arrow.names
        for wanted in (source.text_field, source.id_field):
            if wanted is not None and wanted not in columns:
                yield source.error(None, f"no column {wanted!r} (columns: {', '.join(columns)})")
                return
        needed = (source.id_field or "id", source.text_field)
        kept = [name for name in columns if source.keep or name in needed]
        for batch in table.iter_batches(batch_size=1024, columns=kept):
            for row in batch.to_pylist():
                number += 1
                yield _document(row, source, number)
    except (pa.ArrowException, OSError) as error:
        where = f"damaged after row {number}" if number else "not a readable Parquet file"
        yield source.error(number + 1 if number else None, f"{where}: {error}")
