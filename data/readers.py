"""Documents from plain text, JSONL, CSV and Parquet; what cannot be read becomes an error row, never silence.

All is streamed: memory does not grow with a file. A text file is one document and comes in pieces, cut between
paragraphs; what comes at once (a line, a row, a paragraph) has a largest size, and is an error row beyond it.
"""

from __future__ import annotations

import codecs
import csv
import glob
import io
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.data.documents import Document, ErrorRow, lone_surrogate
from tocsin.data.errors import reason
from tocsin.data.language import detect_language
from tocsin.data.sentences import begins_paragraph

FORMATS = {".txt": "text", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet"}
_KNOWN = ", ".join(FORMATS)
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
_EXPECTED = f"{_KNOWN}, or these with {' or '.join(COMPRESSIONS)}"
STDIN = "-"
MAX_RECORD = 4 * 2**20  # bytes of a line, characters of a CSV cell: a thousand times an article
_PIECE = 2**16  # characters of a text file that are handed over at once
_BATCH = 256  # Parquet rows that are held at once, fewer if they are long
# What Arrow raises for a value that Python cannot hold: text that is no UTF-8, a date after the year 9999.
_NO_VALUE = (ValueError, OverflowError)
_TWICE = "the same file is named twice, it is read once"
_MAX_DEPTH = 100  # of kept JSON: Python writes no deeper than it recurses
_SIZE = f"{MAX_RECORD // 2**20} MiB"


class _UnreadableError(Exception):
    """Nothing more can be read of an input; the message says why."""


@dataclass(frozen=True)
class _Source:
    """One input and how to read its rows. ``id_field`` is ``None`` for "id, where there is one"."""

    file: str
    name: str
    text_field: str
    id_field: str | None
    keep: bool
    whole: bool

    def error(self, line: int | None, reason: str, id: str | None = None) -> ErrorRow:
        return ErrorRow(id and _writable(id), _writable(self.file), line, _writable(reason))


@dataclass(frozen=True)
class Input:
    """One file to read, or why what was asked for is none. ``name``: what its documents are known by: its own name,
    or its path where two inputs have one name."""

    path: str
    problem: str = ""
    name: str = ""


def expand_inputs(paths: Sequence[str], format: str | None = None) -> list[Input]:
    """The files that are meant, in order.

    A folder stands for the files below it, hidden ones left out: those that have a known suffix, or all if ``format``
    says what they are. A pattern with ``*``, ``?`` or ``[`` stands for its matches. What is found in this way and
    cannot be read (a file of another suffix, a pipe, a link to a folder, a folder that may not be listed) is a problem,
    not silence, and so is a file that is named twice.
    """
    inputs: list[Input] = []
    for path in paths:
        if path != STDIN and os.path.isdir(path):
            inputs += _in_folder(path, format) or [Input(path, f"the folder holds no file (expected {_EXPECTED})")]
        elif path != STDIN and not os.path.exists(path) and glob.has_magic(path):
            inputs += _matches(path, format) or [Input(path, "no file matches")]
        else:
            inputs.append(Input(path, _unclear(path, format)))
    seen: set[str] = set()
    for number, item in enumerate(inputs):
        place = item.path if item.path == STDIN else os.path.abspath(item.path)
        if place in seen:
            inputs[number] = Input(item.path, _TWICE)
        seen.add(place)
    names = ["stdin" if item.path == STDIN else Path(item.path).name for item in inputs]
    counts = Counter(name for item, name in zip(inputs, names) if item.problem != _TWICE)
    return [replace(item, name=_writable(name if counts[name] < 2 else item.path)) for item, name in zip(inputs, names)]


def _in_folder(folder: str, format: str | None) -> list[Input]:
    found: dict[Path, str] = {}

    def unreadable(error: OSError) -> None:
        found[Path(error.filename)] = reason(error)

    for place, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            if (path := Path(place, name)).is_symlink():
                found[path] = "a link to a folder is not followed; name it to read what it holds"
        for name in files:
            if not name.startswith("."):
                path = Path(place, name)
                unknown = format is None and told_format(path)[0] is None
                other = f"not one of {_KNOWN}; name the file itself to read it as text" if unknown else ""
                found[path] = _unclear(str(path), format) or other or _irregular(str(path))
    return [Input(str(path), problem) for path, problem in sorted(found.items())]


def _matches(pattern: str, format: str | None) -> list[Input]:
    matches = {os.path.abspath(match): match for match in glob.glob(pattern, recursive=True)}
    folders = {place: match for place, match in matches.items() if os.path.isdir(match)}
    found = {
        place: Input(match, _unclear(match, format) or _irregular(match))
        for place, match in matches.items()
        if place not in folders
    }
    for folder in folders.values():
        for item in _in_folder(folder, format):
            place = os.path.abspath(item.path)
            if not (place in folders and os.path.islink(place)):  # a link that matches is followed after all
                found.setdefault(place, item)
    return sorted(found.values(), key=lambda item: item.path)


def _irregular(path: str) -> str:
    """Why a file that nobody named is not opened: of a pipe nobody knows whether it ever ends."""
    return "" if os.path.isfile(path) or not os.path.exists(path) else "not a regular file; name it to read it"


def _unclear(path: str, format: str | None) -> str:
    """Why a file that was named is not read as text: an array of articles would become one."""
    if format is not None or not path.lower().removesuffix(".gz").removesuffix(".zst").endswith(".json"):
        return ""
    return "JSON is read with an object a line: call such a file .jsonl, or give --format jsonl"


def told_format(path: Path) -> tuple[str | None, str | None]:
    """Format (one of ``FORMATS``) and compression as the suffixes tell them, in any case."""
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
    whole: bool = False,
    meter: Meter | None = None,
) -> Iterator[Document | ErrorRow]:
    """Documents and error rows in input order.

    ``paths``: files, folders and patterns (see :func:`expand_inputs`), or "-" for standard input; files may be
    compressed (.gz, .zst). ``format``: one of "text", "jsonl", "csv", "parquet"; by default told by the suffix, plain
    text for other suffixes and for standard input. A text file is one document, known by its name (its path, where
    two inputs have one name). ``id_field``: by default "id" where a row has it, else a row is known by its place; a
    field asked for must be there. ``keep``: documents carry all other fields of their row. ``whole``: text files come
    in one piece, and larger ones than a record may be are error rows. ``meter`` is told how much has been read. Blank
    lines of JSONL and CSV are no rows.
    """
    inputs = expand_inputs(paths, format)
    meter = meter or Meter()
    meter.expect(inputs)
    return read_inputs(
        inputs, format=format, text_field=text_field, id_field=id_field, keep=keep, whole=whole, meter=meter
    )


