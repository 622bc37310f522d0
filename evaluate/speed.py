"""Speed beside what a user would do otherwise, measured in one run: `tocsin benchmark speed`."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from tokenizers import Tokenizer

from tocsin.data.corpus import load_split
from tocsin.data.sources import read_passages
from tocsin.evaluate.machine_limit import tokens_per_second
from tocsin.evaluate.report import markdown_table
from tocsin.evaluate.speed_profile import where_time_goes
from tocsin.evaluate.speed_systems import Text, evenly, prepare_pipelines, prepare_spacy
from tocsin.model.pipeline import MAX_BATCH_TOKENS, available_cores
from tocsin.model.settings import ModelError, read_config

Told = Callable[[str], None]

_PASS_SECONDS = 15.0  # of a slow system's pass: it reads as many of the sentences as that allows
_PROFILED = 512  # sentences
_THREADS = (1, 2)
_DEFAULT, _BY_32, _INT8 = "two pipelines, default batch", "two pipelines, batch 32", "int8 release"
_FIRST_RECORD = "Roquettes sur le port de Saltarive : deux entrepôts ont pris feu jeudi.\n"


def real_length_sentences(count: int, languages: Sequence[str], datasets: Path | None) -> list[Text]:
    """(language, text) of ``count`` sentences in random order, the same each time: lines of NTREX where the datasets
    are at hand, else our written corpus, in these languages; over again where there are too few.

    Raises ``CorpusError`` or ``DatasetError``.
    """
    if datasets is not None:
        passages = read_passages("ntrex", datasets)
        pool = [(passage.lang, passage.text) for passage in passages if passage.lang in languages]
    else:
        parts = [load_split(split) for split in ("train", "dev", "test")]
        pool = [(sentence.lang, sentence.text) for part in parts for sentence in part if sentence.lang in languages]
    Random(0).shuffle(pool)
    return [pool[i % len(pool)] for i in range(count)]


def measure_speed(
    release: Path, run: Path | None, texts: Sequence[Text], repeats: int, told: Told = lambda _: None
) -> dict[str, Any]:
    """All figures of the page; ``run``: a trained run of our model in float32; ``told`` hears what is measured now.

    Raises :class:`ModelError` for a model or system that cannot be measured.
    """
    config = read_config(release)
    # Otherwise an odd neighbour is measured as a slow system: each has the machine to itself, one after the other.
    cores = available_cores()
    counts = [threads for threads in _THREADS if threads <= cores]
    tokens = token_counts(release, texts)
    results: dict[str, Any] = {
        "sentences": len(texts),
        "languages": len({lang for lang, _ in texts}),
        "tokens_per_sentence": round(sum(tokens) / len(texts), 1),
        "repeats": repeats,
        "model": config.get("model_name"),
        "machine": _machine() | {"cores": cores},
        "systems": [],
    }
    with TemporaryDirectory() as scratch:
        told("preparing the other systems")
        for prepare, arguments in ((prepare_pipelines, (release, Path(scratch))), (prepare_spacy, (Path(scratch),))):
            _apart(prepare, *arguments)
        plan = [(_DEFAULT, "two_pipelines", Path(scratch), counts[-1:])]
        plan += [(_BY_32, "two_pipelines_by_32", Path(scratch), counts[-1:])]
        plan += [("spaCy, textcat_multilabel + ner", "spacy", Path(scratch), counts[-1:])]
        plan += [("our float32 model (torch)", "trained_run", run, counts)] if run else []
        plan += [(_INT8, "release", release, counts)]
        for name, system, folder, thread_counts in plan:
            for threads in thread_counts:
                told(f"{name}, threads: {threads}")
                figures = _measured(system, folder, threads, texts, repeats)
                chosen = evenly(figures["sentences"], len(texts))
                results["systems"].append(_row(name, threads, figures, sum(tokens[i] for i in chosen)))
    told("the first record of the command")
    results["command_start_seconds"] = [_first_record(release) for _ in range(repeats)]
    told("where the time goes")
    results["profile"] = where_time_goes(release, [texts[i] for i in evenly(_PROFILED, len(texts))])
    told("the machine's own limit")
    results["limit"] = {
        "batch_tokens": MAX_BATCH_TOKENS,
        "tokens_per_second": {
            str(threads): round(tokens_per_second(config["backbone"], MAX_BATCH_TOKENS, threads)) for threads in counts
        },
    }
    return results | {"ratios": _ratios(results)}


def token_counts(release: Path, texts: Sequence[Text]) -> list[int]:
    """Tokens of each text, of the release's tokenizer for all systems alike; special tokens are not counted."""
    tokenizer = Tokenizer.from_file(str(release / "tokenizer.json"))
    return [len(e) for e in tokenizer.encode_batch([text for _, text in texts], add_special_tokens=False)]


