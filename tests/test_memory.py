"""A job needs no more memory for many inputs than for few, whatever their format and length."""

from __future__ import annotations

import gzip
import io
import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cheap import CheapModel, command

from tocsin.data import readers
from tocsin.data.documents import Document
from tocsin.data.readers import MAX_RECORD, read_documents
from tocsin.job import Chunk, InputStream, chunks
from tocsin.model.pipeline import Floats, Integers, Pipeline, sentences_of_texts

_TEXT = "L'armée a pris la ville de Gao. " + "Rien d'autre " * 90 + "\n"  # two sentences of 1.2 KB
_FEW, _MANY = 10_000, 45_000  # more than a row group of Parquet output, and much more
_ALLOWED = 32 * 2**20  # bytes, noise of allocators; what is added is 42 MB of text, and several times that as objects


def write(path: Path, count: int) -> None:
    """So many records, in the format of the suffix."""
    texts = (_TEXT.replace("d'autre", f"d'autre {number}", 1) for number in range(count))
    if path.suffix == ".parquet":
        with pq.ParquetWriter(path, pa.schema([("text", pa.string()), ("n", pa.int64())])) as writer:
            table = pa.table({"text": list(texts), "n": range(count)})
            writer.write_table(table, row_group_size=count)  # one group: it must not be held whole
        return
    with gzip.open(path, "wb", 1) if path.suffix == ".gz" else path.open("wb") as raw:
        file = io.TextIOWrapper(raw, encoding="utf-8")
        if path.suffix == ".csv":
            file.write("text\n")
        for text in texts:
            if path.suffix == ".txt":
                file.write(text)
            elif path.suffix == ".csv":
                file.write(f'"{text}"\n')
            else:
                file.write(json.dumps({"text": text}) + "\n")
        file.flush()


def high_water(process: str = "/proc/self/status") -> int:
    """Peak memory in bytes, as the system tells it."""
    (line,) = (line for line in Path(process).read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def peak(source: Path, output: Path, pipe: bool) -> int:
    """Peak memory of the job in bytes."""
    suffix = source.suffix.removeprefix(".")
    arguments = ["-", "--format", suffix] if pipe else [source]
    status = output.with_suffix(".status")
    words = command("predict", *arguments, "--lang", "fr", "--keep", "-o", output)
    # `cat` makes it a pipe, which has no end to seek.
    subprocess.run(
        ["bash", "-c", f"cat {shlex.quote(str(source))} | {shlex.join(words)}"],
        env={**os.environ, "CHEAP_STATUS": str(status)},
        check=True,
        capture_output=True,
    )
    return high_water(str(status))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell of its processes")
@pytest.mark.parametrize(
    ("source", "output", "pipe"),
    [
        ("txt", "jsonl", False),
        ("jsonl", "parquet", True),
        ("jsonl.gz", "csv", False),
        ("csv", "jsonl", True),
        ("parquet", "jsonl", False),
        ("parquet", "parquet", True),
    ],
)
def test_memory_does_not_grow_with_the_input(source: str, output: str, pipe: bool, tmp_path: Path) -> None:
    peaks = []
    for count in (_FEW, _MANY):
        path = tmp_path / f"{count}.{source}"
        write(path, count)
        peaks.append(peak(path, tmp_path / f"out{count}.{output}", pipe))
    assert peaks[1] - peaks[0] < _ALLOWED, [f"{value / 2**20:.0f} MiB" for value in peaks]


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="the system forgets no peak")
def test_a_sentence_of_a_megabyte_of_words_has_bounded_memory(release: Pipeline) -> None:
    ontology = release.settings.ontology

    def zeros(input_ids: Integers, _: Integers) -> tuple[Floats, Floats, Floats]:
        rows, width = input_ids.shape
        tags = (2 * len(names) + 1 for names in (ontology.entities, ontology.roles))
        entities, roles = (np.zeros((rows, width, count), np.float32) for count in tags)
        return np.zeros((rows, len(ontology.types)), np.float32), entities, roles

    text = ("L'armée a pris la ville dimanche, " * 30_000)[: 2**20]
    Path("/proc/self/clear_refs").write_text("5")
    before = high_water()
    pipeline = Pipeline(zeros, release.tokenizer, release.settings)
    assert len(pipeline.predict(sentences_of_texts([("a", "fr", text)]))) == 1
    assert high_water() - before < 400 * 2**20  # most of it is the tokenizer's


def long_documents(size: int, taken: list[int], kept: bool = False) -> Iterator[Document]:
    """Without end; ``taken`` tells how many."""
    text = ("Rien d'autre " * (size // 13 + 1))[:size]
    while True:
        taken.append(len(taken))
        yield Document(str(taken[-1]), *(("Gao.", "-", 1, None, {"x": text}) if kept else (text, "-")))


@pytest.mark.parametrize("kept", [False, True])
def test_long_rows_are_not_collected(kept: bool) -> None:
    taken: list[int] = []
    work = chunks(InputStream(long_documents(3 * 2**20, taken, kept)), CheapModel(), "sentence", "fr")
    for number in range(1, 4):
        assert len(next(work).sentences) == 1
        assert len(taken) == number


def test_chunks_and_batches_of_usual_texts_have_512_sentences() -> None:
    taken: list[int] = []
    work = chunks(InputStream(long_documents(3000, taken)), CheapModel(), "document", "fr")
    assert [len(batch) for batch in next(work).batches()] == [len(taken)] == [512]


def test_batches_of_long_sentences_are_small() -> None:
    chunk = Chunk(sentences_of_texts((str(number), "fr", "x" * 2**20) for number in range(5)))
    batches = list(chunk.batches())
    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert [sentence for batch in batches for sentence in batch] == chunk.sentences


def test_long_parquet_rows_are_read_one_by_one_and_larger_ones_than_a_record_are_error_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"{number} " * (MAX_RECORD // 4) for number in range(10, 14)] + ["x" * (MAX_RECORD + 1), "Gao."]
    pq.write_table(pa.table({"text": texts}), path, use_dictionary=False, compression="none")
    assert readers._batch_size(pq.read_metadata(path)) == 1
    items = list(read_documents([str(path)]))
    assert [item.text for item in items if isinstance(item, Document)] == [*texts[:4], "Gao."]
    assert str(items[4]).endswith("field 'text': more than 4 MiB")
