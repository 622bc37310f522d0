"""The command line: a thin layer of argument handling and printing over the subpackages."""

from __future__ import annotations

import json
import sys
from collections import Counter
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from tocsin.cli_benchmark import benchmark_app
from tocsin.cli_common import (
    FAILURE,
    USAGE,
    CorpusOption,
    DatasetsOption,
    ModelOption,
    RequiredDatasetsOption,
    Scheme,
    check_output,
    fail,
    need,
    write_output,
    write_results,
)
from tocsin.cli_predict import predict
from tocsin.cli_report import view
from tocsin.data.errors import reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tocsin.data.records import LabelledSentence
    from tocsin.train.recipe import Recipe

# Each command imports what it needs: `tocsin types` shall not wait for ONNX Runtime, nor prediction for torch.

app = typer.Typer(
    help="Event types, entities and roles for every sentence of news.", no_args_is_help=True, add_completion=False
)
data_app = typer.Typer(help="The corpus.", no_args_is_help=True)
# In the order of the help: what newcomers use first; groups follow the commands.
app.add_typer(benchmark_app, name="benchmark")
app.add_typer(data_app, name="data")
app.command()(predict)
app.command()(view)

stdout = Console()
_RESEARCH = "How our models are made"  # a panel of its own in the help, after what users need


class Suite(str, Enum):
    """What a model is scored on."""

    written = "written"
    real_news = "real-news"


class Split(str, Enum):
    """A part of the corpus."""

    train = "train"
    dev = "dev"
    test = "test"


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
    paths: Annotated[list[Path] | None, typer.Argument(help="Corpus files or folders; default: all we ship.")] = None,
    datasets: DatasetsOption = None,
    picture: Annotated[Path | None, typer.Option(help="PNG to write: types by language.")] = None,
    suspicious: Annotated[
        int, typer.Option(min=0, help="Show so many labels a language that a bag-of-words model doubts.")
    ] = 0,
) -> None:
    """Validate corpus files and summarise them; exit code 1 if anything is wrong.

    Without PATHS the real-news labels are checked too, with --datasets also against the texts. Skewed lengths,
    repeated names and suspicious labels are remarks: somebody should look, they are no errors.
    """
    for module in ("datasketch", "matplotlib", "sklearn", "yaml"):
        need(module, "evaluate")
    from tocsin.data.audit import duplicate_problems, split_problems, suite_problems
    from tocsin.data.corpus import CORPUS_DIR, SPLITS, CorpusError, check_files, corpus_files, sentences_of
    from tocsin.data.habits import repeated_names, skewed_lengths
    from tocsin.data.ontology import load_ontology
    from tocsin.data.realnews import load_records
    from tocsin.data.sources import DatasetError

    try:
        files = [file for path in paths or [CORPUS_DIR] for file in (corpus_files(path) if path.is_dir() else [path])]
        problems, summary = check_files(files)
        sentences = list(sentences_of(files))
        problems += duplicate_problems(sentences)
        if not paths:
            records = load_records()
            problems += split_problems(records)
            if datasets is not None:
                problems += suite_problems(sentences, records, datasets)
    except (CorpusError, DatasetError) as error:
        fail(error)
    languages = sorted({lang for _, lang in summary.sentences})
    table = Table("language", *SPLITS, "all", title="Sentences", title_justify="left")
    for lang in languages:
        counts = [summary.sentences[split, lang] for split in SPLITS]
        table.add_row(lang, *map(str, counts), str(sum(counts)))
    totals = [sum(summary.sentences[split, lang] for lang in languages) for split in SPLITS]
    table.add_row("all", *map(str, totals), str(sum(totals)))
    stdout.print(table)
    ontology = load_ontology()
    span_labels = [*ontology.entity_names, *ontology.role_names]
    for title, names, counter in (
        ("Event types", ontology.type_names, summary.types),
        ("Spans", span_labels, summary.labels),
    ):
        table = Table("", "all", "fewest in", "most in", title=title, title_justify="left")
        for name in names:
            ranked = sorted((counter[name, lang], lang) for lang in languages) or [(0, "–")]
            few, many = (f"{lang} {count}" for count, lang in (ranked[0], ranked[-1]))
            table.add_row(name, str(sum(count for count, _ in ranked)), few, many)
        stdout.print(table)
    hard = sum(count for kind, count in summary.negatives.items() if kind != "none")
    negatives = sum(summary.negatives.values())
    stdout.print(
        f"{sum(summary.sentences.values())} sentences; {summary.several_types} with two or more types, "
        f"{summary.over_25_words} over 25 words; {negatives} without an event, {hard} of them hard: "
        + ", ".join(f"{kind} {count}" for kind, count in sorted(summary.negatives.items()) if kind != "none")
    )
    if picture is not None:
        from tocsin.evaluate.picture import heat_map

        heat_map(summary.types, ontology.type_names, languages, "Sentences by event type and language", picture)
    remarks = [*skewed_lengths(sentences), *repeated_names([sentence for _, sentence in sentences])]
    if suspicious:
        from tocsin.evaluate.suspicious import suspicious_labels

        for lang in languages:
            in_lang = [sentence for _, sentence in sentences if sentence.lang == lang]
            remarks += map(str, suspicious_labels(in_lang, ontology, suspicious))
    for remark in remarks:
        print(f"remark: {remark}")
    for problem in problems:
        print(problem)
    if not paths:
        joined = "joined to their texts" if datasets else "not joined to their texts, which --datasets would be"
        print(f"real news: {len(records)} records, {joined}")
    print(f"{len(problems)} problems, {len(remarks)} remarks")
    if problems:
        raise typer.Exit(FAILURE)


