"""GLiNER (Zaratiana et al. 2024): entities by the names of their labels, without training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gliner import GLiNER

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, Prediction
from tocsin.evaluate.peers.base import as_predictions, cut_spans, load_model, stated_model


class GlinerPeer:
    """Entities whose score is at least 0.5, the library's default.

    Its words are those of the model's own splitter; most models split at spaces alone, so that few mentions in Chinese
    or Japanese can be reached.
    """

    name = "gliner"
    layers = frozenset({"entities"})
    fit_seconds = None

    def __init__(self, ontology: Ontology, folder: Path | None = None, model: str | None = None):
        self.ontology = ontology
        model = model or "urchade/gliner_multi-v2.1"
        self.settings: dict[str, Any] = {"model": stated_model(model), "threshold": 0.5}
        self._model = load_model(GLiNER.from_pretrained, model)

    def fit(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> None:
        """Nothing: it comes trained."""

    def predict(self, sentences: Sequence[LabelledSentence]) -> list[Prediction]:
        texts, labels = [sentence.text for sentence in sentences], self.ontology.entity_names
        found = self._model.inference(texts, labels, threshold=self.settings["threshold"]) if texts else []
        entities = [
            cut_spans(text, ((e["start"], e["end"], e["label"], e["score"]) for e in row))
            for text, row in zip(texts, found, strict=True)
        ]
        return as_predictions(self.name, self.ontology, sentences, None, 0.0, entities)
