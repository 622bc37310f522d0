"""The baseline every model must beat: TF-IDF with one logistic regression a type (scikit-learn). No spans."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline, make_union

from tocsin.data.ontology import Ontology
from tocsin.data.records import Event, LabelledSentence, Prediction
from tocsin.evaluate.thresholds import best_threshold, type_matrix

NAME = "tfidf-logreg"


class TfidfBaseline:
    """Word and character n-grams, class-balanced logistic regression; the threshold is tuned on dev."""

    def __init__(self, ontology: Ontology):
        self.ontology = ontology
        self.threshold = 0.5
        self._model: Pipeline = make_pipeline(
            make_union(
                TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
                TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
            ),
            OneVsRestClassifier(LogisticRegression(C=10, class_weight="balanced", max_iter=1000)),
        )

    def fit(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> TfidfBaseline:
        """Trains on ``train`` and picks the threshold with the best micro-F1 on ``dev``."""
        names = self.ontology.type_names
        self._model.fit([s.text for s in train], type_matrix(train, names))
        probabilities = self._model.predict_proba([s.text for s in dev])
        self.threshold = best_threshold(type_matrix(dev, names), probabilities)
        return self

    def predict(self, sentences: Sequence[LabelledSentence]) -> list[Prediction]:
        """Event types of each sentence; no entities, no roles."""
        probabilities = self._model.predict_proba([s.text for s in sentences])
        predictions = []
        for sentence, row in zip(sentences, probabilities, strict=True):
            events = [Event(t, float(p)) for t, p in zip(self.ontology.types, row, strict=True) if p >= self.threshold]
            events.sort(key=lambda event: -event.score)
            place = (sentence.id, sentence.id, 0, 0, len(sentence.text))
            predictions.append(Prediction(*place, sentence.lang, sentence.text, tuple(events), (), (), NAME, True))
        return predictions
