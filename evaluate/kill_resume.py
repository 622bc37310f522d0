"""Kills real jobs at random moments and starts them again: what they write must be what an uninterrupted job writes.

``python -m tocsin.evaluate.kill_resume PAGE`` runs the released model over beginnings of our dev sentences, to JSONL,
CSV and Parquet; each is killed with SIGKILL 25 times. The page tells where the kills fell and whether all was the same.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tocsin.data.corpus import load_split

_LENGTH = 24  # characters of a text
FORMATS = ("jsonl", "csv", "parquet")


@dataclass(frozen=True)
class Kill:
    """One SIGKILL: seconds after the start of its process, and how far the job was then."""

    seconds: float
    inputs: int
    job: int  # a format's jobs are killed until the kills are used up; the last one ends undisturbed


@dataclass(frozen=True)
class Result:
    """What became of one format. ``identical``: whether output and error rows of every job were."""

    format: str
    kills: list[Kill]
    jobs: int
    inputs: int
    seconds: float  # of the uninterrupted job
    identical: bool


def write_inputs(path: Path, count: int) -> None:
    """So many beginnings of dev sentences (short, so that a job soon gets on) as JSONL, every tenth empty: an error."""
    sentences = load_split("dev")
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            sentence = sentences[number % len(sentences)]
            text = sentence.text[:_LENGTH] if number % 10 else ""
            row = {"id": f"{sentence.id}/{number}", "text": text, "lang": sentence.lang}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def kill_and_resume(source: Path, inputs: int, format: str, kills: int, seed: int, folder: Path) -> Result:
    """Runs a job once undisturbed, then again and again with ``kills`` kills at random moments in all."""
    whole, output = folder / f"whole.{format}", folder / f"killed.{format}"
    began = time.monotonic()
    subprocess.run(_command(source, whole), stderr=subprocess.DEVNULL, check=False)
    seconds = time.monotonic() - began
    rng = random.Random(f"{seed} {format}")
    fallen: list[Kill] = []
    jobs, identical = 1, True
    while True:
        process = subprocess.Popen(_command(source, output), stderr=subprocess.DEVNULL)
        moment = rng.uniform(0, seconds) if len(fallen) < kills else None
        began = time.monotonic()
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            fallen.append(Kill(time.monotonic() - began, _progress(output), jobs))
            continue
        identical &= all(_same(whole, output, suffix) for suffix in ("", ".errors.jsonl"))
        if len(fallen) == kills:
            return Result(format, fallen, jobs, inputs, seconds, identical)
        jobs += 1


def _command(source: Path, output: Path) -> list[str]:
    options = ["--keep", "--unit", "document", "--threads", "1"]
    return [sys.executable, "-m", "tocsin", "predict", str(source), *options, "-o", str(output)]


def _progress(output: Path) -> int:
    state = output.with_name(output.name + ".job")
    if not state.exists():
        return 0
    taken: int = json.loads(state.read_text(encoding="utf-8"))["inputs"]["taken"]
    return taken


def _same(whole: Path, output: Path, suffix: str) -> bool:
    first, second = (path.with_name(path.name + suffix) for path in (whole, output))
    return first.exists() and second.exists() and first.read_bytes() == second.read_bytes()


def page(results: list[Result], seed: int) -> str:
    """The log as Markdown."""
    lines = [
        "# Killed and started again",
        "",
        "Jobs of the released model, killed with SIGKILL at random moments and started again with the same command.",
        f"`python -m tocsin.evaluate.kill_resume` wrote this page (seed {seed}).",
        "",
        "| format | inputs | kills | jobs | an undisturbed job | output and error rows byte-identical |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    lines += [
        f"| {result.format} | {result.inputs:,} | {len(result.kills)} | {result.jobs} | {result.seconds:.1f} s | "
        f"{'yes' if result.identical else '**no**'} |"
        for result in results
    ]
    for result in results:
        lines += ["", f"## {result.format}", "", "| kill | job | seconds after the start | inputs done |"]
        lines += ["| ---: | ---: | ---: | ---: |"]
        lines += [
            f"| {number} | {kill.job} | {kill.seconds:.2f} | {kill.inputs:,} |"
            for number, kill in enumerate(result.kills, 1)
        ]
    return "\n".join([*lines, ""])


def main() -> None:
    """The command; exit code 1 if anything differed."""
    parser = argparse.ArgumentParser(prog="python -m tocsin.evaluate.kill_resume", description=__doc__)
    parser.add_argument("page", type=Path, help="Markdown file to write.")
    parser.add_argument("--inputs", type=int, default=2500)
    parser.add_argument("--kills", type=int, default=25, help="Of each format.")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        source = Path(folder) / "inputs.jsonl"
        write_inputs(source, options.inputs)
        results = [
            kill_and_resume(source, options.inputs, format, options.kills, options.seed, Path(folder))
            for format in FORMATS
        ]
    options.page.write_text(page(results, options.seed), encoding="utf-8")
    sys.exit(0 if all(result.identical for result in results) else 1)


if __name__ == "__main__":
    main()