@data_app.command()
def agreement(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write all figures as JSON.")] = None,
) -> None:
    """How far our labels, of written sentences and of real news, agree with a second, blind annotation."""
    from tocsin.data.corpus import CorpusError
    from tocsin.data.sources import DatasetError
    from tocsin.evaluate.agreement import all_agreements
    from tocsin.evaluate.report import agreement_report

    try:
        results = all_agreements()
    except (CorpusError, DatasetError) as error:
        fail(error)
    for part, result in results.items():
        stdout.print(agreement_report(result, part))
    if output is not None:
        write_output(output, json.dumps(results, indent=1) + "\n")


@data_app.command()
def corpora(datasets: DatasetsOption = None) -> None:
    """List the public corpora that have an adapter, what each annotates, and with --datasets their sentences."""
    from tocsin.data.adapters import NAMES, load_public, public_corpus
    from tocsin.data.corpus import SPLITS
    from tocsin.data.sources import DatasetError

    missing = []
    for name in NAMES:
        corpus = public_corpus(name)
        annotated = corpus.annotated
        labels = [label for layer in (annotated.types, annotated.entities, annotated.roles) for label in layer or ()]
        lines = [
            f"[dim]{corpus.origin}; {corpus.licence}[/dim]",
            f"languages {' '.join(corpus.languages)}; annotates {', '.join(sorted(labels))}",
        ]
        # A listing fetches nothing: what only the hub has is not counted.
        if datasets is not None and not (corpus.from_hub and not (datasets / name).is_dir()):
            try:
                counts = [f"{split} {sum(1 for _ in load_public(name, split, datasets))}" for split in SPLITS]
                lines.append(f"sentences: {', '.join(counts)}")
            except DatasetError as error:
                missing.append(error)
        stdout.print(f"[bold]{name}[/bold]")
        stdout.print(Padding("\n".join(lines), (0, 0, 0, 2)))
    for message in missing:
        print(f"tocsin: {message}", file=sys.stderr)


