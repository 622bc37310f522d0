"""TF-IDF and logistic regression as a peer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, Prediction
from tocsin.evaluate.baseline import TfidfBaseline


class TfidfPeer:
    """The baseline of ``tocsin evaluate``; types only."""

    name = "tfidf"
    layers = frozenset({"types"})

    def __init__(self, ontology: Ontology, folder: Path | None, model: str | None):
        self.settings: dict[str, Any] = {}
        self.fit_seconds: float | None = None
        self._baseline = TfidfBaseline(ontology)

    def fit(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> None:
        start = time.perf_counter()
        self._baseline.fit([s for s in train if s.annotated.types is None], dev)
        self.fit_seconds = round(time.perf_counter() - start, 1)

    def predict(self, sentences: Sequence[LabelledSentence]) -> list[Prediction]:
        return self._baseline.predict(sentences)