def read_inputs(
    inputs: Sequence[Input],
    *,
    format: str | None,
    text_field: str,
    id_field: str | None,
    keep: bool,
    whole: bool,
    meter: Meter,
) -> Iterator[Document | ErrorRow]:
    """:func:`read_documents` of some of the inputs that :func:`expand_inputs` found."""
    for item in inputs:
        source = _Source(item.path, item.name, text_field, id_field, keep, whole)
        if item.problem:
            yield source.error(None, item.problem)
            continue
        kind = format or told_format(Path(item.path))[0] or "text"
        try:
            with open_input(item.path, kind, meter) as stream:
                yield from _read(stream, source, kind)
        except OSError as error:
            yield source.error(None, reason(error))
        meter.finish(item)


class Meter:
    """How much of the inputs has been read: ``done`` of ``total`` bytes on disk; ``total`` is ``None`` where that
    cannot be known, as of a pipe."""

    def __init__(self) -> None:
        self.done = 0
        self.total: int | None = None
        self._before = 0

    def expect(self, inputs: Sequence[Input]) -> None:
        """Sets the total."""
        if all(item.problem or os.path.isfile(item.path) for item in inputs):
            self.total = sum(map(_size, inputs))

    def read(self, count: int) -> None:
        """So many more bytes; of Parquet, some are read twice and others not at all."""
        self.done += count
        if self.total is not None:
            self.done = min(self.done, self.total)

    def finish(self, item: Input) -> None:
        """All of ``item`` is done with."""
        self._before += _size(item)
        if self.total is not None:
            self.done = self._before


