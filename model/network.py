"""The network: one encoder, one pass, three heads (event types, entity tags, role tags)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel

from tocsin.data.ontology import Ontology
from tocsin.model.backbone import load_backbone
from tocsin.model.labels import bio_tags


class TocsinConfig(PretrainedConfig):
    """Configuration of :class:`TocsinModel`: the encoder's own config and what each head's outputs mean.

    ``id2label``: event types, in the order of the logits. ``entity_id2label``, ``role_id2label``: BIO tags.
    ``languages``: ISO 639-1 codes the model was trained and tested on. ``max_tokens``: window length.
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
        **kwargs: Any,
    ):
        self.backbone = backbone or {}
        self.entity_id2label = {int(i): tag for i, tag in (entity_id2label or {}).items()}
        self.role_id2label = {int(i): tag for i, tag in (role_id2label or {}).items()}
        self.languages = list(languages)
        self.ontology_version = ontology_version
        self.max_tokens = max_tokens
        self.head_dropout = head_dropout
        super().__init__(**kwargs)


class TocsinModel(PreTrainedModel):
    """``forward(input_ids, attention_mask)`` gives the logits of all three heads.

    Event types are read off the normalised mean of the token states (as E5 pools), tags off each token's state.
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
        return {
            "event_logits": self.event_head(self.dropout(self.event_norm(pooled))),
            "entity_logits": self.entity_head(states),
            "role_logits": self.role_head(states),
        }

    @classmethod
    def from_backbone(
        cls, name_or_path: str, ontology: Ontology, languages: Sequence[str], max_tokens: int, head_dropout: float
    ) -> tuple[TocsinModel, Tokenizer]:
        """A model with a pretrained encoder and new heads, and the encoder's tokenizer."""
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
        )
        model = cls(config)
        missing, unexpected = model.encoder.load_state_dict(encoder.state_dict(), strict=False)
        if missing or any("pooler" not in name for name in unexpected):
            raise ValueError(f"encoder weights do not fit: missing {missing}, unexpected {unexpected}")
        return model, tokenizer


def _positions(config: PretrainedConfig, otherwise: int) -> int:
    positions = int(getattr(config, "max_position_embeddings", otherwise))
    # RoBERTa counts positions from pad_token_id + 1.
    return positions - (config.pad_token_id + 1 if "roberta" in config.model_type else 0)


def _without_pooler(model_type: str) -> dict[str, bool]:
    # BERT-like encoders add an unused pooler unless told otherwise; others do not know the argument.
    return {"add_pooling_layer": False} if model_type in ("bert", "roberta", "xlm-roberta", "camembert") else {}
