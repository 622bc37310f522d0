"""Labels that a bag-of-words model finds hard to believe: where to look first for a labelling error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence
from tocsin.evaluate.thresholds import type_matrix

_FOLDS = 5


@dataclass(frozen=True)
class Suspicion:
    """A type that is missing though its words are there (``missing``) or that is there without its words."""

    sentence: LabelledSentence
    type: str
    missing: bool
    probability: float

    def __str__(self) -> str:
        what = "lacks" if self.missing else "has"
        return f"{self.sentence.source}: {what} {self.type} (p = {self.probability:.2f}): {self.sentence.text}"


def suspicious_labels(
    sentences: Sequence[LabelledSentence], ontology: Ontology, most: int, seed: int = 0
) -> list[Suspicion]:
    """The ``most`` types that are there and the ``most`` that are missing which cross-validated logistic regressions
    over TF-IDF believe least, worst first.

    Probabilities are out of fold (Northcutt et al. 2021, confident learning, in its simplest form). Types that stand
    in fewer sentences than there are folds are passed over.
    """
    gold = type_matrix(sentences, ontology.type_names)
    kept = [k for k, count in enumerate(gold.sum(0)) if _FOLDS <= count < len(gold)]
    model = make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3), min_df=3, sublinear_tf=True),
        OneVsRestClassifier(LogisticRegression(C=10, class_weight="balanced", solver="liblinear")),
    )
    order = np.random.default_rng(seed).permutation(len(sentences))
    texts = [sentences[i].text for i in order]
    probabilities = np.empty((len(sentences), len(kept)))
    probabilities[order] = cross_val_predict(model, texts, gold[order][:, kept], cv=_FOLDS, method="predict_proba")
    found = []
    for missing in (False, True):
        belief = np.where(gold[:, kept] == missing, np.inf, -probabilities if missing else probabilities)
        worst = np.argsort(belief, axis=None, kind="stable")[:most]
        found += [
            Suspicion(sentences[i], ontology.type_names[kept[k]], missing, float(probabilities[i, k]))
            for i, k in zip(*np.unravel_index(worst, belief.shape))
        ]
    return found
