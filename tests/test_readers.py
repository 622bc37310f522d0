"""Inputs of every format, good and bad: a document or an error row for each, never silence, never a crash."""

from __future__ import annotations

import codecs
import datetime
import gzip
import io
import json
import os
import random
import sys
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.data import readers
from tocsin.data.documents import Document, ErrorRow
from tocsin.data.readers import Meter, expand_inputs, read_documents


def read(path: Path, **options: Any) -> list[Document | ErrorRow]:
    return list(read_documents([str(path)], **options))


def reason(item: Document | ErrorRow) -> str:
    assert isinstance(item, ErrorRow)
    return item.reason


def test_plain_text_is_one_document(tmp_path: Path) -> None:
    path = tmp_path / "a.fr.txt"
    path.write_bytes("\ufeffÉté.\r\nFin.".encode())
    assert read(path) == [Document("a.fr.txt", "Été.\r\nFin.", str(path))]


def test_jsonl_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    rows = [{"key": "x1", "body": "Été, « fini ».\nDeux."}, {"key": "x2", "body": "战争"}]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(r) for r in rows) + "\n\n")
    (tmp_path / "a.csv").write_text('key,body\nx1,"Été, « fini ».\nDeux."\nx2,战争\n', encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    for suffix in ("jsonl", "csv", "parquet"):
        documents = read(tmp_path / f"a.{suffix}", text_field="body", id_field="key")
        assert [(d.id, d.text) for d in documents if isinstance(d, Document)] == [tuple(r.values()) for r in rows], (
            suffix
        )


def test_a_record_without_id_is_known_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n{"text": "b", "id": 7}\n')
    assert [d.id for d in read(path)] == ["a.jsonl:1", "7"]


def test_broken_json_lines_are_named_and_do_not_stop_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    deep = "[" * 100_000
    lines = [b'{"text": "un"}', b'{"text": ', b'[1]', b'{"text": "\xff"}', b'{"txt": "x", "id": "k"}', b'{"text": 5}',
             b'{"text": " "}', b'{"text": "\\ud800 x"}', deep.encode(), b'{"text": "deux"}']  # fmt: skip
    path.write_bytes(b"\n".join(lines))
    items = read(path)
    assert [isinstance(item, Document) for item in items] == [True, *[False] * 8, True]
    errors = [item for item in items if isinstance(item, ErrorRow)]
    assert [error.line for error in errors] == [2, 3, 4, 5, 6, 7, 8, 9]
    assert [word in error.reason for error, word in zip(errors, (
        "not valid JSON", "expected a JSON object, got list", "not valid UTF-8", "no field 'text' (fields: txt, id)",
        "expected a string, got int", "field 'text' is empty", "lone surrogate at position 0", "not valid JSON",
    ), strict=True)] == [True] * 8  # fmt: skip
    assert errors[3].id == "k"
    assert str(errors[0]).startswith(f"{path}:2: not valid JSON")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.txt").touch()
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "blank.txt").write_text(" \n\t\n")
    (tmp_path / "latin.txt").write_bytes("ligne\nété".encode("latin-1"))
    (tmp_path / "fake.parquet").write_text("not parquet")
    (tmp_path / "wrong.csv").write_text("id,txt\n1,a\n")
    pq.write_table(pa.table({"txt": ["a"]}), tmp_path / "wrong.parquet")
    names = (
        "none.txt",
        "folder",
        "empty.txt",
        "empty.jsonl",
        "blank.txt",
        "latin.txt",
        "fake.parquet",
        "wrong.csv",
        "wrong.parquet",
    )
    items = list(read_documents([str(tmp_path / name) for name in names]))
    assert [word in reason(item) for item, word in zip(items, (
        "no such file", "the folder holds no file", "the file is empty", "the file is empty", "only blank space",
        "not valid UTF-8", "not a readable Parquet file", "no column 'text' (columns: id, txt)",
        "no column 'text' (columns: txt)",
    ), strict=True)] == [True] * 9  # fmt: skip
    assert isinstance(items[5], ErrorRow) and items[5].line == 2


