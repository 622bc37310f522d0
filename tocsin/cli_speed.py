"""``tocsin benchmark speed``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli_common import fail, need, write_results


def speed(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for speed.json and speed.md.")],
    model: Annotated[Path | None, typer.Option("--model", help="Release folder; default: the shipped one.")] = None,
    run: Annotated[Path | None, typer.Option(help="A trained run, measured in float32 beside its release.")] = None,
    datasets: Annotated[
        Path | None,
        typer.Option(help="Folder with the public datasets, whose NTREX is read; default: our written corpus."),
    ] = None,
    sentences: Annotated[int, typer.Option(min=64)] = 5000,
    repeats: Annotated[int, typer.Option(min=1, help="Passes of each system.")] = 5,
) -> None:
    """Measure the release beside two transformers pipelines and spaCy, and against the machine's own limit.

    Takes about a quarter of an hour, and the machine should do nothing else.
    """
    for module, extra in (("torch", "train"), ("transformers", "train"), ("onnx", "train"), ("spacy", "peers")):
        need(module, extra)
    from tocsin.data.corpus import CorpusError
    from tocsin.data.sources import DatasetError
    from tocsin.evaluate.speed import measure_speed, real_length_sentences, speed_page
    from tocsin.model.runtime import RELEASED_DIR
    from tocsin.model.settings import ModelError, read_config

    model = model or RELEASED_DIR
    try:
        output.mkdir(parents=True, exist_ok=True)
        texts = real_length_sentences(sentences, read_config(model).get("languages", []), datasets)
        results = measure_speed(model, run, texts, repeats, lambda what: print(f"tocsin: {what}", file=sys.stderr))
        write_results(output / "speed.json", results, speed_page(results))
    except (ModelError, CorpusError, DatasetError, OSError) as error:
        fail(error)
    print(f"wrote {output / 'speed.md'}")
