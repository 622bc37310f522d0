"""A job needs no more memory for many inputs than for few, whatever their format."""

from __future__ import annotations

import gzip
import io
import json
import os
import shlex
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cheap import command

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
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


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