def test_an_id_field_asked_for_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a", "n": 1}\n{"text": "b"}\n')
    first, second = read(tmp_path / "a.jsonl", id_field="n")
    assert isinstance(first, Document) and first.id == "1"
    assert reason(second) == "no field 'n' (fields: text)"
    (tmp_path / "a.csv").write_text("id,text\n1,a\n,b\n")
    assert reason(read(tmp_path / "a.csv", id_field="n")[0]) == "no column 'n' (columns: id, text)"
    assert [item.id for item in read(tmp_path / "a.csv")] == ["1", "a.csv:2"]


def test_two_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    paths = [tmp_path / "x" / "a.txt", tmp_path / "y" / "a.txt"]
    for path in paths:
        path.parent.mkdir()
        path.write_text("Un.")
    assert [item.id for item in read_documents(list(map(str, paths)))] == list(map(str, paths))


def test_what_cannot_be_written_as_utf8_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "x", "id": "\\ud800"}\n{"\\ud800": 1}\n')
    items = read(path)
    assert items[0].id == "\\ud800"
    assert "fields: \\ud800" in reason(items[1])
    (tmp_path / "a.csv").write_bytes(b"id,text\n\xff,\xff\n")
    (item,) = read(tmp_path / "a.csv")
    for row in (items[1], item):
        assert isinstance(row, ErrorRow)
        json.dumps(row.to_dict(), ensure_ascii=False).encode()


def test_places_are_told_in_bytes_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfab\ncd\xff")
    (item,) = read(path)
    assert isinstance(item, ErrorRow)
    assert (item.line, item.reason) == (2, "not valid UTF-8: byte 0xff at position 8")
    assert "name too long" in reason(read(tmp_path / ("x" * 300))[0])


def test_a_damaged_parquet_file_keeps_its_good_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"Texte {i} " + "x" * 50 for i in range(4000)]
    pq.write_table(pa.table({"text": texts}), path, row_group_size=1000, compression="snappy", use_dictionary=False)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = b"\x00" * 3000
    path.write_bytes(data)
    items = read(path)
    assert isinstance(items[0], Document)
    assert reason(items[-1]).startswith("damaged after row")


