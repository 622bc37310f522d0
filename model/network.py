"""The network: one encoder, one pass, three heads (event types, entity tags, role tags)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel

from tocsin.data.ontology import Ontology
from tocsin.model.backbone import load_backbone
from tocsin.model.from_release import release_weights
from tocsin.model.labels import bio_tags
from tocsin.model.runtime import RELEASED_DIR
from tocsin.model.settings import ModelError, read_config

RELEASE = "release"
# What was chosen for the weights as they were released; training changes them.
_OF_A_RELEASE = (
    "calibration",
    "thresholds",
    "precision_thresholds",
    "checksums",
    "encoder_layers",
    "encoder_width",
)


class TocsinConfig(PretrainedConfig):
    """Configuration of :class:`TocsinModel`: the encoder's own config and what each head's outputs mean.

    ``id2label``: event types, in the order of the logits. ``entity_id2label``, ``role_id2label``: BIO tags.
    ``languages``: ISO 639-1 codes the model was trained and tested on. ``max_tokens``: window length.
    ``label_attention``: whether each event type reads the tokens by an attention of its own. ``base_model``: the
    pretrained encoder that it was made of.
    """

    model_type = "tocsin"

    def __init__(
        self,
        backbone: dict[str, Any] | None = None,
        entity_id2label: dict[int, str] | None = None,
        role_id2label: dict[int, str] | None = None,
        languages: Sequence[str] = (),
        ontology_version: str = "",
        max_tokens: int = 256,
        head_dropout: float = 0.1,
        label_attention: bool = False,
        base_model: str = "",
        **kwargs: Any,
    ):
        self.backbone = backbone or {}
        self.entity_id2label = {int(i): tag for i, tag in (entity_id2label or {}).items()}
        self.role_id2label = {int(i): tag for i, tag in (role_id2label or {}).items()}
        self.languages = list(languages)
        self.ontology_version = ontology_version
        self.max_tokens = max_tokens
        self.head_dropout = head_dropout
        self.label_attention = label_attention
        self.base_model = base_model
        super().__init__(**kwargs)


class TocsinModel(PreTrainedModel):
    """``forward(input_ids, attention_mask)`` gives the logits of all three heads.

    Event types are read off the normalised mean of the token states (as E5 pools), tags off each token's state. With
    label attention each type adds what it finds at tokens that it attends to (Mullenbach et al. 2018): an event of a
    subordinate clause is little of a sentence's mean.
    """

    config_class = TocsinConfig
    base_model_prefix = "encoder"

    def __init__(self, config: TocsinConfig):
        super().__init__(config)
        backbone = AutoConfig.for_model(**config.backbone)
        self.encoder = AutoModel.from_config(backbone, **_without_pooler(backbone.model_type))
        width = backbone.hidden_size
        self.dropout = nn.Dropout(config.head_dropout)
        # The mean of E5's states is short (norm 5 of 384 dimensions): unnormalised, the new head learns slowly.
        self.event_norm = nn.LayerNorm(width)
        self.event_head = nn.Linear(width, len(config.id2label or {}))
        if config.label_attention:
            self.event_key = nn.Linear(width, len(config.id2label or {}), bias=False)
            self.event_value = nn.Linear(width, len(config.id2label or {}), bias=False)
        self.entity_head = nn.Linear(width, len(config.entity_id2label))
        self.role_head = nn.Linear(width, len(config.role_id2label))
        self.post_init()

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """``input_ids``, ``attention_mask``: (batch, tokens) int64.

        Returns float logits: "event_logits" (batch, types), "entity_logits" (batch, tokens, entity tags),
        "role_logits" (batch, tokens, role tags).
        """
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        pooled = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
        states = self.dropout(states)
        events = self.event_head(self.dropout(self.event_norm(pooled)))
        if self.config.label_attention:
            attention = self.event_key(states).masked_fill(mask == 0, -1e4).softmax(1)
            events = events + (attention * self.event_value(states)).sum(1)
        return {
            "event_logits": events,
            "entity_logits": self.entity_head(states),
            "role_logits": self.role_head(states),
        }

    @classmethod
    def from_backbone(
        cls,
        name_or_path: str,
        ontology: Ontology,
        languages: Sequence[str],
        max_tokens: int,
        head_dropout: float,
        label_attention: bool = False,
    ) -> tuple[TocsinModel, Tokenizer]:
        """A model with a pretrained encoder and new heads, and the encoder's tokenizer.

        ``name_or_path`` as :func:`load_backbone` takes it, or the folder of a model that was trained here or released
        (:data:`RELEASE` for the release that ships): that one goes on with its encoder, heads and tokenizer. Raises
        ``BackboneError``, ``ModelError`` for a damaged release, or ``ValueError`` if its heads are for other labels or
        it has a part that is not wanted.
        """
        if name_or_path == RELEASE:
            name_or_path = str(RELEASED_DIR)
        if (Path(name_or_path) / "config.json").exists() and _is_ours(Path(name_or_path)):
            return cls._continued(Path(name_or_path), ontology, languages, max_tokens, head_dropout, label_attention)
        encoder, tokenizer = load_backbone(name_or_path)
        config = TocsinConfig(
            backbone=encoder.config.to_diff_dict() | {"model_type": encoder.config.model_type},
            id2label=dict(enumerate(ontology.type_names)),
            label2id={name: i for i, name in enumerate(ontology.type_names)},
            entity_id2label=dict(enumerate(bio_tags(ontology.entity_names))),
            role_id2label=dict(enumerate(bio_tags(ontology.role_names))),
            languages=sorted(languages),
            ontology_version=ontology.version,
            max_tokens=min(max_tokens, _positions(encoder.config, max_tokens)),
            head_dropout=head_dropout,
            label_attention=label_attention,
            base_model=name_or_path,
        )
        model = cls(config)
        missing, unexpected = model.encoder.load_state_dict(encoder.state_dict(), strict=False)
        if missing or any("pooler" not in name for name in unexpected):
            raise ValueError(f"encoder weights do not fit: missing {missing}, unexpected {unexpected}")
        return model, tokenizer

    @classmethod
    def _continued(
        cls,
        folder: Path,
        ontology: Ontology,
        languages: Sequence[str],
        max_tokens: int,
        head_dropout: float,
        label_attention: bool,
    ) -> tuple[TocsinModel, Tokenizer]:
        before = TocsinConfig.from_pretrained(folder)
        if before.label_attention and not label_attention:
            raise ValueError(f"{folder}: has label attention, which the recipe would drop")
        added = label_attention and not before.label_attention
        if (folder / "model.onnx").exists():
            model = cls._from_release(folder, label_attention)
        else:
            model = cls.from_pretrained(folder, label_attention=label_attention)
        if added:  # it begins by saying what the model said without it
            nn.init.normal_(model.event_key.weight, std=0.02)
            nn.init.zeros_(model.event_value.weight)
        heads = {
            "event": model.config.id2label,
            "entity": model.config.entity_id2label,
            "role": model.config.role_id2label,
        }
        wanted = (ontology.type_names, bio_tags(ontology.entity_names), bio_tags(ontology.role_names))
        for (head, labels), expected in zip(heads.items(), wanted):
            if list((labels or {}).values()) != expected:
                raise ValueError(f"{folder}: its {head} head does not have the labels of ontology {ontology.version}")
        model.config.languages = sorted(languages)
        model.config.max_tokens = min(max_tokens, _positions(model.encoder.config, max_tokens))
        model.config.head_dropout = model.dropout.p = head_dropout
        return model, Tokenizer.from_file(str(folder / "tokenizer.json"))

    @classmethod
    def _from_release(cls, folder: Path, label_attention: bool) -> TocsinModel:
        config = read_config(folder) | {"label_attention": label_attention}
        model = cls(TocsinConfig.from_dict({key: value for key, value in config.items() if key not in _OF_A_RELEASE}))
        table = model.encoder.get_input_embeddings().weight
        name = next(name for name, parameter in model.named_parameters() if parameter is table)
        weights = {key: torch.tensor(value) for key, value in release_weights(folder, name).items()}
        missing, unexpected = model.load_state_dict(weights, strict=False)
        if unexpected or {*missing} - {"event_key.weight", "event_value.weight"}:
            raise ModelError(f"{folder}: its weights do not fit: missing {missing}, unexpected {unexpected}")
        return model

    def keep_layers(self, count: int) -> None:
        """Drops all but ``count`` layers of the encoder, evenly spaced, the first and the last among them (as
        DistilBERT began).

        Raises ``ValueError`` for an encoder that is not BERT-like or has fewer layers.
        """
        layers = getattr(getattr(self.encoder, "encoder", None), "layer", None)
        if layers is None or count > len(layers):
            raise ValueError(f"cannot keep {count} layers of this encoder")
        kept = [round(i * (len(layers) - 1) / max(count - 1, 1)) for i in range(count - 1)] + [len(layers) - 1]
        self.encoder.encoder.layer = nn.ModuleList(layers[i] for i in kept)
        self.encoder.config.num_hidden_layers = count
        self.config.backbone = self.config.backbone | {"num_hidden_layers": count}


def _is_ours(folder: Path) -> bool:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return bool(config.get("model_type") == TocsinConfig.model_type)


def _positions(config: PretrainedConfig, otherwise: int) -> int:
    positions = int(getattr(config, "max_position_embeddings", otherwise))
    # RoBERTa counts positions from pad_token_id + 1.
    return positions - (config.pad_token_id + 1 if "roberta" in config.model_type else 0)


def _without_pooler(model_type: str) -> dict[str, bool]:
    # BERT-like encoders add an unused pooler unless told otherwise; others do not know the argument.
    return {"add_pooling_layer": False} if model_type in ("bert", "roberta", "xlm-roberta", "camembert") else {}
