"""Models side by side on everything that a release is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tocsin.data.records import LabelledSentence, Prediction
from tocsin.evaluate.ablation import intervals
from tocsin.evaluate.fitting import fit_settings
from tocsin.evaluate.measure import is_release, measure, open_model
from tocsin.evaluate.peers.tfidf import TfidfPeer
from tocsin.evaluate.report import markdown_table, percent, percent_with_interval
from tocsin.evaluate.scores import score

SUITES = {"written test": "written_test", "real-news test": "real_news_test"}
FREQUENT = 5  # macro-F1 over fewer examples of a type says little
_COLUMNS = {
    "event micro-F1": "event_micro_f1",
    "event macro-F1": "event_macro_f1",
    f"macro-F1, types with {FREQUENT}+": "frequent_macro_f1",
    "entity F1": "entity_f1",
    "role F1": "role_f1",
}


def compare_models(
    models: Mapping[str, Path],
    suites: Mapping[str, Sequence[LabelledSentence]],
    written: Mapping[str, Sequence[LabelledSentence]],
    real_dev: Sequence[LabelledSentence],
) -> dict[str, dict[str, Any]]:
    """Name -> figures on each suite, and of speed, memory and size; the TF-IDF baseline first.

    ``models``: name -> folder of a release, which is scored as it stands, or of a trained run, which gets the
    calibration and thresholds that a release of it would have. ``written``: "train" and "dev" of the written corpus.
    """
    results: dict[str, dict[str, Any]] = {}
    for name, folder in models.items():
        pipeline = open_model(folder)
        if not results:
            baseline = TfidfPeer(pipeline.settings.ontology)
            baseline.fit(written["train"], written["dev"])
            results[baseline.name] = {
                suite: _figures(gold, baseline.predict(gold), spans=False) for suite, gold in suites.items()
            }
        if not is_release(folder):
            claimed = pipeline.settings.languages
            dev, real = ([s for s in part if s.lang in claimed] for part in (written["dev"], real_dev))
            pipeline = pipeline.with_settings(**fit_settings(pipeline, dev, real)[0])
        results[name] = {suite: _figures(gold, pipeline.predict_labelled(gold)) for suite, gold in suites.items()}
        del pipeline
        results[name] |= measure(folder, [sentence for gold in suites.values() for sentence in gold])
    return results


def _figures(gold: Sequence[LabelledSentence], predicted: Sequence[Prediction], spans: bool = True) -> dict[str, Any]:
    figures = score(gold, predicted, spans=spans)
    frequent = [entry["f1"] for entry in figures["per_type"].values() if entry["support"] >= FREQUENT]
    figures["frequent_macro_f1"] = round(sum(frequent) / max(len(frequent), 1), 4)
    return figures | {"intervals": intervals(gold, predicted)}


def comparison_page(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The tables of :func:`compare_models`: overall, cost, per language."""
    parts = []
    for title, suite in SUITES.items():
        sentences = next(iter(results.values()))[suite]["sentences"]
        rows = [
            [name, *(percent_with_interval(result[suite], key) for key in _COLUMNS.values())]
            for name, result in results.items()
        ]
        parts.append(f"## {title} ({sentences:,} sentences)\n\n{markdown_table(['', *_COLUMNS], rows)}")
    cost = {"MB": "megabytes", "sentences/s": "sentences_per_second", "peak memory, MB": "peak_megabytes"}
    measured = {name: result for name, result in results.items() if "megabytes" in result}
    cores = next(iter(measured.values()))["cores"]
    rows = [
        [name, *("–" if result[key] is None else f"{result[key]:,g}" for key in cost.values())]
        for name, result in measured.items()
    ]
    parts.append(f"## Cost ({cores} cores)\n\n{markdown_table(['', *cost], rows)}")
    for title, suite in SUITES.items():
        languages = next(iter(results.values()))[suite]["per_language"]
        rows = []
        for lang, figures in languages.items():
            cells = [_languages_cell(result[suite]["per_language"][lang]) for result in results.values()]
            rows.append([lang, str(figures["sentences"]), *cells])
        head = ["language", "sentences", *results]
        what = "event micro-F1 / macro-F1 / entity F1 / role F1"
        parts.append(f"## {title}, per language: {what}\n\n{markdown_table(head, rows)}")
    about = "Percent, with 95 % bootstrap intervals; spans are strict. Written by `tocsin compare`."
    return "\n\n".join(["# Models side by side", about, *parts]) + "\n"


def _languages_cell(figures: Mapping[str, Any]) -> str:
    return " / ".join(percent(figures.get(key)) for key in ("event_micro_f1", "event_macro_f1", "entity_f1", "role_f1"))
