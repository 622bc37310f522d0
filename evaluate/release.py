"""Cuts a release: calibrates and exports a trained model, passes it through the gate, scores it, writes its card."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tocsin.data.adapters import load_public
from tocsin.data.corpus import CORPUS_DIR, SPLITS, CorpusError, load_split
from tocsin.data.realnews import load_real
from tocsin.data.records import LabelledSentence
from tocsin.evaluate.agreement import all_agreements
from tocsin.evaluate.bootstrap import intervals
from tocsin.evaluate.calibration import calibration_figures
from tocsin.evaluate.card import write_card
from tocsin.evaluate.consistency import consistency
from tocsin.evaluate.fitting import fit_settings
from tocsin.evaluate.gate import Change, compare, least_drops
from tocsin.evaluate.measure import measure
from tocsin.evaluate.metrics import label_counts, micro
from tocsin.evaluate.picture import reliability_picture
from tocsin.evaluate.public_entities import public_entities, score_public_entities
from tocsin.evaluate.scores import score
from tocsin.evaluate.thresholds import scores_of, type_matrix
from tocsin.model.export import load_trained, trim_vocabulary, write_onnx, write_release
from tocsin.model.pipeline import Pipeline
from tocsin.model.runtime import load_release
from tocsin.model.settings import ModelError, read_config
from tocsin.model.torch_engine import torch_pipeline


def cut_release(
    run: Path, output: Path, corpus: Path = CORPUS_DIR, datasets: Path | None = None, name: str | None = None
) -> list[Change]:
    """Writes a release of the trained model in ``run`` to ``output``, unless the gate refuses a change.

    ``name``: what the release calls itself, by default the name of its recipe.

    Calibration and thresholds are fitted on dev with the exported model: on the written part and, if ``datasets`` is
    given, on real-news dev, which alone the calibration then speaks of; for the gate the float model gets its own.
    Returns what changed between float and int8 on dev; nothing is written if one of the changes is refused. Raises
    ``ModelError`` for a damaged run, ``CorpusError`` for a corpus that lacks a split, ``DatasetError`` for a dataset
    that is missing.
    """
    model, tokenizer = load_trained(run)
    if "sources" not in model.config.training:
        raise ModelError(f"{run}: was trained by an older version, which did not state its sources; train it again")
    languages = model.config.languages
    entities = public_entities(datasets) if datasets else {}
    written = {split: [s for s in load_split(split, corpus) if s.lang in languages] for split in SPLITS}
    real = {split: load_real(split, datasets, languages=languages) if datasets else [] for split in ("dev", "test")}
    if not written["test"]:
        raise CorpusError(f"{corpus}: no test sentences in {', '.join(languages)}")
    dev = written["dev"] + real["dev"]
    reference = torch_pipeline(model, tokenizer)
    names = reference.settings.ontology.type_names
    fitted = fit_settings(reference, written["dev"], real["dev"])[0]
    predicted = reference.with_settings(**fitted).predict_labelled(dev)
    before = score(dev, predicted)

    recipe = model.config.training["recipe"]
    texts = [s.text for split in ("train", "dev") for s in load_split(split, corpus)]
    if datasets:  # the pieces that it was trained on are the ones that it knows
        trained_on = load_real("train", datasets, names=recipe["real_news"], translations=recipe["translations"])
        for public in recipe["corpora"]:
            trained_on += load_public(public, "train", datasets)
        texts += [s.text for s in trained_on if s.lang in languages]
    model, tokenizer = trim_vocabulary(model, tokenizer, languages, texts, recipe["auxiliary_languages"])
    with tempfile.TemporaryDirectory() as folder:
        release = Path(folder)
        write_onnx(model, release / "model.onnx")
        name = name or model.config.model_name
        write_release(release, model, tokenizer, name, {})
        fitted, methods = fit_settings(load_release(release), written["dev"], real["dev"])
        chosen = {
            "calibration": fitted["calibration"].to_dict(names),
            "thresholds": fitted["thresholds"],
            "precision_thresholds": fitted["precision_thresholds"],
        }
        write_release(release, model, tokenizer, name, chosen)
        exported = load_release(release)
        predicted_after = exported.predict_labelled(dev)
        after = score(dev, predicted_after)
        changes = compare(before, after, least_drops(dev, predicted, predicted_after))
        if not any(change.refused for change in changes):
            figures: dict[str, Any] = {
                "dev": {"float": before, "int8": after, "calibration_methods": methods},
                "written_test": suite_figures(exported, written["test"]),
                "cost": measure(release, [*written["test"], *real["test"]]),
            }
            if datasets and real["test"]:
                figures["real_news_test"] = suite_figures(exported, real["test"])
                figures["public_entities"] = score_public_entities(exported, entities)
                figures["consistency"] = consistency(exported, datasets)
                reliability_picture(figures["real_news_test"]["calibration"], release / "reliability.png")
            (release / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
            config = read_config(release)  # as it can be read from then on: a level is text there
            write_card(release, config, figures, agreement=all_agreements() if corpus == CORPUS_DIR else None)
            output.mkdir(parents=True, exist_ok=True)
            for path in release.iterdir():
                shutil.copyfile(path, output / path.name)
    return changes


def suite_figures(pipeline: Pipeline, gold: Sequence[LabelledSentence]) -> dict[str, Any]:
    """Everything a card tells of one suite: scores with intervals, calibration, and what ``--precision`` reaches."""
    names = pipeline.settings.ontology.type_names
    predicted = pipeline.predict_labelled(gold, all_scores=True)
    probabilities = scores_of(predicted, names)
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
