"""Zero-shot classification by natural language inference (Yin et al. 2019): does the sentence entail a definition?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformers import pipeline

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, Prediction
from tocsin.evaluate.peers.base import as_predictions, load_model, stated_model

_MODEL = "MoritzLaurer/mDeBERTa-v3-base-xnli-multilingual-nli-2mil7"


class NliPeer:
    """Every type whose definition the sentence entails with 0.5 or more; one pass of the model for each type."""

    name = "nli"
    layers = frozenset({"types"})
    fit_seconds = None

    def __init__(self, ontology: Ontology, folder: Path | None = None, model: str | None = None):
        self.ontology = ontology
        model = model or _MODEL
        hypothesis = "It happened: {}"
        self.settings: dict[str, Any] = {"model": stated_model(model), "threshold": 0.5, "hypothesis": hypothesis}
        self._classify = load_model(lambda name: pipeline("zero-shot-classification", name), model)

    def fit(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> None:
        """Nothing: it comes trained."""

    def predict(self, sentences: Sequence[LabelledSentence]) -> list[Prediction]:
        definitions = [kind.definition for kind in self.ontology.types]
        texts = [sentence.text for sentence in sentences]
        found = self._classify(
            texts, definitions, hypothesis_template=self.settings["hypothesis"], multi_label=True, batch_size=16
        )
        scores = [dict(zip(row["labels"], row["scores"], strict=True)) for row in found]
        probabilities = np.array([[row[definition] for definition in definitions] for row in scores])
        return as_predictions(self.name, self.ontology, sentences, probabilities, self.settings["threshold"])
