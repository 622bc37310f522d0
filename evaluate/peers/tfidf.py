"""The baseline every model must beat: TF-IDF with one logistic regression a type (scikit-learn). No spans."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, hstack
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, Span
from tocsin.evaluate.peers.base import Probabilities, TrainedPeer, known_types
from tocsin.evaluate.thresholds import type_matrix


class TfidfPeer(TrainedPeer):
    """Word and character n-grams, class-balanced logistic regression; each type is trained on the sentences whose
    annotators looked for it."""

    name = "tfidf"
    layers = frozenset({"types"})

    def __init__(self, ontology: Ontology, folder: Path | None = None, model: None = None):
        super().__init__(ontology, folder, {"C": 10, "word_ngrams": [1, 2], "character_ngrams": [2, 4]})
        self._features = [
            TfidfVectorizer(ngram_range=tuple(self.settings["word_ngrams"]), sublinear_tf=True),
            TfidfVectorizer(
                analyzer="char_wb", ngram_range=tuple(self.settings["character_ngrams"]), sublinear_tf=True
            ),
        ]

    def _train(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> None:
        texts, names = [s.text for s in train], self.ontology.type_names
        features = hstack([part.fit_transform(texts) for part in self._features], format="csr")
        gold, known = type_matrix(train, names), known_types(train, names)
        weights = np.zeros((features.shape[1], len(names)))
        biases = np.full(len(names), -np.inf)  # never, of a type with nothing to tell apart
        for i in range(len(names)):
            rows, labels = np.flatnonzero(known[:, i]), gold[known[:, i], i]
            if labels.any() and not labels.all():
                classifier = LogisticRegression(C=self.settings["C"], class_weight="balanced", max_iter=1000)
                classifier.fit(features[rows], labels)
                weights[:, i], biases[i] = classifier.coef_[0], classifier.intercept_[0]
        # Plain arrays and lists: scikit-learn itself could only pickle.
        vocabularies = [part.get_feature_names_out().tolist() for part in self._features]
        (self.folder / "vocabularies.json").write_text(json.dumps(vocabularies), encoding="utf-8")
        idf = np.concatenate([part.idf_ for part in self._features])
        np.savez(self.folder / "weights.npz", weights=weights.astype(np.float32), biases=biases, idf=idf)

    def _load(self) -> None:
        vocabularies = json.loads((self.folder / "vocabularies.json").read_text(encoding="utf-8"))
        learned = np.load(self.folder / "weights.npz")
        ends = np.cumsum([len(vocabulary) for vocabulary in vocabularies])
        idfs = np.split(learned["idf"], ends[:-1])
        for part, vocabulary, idf in zip(self._features, vocabularies, idfs, strict=True):
            part.set_params(vocabulary=vocabulary)
            part.idf_ = idf
        self._weights, self._biases = learned["weights"].astype(np.float64), learned["biases"]

    def _run(self, sentences: Sequence[LabelledSentence]) -> tuple[Probabilities, list[tuple[Span, ...]]]:
        texts = [s.text for s in sentences]
        features: csr_matrix = hstack([part.transform(texts) for part in self._features], format="csr")
        probabilities: Probabilities = expit(features @ self._weights + self._biases)
        return probabilities, [()] * len(sentences)