def test_bad_csv_rows_spoil_only_themselves(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,text\n1,un\n2\n3,\xff\n5,a, b\n4,deux\n")
    items = read(path)
    assert [isinstance(item, Document) for item in items] == [True, False, False, False, True]
    assert "3 cells for 2 columns" in reason(items[3])
    assert "ends before field 'text'" in reason(items[1])
    assert "not valid UTF-8" in reason(items[2])


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(b'{"text": "un"}\n')

    monkeypatch.setattr(sys, "stdin", Stdin)
    assert list(read_documents(["-"], format="jsonl")) == [Document("stdin:1", "un", "-", 1)]


def _is_a_record(line: bytes) -> bool:
    blank = not line.decode("utf-8", "replace").removeprefix("\ufeff").strip()
    return not blank and b"\n" not in line and not line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


@given(st.lists(st.binary(max_size=30).filter(_is_a_record), max_size=8))
def test_every_jsonl_line_is_accounted_for(lines: list[bytes]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        path.write_bytes(b"\n".join(lines))
        items = read(path)
    assert [item.line for item in items] == [*range(1, len(lines) + 1)] if lines else [None]


def test_folders_and_patterns_stand_for_their_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a/x.jsonl", "a/y.md", ".hidden.txt", "a/.git/z.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"text": "Un."}' if name.endswith("jsonl") else "Un.")
    items = read(tmp_path)
    assert [Path(item.file).name for item in items] == ["x.jsonl", "y.md", "b.txt"]
    assert "not one of .txt" in reason(items[1])  # said, not left out in silence
    assert [item.id for item in read(tmp_path / "*.txt")] == ["b.txt"]
    assert len(read(tmp_path / "**" / "*.md")) == 1
    assert reason(read(tmp_path / "*.csv")[0]) == "no file matches"
    (tmp_path / "a[1].txt").write_text("Deux.")
    assert [item.id for item in read(tmp_path / "a[1].txt")] == ["a[1].txt"]  # a file of that name comes first


def problems(*paths: Path, format: str | None = None) -> dict[str, str]:
    """By name, what is found and what is wrong with it."""
    return {Path(item.path).name: item.problem for item in expand_inputs(list(map(str, paths)), format)}


def test_nothing_in_a_folder_is_left_out_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, other = tmp_path / "in", tmp_path / "other"
    for path in (folder / "a.txt", folder / "sub" / "d.txt", folder / "shut" / "e.txt", other / "f.txt"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("Un.")
    (folder / "b.txt").symlink_to("nowhere")
    (folder / "link").symlink_to(other)
    os.mkfifo(folder / "p.txt")
    scandir = os.scandir

    def shut(path: str) -> Any:
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", shut)
    said = {
        "a.txt": "",
        "b.txt": "",
        "link": "a link to a folder is not followed; name it to read what it holds",
        "p.txt": "not a regular file; name it to read it",
        "shut": "permission denied",
        "d.txt": "",
    }
    assert problems(folder) == said
    assert list(problems(folder)) == list(said)
    assert [reason(item) for item in read(folder) if isinstance(item, ErrorRow)] == [
        "no such file or directory", said["link"], said["p.txt"], said["shut"],
    ]  # fmt: skip
    assert problems(folder / "link") == {"f.txt": ""}


def test_a_pattern_stands_for_the_folders_that_it_matches_too(tmp_path: Path) -> None:
    for name in ("x/a.txt", "x/b.log", "y/deep/c.txt", "d.log", "e.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("Un.")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.txt").symlink_to("nowhere")
    os.mkfifo(tmp_path / "p.txt")
    said = problems(tmp_path / "*")
    assert list(said) == ["broken.txt", "d.log", "e.txt", "p.txt", "a.txt", "b.log", "c.txt"]
    assert said.pop("p.txt").startswith("not a regular file")
    assert said.pop("b.log").startswith("not one of")
    assert set(said.values()) == {""}
    # What a pattern matches itself was named, every file once, links followed.
    (tmp_path / "p.txt").unlink()
    (tmp_path / "link").symlink_to("x")
    paths = [item.path.removeprefix(f"{tmp_path}/") for item in expand_inputs([str(tmp_path / "**")])]
    assert paths == ["broken.txt", "d.log", "e.txt", "link/a.txt", "link/b.log", "x/a.txt", "x/b.log", "y/deep/c.txt"]
    assert set(problems(tmp_path / "**").values()) == {""}


def test_a_format_says_what_the_files_of_a_folder_are(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text('{"text": "Un."}\n')
    (tmp_path / "b.json").write_text('{"text": "Deux."}\n')
    assert [item.text for item in read(tmp_path, format="jsonl") if isinstance(item, Document)] == ["Un.", "Deux."]
    assert [item.id for item in read(tmp_path / "a.log")] == ["a.log"]  # what has no known suffix is text


@pytest.mark.parametrize("name", ["q.json", "Q.JSON.gz"])
def test_a_json_file_is_not_taken_for_an_article(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text('[{"text": "Un."}]')
    for path in (tmp_path / name, tmp_path, tmp_path / "*"):
        (item,) = read(path)
        assert ".jsonl, or give --format" in reason(item)


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Un.")
    first, second = read_documents([str(tmp_path / "a.txt"), str(tmp_path)])
    assert isinstance(first, Document) and first.id == "a.txt"
    assert reason(second) == "the same file is named twice, it is read once"


def test_compressed_files_are_read_and_truncated_ones_named(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": f"Phrase {n}."}) + "\n" for n in range(5000)).encode()
    (tmp_path / "a.jsonl").write_bytes(lines)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines[:90]) + gzip.compress(lines[90:]))
    with pa.CompressedOutputStream(str(tmp_path / "a.jsonl.zst"), "zstd") as file:
        file.write(lines)
    plain = [item.text for item in read(tmp_path / "a.jsonl") if isinstance(item, Document)]
    for suffix in ("gz", "zst"):
        path = tmp_path / f"a.jsonl.{suffix}"
        assert [item.text for item in read(path) if isinstance(item, Document)] == plain
        path.write_bytes(path.read_bytes()[:-100])
        *some, last = read(path)
        assert [item.text for item in some if isinstance(item, Document)] == plain[: len(some)]
        assert "truncated" in reason(last)
        path.write_bytes(b"not compressed")
        assert len(read(path)) == 1 and reason(read(path)[0])
    (tmp_path / "u.txt").write_bytes("Été".encode("utf-16"))
    assert reason(read(tmp_path / "u.txt")[0]) == "UTF-16, expected UTF-8"


def test_a_truncated_text_keeps_what_was_read_and_says_how_much(tmp_path: Path) -> None:
    rng = random.Random(1)
    text = "".join(f"Phrase {rng.random()} est finie.\n" for _ in range(20_000))
    packed = gzip.compress(text.encode())
    packed = packed[: len(packed) // 2]
    (tmp_path / "a.txt.gz").write_bytes(packed)
    *pieces, last = read(tmp_path / "a.txt.gz")
    got = "".join(piece.text for piece in pieces if isinstance(piece, Document))
    assert text.startswith(got) and got.endswith("\n")
    assert len(got) > len(zlib.decompressobj(31).decompress(packed)) - 2 * io.DEFAULT_BUFFER_SIZE
    assert isinstance(last, ErrorRow) and last.id == "a.txt.gz"
    assert "truncated" in last.reason
    assert last.reason.endswith(f"; nothing after its first {len(got)} characters was read")
    (item,) = read(tmp_path / "a.txt.gz", whole=True)
    assert "truncated" in reason(item)


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_truncated_rows_are_counted(suffix: str, tmp_path: Path) -> None:
    rng = random.Random(1)
    rows = [f"Phrase {rng.random()}" for _ in range(20_000)]
    lines = [json.dumps({"text": row}) for row in rows] if suffix == "jsonl" else ["text", *rows]
    packed = gzip.compress("\n".join(lines).encode())
    (tmp_path / f"a.{suffix}.gz").write_bytes(packed[: len(packed) // 2])
    *some, last = read(tmp_path / f"a.{suffix}.gz")
    assert len(some) > 1000
    assert isinstance(last, ErrorRow) and last.line == len(some) + 1
    assert last.reason.startswith(f"damaged after row {len(some)}: ")


@pytest.mark.parametrize(
    "column",
    [
        pa.array([0, 2**31 - 1, 1], pa.date32()),
        pa.array([0, 2**62, 1], pa.timestamp("us")),
        pa.array([0, 2**62, 1], pa.duration("s")),
    ],
)
def test_a_parquet_value_that_python_cannot_hold_spoils_only_its_row(column: pa.Array, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["Un.", "Deux.", "Trois."], "x": column}), path)
    first, second, third = read(path, keep=True)
    assert isinstance(first, Document) and isinstance(third, Document)
    assert isinstance(second, ErrorRow) and second.line == 2 and "a value that cannot be read" in second.reason
    assert len([item for item in read(path) if isinstance(item, Document)]) == 3


def test_a_parquet_file_with_a_damaged_name_is_an_error_row(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["Un."], "fieldname": [1]}), path)
    path.write_bytes(path.read_bytes().replace(b"fieldname", b"field\xffame"))
    (item,) = read(path)
    assert "not a readable Parquet file" in reason(item)


def test_other_fields_are_kept_when_asked_for(tmp_path: Path) -> None:
    rows = [{"id": "1", "text": "Un.", "n": 5, "day": datetime.date(2026, 1, 2)}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("id,text,n\n1,Un.,5\n")
    assert [item.kept for item in read(tmp_path / "a.csv") if isinstance(item, Document)] == [None]
    (document,) = read(tmp_path / "a.csv", keep=True)
    assert isinstance(document, Document) and document.kept == {"id": "1", "n": "5"}
    (document,) = read(tmp_path / "a.parquet", keep=True)
    assert isinstance(document, Document) and document.kept == {"id": "1", "n": 5, "day": datetime.date(2026, 1, 2)}


def test_a_file_that_cannot_be_read_is_an_error_row(tmp_path: Path) -> None:
    loop = tmp_path / "loop.jsonl"
    loop.symlink_to(loop)
    (tmp_path / "good.txt").write_text("Un.")
    first, second = read_documents([str(loop), str(tmp_path / "good.txt")])
    assert "symbolic links" in reason(first)
    assert isinstance(second, Document)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file that fails when it is read")
def test_a_file_that_fails_while_it_is_read_is_an_error_row() -> None:
    for format in ("text", "jsonl", "csv"):
        (item,) = read_documents(["/proc/self/mem"], format=format)
        assert "input/output error" in reason(item).lower()


def test_a_damaged_text_file_says_how_much_of_it_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_PIECE", 10)
    path = tmp_path / "a.txt"
    path.write_bytes("Un été.\nDeux.\nTrois.\n".encode() + b"\xff\n")
    *pieces, last = read(path)
    texts = [piece.text for piece in pieces if isinstance(piece, Document)]
    assert texts == ["Un été.\nDeux.\n"]
    assert isinstance(last, ErrorRow) and last.line == 4
    assert last.reason == "not valid UTF-8: byte 0xff at position 23; nothing after its first 14 characters was read"


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,id,text\nUn.,1,Deux.\n")
    assert reason(read(tmp_path / "a.csv")[0]) == "two columns are called 'text'"
    columns = [pa.array(["Un."]), pa.array(["Deux."]), pa.array([1]), pa.array([2])]
    pq.write_table(pa.Table.from_arrays(columns, ["text", "text", "n", "n"]), tmp_path / "a.parquet")
    assert [reason(item) for item in read(tmp_path / "a.parquet")] == ["two columns are called 'text'"]


def test_a_csv_file_of_a_header_is_not_called_empty(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\n")
    assert [reason(item) for item in read(tmp_path / "a.csv")] == ["the file holds only a header"]


def test_a_meter_ends_at_the_size_of_all_inputs(inputs_of_all_kinds: list[Path]) -> None:
    meter = Meter()
    places = [meter.done for _ in read_documents(list(map(str, inputs_of_all_kinds)), meter=meter)]
    assert meter.total == meter.done == sum(path.stat().st_size for path in inputs_of_all_kinds)
    assert 0 < places[0] < places[-1] <= meter.total
    read_documents(["-"], meter=(of_a_pipe := Meter()))
    assert of_a_pipe.total is None


@pytest.mark.parametrize("format", ["jsonl", "text"])
def test_a_meter_counts_what_was_handed_over_not_what_was_read_ahead(
    format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "_PIECE", 1)
    lines = [json.dumps({"text": f"Phrase {n}."}) + "\n" for n in range(50)]
    path = tmp_path / "a"
    path.write_text("".join(lines))
    meter = Meter()
    places = [meter.done for _ in read_documents([str(path)], format=format, meter=meter)]
    ends = [sum(map(len, lines[: n + 1])) for n in range(50)]
    # A piece of text ends where the line after it begins a paragraph.
    assert places == (ends if format == "jsonl" else [*ends[1:], ends[-1]])


@pytest.fixture
def inputs_of_all_kinds(tmp_path: Path) -> list[Path]:
    rows = [{"text": f"Phrase {n}."} for n in range(3)]
    (tmp_path / "a.txt").write_text("Un.")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "c.parquet")
    return sorted(tmp_path.iterdir())
