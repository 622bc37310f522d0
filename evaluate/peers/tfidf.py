"""The baseline every model must beat: TF-IDF with one logistic regression a type (scikit-learn). No spans."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_union

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, Prediction
from tocsin.evaluate.peers.base import Probabilities, as_predictions, fitted_threshold, known_types
from tocsin.evaluate.thresholds import type_matrix


class TfidfPeer:
    """Word and character n-grams, class-balanced logistic regression; the threshold is tuned on dev.

    Nothing is kept in a folder: it trains in minutes.
    """

    name = "tfidf"
    layers = frozenset({"types"})

    def __init__(self, ontology: Ontology, folder: Path | None = None, model: None = None):
        self.ontology = ontology
        self.settings: dict[str, Any] = {"C": 10, "word_ngrams": [1, 2], "character_ngrams": [2, 4]}
        self.fit_seconds: float | None = None
        self.threshold = 0.5
        self._features: FeatureUnion = make_union(
            TfidfVectorizer(ngram_range=tuple(self.settings["word_ngrams"]), sublinear_tf=True),
            TfidfVectorizer(
                analyzer="char_wb", ngram_range=tuple(self.settings["character_ngrams"]), sublinear_tf=True
            ),
        )
        self._classifiers: list[LogisticRegression | None] = []

    def fit(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> None:
        """Trains each type on the sentences whose annotators looked for it; picks the threshold on ``dev``."""
        start = time.perf_counter()
        names = self.ontology.type_names
        features = self._features.fit_transform([s.text for s in train])
        gold, known = type_matrix(train, names), known_types(train, names)
        self._classifiers = []
        for i in range(len(names)):
            rows, labels = np.flatnonzero(known[:, i]), gold[known[:, i], i]
            both = labels.any() and not labels.all()  # else there is nothing to tell apart
            classifier = LogisticRegression(C=self.settings["C"], class_weight="balanced", max_iter=1000)
            self._classifiers.append(classifier.fit(features[rows], labels) if both else None)
        self.threshold = fitted_threshold(dev, self._probabilities(dev), names)
        self.fit_seconds = round(time.perf_counter() - start, 1)

    def predict(self, sentences: Sequence[LabelledSentence]) -> list[Prediction]:
        """Event types of each sentence; no entities, no roles."""
        return as_predictions(self.name, self.ontology, sentences, self._probabilities(sentences), self.threshold)

    def _probabilities(self, sentences: Sequence[LabelledSentence]) -> Probabilities:
        features = self._features.transform([s.text for s in sentences])
        probabilities = np.zeros((len(sentences), len(self._classifiers)))
        for i, classifier in enumerate(self._classifiers):
            if classifier is not None:
                probabilities[:, i] = classifier.predict_proba(features)[:, 1]
        return probabilities
