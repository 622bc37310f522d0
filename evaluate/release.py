"""Cuts a release: exports a trained model, passes it through the gate, scores it on test and writes its card."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tocsin.data.corpus import CORPUS_DIR, SPLITS, load_split
from tocsin.evaluate.agreement import agreement, load_pairs
from tocsin.evaluate.card import write_card
from tocsin.evaluate.gate import Change, compare
from tocsin.evaluate.scores import score
from tocsin.evaluate.systems import evaluate_systems
from tocsin.evaluate.thresholds import thresholds_from
from tocsin.model.export import load_trained, trim_vocabulary, write_onnx, write_release
from tocsin.model.runtime import load_release
from tocsin.model.torch_engine import torch_pipeline


def cut_release(run: Path, output: Path, corpus: Path = CORPUS_DIR) -> list[Change]:
    """Writes a release of the trained model in ``run`` to ``output``, unless the gate refuses a change.

    The threshold is chosen on dev with the float model. Returns what changed between float and int8 on dev; nothing
    is written if one of the changes is refused. Raises ``ModelError`` for a damaged run, ``CorpusError`` for a
    corpus that lacks a split.
    """
    model, tokenizer = load_trained(run)
    languages = model.config.languages
    splits = {split: [s for s in load_split(split, corpus) if s.lang in languages] for split in SPLITS}
    dev = splits["dev"]
    reference = torch_pipeline(model, tokenizer)
    thresholds = thresholds_from(reference, dev)
    before = score(dev, reference.with_settings(thresholds=thresholds).predict_labelled(dev))

    texts = [s.text for split in ("train", "dev") for s in splits[split]]
    model, tokenizer = trim_vocabulary(model, tokenizer, languages, texts)
    with tempfile.TemporaryDirectory() as folder:
        release = Path(folder)
        write_onnx(model, release / "model.onnx")
        config = write_release(release, model, tokenizer, model.config.model_name, thresholds)
        exported = load_release(release)
        after = score(dev, exported.predict_labelled(dev))
        changes = compare(before, after)
        if not any(change.refused for change in changes):
            results = evaluate_systems(exported, splits["test"], splits)
            ours = agreement(load_pairs(), reference.settings.ontology) if corpus == CORPUS_DIR else None
            write_card(release, config, results, before, after, agreement=ours)
            output.mkdir(parents=True, exist_ok=True)
            for path in release.iterdir():
                shutil.copyfile(path, output / path.name)
    return changes
