"""``tocsin benchmark``: any system on any suite, and two systems against each other."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from tocsin.cli_common import USAGE, DatasetsOption, Scheme, check_output, fail, need, write_output
from tocsin.cli_report import report
from tocsin.cli_speed import speed
from tocsin.data.errors import reason

if TYPE_CHECKING:
    from tocsin.data.records import LabelledSentence
    from tocsin.evaluate.candidates import Candidate

benchmark_app = typer.Typer(help="Compare systems: figures with intervals, speed, memory.", no_args_is_help=True)
benchmark_app.command()(report)
benchmark_app.command()(speed)
stdout = Console()
_TOLD = (("event micro-F1", "event_micro_f1"), ("entity F1", "entity_f1"), ("role F1", "role_f1"))


@benchmark_app.command()
def run(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME=]MODEL...",
            help="'release' (the shipped one), a folder of a release or of a trained run, a hub name, recipe:FILE "
            "(trained first), peer:NAME or peer:NAME:ENCODER.",
        ),
    ] = None,
    suites: Annotated[
        list[str] | None,
        typer.Option(
            "--suite",
            metavar="[NAME=]SUITE",
            help="written, real-news, public/CORPUS (test parts; -dev for the other), or a file: JSONL or CSV with "
            "labels, or IOB2. Can be repeated.",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the results; what is there is not computed again.")
    ] = Path("benchmark"),
    datasets: DatasetsOption = None,
    predictions: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="Predictions of anything else, JSONL or CSV. Can be repeated."),
    ] = None,
    codes: Annotated[Scheme, typer.Option(help="What the labels of a suite's file are.")] = Scheme.ours,
    id_field: Annotated[str | None, typer.Option(help="Field of a suite's file; default: id, else its place.")] = None,
    text_field: Annotated[str, typer.Option(help="Field of a suite's file that holds the text.")] = "text",
    types_field: Annotated[
        str | None, typer.Option(help="Field of a suite's file that holds types or codes; default: types or labels.")
    ] = None,
    lang: Annotated[
        str | None, typer.Option(help="ISO 639-1 code of a suite's file; default: its field lang, or detected.")
    ] = None,
) -> None:
    """Score every system on every suite; one result SYSTEM@SUITE.json each, its predictions beside it.

    Peers are trained on the written corpus, with --datasets also on our labels of real news. Labels in codes are scored
    through the crosswalk: a type of ours counts as its code, one that has none as no event.
    """
    for module in ("scipy", "sklearn"):
        need(module, "evaluate")
    from dataclasses import replace

    from tocsin.data.corpus import CorpusError
    from tocsin.data.language import check_language
    from tocsin.data.sources import DatasetError
    from tocsin.evaluate.benchmark import is_current, run_one
    from tocsin.evaluate.metrics import MismatchError
    from tocsin.evaluate.peers import PeerError
    from tocsin.evaluate.report import percent_with_interval
    from tocsin.evaluate.result_file import result_path
    from tocsin.evaluate.suites import Reading, SuiteError, is_labelled_file, load_suite
    from tocsin.model.settings import ModelError

    try:
        check_language(lang)
    except ValueError as error:
        fail(f"--lang: {error}", USAGE)
    if not suites:
        fail("nothing to score on: give --suite", USAGE)
    if not models and not predictions:
        fail("nothing to score: give a MODEL or --predictions", USAGE)
    if output.exists() and not output.is_dir():
        fail(f"{output}: is a file, expected a folder", USAGE)
    reading = Reading(codes.value, id_field, text_field, types_field, lang)
    named = [_named(suite) for suite in suites]
    if replace(reading, lang=None) != Reading() and not any(is_labelled_file(what) for _, what in named):
        fail("--codes, --id-field, --text-field and --types-field are for a suite that is a file with labels", USAGE)
    try:
        loaded = [load_suite(what, datasets, reading, name) for name, what in named]
        _distinct("suites", [suite.name for suite in loaded])
        for suite in loaded:
            if suite.left_out:
                _say(f"{suite.name}: {suite.left_out} rows of other splits than test are not scored")
        candidates = list(_candidates(models or [], predictions or [], output, datasets))
        _distinct("systems", [candidate.name for candidate in candidates])
        output.mkdir(parents=True, exist_ok=True)
        for candidate in candidates:
            for suite in loaded:
                path = result_path(output, candidate.name, suite.name)
                if not candidate.layers & set(suite.layers):
                    _say(f"{candidate.name} predicts nothing that is labelled in {suite.name}: no result")
                    continue
                if is_current(path, candidate, suite):
                    _say(f"{path}: is there")
                    continue
                _say(f"{candidate.name} on {suite.name} ({len(suite.gold)} sentences) …")
                result = run_one(candidate, suite, path)
                figures = result["figures"] | {"intervals": result["intervals"]}
                told = [f"{title} {percent_with_interval(figures, key)}" for title, key in _TOLD if key in figures]
                print(f"{path}: {', '.join(told)}")
    except (CorpusError, DatasetError, SuiteError, MismatchError, PeerError, ModelError) as error:
        fail(error)
    except OSError as error:
        fail(f"{error.filename or output}: {reason(error)}")


def _named(argument: str) -> tuple[str | None, str]:
    """(name, the rest) of "NAME=REST"; a file whose name holds "=" is that file."""
    name, equals, rest = argument.partition("=")
    if not equals or Path(argument).exists():
        return None, argument
    if not name or not rest:
        fail(f"{argument}: expected NAME=…", USAGE)
    return name, rest


def _distinct(what: str, names: list[str]) -> None:
    from tocsin.evaluate.result_file import in_file_names

    by_file: dict[str, str] = {}
    for name in names:
        before = by_file.get(in_file_names(name))
        if before is not None:
            called = f"are called {name!r}" if name == before else f"would share their files: {before!r} and {name!r}"
            fail(f"two {what} {called}: give one another name, NAME=…", USAGE)
        by_file[in_file_names(name)] = name


def _candidates(models: list[str], predictions: list[str], output: Path, datasets: Path | None) -> Iterator[Candidate]:
    """Every system, not yet loaded or trained, but for recipes."""
    from tocsin.data.corpus import load_split
    from tocsin.data.realnews import load_real
    from tocsin.evaluate.candidates import PeerCandidate, PredictedFile, Release, TrainedRun
    from tocsin.evaluate.measure import is_release
    from tocsin.model.runtime import release_folder
    from tocsin.model.settings import read_config

    def sentences(split: str) -> tuple[list[LabelledSentence], list[LabelledSentence]]:
        written = load_split(split)
        languages = {sentence.lang for sentence in written}
        # Of a line of NTREX three translations: all of them would be most of what a peer sees.
        translations = 3 if split == "train" else None
        return written, load_real(split, datasets, languages=languages, translations=translations) if datasets else []

    def trained_run(name: str, folder: Path) -> TrainedRun:
        need("torch", "train")
        return TrainedRun(name, folder, *sentences("dev"))

    for argument in models:
        name, model = _named(argument)
        kind, colon, what = model.partition(":")
        if kind == "peer" and colon:
            peer, _, encoder = what.partition(":")
            train, dev = (written + real for written, real in map(sentences, ("train", "dev")))
            shown = name or "-".join(filter(None, (peer, Path(encoder).name)))
            yield PeerCandidate(shown, peer, encoder or None, output / "runs", train, dev)
        elif kind == "recipe" and colon:
            trained, folder = _trained(what, output / "runs", datasets)
            yield trained_run(name or trained, folder)
        else:
            folder = release_folder(None if model == "release" else model)
            if model == "release":
                name = name or f"tocsin-{read_config(folder)['model_name']}"
            name = name or (Path(model).resolve().name if Path(model).exists() else model)
            yield Release(name, folder) if is_release(folder) else trained_run(name, folder)
    for argument in predictions:
        name, file = _named(argument)
        if name is None:
            fail(f"--predictions {argument}: expected NAME=FILE", USAGE)
        yield PredictedFile(name, Path(file))


def _trained(recipe: str, runs: Path, datasets: Path | None) -> tuple[str, Path]:
    """Trains a recipe, if that is not done, and gives its name and the folder of its run."""
    need("torch", "train")
    from tocsin.evaluate.scores import score
    from tocsin.model.backbone import BackboneError
    from tocsin.train.features import FeatureError
    from tocsin.train.recipe import RecipeError, read_recipe
    from tocsin.train.run import RunError, train
    from tocsin.train.sentences import recipe_sentences

    try:
        choices = read_recipe(recipe)
        folder = runs / choices.name
        train(choices, *recipe_sentences(choices, datasets=datasets), folder, score)
    except RecipeError as error:
        fail(error, USAGE)
    except (RunError, BackboneError, FeatureError) as error:
        fail(error)
    return choices.name, folder


def _say(message: str) -> None:
    print(f"tocsin: {message}", file=sys.stderr)


@benchmark_app.command()
def compare(
    one: Annotated[Path, typer.Argument(metavar="A.json", help="A result of `tocsin benchmark run`.")],
    other: Annotated[Path, typer.Argument(metavar="B.json", help="Another system's result on the same suite.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write the page, as Markdown.")] = None,
    sentences: Annotated[int, typer.Option(min=0, help="How many of the deciding sentences to show.")] = 20,
) -> None:
    """Say whether two systems differ on a suite (paired bootstrap), and which sentences decide it.

    Needs the predictions beside both results. The page shows texts of the suite.
    """
    from rich.markdown import Markdown

    from tocsin.evaluate.metrics import MismatchError
    from tocsin.evaluate.paired import compare_results, comparison_page
    from tocsin.evaluate.result_file import PREDICTIONS, ResultError

    if output is not None:
        read = (file.with_suffix(suffix) for file in (one, other) for suffix in (".json", PREDICTIONS))
        check_output(output, *read)
    try:
        page = comparison_page(compare_results(one, other), sentences)
    except (ResultError, MismatchError) as error:
        fail(error)
    stdout.print(Markdown(page))
    if output is not None:
        write_output(output, page)
