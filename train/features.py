"""Labelled sentences as training examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import datasets
import torch
from tokenizers import Tokenizer
from torch import Tensor

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence
from tocsin.model.labels import encode_bio, units_of
from tocsin.train.objective import IGNORED


class FeatureError(ValueError):
    """A sentence that cannot be trained on; the message names it."""


def make_dataset(
    sentences: Iterable[LabelledSentence], tokenizer: Tokenizer, ontology: Ontology, max_tokens: int
) -> datasets.Dataset:
    """Columns: index, input_ids, event_labels (types,), entity_labels and role_labels (tokens,), and which of them the
    annotators looked for: event_known (types,), entity_known and role_known (labels,), as the objective wants them.

    Raises :class:`FeatureError` for a sentence longer than ``max_tokens``: nothing is cut silently.
    """
    rows = (_features(sentence, tokenizer, ontology, max_tokens) for sentence in sentences)
    return datasets.Dataset.from_list([{"index": index} | row for index, row in enumerate(rows)])


def _features(sentence: LabelledSentence, tokenizer: Tokenizer, ontology: Ontology, max_tokens: int) -> dict[str, Any]:
    encoding = tokenizer.encode(sentence.text)
    if len(encoding.ids) > max_tokens:
        raise FeatureError(f"{sentence.source}: {len(encoding.ids)} tokens, more than max_tokens = {max_tokens}")
    units = units_of(sentence.text, encoding.offsets)
    features: dict[str, Any] = {
        "input_ids": encoding.ids,
        "event_labels": [float(name in sentence.types) for name in ontology.type_names],
        "event_known": _known(sentence.annotated.types, ontology.type_names),
    }
    layers = (
        ("entity", sentence.entities, ontology.entity_names, sentence.annotated.entities),
        ("role", sentence.roles, ontology.role_names, sentence.annotated.roles),
    )
    for layer, spans, labels, annotated in layers:
        tags = torch.full((len(encoding.ids),), IGNORED)
        tags[torch.from_numpy(units.first_token)] = torch.from_numpy(encode_bio(spans, units, labels))
        features[f"{layer}_labels"] = tags.tolist()
        features[f"{layer}_known"] = _known(annotated, labels)
    return features


def _known(annotated: frozenset[str] | None, labels: Sequence[str]) -> list[bool]:
    return [annotated is None or label in annotated for label in labels]


class Collator:
    """Pads a batch on the right; ``masked_share`` of its tagged tokens is replaced by ``mask_token_id``.

    ``teacher``: logits of every example, in the dataset's order, which the batch carries as "teacher_" columns.
    """

    def __init__(
        self,
        pad_token_id: int,
        mask_token_id: int = 0,
        masked_share: float = 0.0,
        teacher: Sequence[Mapping[str, Tensor]] = (),
    ):
        self.pad_token_id = pad_token_id
        self.mask_token_id = mask_token_id
        self.masked_share = masked_share
        self.teacher = teacher

    def __call__(self, examples: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        def padded(column: str, value: int) -> Tensor:
            rows = [torch.tensor(example[column]) for example in examples]
            return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value)

        input_ids = padded("input_ids", self.pad_token_id)
        lengths = torch.tensor([len(example["input_ids"]) for example in examples])
        entity_labels = padded("entity_labels", IGNORED)
        if self.masked_share:
            chosen = (torch.rand(input_ids.shape) < self.masked_share) & (entity_labels != IGNORED)
            input_ids = input_ids.masked_fill(chosen, self.mask_token_id)
        batch = {
            "input_ids": input_ids,
            "attention_mask": (torch.arange(input_ids.shape[1]) < lengths[:, None]).long(),
            "event_labels": torch.tensor([example["event_labels"] for example in examples]),
            "entity_labels": entity_labels,
            "role_labels": padded("role_labels", IGNORED),
        } | {
            column: torch.tensor([example[column] for example in examples])
            for column in ("event_known", "entity_known", "role_known")
        }
        for name in self.teacher[0] if self.teacher else ():
            rows = [self.teacher[example["index"]][name].float() for example in examples]
            batch[f"teacher_{name}"] = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return batch
