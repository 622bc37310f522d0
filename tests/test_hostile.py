"""Ten thousand hostile records: no crash, every one accounted for, every offset right."""

from __future__ import annotations

import codecs
import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cheap import CheapModel
from hostile import KINDS, check, hostile_records
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.data.documents import Document, ErrorRow, byte_offsets
from tocsin.data.readers import MAX_RECORD, read_documents
from tocsin.data.writers import json_line
from tocsin.model.pipeline import Pipeline


def test_ten_thousand_hostile_records(tmp_path: Path) -> None:
    counts = check(list(hostile_records(10_000, seed=1)), CheapModel(), tmp_path)
    assert sum(count["records"] for count in counts.values()) == 10_000
    assert all(count["records"] for count in counts.values())
    for kind in ("lone surrogates", "blank records", "broken JSON", "deep JSON", "wrong types", "not UTF-8"):
        assert counts[kind]["errors"] == counts[kind]["records"], kind
    for kind in ("plain", "NULs", "emoji sequences", "combining storms", "1 MB lines"):
        assert counts[kind]["errors"] == 0, kind


def test_the_released_model_reads_some_of_them(release: Pipeline, tmp_path: Path) -> None:
    records = [record for record in hostile_records(500, seed=2) if record.kind != "1 MB lines"]
    one = next(record for record in hostile_records(10_000, seed=1) if record.kind == "1 MB lines")
    counts = check([*records, one], release, tmp_path)
    assert sum(count["spans"] for count in counts.values()) > 50
    assert counts["1 MB lines"]["predictions"] == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(JSON | st.dictionaries(st.sampled_from(["text", "id", "x"]), JSON), min_size=1, max_size=5))
def test_any_json_is_a_document_or_an_error_row(tmp_path_factory: pytest.TempPathFactory, values: list[object]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="ascii")
    items = list(read_documents([str(path)], keep=True))
    assert [item.line for item in items] == [*range(1, len(values) + 1)]
    for item in items:
        written = json_line(item.kept if isinstance(item, Document) else item.to_dict())
        json.loads(written.encode().decode(), parse_constant=pytest.fail)


@given(st.text(), st.data())
def test_byte_offsets_are_those_of_utf8(text: str, data: st.DataObject) -> None:
    place = st.integers(0, len(text))
    pairs = data.draw(st.lists(st.tuples(place, place), max_size=4))
    for (start, end), (first, last) in zip(pairs, byte_offsets(text, pairs), strict=True):
        assert text.encode()[first:last].decode() == text[start:end]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("suffix", ["txt", "jsonl", "csv"])
def test_utf16_is_one_error_row_where_it_says_so(suffix: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    path.write_bytes(mark + 'text\n{"text": "Gao est tombée"}\n'.encode(encoding))
    (item,) = read_documents([str(path)])
    assert isinstance(item, ErrorRow)
    assert item.reason == "UTF-16, expected UTF-8"


@pytest.mark.parametrize("suffix", ["txt", "jsonl", "csv"])
def test_a_byte_order_mark_belongs_to_no_text(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    content = {"txt": "Gao.", "jsonl": '{"text": "Gao."}', "csv": "text\nGao."}[suffix]
    path.write_bytes(codecs.BOM_UTF8 + content.encode())
    assert [item.text for item in read_documents([str(path)]) if isinstance(item, Document)] == ["Gao."]


def test_records_that_are_too_large_are_error_rows_and_the_next_are_read(tmp_path: Path) -> None:
    huge = "x" * (MAX_RECORD + 1)
    (tmp_path / "a.jsonl").write_text(f'{{"text": "{huge}"}}\n{{"text": "Gao."}}\n')
    (tmp_path / "a.csv").write_text(f"id,text\n1,{huge}\n2,Gao.\n")
    for suffix in ("jsonl", "csv"):
        first, second = read_documents([str(tmp_path / f"a.{suffix}")])
        assert isinstance(first, ErrorRow) and "a line of more than 4 MiB" in first.reason
        assert isinstance(second, Document) and second.text == "Gao."
    (tmp_path / "a.txt").write_text(f"Gao.\n{huge}\nFin.\n")
    (item,) = read_documents([str(tmp_path / "a.txt")])
    assert isinstance(item, ErrorRow) and (item.line, item.reason) == (2, "a line of more than 4 MiB")
    # A quotation mark that nobody closes takes the rows after it, but not without end.
    (tmp_path / "b.csv").write_text('text\n"Gao\n' + ("x" * 999 + "\n") * (MAX_RECORD // 900) + "Fin.\n")
    first, *_, last = read_documents([str(tmp_path / "b.csv")])
    assert isinstance(first, ErrorRow) and "field larger than field limit" in first.reason
    assert isinstance(last, Document) and last.text == "Fin."


def test_parquet_strings_that_are_not_utf8_spoil_only_their_row(tmp_path: Path) -> None:
    offsets, data = pa.py_buffer(bytes([0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0])), pa.py_buffer(b"Gao\xff\xfe")
    text = pa.Array.from_buffers(pa.string(), 2, [None, offsets, data])
    pq.write_table(pa.table({"text": text}), tmp_path / "a.parquet")
    first, second = read_documents([str(tmp_path / "a.parquet")])
    assert isinstance(first, Document) and first.text == "Gao"
    assert isinstance(second, ErrorRow) and "a value that cannot be read" in second.reason


def test_a_text_of_nothing_but_initials_takes_no_square_of_its_length() -> None:
    from tocsin.data.sentences import sentence_offsets

    text = "A. " * 20_000
    assert sentence_offsets(text, "fr") == [(0, len(text) - 1)]


def test_the_kinds_are_all_that_was_asked_for() -> None:
    assert sum(share for _, share in KINDS.values()) == 10_000
    assert sys.getrecursionlimit() < 5000, "deep JSON is not deep"
