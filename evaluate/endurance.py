"""A long job with its memory curve: ``python -m tocsin.evaluate.endurance 1000000 -o FOLDER``.

Runs `tocsin predict` over so many generated records in a process of its own and samples that process's memory. Writes
endurance.json and endurance.png; the job's input and output are deleted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tocsin.evaluate.picture import memory_picture
from tocsin.evaluate.speed import real_length_sentences, token_counts
from tocsin.evaluate.speed_systems import Text
from tocsin.model.runtime import RELEASED_DIR
from tocsin.model.settings import read_config

_POOL = 20_000  # sentences, of which those that are short enough are read
_SAMPLES = 2_000  # kept at most: every second one goes when there are more


def run_job(texts: Sequence[Text], count: int, scratch: Path, every: float = 1.0) -> dict[str, Any]:
    """Predicts ``count`` records, the texts over and over with ids of their own; "memory": (seconds, megabytes held)
    all ``every`` seconds, "peak_megabytes" as the kernel counted it. Raises ``RuntimeError`` if a record is missing or
    the job fails. Linux only."""
    source, output = scratch / "in.jsonl", scratch / "out.jsonl"
    with source.open("w", encoding="utf-8") as file:
        for i in range(count):
            file.write(json.dumps({"id": str(i), "text": texts[i % len(texts)][1]}, ensure_ascii=False) + "\n")
    command = [sys.executable, "-m", "tocsin", "predict", str(source), "-o", str(output), "--unit", "document"]
    start = time.perf_counter()
    memory: list[tuple[float, float]] = []
    peak = 0.0
    with subprocess.Popen([*command, "--no-dedup"], stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            status = _status(process.pid)
            if status is not None:
                memory.append((round(time.perf_counter() - start, 1), status["VmRSS"]))
                peak = max(peak, status["VmHWM"])
            if len(memory) > _SAMPLES:
                memory, every = memory[::2], 2 * every
            time.sleep(min(every, 0.2) if len(memory) < 20 else every)
        seconds = time.perf_counter() - start
        assert process.stderr is not None
        told = process.stderr.read().strip()
    if process.returncode:
        raise RuntimeError(f"the job failed with exit code {process.returncode}: {told}")
    with output.open(encoding="utf-8") as file:
        for i, line in enumerate(file):
            if json.loads(line)["doc_id"] != str(i):
                raise RuntimeError(f"record {i} of the output is not of input {i}")
    if i + 1 != count:
        raise RuntimeError(f"{i + 1} records of {count} inputs")
    return {
        "records": count,
        "distinct": min(count, len(texts)),
        "seconds": round(seconds, 1),
        "records_per_second": round(count / seconds, 1),
        "peak_megabytes": peak,
        "summary": told.replace(str(output), "OUT").splitlines()[-1],
        "memory": memory,
    }


def _status(pid: int) -> dict[str, float] | None:
    # Megabytes; None once the process is gone.
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in lines)
    if "VmRSS" not in fields:
        return None
    return {name: round(int(fields[name].split()[0]) * 1024 / 1e6, 1) for name in ("VmRSS", "VmHWM")}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("records", type=int)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for endurance.json and endurance.png")
    parser.add_argument(
        "--datasets", type=Path, help="folder with the public datasets; else our written corpus is read"
    )
    parser.add_argument(
        "--tokens", type=int, default=512, help="read only sentences of at most so many tokens, to be done sooner"
    )
    choices = parser.parse_args()
    choices.output.mkdir(parents=True, exist_ok=True)
    languages = read_config(RELEASED_DIR)["languages"]
    pool = real_length_sentences(_POOL, languages, choices.datasets)
    counted = [(text, n) for text, n in zip(pool, token_counts(RELEASED_DIR, pool)) if n <= choices.tokens]
    texts, tokens = [text for text, _ in counted], [n for _, n in counted]
    with TemporaryDirectory(dir=choices.output) as scratch:
        figures = run_job(texts, choices.records, Path(scratch))
    figures["tokens_per_record"] = round(sum(tokens) / len(tokens), 1)
    (choices.output / "endurance.json").write_text(json.dumps(figures) + "\n", encoding="utf-8")
    memory_picture(figures, choices.output / "endurance.png")
    print(f"{figures['summary']}\npeak {figures['peak_megabytes']} MB, {figures['records_per_second']} records/s")


if __name__ == "__main__":
    main()