@data_app.command()
def card(
    folder: Annotated[Path, typer.Argument(help="Where to write README.md and its pictures; in a checkout: data.")],
) -> None:
    """Write the dataset card from the files that we ship."""
    for module in ("matplotlib", "sklearn"):
        need(module, "evaluate")
    from tocsin.data.corpus import CorpusError
    from tocsin.data.sources import DatasetError
    from tocsin.evaluate.dataset_card import write_dataset_card

    try:
        write_dataset_card(folder)
    except (CorpusError, DatasetError) as error:
        fail(error)
    except OSError as error:
        fail(f"{folder}: {reason(error)}")
    print(f"wrote {folder / 'README.md'} and its pictures")


@app.command(rich_help_panel=_RESEARCH)
def learning_curve(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or one of ours by name.")],
    datasets: RequiredDatasetsOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the runs.")] = Path("runs/learning-curve"),
    results: Annotated[Path | None, typer.Option(help="JSON file to write all figures to.")] = None,
) -> None:
    """Train a recipe on 1/8, 1/4, 1/2 and all of the written corpus, then with real news, and score each."""
    need("torch", "train")
    from dataclasses import replace

    from tocsin.data.corpus import CorpusError, load_split
    from tocsin.data.realnews import load_real
    from tocsin.data.sources import DatasetError
    from tocsin.evaluate.learning_curve import curve_table
    from tocsin.evaluate.learning_curve import learning_curve as measure
    from tocsin.evaluate.scores import score
    from tocsin.model.backbone import BackboneError
    from tocsin.model.settings import ModelError
    from tocsin.train.features import FeatureError
    from tocsin.train.recipe import RecipeError, read_recipe
    from tocsin.train.run import RunError
    from tocsin.train.run import train as run
    from tocsin.train.sentences import recipe_sentences

    def trained(changes: dict[str, Any], folder: Path) -> tuple[int, list[LabelledSentence]]:
        choices = replace(base, **changes)
        train_part, dev_part = recipe_sentences(choices, datasets=datasets)
        run(choices, train_part, dev_part, folder, score)
        return sum(map(len, train_part.values())), dev_part

    try:
        base = read_recipe(recipe)
        suites = {"written_test": load_split("test"), "real_news_dev": load_real("dev", datasets)}
        points = measure(trained, suites, output)
    except (RecipeError, CorpusError, DatasetError, RunError, BackboneError, ModelError, FeatureError) as error:
        fail(error)
    stdout.print(curve_table(points))
    if results is not None:
        write_output(results, json.dumps(points, indent=1) + "\n")


def _report_own(
    recipe: Recipe,
    run: Path,
    own: Mapping[str, Sequence[LabelledSentence]],
    dev: Sequence[LabelledSentence],
) -> None:
    from tocsin.data.ontology import load_ontology
    from tocsin.evaluate.before_after import before_and_after
    from tocsin.evaluate.report import overall_table
    from tocsin.model.export import load_trained
    from tocsin.model.network import TocsinModel
    from tocsin.model.torch_engine import torch_pipeline

    print(", ".join(f"{len(sentences)} sentences {split}" for split, sentences in own.items()))
    if undecided := sum(not s.types and not s.negative for part in own.values() for s in part):
        print(
            f"{undecided} of them name no single type: their codes stand for several, only the others are known absent"
        )
    before, tokenizer = TocsinModel.from_backbone(
        recipe.backbone,
        load_ontology(),
        recipe.languages,
        recipe.max_tokens,
        recipe.head_dropout,
        recipe.label_attention,
    )
    suites = {"your dev sentences": own["dev"], "dev sentences of ours": dev[len(own["dev"]) :]}
    pipelines = torch_pipeline(before, tokenizer), torch_pipeline(*load_trained(run))
    for part, figures in before_and_after(*pipelines, suites).items():
        stdout.print(overall_table(figures, f"{len(suites[part])} {part}"))


