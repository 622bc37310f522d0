"""Commands that write pages for people: `tocsin view` and `tocsin benchmark report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli_common import USAGE, check_output, fail, write_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any


def view(
    file: Annotated[
        Path,
        typer.Argument(
            help="What `tocsin predict` wrote (.jsonl or .parquet, also with .gz or .zst, or a folder of these), or an "
            "article, which is read first."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML page to write.")],
    title: Annotated[str | None, typer.Option(help="Heading of the page; default: the file's name.")] = None,
    lang: Annotated[str | None, typer.Option(help="ISO 639-1 code of the article; default: detected.")] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Release folder or hub name for an article; default: the shipped one.")
    ] = None,
) -> None:
    """Write predictions as one HTML page: texts with their marks, counts, filters, and a link to each record.

    The page holds all it needs and opens from disk, without network.
    """
    from tocsin.data.ontology import load_ontology
    from tocsin.data.readers import told_format
    from tocsin.page_view import FORMATS, PredictionsError, read_predictions, view_page

    check_output(output, file)
    if not file.is_file() and not file.is_dir():
        fail(f"{file}: not a file")
    if file.is_dir() and output.resolve().is_relative_to(file.resolve()):
        fail(f"{output}: lies in the input folder {file}", USAGE)
    kind = told_format(file)[0]
    if kind == "csv":
        fail(
            f"{file}: a CSV loses the places of the spans; view reads the JSONL or Parquet of `tocsin predict`, a "
            "folder of these, or an article",
            USAGE,
        )
    ontology = load_ontology()
    records: Iterable[Mapping[str, Any]]
    try:
        if kind in FORMATS or file.is_dir():
            if lang is not None or model is not None:
                fail(f"{file}: holds predictions; --lang and --model are for an article", USAGE)
            records = read_predictions(file)
        else:
            records = _read_article(file, lang, model)
        page = view_page(records, title or file.name, ontology)
    except PredictionsError as error:
        fail(error)
    write_output(output, page)
    print(f"wrote {output}: {len(page.encode()) / 1e6:.1f} MB")


def _read_article(file: Path, lang: str | None, model: str | None) -> list[Mapping[str, Any]]:
    from dataclasses import replace

    from tocsin.data.documents import ErrorRow
    from tocsin.data.language import check_language
    from tocsin.data.readers import read_documents
    from tocsin.model.runtime import load_release
    from tocsin.model.settings import ModelError

    try:
        check_language(lang)
    except ValueError as error:
        fail(f"--lang: {error}", USAGE)
    (document,) = read_documents([str(file)], format="text", whole=True)
    if isinstance(document, ErrorRow):
        fail(document)
    try:
        pipeline = load_release(model)
    except ModelError as error:
        fail(error)
    sentences = pipeline.sentences(replace(document, lang=lang))
    return [prediction.to_dict() for prediction in pipeline.predict(sentences)]


def report(
    results: Annotated[Path, typer.Argument(help="Folder that `tocsin benchmark run` wrote.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="HTML page to write; the leaderboard beside it as .md.")
    ],
    readme: Annotated[
        Path | None,
        typer.Option(help="Markdown file with two markers, between which the leaderboard goes."),
    ] = None,
) -> None:
    """Write a leaderboard in Markdown, and one HTML page with tables, plots and every sentence.

    The page holds the texts of all predictions files in RESULTS: do not publish it where you may not publish these.
    """
    from tocsin.data.ontology import load_ontology
    from tocsin.evaluate.benchmark_page import benchmark_page
    from tocsin.evaluate.leaderboard import leaderboard, read_results, with_leaderboard
    from tocsin.evaluate.result_file import ResultError

    markdown = output.with_suffix(".md")
    inputs = [*results.glob("*@*.json*"), *filter(None, [readme])]
    for written in (output, markdown):
        check_output(written, *inputs)
    if output.suffix != ".html":
        fail(f"{output}: a page is .html; the leaderboard goes beside it as .md", USAGE)
    try:
        found = read_results(results)
        page = benchmark_page(found, results, load_ontology())
    except ResultError as error:
        fail(error)
    if readme is not None:
        try:
            text = with_leaderboard(readme.read_text(encoding="utf-8"), leaderboard(found, by_language=False))
        except (OSError, ValueError) as error:
            fail(f"{readme}: {error}")
        write_output(readme, text)
    write_output(output, page)
    write_output(markdown, leaderboard(found))
    print(f"wrote {output}: {len(page.encode()) / 1e6:.1f} MB, and {markdown}")