def _size(item: Input) -> int:
    return os.path.getsize(item.path) if os.path.isfile(item.path) and not item.problem else 0


class _MeteredFile(io.BufferedReader):
    """Tells the meter what it hands out, not what it reads ahead."""

    def __init__(self, path: str, meter: Meter):
        super().__init__(io.FileIO(path), 2**18)
        self._meter = meter

    def _handed(self, data: bytes) -> bytes:
        self._meter.read(len(data))
        return data

    def read(self, size: int | None = -1, /) -> bytes:
        return self._handed(super().read(size))

    def read1(self, size: int = -1, /) -> bytes:
        return self._handed(super().read1(size))

    def readline(self, size: int | None = -1, /) -> bytes:
        return self._handed(super().readline(size))


@contextmanager
def open_input(path: str, kind: str, meter: Meter) -> Iterator[BinaryIO]:
    """The bytes of a file (decompressed where its suffix says so) or of standard input, to be read as ``kind``.

    Raises ``OSError``, as does reading what is damaged.
    """
    with _open(path, told_format(Path(path))[1], meter) as stream:
        if kind == "parquet" and not stream.seekable():
            # Parquet is read from its end; what comes from a pipe has to lie on disk first.
            with tempfile.TemporaryFile() as file:
                shutil.copyfileobj(stream, file)
                file.seek(0)
                yield file
        else:
            yield stream


def _open(path: str, compression: str | None, meter: Meter) -> BinaryIO:
    if path == STDIN:
        return sys.stdin.buffer
    file = _MeteredFile(path, meter)
    if compression is None:
        return file
    return io.BufferedReader(pa.CompressedInputStream(file, compression))


def _writable(text: str) -> str:
    # Lone surrogates (of undecodable file names, or of JSON escapes) cannot be written as UTF-8.
    return text.encode("utf-8", "backslashreplace").decode()


def _read(stream: BinaryIO, source: _Source, kind: str) -> Iterator[Document | ErrorRow]:
    empty, line = True, None
    read = {"text": _read_text, "jsonl": _read_jsonl, "csv": _read_csv, "parquet": _read_parquet}[kind]
    try:
        for item in read(stream, source):
            empty = False
            yield item
            line = item.line
    except _UnreadableError as error:
        yield source.error(1, str(error))
    except OSError as error:
        yield source.error(line and line + 1, (f"damaged after row {line}: " if line else "") + reason(error))
    else:
        if empty:
            yield source.error(None, "the file is empty")


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """Lines with their ends; ``None`` for one that is longer than a record may be."""
    start = True
    while line := stream.readline(MAX_RECORD + 1):
        if start and line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise _UnreadableError("UTF-16, expected UTF-8")
        start = False
        if len(line) <= MAX_RECORD:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(MAX_RECORD)
        yield None


