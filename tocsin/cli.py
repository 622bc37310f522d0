"""The command line: a thin layer of argument handling and printing over the subpackages."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from tocsin.data.records import LabelledSentence, Prediction
    from tocsin.model.pipeline import Pipeline, Sentence

# Each command imports what it needs: `tocsin types` shall not wait for ONNX Runtime, nor prediction for torch.

app = typer.Typer(
    help="Event types, entities and roles for every sentence of news.", no_args_is_help=True, add_completion=False
)
data_app = typer.Typer(help="The corpus.", no_args_is_help=True)
app.add_typer(data_app, name="data")

stdout = Console()
stderr = Console(stderr=True)

FAILURE, USAGE, SOME_ERRORS = 1, 2, 3
_CHUNK = 512  # sentences predicted and written at a time


class Unit(str, Enum):
    """What gets a record."""

    sentence = "sentence"
    document = "document"


class Format(str, Enum):
    """How an input is written."""

    text = "text"
    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"


class Split(str, Enum):
    """A part of the corpus."""

    train = "train"
    dev = "dev"
    test = "test"


ModelOption = Annotated[
    str | None, typer.Option("--model", help="Release folder or hub name; default: the shipped one.")
]
CorpusOption = Annotated[Path | None, typer.Option("--corpus", help="Corpus folder; default: the shipped one.")]


def _fail(message: object, code: int = FAILURE) -> NoReturn:
    # Plain print: a message may hold brackets that rich would take for markup.
    print(f"tocsin: {message}", file=sys.stderr)
    raise typer.Exit(code)


@app.command()
def types() -> None:
    """Print the event types with their crosswalk, the entity labels and the roles."""
    from tocsin.data.ontology import load_ontology

    ontology = load_ontology()
    stdout.print(f"[bold]Event types[/bold] (ontology {ontology.version})")
    group = ""
    for kind in ontology.types:
        if kind.group != group:
            group = kind.group
            stdout.print(f"\n[bold reverse] {group} [/bold reverse] {ontology.groups[group]}")
        acled = f"{kind.acled_event_type} / {kind.acled_sub_event_type}" if kind.acled_event_type else "–"
        crosswalk = (
            f"ACLED {acled}  PLOVER {kind.plover or '–'}  CAMEO {' '.join(kind.cameo) or '–'}  "
            f"{(kind.quad_class or 'no quad class').replace('_', ' ')}"
        )
        stdout.print(Padding(f"[bold]{kind.name}[/bold]  {kind.definition}\n[dim]{crosswalk}[/dim]", (0, 0, 0, 2)))
    for title, labels in (("Entities", ontology.entities), ("Roles", ontology.roles)):
        stdout.print(f"\n[bold]{title}[/bold] (name, name in the corpus markup)")
        for label in labels:
            stdout.print(
                Padding(f"[bold]{label.name}[/bold]  [dim]{label.markup}[/dim]  {label.definition}", (0, 0, 0, 2))
            )


class Record(str, Enum):
    """A record with a published schema."""

    prediction = "prediction"
    labelled_sentence = "labelled_sentence"


@app.command()
def schema(record: Record) -> None:
    """Print the JSON Schema of a record."""
    from tocsin.data.records import json_schema

    print(json.dumps(json_schema(record.value), indent=2))


@data_app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Corpus files; default: all of them.")] = None,
) -> None:
    """Validate corpus files and summarise them; exit code 1 if anything is wrong."""
    from tocsin.data.corpus import SPLITS, CorpusError, check_files, corpus_files
    from tocsin.data.ontology import load_ontology

    try:
        problems, summary = check_files(files or corpus_files())
    except CorpusError as error:
        _fail(error)
    languages = sorted({lang for _, lang in summary.sentences})
    table = Table("split", *languages, "all", title="Sentences", title_justify="left")
    for split in SPLITS:
        counts = [summary.sentences[split, lang] for lang in languages]
        table.add_row(split, *map(str, counts), str(sum(counts)))
    stdout.print(table)
    ontology = load_ontology()
    span_labels = [*ontology.entity_names, *ontology.role_names]
    for title, names, counter in (
        ("Event types", ontology.type_names, summary.types),
        ("Spans", span_labels, summary.labels),
    ):
        table = Table("", *languages, "all", title=title, title_justify="left")
        for name in names:
            counts = [counter[name, lang] for lang in languages]
            table.add_row(name, *map(str, counts), str(sum(counts)))
        stdout.print(table)
    hard = sum(count for kind, count in summary.negatives.items() if kind != "none")
    negatives = sum(summary.negatives.values())
    stdout.print(
        f"{sum(summary.sentences.values())} sentences; {summary.several_types} with two or more types, "
        f"{summary.over_25_words} over 25 words; {negatives} without an event, {hard} of them hard: "
        + ", ".join(f"{kind} {count}" for kind, count in sorted(summary.negatives.items()) if kind != "none")
    )
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems")
    if problems:
        raise typer.Exit(FAILURE)


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or one of ours by name: first-light.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Default: runs/NAME.")] = None,
    corpus: CorpusOption = None,
) -> None:
    """Fine-tune a model; the same command goes on after a kill."""
    from tocsin.data.corpus import CORPUS_DIR, CorpusError, load_split
    from tocsin.train.recipe import RecipeError, read_recipe

    try:
        choices = read_recipe(recipe)
        parts = [
            [s for s in load_split(split, corpus or CORPUS_DIR) if s.lang in choices.languages]
            for split in ("train", "dev")
        ]
    except (RecipeError, CorpusError) as error:
        _fail(error, USAGE)
    _need("torch", "train")
    from tocsin.evaluate.scores import score
    from tocsin.model.backbone import BackboneError
    from tocsin.train.features import FeatureError
    from tocsin.train.run import RunError
    from tocsin.train.run import train as run

    output = output or Path("runs") / choices.name
    try:
        figures = run(choices, parts[0], parts[1], output, score)
    except (RunError, BackboneError, FeatureError) as error:
        _fail(error)
    from tocsin.evaluate.report import full_report

    stdout.print(full_report({choices.name: figures}, f"{choices.name} on dev"))
    print(f"saved in {output}; next: tocsin export {output} -o RELEASE")


def _need(module: str, extra: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        _fail(f"this needs the extra {extra!r}: pip install 'tocsin[{extra}]'", USAGE)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A folder that `tocsin train` wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Release folder to write.")],
    corpus: CorpusOption = None,
) -> None:
    """Write a release (int8 ONNX) if it keeps what the float model can; exit code 1 and a table if it does not."""
    from tocsin.model.settings import ModelError

    for module in ("torch", "onnx", "wordfreq", "sklearn"):
        _need(module, "train")
    import numpy as np

    from tocsin.data.corpus import CORPUS_DIR, CorpusError, load_split
    from tocsin.data.ontology import load_ontology
    from tocsin.evaluate.gate import compare
    from tocsin.evaluate.scores import score
    from tocsin.evaluate.thresholds import best_threshold
    from tocsin.model.card import write_card
    from tocsin.model.export import load_trained, trim_vocabulary, write_onnx, write_release
    from tocsin.model.runtime import load_release
    from tocsin.model.torch_engine import torch_pipeline

    ontology = load_ontology()
    try:
        model, tokenizer = load_trained(run)
        splits: dict[str, list[LabelledSentence]] = {
            split: [s for s in load_split(split, corpus or CORPUS_DIR) if s.lang in model.config.languages]
            for split in ("train", "dev", "test")
        }
    except (ModelError, CorpusError) as error:
        _fail(error)
    dev = splits["dev"]
    texts = [s.text for split in ("train", "dev") for s in splits[split]]
    before = torch_pipeline(model, tokenizer)
    float_scores = [p.scores or {} for p in before.predict(_sentences(dev), all_scores=True)]
    probabilities = np.array([[scores[name] for name in ontology.type_names] for scores in float_scores])
    gold = np.array([[name in s.types for name in ontology.type_names] for s in dev])
    thresholds = dict.fromkeys(ontology.type_names, best_threshold(gold, probabilities))
    float_dev = score(dev, before.with_settings(thresholds=thresholds).predict(_sentences(dev)))
    model, tokenizer = trim_vocabulary(model, tokenizer, model.config.languages, texts)
    with tempfile.TemporaryDirectory() as folder:
        release = Path(folder)
        write_onnx(model, release / "model.onnx")
        config = write_release(release, model, tokenizer, model.config.model_name, thresholds)
        exported = load_release(release)
        int8_dev = score(dev, exported.predict(_sentences(dev)))
        changes = compare(float_dev, int8_dev)
        table = Table("", "float", "int8", "change", "", title=f"{run} on dev", title_justify="left")
        for change in changes:
            verdict = "[red]refused[/red]" if change.refused else ""
            difference = f"{100 * (change.after - change.before):+.1f}"
            table.add_row(change.figure, f"{100 * change.before:.1f}", f"{100 * change.after:.1f}", difference, verdict)
        stdout.print(table)
        if any(change.refused for change in changes):
            _fail("int8 lost too much against the float model; nothing was written")
        results = _evaluate(exported, splits, splits["test"], baseline=True)
        write_card(release, config, results, float_dev, int8_dev)
        output.mkdir(parents=True, exist_ok=True)
        for path in release.iterdir():
            shutil.copy(path, output / path.name)
    size = sum(path.stat().st_size for path in output.iterdir())
    print(f"wrote {output}: {size / 1e6:.1f} MB, {model.config.backbone['vocab_size']:,} vocabulary pieces")


def _sentences(labelled: Iterable[LabelledSentence]) -> list[Sentence]:
    from tocsin.model.pipeline import sentences_of_texts

    return sentences_of_texts((s.id, s.lang, s.text) for s in labelled)


def _evaluate(
    pipeline: Pipeline, splits: dict[str, list[LabelledSentence]], gold: list[LabelledSentence], baseline: bool
) -> dict[str, dict[str, Any]]:
    # System -> figures, the model first; the baseline is trained here on the same train and dev splits.
    from tocsin.data.ontology import load_ontology
    from tocsin.evaluate.scores import score

    results = {pipeline.settings.name: score(gold, pipeline.predict(_sentences(gold)))}
    if baseline:
        from tocsin.evaluate.baseline import NAME, TfidfBaseline

        fitted = TfidfBaseline(load_ontology()).fit(splits["train"], splits["dev"])
        results[NAME] = score(gold, fitted.predict(gold), spans=False)
    return results


@app.command()
def evaluate(
    split: Annotated[Split, typer.Option(help="Part of the corpus to score on.")] = Split.test,
    model: ModelOption = None,
    corpus: CorpusOption = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write all figures as JSON.")] = None,
    baseline: Annotated[bool, typer.Option(help="Train the TF-IDF baseline and score it beside the model.")] = True,
) -> None:
    """Score the model on a split of the corpus, beside a TF-IDF baseline."""
    from tocsin.data.corpus import CORPUS_DIR, CorpusError, load_split
    from tocsin.evaluate.report import full_report
    from tocsin.model.runtime import load_release
    from tocsin.model.settings import ModelError

    if baseline:
        _need("sklearn", "evaluate")
    try:
        pipeline = load_release(model)
        parts = {part: load_split(part, corpus or CORPUS_DIR) for part in ("train", "dev", split.value)}
    except (ModelError, CorpusError) as error:
        _fail(error)
    # A model is scored in the languages it claims; the rest is counted aloud, not left out in silence.
    claimed = pipeline.settings.languages
    left_out = Counter(s.lang for s in parts[split.value] if s.lang not in claimed)
    parts = {part: [s for s in sentences if s.lang in claimed] for part, sentences in parts.items()}
    if left_out:
        counts = ", ".join(f"{count} in {lang}" for lang, count in sorted(left_out.items()))
        print(f"tocsin: not scored, the model does not claim the language: {counts}", file=sys.stderr)
    results = _evaluate(pipeline, parts, parts[split.value], baseline)
    stdout.print(full_report(results, f"{split.value}: {len(parts[split.value])} sentences"))
    if output is not None:
        output.write_text(json.dumps({"split": split.value, "systems": results}, indent=1) + "\n", encoding="utf-8")


@app.command()
def predict(
    files: Annotated[list[str], typer.Argument(help="Text, JSONL, CSV or Parquet files; - for standard input.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="JSONL file to write.")] = None,
    text_field: Annotated[str, typer.Option(help="Field or column that holds the text.")] = "text",
    id_field: Annotated[str, typer.Option(help="Field or column that holds the record's id.")] = "id",
    format: Annotated[Format | None, typer.Option(help="Default: told by each file's suffix, else plain text.")] = None,
    unit: Annotated[Unit, typer.Option(help="One record a sentence, or one a document.")] = Unit.sentence,
    lang: Annotated[str | None, typer.Option(help="ISO 639-1 code of all texts; default: detected.")] = None,
    all_scores: Annotated[bool, typer.Option("--all-scores", help="Add the probability of every type.")] = False,
    model: ModelOption = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Default: all cores.")] = None,
) -> None:
    """Say of every sentence what happened, who, where and with what.

    Writes JSONL to a file or a pipe, and a coloured view to a terminal. An input that cannot be read becomes an
    error row (in OUTPUT.errors.jsonl, or on standard error) and never stops the rest.
    Exit codes: 0 all inputs read, 3 some error rows, 1 nothing could be read, 2 wrong usage.
    """
    from tocsin.data.language import known_languages
    from tocsin.data.readers import read_documents
    from tocsin.model.runtime import load_release
    from tocsin.model.settings import ModelError

    if lang is not None and lang not in known_languages():
        _fail(f"--lang: unknown language {lang!r}; known: {', '.join(sorted(known_languages()))}", USAGE)
    if output is not None and output.is_dir():
        _fail(f"{output}: is a directory, expected a file to write", USAGE)
    try:
        pipeline = load_release(model, threads)
    except ModelError as error:
        _fail(error)
    inputs = read_documents(files, format=format and format.value, text_field=text_field, id_field=id_field)
    job = _Job(output, pipeline.settings.languages)
    with job:
        for sentences, rows in _chunks(inputs, pipeline, unit.value, lang):
            for row in rows:
                job.error(row.to_dict(), str(row))
            for prediction in pipeline.predict(sentences, all_scores, job.advance):
                job.write(prediction)
    job.finish()


def _chunks(
    inputs: Iterable[Any], pipeline: Pipeline, unit: str, lang: str | None
) -> Iterator[tuple[list[Sentence], list[Any]]]:
    from dataclasses import replace

    from tocsin.data.readers import ErrorRow

    sentences: list[Sentence] = []
    rows: list[Any] = []
    for item in inputs:
        if isinstance(item, ErrorRow):
            rows.append(item)
        else:
            sentences.extend(pipeline.sentences(replace(item, lang=lang) if lang else item, unit))
        if len(sentences) >= _CHUNK or len(rows) >= _CHUNK:
            yield sentences, rows
            sentences, rows = [], []
    yield sentences, rows


class _Job:
    """Where the records of one `predict` go, and what is told about them."""

    def __init__(self, output: Path | None, tested: tuple[str, ...]):
        self.output, self.tested = output, tested
        self.view = output is None and stdout.is_terminal
        self.records = self.errors = 0
        self.untested: Counter[str] = Counter()
        self.side_file = output.with_name(output.name + ".errors.jsonl") if output else None
        self._stack = ExitStack()
        self._out: IO[str] | None = None
        self._side: IO[str] | None = None

    def __enter__(self) -> _Job:
        if self.output is not None:
            try:
                self._out = self._stack.enter_context(self.output.open("w", encoding="utf-8"))
            except OSError as error:
                _fail(f"{self.output}: {(error.strerror or str(error)).lower()}")
            if self.side_file is not None:
                self.side_file.unlink(missing_ok=True)  # of an earlier run
        columns = (SpinnerColumn(), TextColumn("{task.completed} sentences"), BarColumn(), TimeElapsedColumn())
        shown = stderr.is_terminal and not self.view
        self._progress = self._stack.enter_context(
            Progress(*columns, console=stderr, disable=not shown, transient=True)
        )
        self._task = self._progress.add_task("predict", total=None)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def advance(self, done: int) -> None:
        self._progress.advance(self._task, done)

    def write(self, prediction: Prediction) -> None:
        self.records += 1
        if prediction.lang not in self.tested:
            self.untested[prediction.lang] += 1
        if self.view:
            from tocsin.view import print_prediction

            print_prediction(prediction, stdout)
            return
        line = json.dumps(prediction.to_dict(), ensure_ascii=False)
        if self._out is not None:
            self._out.write(line + "\n")
        else:
            sys.stdout.write(line + "\n")

    def error(self, row: dict[str, Any], message: str) -> None:
        self.errors += 1
        print(f"tocsin: {message}", file=sys.stderr)
        if self.side_file is not None:
            if self._side is None:
                self._side = self._stack.enter_context(self.side_file.open("w", encoding="utf-8"))
            self._side.write(json.dumps(row, ensure_ascii=False) + "\n")

    def finish(self) -> None:
        if self.untested:
            counts = ", ".join(f"{count} in {lang!r}" for lang, count in sorted(self.untested.items()))
            print(f"tocsin: the model was not tested on the language of some sentences: {counts}", file=sys.stderr)
        if self.output is not None:
            where = f", {self.errors} errors in {self.side_file}" if self.errors else ""
            print(f"tocsin: {self.records} records in {self.output}{where}", file=sys.stderr)
        if self.errors:
            raise typer.Exit(SOME_ERRORS if self.records else FAILURE)


def main() -> None:
    """The ``tocsin`` command."""
    try:
        app()
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): that is no error of ours.
        sys.stderr.close()
        raise SystemExit(0) from None
