"""GLiNER2 (Zaratiana et al. 2025): types and entities by their definitions in one pass, without training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gliner2 import AutoExtractor

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, Prediction
from tocsin.evaluate.peers.base import as_predictions, cut_spans, load_model, stated_model

_TASK = "events"


class Gliner2Peer:
    """Types and entities whose score is at least 0.5, the library's default."""

    name = "gliner2"
    layers = frozenset({"types", "entities"})
    fit_seconds = None

    def __init__(self, ontology: Ontology, folder: Path | None = None, model: str | None = None):
        self.ontology = ontology
        model = model or "fastino/gliner2-multi-v1"
        self.settings: dict[str, Any] = {"model": stated_model(model), "threshold": 0.5}
        self._model = load_model(AutoExtractor.from_pretrained, model)

    def fit(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> None:
        """Nothing: it comes trained."""

    def predict(self, sentences: Sequence[LabelledSentence]) -> list[Prediction]:
        texts, threshold = [sentence.text for sentence in sentences], self.settings["threshold"]
        types = {kind.name: kind.definition for kind in self.ontology.types}
        labels = {label.name: label.definition for label in self.ontology.entities}
        schema = self._model.create_schema().entities(labels)
        schema = schema.classification(_TASK, types, multi_label=True, cls_threshold=0.0)  # all scores
        found = self._model.batch_extract(
            texts, schema, threshold=threshold, include_confidence=True, include_spans=True
        )
        probabilities = np.zeros((len(texts), len(types)))
        entities = []
        for i, (text, row) in enumerate(zip(texts, found, strict=True)):
            scores = {entry["label"]: entry["confidence"] for entry in row[_TASK]}
            probabilities[i] = [scores[name] for name in types]
            mentions = ((m, label) for label, mentions in row["entities"].items() for m in mentions)
            entities.append(cut_spans(text, ((m["start"], m["end"], label, m["confidence"]) for m, label in mentions)))
        return as_predictions(self.name, self.ontology, sentences, probabilities, threshold, entities)