def _decode(data: bytes, number: int, before: int = 0) -> str:
    """Line ``number``, its byte-order mark left out; ``ValueError`` tells of a place after ``before`` bytes."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        place = f"byte 0x{data[error.start]:02x} at position {before + error.start}"
        raise ValueError(f"not valid UTF-8: {place}") from None
    return text.removeprefix("\ufeff") if number == 1 else text


def _read_text(stream: BinaryIO, source: _Source) -> Iterator[Document | ErrorRow]:
    lines: list[str] = []
    size = start = position = 0  # characters in `lines`, characters before them, bytes before the line
    lang = None
    continued = False

    def unread(line: int | None, reason: str) -> ErrorRow:
        rest = f"; nothing after its first {start} characters was read" if continued else ""
        return source.error(line, reason + rest, source.name)

    damage: OSError | None = None
    try:
        for number, data in enumerate(_lines(stream), 1):
            if data is None:
                yield unread(number, f"a line of more than {_SIZE}")
                return
            try:
                line = _decode(data, number, position)
            except ValueError as error:
                yield unread(number, str(error))
                return
            position += len(data)
            if source.whole and position > MAX_RECORD:
                yield unread(None, f"more than {_SIZE}, which is too much for one record")
                return
            if not source.whole and size >= _PIECE and (begins_paragraph(line) or size >= MAX_RECORD):
                text = "".join(lines)
                if text.strip():
                    lang = lang or detect_language(text)  # of the whole document, as it begins
                    yield Document(source.name, text, source.file, lang=lang, start=start, continued=continued)
                    continued = True
                lines, size, start = [], 0, start + size
            lines.append(line)
            size += len(line)
    except OSError as error:
        damage = error
    if damage and source.whole:
        yield unread(None, reason(damage))
        return
    text = "".join(lines)
    if text.strip():
        yield Document(source.name, text, source.file, lang=lang, start=start, continued=continued)
        continued = True
        start += size
    if damage:
        yield unread(None, reason(damage))
    elif not continued:
        yield unread(None, "the file holds only blank space" if position else "the file is empty")


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
    if isinstance(id, dict | list):
        expected = f"field {source.id_field or 'id'!r}: expected a string or a number, got {type(id).__name__}"
        return source.error(line, expected)
    name = _writable(id.decode("utf-8", "backslashreplace") if isinstance(id, bytes) else str(id))
    if source.text_field not in row:
        return source.error(line, f"no field {source.text_field!r} {fields}", name)
    text = row[source.text_field]
    if not isinstance(text, str):
        return source.error(line, f"field {source.text_field!r}: expected a string, got {type(text).__name__}", name)
    if not text.strip():
        return source.error(line, f"field {source.text_field!r} is empty", name)
    if len(text) > MAX_RECORD:  # of Parquet: lines and cells have been measured
        return source.error(line, f"field {source.text_field!r}: more than {_SIZE}", name)
    if (position := lone_surrogate(text)) is not None:
        reason = f"field {source.text_field!r}: lone surrogate at position {position}"
        return source.error(line, reason, name)
    kept = {str(key): value for key, value in row.items() if key != source.text_field} if source.keep else None
    if _deeper(kept, _MAX_DEPTH):
        return source.error(line, f"fields nested more than {_MAX_DEPTH} deep cannot be kept", name)
    return Document(name, text, source.file, line, kept=kept)


def _deeper(value: Any, depth: int) -> bool:
    """Whether containers are nested more than ``depth`` deep in ``value``."""
    layer = [value]
    for _ in range(depth):
        layer = [
            inner
            for outer in layer
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not layer:
            return False
    return True


def _read_jsonl(stream: BinaryIO, source: _Source) -> Iterator[Document | ErrorRow]:
    for line, data in enumerate(_lines(stream), 1):
        if data is None:
            yield source.error(line, f"a line of more than {_SIZE}")
            continue
        try:
            text = _decode(data, line)
        except ValueError as error:
            yield source.error(line, str(error))
            continue
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except RecursionError:
            yield source.error(line, "not valid JSON: nested too deep")
        except json.JSONDecodeError as error:
            yield source.error(line, f"not valid JSON: {error.msg} at column {error.colno}")
        except ValueError as error:  # a number of more digits than Python reads
            yield source.error(line, f"not valid JSON: {error}")
        else:
            yield _document(row, source, line)


class _CsvLines:
    """Lines of a CSV file, for a reader that goes on after an error."""

    def __init__(self, stream: BinaryIO):
        # A byte that is not UTF-8 becomes a lone surrogate, so that it spoils its own row and not the file.
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")

    def __iter__(self) -> _CsvLines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_RECORD + 1)
        if not line:
            raise StopIteration
        if len(line) <= MAX_RECORD:
            return line
        while line and not line.endswith(("\n", "\r")):
            line = self._text.readline(MAX_RECORD)
        raise csv.Error(f"a line of more than {_SIZE}")


def _twice(names: Sequence[str]) -> str | None:
    """The first name that is there more than once."""
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _read_csv(stream: BinaryIO, source: _Source) -> Iterator[Document | ErrorRow]:
    csv.field_size_limit(MAX_RECORD)
    rows = csv.DictReader(_CsvLines(stream), strict=True)
    try:
        columns = list(rows.fieldnames or [])
    except csv.Error as error:
        yield source.error(1, f"not valid CSV: {error}")
        return
    if not columns:
        return
    if columns[0].encode("utf-8", "surrogateescape").startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _UnreadableError("UTF-16, expected UTF-8")
    if (twice := _twice(columns)) is not None:
        yield source.error(1, f"two columns are called {twice!r}")
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
            if number == 1:
                yield source.error(None, "the file holds only a header")
            return
        except csv.Error as error:
            yield source.error(number, f"not valid CSV: {error}")
            continue
        text = row[source.text_field]
        if None in row:
            yield source.error(number, f"{len(columns) + len(row[None])} cells for {len(columns)} columns")
        elif text is None:
            yield source.error(number, f"the row ends before field {source.text_field!r}")
        elif lone_surrogate("".join(filter(None, row.values())) if source.keep else text) is not None:
            spoilt = next(name for name, cell in row.items() if lone_surrogate(cell or "") is not None)
            yield source.error(number, f"field {spoilt!r}: not valid UTF-8")
        else:
            yield _document(row, source, number)


def _read_parquet(stream: BinaryIO, source: _Source) -> Iterator[Document | ErrorRow]:
    number = 0
    try:
        # A buffer: pages are read as they are needed, else a row group at once.
        table = pq.ParquetFile(stream, buffer_size=2**20, pre_buffer=False)
        columns = table.schema_arrow.names
        for wanted in (source.text_field, source.id_field):
            if wanted is not None and wanted not in columns:
                yield source.error(None, f"no column {wanted!r} (columns: {', '.join(columns)})")
                return
        needed = (source.id_field or "id", source.text_field)
        kept = [name for name in columns if source.keep or name in needed]
        if (twice := _twice(kept)) is not None:
            yield source.error(None, f"two columns are called {twice!r}")
            return
        for batch in table.iter_batches(batch_size=_batch_size(table.metadata), columns=kept):
            for row in _rows(batch):
                number += 1
                if isinstance(row, str):
                    yield source.error(number, row)
                else:
                    yield _document(row, source, number)
    except (pa.ArrowException, OSError, *_NO_VALUE) as error:
        where = f"damaged after row {number}" if number else "not a readable Parquet file"
        yield source.error(number + 1 if number else None, f"{where}: {error}")


def _batch_size(metadata: pq.FileMetaData) -> int:
    """So many rows that a batch has about the size of one largest record."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    longest = max((group.total_byte_size // group.num_rows for group in groups if group.num_rows), default=0)
    return max(1, min(_BATCH, MAX_RECORD // max(longest, 1)))


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any] | str]:
    """Rows, or why one is none: Parquet may hold strings that are not UTF-8 and dates that Python does not know."""
    try:
        yield from batch.to_pylist()
    except _NO_VALUE:
        for i in range(batch.num_rows):
            try:
                yield from batch.slice(i, 1).to_pylist()
            except _NO_VALUE as error:
                yield f"a value that cannot be read: {error}"
