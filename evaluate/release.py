"""Cuts a release: calibrates and exports a trained model, passes it through the gate, scores it, writes its card."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tocsin.data.corpus import CORPUS_DIR, SPLITS, load_split
from tocsin.data.realnews import load_real
from tocsin.data.records import LabelledSentence
from tocsin.evaluate.ablation import intervals
from tocsin.evaluate.agreement import all_agreements
from tocsin.evaluate.calibration import calibration_figures, compare_methods, fit_calibration, logits_of
from tocsin.evaluate.card import write_card
from tocsin.evaluate.consistency import consistency
from tocsin.evaluate.gate import Change, compare
from tocsin.evaluate.measure import measure
from tocsin.evaluate.metrics import label_counts, micro
from tocsin.evaluate.picture import reliability_picture
from tocsin.evaluate.public_entities import score_public_entities
from tocsin.evaluate.scores import score
from tocsin.evaluate.thresholds import precise_thresholds, probability_matrix, type_matrix, type_thresholds
from tocsin.model.export import load_trained, trim_vocabulary, write_onnx, write_release
from tocsin.model.pipeline import Pipeline
from tocsin.model.runtime import load_release
from tocsin.model.torch_engine import torch_pipeline

MIN_PRECISION = 0.5  # a type is not reported at a threshold where it would be wrong more often than right
PRECISIONS = (0.7, 0.8, 0.9, 0.95)


def cut_release(run: Path, output: Path, corpus: Path = CORPUS_DIR, datasets: Path | None = None) -> list[Change]:
    """Writes a release of the trained model in ``run`` to ``output``, unless the gate refuses a change.

    Calibration and thresholds are fitted on dev with the float model: on the written dev part and, if ``datasets`` is
    given, on real-news dev, which alone the calibration then speaks of. Returns what changed between float and int8 on
    dev; nothing is written if one of the changes is refused. Raises ``ModelError`` for a damaged run, ``CorpusError``
    for a corpus that lacks a split, ``DatasetError`` for a dataset that is missing.
    """
    model, tokenizer = load_trained(run)
    languages = model.config.languages
    written = {split: [s for s in load_split(split, corpus) if s.lang in languages] for split in SPLITS}
    real = {split: load_real(split, datasets, languages=languages) if datasets else [] for split in ("dev", "test")}
    dev = written["dev"] + real["dev"]
    reference = torch_pipeline(model, tokenizer)
    fitted, methods = fit_settings(reference, written["dev"], real["dev"])
    names = reference.settings.ontology.type_names
    before = score(dev, reference.with_settings(**fitted).predict_labelled(dev))

    recipe = model.config.training["recipe"]
    texts = [s.text for split in ("train", "dev") for s in load_split(split, corpus)]
    model, tokenizer = trim_vocabulary(model, tokenizer, languages, texts, recipe["auxiliary_languages"])
    with tempfile.TemporaryDirectory() as folder:
        release = Path(folder)
        write_onnx(model, release / "model.onnx")
        config = write_release(
            release,
            model,
            tokenizer,
            model.config.model_name,
            {
                "calibration": fitted["calibration"].to_dict(names),
                "thresholds": fitted["thresholds"],
                "precision_thresholds": fitted["precision_thresholds"],
            },
        )
        exported = load_release(release)
        after = score(dev, exported.predict_labelled(dev))
        changes = compare(before, after)
        if not any(change.refused for change in changes):
            figures: dict[str, Any] = {
                "dev": {"float": before, "int8": after, "calibration_methods": methods},
                "written_test": suite_figures(exported, written["test"]),
                "cost": measure(release, [*written["test"], *real["test"]]),
            }
            if datasets:
                figures["real_news_test"] = suite_figures(exported, real["test"])
                figures["public_entities"] = score_public_entities(exported, datasets)
                figures["consistency"] = consistency(exported, datasets)
                reliability_picture(figures["real_news_test"]["calibration"], release / "reliability.png")
            (release / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
            write_card(release, config, figures, agreement=all_agreements() if corpus == CORPUS_DIR else None)
            output.mkdir(parents=True, exist_ok=True)
            for path in release.iterdir():
                shutil.copyfile(path, output / path.name)
    return changes


def fit_settings(
    pipeline: Pipeline, written: Sequence[LabelledSentence], real: Sequence[LabelledSentence]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(settings, comparison of calibration methods) from the dev parts and an uncalibrated pipeline.

    The calibration is of real news if there is any: written sentences nearly all report something. Thresholds are
    chosen on both, because on real news alone most types are too rare to choose one.
    """
    names = pipeline.settings.ontology.type_names
    dev = [*written, *real]
    gold, raw = type_matrix(dev, names), probability_matrix(pipeline, dev)
    part = slice(len(written) if real else 0, None)
    calibration = fit_calibration(raw[part], gold[part])
    probabilities = calibration(logits_of(raw).astype(np.float32))
    settings = {
        "calibration": calibration,
        "thresholds": _named(names, type_thresholds(gold, probabilities, MIN_PRECISION)),
        "precision_thresholds": {
            level: _named(names, precise_thresholds(gold, probabilities, level)) for level in PRECISIONS
        },
    }
    return settings, compare_methods(raw[part], gold[part])


def _named(names: Sequence[str], thresholds: Any) -> dict[str, float]:
    return {name: round(float(value), 2) for name, value in zip(names, thresholds)}


def suite_figures(pipeline: Pipeline, gold: Sequence[LabelledSentence]) -> dict[str, Any]:
    """Everything a card tells of one suite: scores with intervals, calibration, and what ``--precision`` reaches."""
    names = pipeline.settings.ontology.type_names
    predicted = pipeline.predict_labelled(gold, all_scores=True)
    probabilities = np.array([[(p.scores or {})[name] for name in names] for p in predicted])
    precise = {}
    for level, thresholds in pipeline.settings.precision_thresholds.items():
        kept = [[name for name in names if (p.scores or {})[name] >= thresholds[name]] for p in predicted]
        counts = micro(label_counts([sentence.types for sentence in gold], kept))
        precise[str(level)] = {"precision": round(counts.precision, 4), "recall": round(counts.recall, 4)}
    return score(gold, predicted) | {
        "intervals": intervals(gold, predicted),
        "calibration": calibration_figures(probabilities, type_matrix(gold, names)),
        "at_precision": precise,
    }