@app.command()
def train(
    recipe: Annotated[
        str | None,
        typer.Argument(
            help="A recipe file, or one of ours by name: first-light, teacher, student, mine; default with --data: mine"
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Default: runs/NAME.")] = None,
    corpus: CorpusOption = None,
    datasets: DatasetsOption = None,
    init: Annotated[
        str | None,
        typer.Option(
            help="What to start from, instead of the recipe's backbone: release, a release or run folder, ..."
        ),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Your labelled sentences (.csv, .jsonl, .parquet; columns text, labels); may be repeated."),
    ] = None,
    codes: Annotated[Scheme, typer.Option(help="The scheme that the labels of --data are of.")] = Scheme.ours,
) -> None:
    """Fine-tune a model; the same command goes on after a kill.

    With your own sentences: tocsin train mine --data FILE, which starts from the released model.
    """
    if recipe is None and not data:
        fail("no recipe: name one, or give --data FILE for your own sentences", USAGE)
    need("torch", "train")
    from dataclasses import replace

    from tocsin.data.corpus import CORPUS_DIR, CorpusError
    from tocsin.data.own import OwnDataError, read_splits
    from tocsin.data.sources import DatasetError
    from tocsin.train.recipe import RecipeError, read_recipe
    from tocsin.train.sentences import recipe_sentences

    try:
        choices = read_recipe(recipe or "mine")
        choices = replace(choices, backbone=init or choices.backbone)
        own = read_splits(data, codes.value) if data else None
        parts = recipe_sentences(choices, corpus or CORPUS_DIR, datasets, own)
    except (RecipeError, CorpusError, DatasetError, OwnDataError) as error:
        fail(error, USAGE)
    from tocsin.evaluate.scores import score
    from tocsin.model.backbone import BackboneError
    from tocsin.model.settings import ModelError
    from tocsin.train.features import FeatureError
    from tocsin.train.run import RunError
    from tocsin.train.run import train as run

    output = output or Path("runs") / choices.name
    try:
        figures = run(choices, parts[0], parts[1], output, score)
    except (RunError, BackboneError, ModelError, FeatureError) as error:
        fail(error)
    from tocsin.evaluate.report import full_report

    if own is None:
        stdout.print(full_report({choices.name: figures}, f"{choices.name} on dev"))
    else:
        _report_own(choices, output, own, parts[1])
    print(f"saved in {output}; next: tocsin export {output} -o RELEASE")


@app.command(rich_help_panel=_RESEARCH)
def ablation(
    runs: Annotated[list[Path], typer.Argument(help="Folders that `tocsin train` wrote, the control first.")],
    datasets: RequiredDatasetsOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for ablation.json and ablation.md.")],
) -> None:
    """Score trained runs on real-news dev with intervals, and write what each choice in training brings."""
    need("torch", "train")
    from tocsin.data.realnews import load_real
    from tocsin.data.sources import DatasetError
    from tocsin.evaluate.ablation import ablation_page, score_run
    from tocsin.model.settings import ModelError

    if len({run.name for run in runs}) < len(runs):
        fail("two runs have the same name", USAGE)
    try:
        output.mkdir(parents=True, exist_ok=True)
        gold = load_real("dev", datasets)
        results = {run.name: score_run(run, gold) for run in runs}
        write_results(output / "ablation.json", results, ablation_page(results, runs[0].name))
    except (DatasetError, ModelError, OSError) as error:
        fail(error)
    print(f"wrote {output / 'ablation.md'}")


@app.command(rich_help_panel=_RESEARCH)
def pretrain(
    run: Annotated[Path, typer.Argument(help="A folder that `tocsin train` wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for a run that a recipe can go on from.")],
    datasets: RequiredDatasetsOption,
    steps: Annotated[int, typer.Option(min=1, help="Batches of 32 sentences.")] = 400,
) -> None:
    """Let a trained model's encoder read real news without labels (masked-language modelling)."""
    need("torch", "train")
    from tocsin.data.sources import ORIGINS, DatasetError
    from tocsin.model.settings import ModelError, read_config
    from tocsin.train.pretrain import continue_pretraining
    from tocsin.train.sentences import unlabelled

    try:
        recipe = read_config(run)["training"]["recipe"]
        languages = {*recipe["languages"], *recipe["auxiliary_languages"]}
        texts = [s.text for name in ORIGINS for s in unlabelled(name, datasets, languages)]
        losses = continue_pretraining(run, texts, steps, output)
    except (DatasetError, ModelError, OSError) as error:
        fail(error)
    tenth = -(-len(losses) // 10)
    first, last = (sum(part) / len(part) for part in (losses[:tenth], losses[-tenth:]))
    print(f"{len(texts)} sentences, {len(losses)} steps: {first:.2f} nats a masked token at first, {last:.2f} at last")


@app.command(rich_help_panel=_RESEARCH)
def average(
    runs: Annotated[list[Path], typer.Argument(help="Trained runs that began at the same weights.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the run that is their mean.")],
) -> None:
    """Average the weights of trained runs."""
    need("torch", "train")
    from tocsin.model.settings import ModelError
    from tocsin.train.average import average_runs

    if any(output.resolve() == run.resolve() for run in runs):
        fail(f"{output}: is one of the runs, their mean needs a folder of its own", USAGE)
    try:
        output.mkdir(parents=True, exist_ok=True)
        average_runs(runs, output)
    except (ModelError, OSError) as error:
        fail(error)
    print(f"saved in {output}")


@app.command(rich_help_panel=_RESEARCH)
def precision(
    run: Annotated[Path, typer.Argument(help="A folder that `tocsin train` wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for precision.json and precision.md.")],
) -> None:
    """Measure what each way to quantize a trained model costs: speed, agreement, dependence on the batch."""
    need("torch", "train")
    need("onnx", "train")
    from tempfile import TemporaryDirectory

    from tocsin.data.corpus import load_split
    from tocsin.evaluate.precision import compare_precisions, precision_page
    from tocsin.model.export import load_trained, trim_vocabulary
    from tocsin.model.settings import ModelError

    try:
        output.mkdir(parents=True, exist_ok=True)
        model, tokenizer = load_trained(run)
        dev = [sentence for sentence in load_split("dev") if sentence.lang in model.config.languages]
        model, tokenizer = trim_vocabulary(model, tokenizer, model.config.languages, [s.text for s in dev])
        with TemporaryDirectory() as folder:
            results = compare_precisions(model, tokenizer, dev, Path(folder))
        write_results(output / "precision.json", results, precision_page(results))
    except (ModelError, OSError) as error:
        fail(error)
    print(f"wrote {output / 'precision.md'}")


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A folder that `tocsin train` wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Release folder to write.")],
    corpus: CorpusOption = None,
    datasets: DatasetsOption = None,
    name: Annotated[str | None, typer.Option(help="What the release calls itself; default: its recipe's name.")] = None,
) -> None:
    """Write a release (int8 ONNX) if it keeps what the float model can; exit code 1 and a table if it does not.

    With --datasets it is calibrated and scored on real news too.
    """
    for module, extra in (("torch", "train"), ("onnx", "train"), ("wordfreq", "train"), ("matplotlib", "evaluate")):
        need(module, extra)
    from tocsin.data.corpus import CORPUS_DIR, CorpusError
    from tocsin.data.sources import DatasetError
    from tocsin.evaluate.release import cut_release
    from tocsin.model.settings import ModelError

    if output.resolve() == run.resolve():
        fail(f"{output}: is the run itself, a release needs a folder of its own", USAGE)
    if output.exists() and not output.is_dir():
        fail(f"{output}: is a file, expected a folder", USAGE)
    try:
        changes = cut_release(run, output, corpus or CORPUS_DIR, datasets, name)
    except (ModelError, CorpusError, DatasetError) as error:
        fail(error)
    table = Table("", "float", "int8", "change", "", title=f"{run} on dev", title_justify="left")
    for change in changes:
        difference = f"{100 * (change.after - change.before):+.1f}"
        verdict = "[red]refused[/red]" if change.refused else ""
        table.add_row(change.figure, f"{100 * change.before:.1f}", f"{100 * change.after:.1f}", difference, verdict)
    stdout.print(table)
    if any(change.refused for change in changes):
        fail("int8 lost too much against the float model; nothing was written")
    print(f"wrote {output}: {sum(path.stat().st_size for path in output.iterdir()) / 1e6:.1f} MB")


@app.command()
def evaluate(
    split: Annotated[Split, typer.Option(help="Part of the suite to score on.")] = Split.test,
    suite: Annotated[Suite, typer.Option(help="Our written corpus, or real news.")] = Suite.written,
    model: ModelOption = None,
    corpus: CorpusOption = None,
    datasets: DatasetsOption = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Also write all figures as JSON.")] = None,
    baseline: Annotated[bool, typer.Option(help="Train the TF-IDF baseline and score it beside the model.")] = True,
) -> None:
    """Score the model on written sentences or on real news, beside a TF-IDF baseline trained on our written corpus.

    The labels of the real-news suite are ours and ship with Tocsin; its texts do not, they are joined from the public
    datasets below --datasets.
    """
    from tocsin.data.corpus import CORPUS_DIR, CorpusError, load_split
    from tocsin.data.realnews import load_real
    from tocsin.data.sources import ORIGINS, DatasetError
    from tocsin.evaluate.report import full_report
    from tocsin.evaluate.systems import evaluate_systems
    from tocsin.model.runtime import load_release
    from tocsin.model.settings import ModelError

    if baseline:
        need("sklearn", "evaluate")
    if output is not None:
        check_output(output)
    if suite is Suite.real_news:
        if split is Split.train:
            fail("--suite real-news has the splits dev and test", USAGE)
        if datasets is None:
            origins = "".join(f"\n  {name}: {origin}" for name, origin in ORIGINS.items())
            fail(f"--suite real-news reads its texts from --datasets DIR, a folder that holds{origins}", USAGE)
    try:
        pipeline = load_release(model)
        if suite is Suite.real_news and datasets is not None:
            gold = load_real(split.value, datasets)
        else:
            gold = load_split(split.value, corpus or CORPUS_DIR)
        parts = {part: load_split(part, corpus or CORPUS_DIR) for part in ("train", "dev")} if baseline else {}
    except (ModelError, CorpusError, DatasetError) as error:
        fail(error)
    # A model is scored in the languages it claims; the rest is counted aloud, not left out in silence.
    claimed = pipeline.settings.languages
    left_out = Counter(s.lang for s in gold if s.lang not in claimed)
    gold = [s for s in gold if s.lang in claimed]
    parts = {part: [s for s in sentences if s.lang in claimed] for part, sentences in parts.items()}
    if left_out:
        counts = ", ".join(f"{count} in {lang}" for lang, count in sorted(left_out.items()))
        print(f"tocsin: not scored, the model does not claim the language: {counts}", file=sys.stderr)
    if not all([gold, *parts.values()]):
        fail(f"no sentences in the model's languages: {', '.join(claimed)}")
    results = evaluate_systems(pipeline, gold, parts if baseline else None)
    if baseline and suite is Suite.written and split is not Split.test:
        print(f"tocsin: the baseline has seen the {split.value} split, its figures flatter it", file=sys.stderr)
    stdout.print(full_report(results, f"{suite.value}, {split.value}: {len(gold)} sentences"))
    if output is not None:
        written = {"suite": suite.value, "split": split.value, "systems": results}
        write_output(output, json.dumps(written, indent=1) + "\n")


def main() -> None:
    """The ``tocsin`` command."""
    app()