def _apart(function: Callable[..., None], *arguments: Any) -> None:
    # In a process that ends, so that what it loaded is gone before anything is measured.
    process = get_context("spawn").Process(target=function, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise ModelError(f"{function.__name__} failed")


def _measured(system: str, folder: Path, threads: int, texts: Sequence[Text], repeats: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tocsin.evaluate.speed_systems"]
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    task = {"system": system, "folder": str(folder), "threads": threads, "texts": texts, "repeats": repeats}
    task |= {"seconds": _PASS_SECONDS, "begun": time.time()}
    done = subprocess.run(command, input=json.dumps(task), capture_output=True, text=True, env=environment)
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise ModelError(f"{system} of {folder}: cannot be measured: {reason}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _row(name: str, threads: int, figures: dict[str, Any], tokens: int) -> dict[str, Any]:
    rates = [figures["sentences"] / seconds for seconds in figures["seconds"]]
    return {
        "name": name,
        "threads": threads,
        "sentences": figures["sentences"],
        "sentences_per_second": round(median(rates), 2),
        "slowest": round(min(rates), 2),
        "fastest": round(max(rates), 2),
        "tokens_per_second": round(tokens / median(figures["seconds"]), 1),
        "peak_megabytes": figures["peak_megabytes"],
        "start_seconds": figures["start_seconds"],
    }


def _first_record(release: Path) -> float:
    """Seconds from the start of `tocsin predict` in a new process to its first line."""
    with TemporaryDirectory() as scratch:
        article = Path(scratch) / "article.txt"
        article.write_text(_FIRST_RECORD, encoding="utf-8")
        command = [sys.executable, "-m", "tocsin", "predict", str(article), "--model", str(release)]
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            seconds = time.perf_counter() - start
        if not line:
            raise ModelError("`tocsin predict` gave no record")
    return round(seconds, 2)


def _machine() -> dict[str, str]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return {"processor": name, "system": platform.system()}


def _ratios(results: dict[str, Any]) -> dict[str, Any]:
    """Of the int8 release with most threads: to the pipelines, and to the machine's limit by threads."""
    rows = {(row["name"], row["threads"]): row for row in results["systems"]}
    most = max(threads for _, threads in rows)
    ours = rows[_INT8, most]["sentences_per_second"]
    # The limit counts special tokens, which the model computes as well.
    special = 1 + 2 / results["tokens_per_sentence"]
    limits = results["limit"]["tokens_per_second"]
    return {
        "to_default_pipelines": round(ours / rows[_DEFAULT, most]["sentences_per_second"], 2),
        "to_pipelines_of_32": round(ours / rows[_BY_32, most]["sentences_per_second"], 2),
        "of_limit": {
            threads: round(rows[_INT8, int(threads)]["tokens_per_second"] * special / limit, 3)
            for threads, limit in limits.items()
        },
        "model_of_limit": round(results["profile"]["model_tokens_per_second"] / limits["1"], 3),
    }


def speed_page(results: dict[str, Any]) -> str:
    """Markdown of :func:`measure_speed`."""
    rows = [
        [
            row["name"],
            str(row["threads"]),
            f"{row['sentences_per_second']:.1f} ({row['slowest']:.1f}–{row['fastest']:.1f})",
            f"{row['tokens_per_second']:,.0f}",
            f"{row['sentences']:,}",
            "–" if row["peak_megabytes"] is None else f"{row['peak_megabytes']:.0f}",
            f"{row['start_seconds']:.1f}",
        ]
        for row in results["systems"]
    ]
    head = ["", "threads", "sentences/s (slowest–fastest)", "tokens/s", "sentences a pass", "peak MB", "start, s"]
    ratios, profile, machine, limit = (results[key] for key in ("ratios", "profile", "machine", "limit"))
    starts = results["command_start_seconds"]
    of_limit = ", ".join(
        f"{_percent(share)} with {threads} {'threads' if threads != '1' else 'thread'}"
        for threads, share in ratios["of_limit"].items()
    )
    limits = ", ".join(f"{value:,} ({threads})" for threads, value in limit["tokens_per_second"].items())
    return f"""\
# Speed

{results["sentences"]:,} sentences in {results["languages"]} languages, {results["tokens_per_sentence"]:g} tokens each,
on {machine["processor"]} ({machine["cores"]} logical processors in use), all in one run. Model: {results["model"]}.
Each system in a process of its own; medians of {results["repeats"]} passes with the slowest and the fastest. A slow
system reads an even share of the same sentences ("sentences a pass"), so that a pass takes about
{_PASS_SECONDS:g} seconds. Tokens are those of our tokenizer for all. "Start": from a new process to the first result.
Written by `tocsin benchmark speed`.

{markdown_table(head, rows)}

*Two pipelines*: `transformers` pipelines for text and token classification over the release's encoder in float32
with random heads. *spaCy*: its default `textcat_multilabel` and `ner`, trained for one pass over 1,500 written
sentences. *int8 release*: from a text to its JSON line, language detection included, as `tocsin predict` does it.

The int8 release is **{ratios["to_default_pipelines"]:.1f} times** as fast as the two pipelines with their default
batch, and **{ratios["to_pipelines_of_32"]:.1f} times** as fast as with batches of 32. The command `tocsin predict`
gives its first record after {median(starts):.2f} s ({min(starts):.2f}–{max(starts):.2f}).

## The machine's own limit

Plain 8-bit matrix products of the model's shapes (`MatMulInteger`, batches of {limit["batch_tokens"]} tokens, the same
runtime) would pass {limits} tokens a second (threads). Of that the whole path from text to JSON reaches {of_limit};
the model alone, without padding, {_percent(ratios["model_of_limit"])} with 1 thread.

## Where the time goes

One thread, {profile["sentences"]:,} of the sentences; {_percent(profile["padding"])} of what the model computes is
padding.

{_share_table("stage", profile["stages"])}

Within the model, by ONNX Runtime's profile:

{_share_table("operator", profile["operators"])}
"""


def _share_table(title: str, shares: dict[str, float]) -> str:
    return markdown_table([title, "share of time"], [[name, _percent(share)] for name, share in shares.items()])


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
