"""What a peer is, and what those that are trained have in common."""

from __future__ import annotations

import hashlib
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, Prediction, Span
from tocsin.evaluate.thresholds import best_threshold, reported, type_matrix

Probabilities = NDArray[np.float64]
_FITTED = "peer.json"


class PeerError(ValueError):
    """A peer that cannot be made, fitted or loaded; the message says why."""


class Peer(Protocol):
    """A system that is trained on labelled sentences, or comes trained, and predicts records.

    ``layers``: which of "types", "entities", "roles" it predicts. ``settings``: what it is trained or run with, known
    from the beginning; training may add what it found.
    ``fit_seconds``: what its training took, an earlier one that was loaded included; ``None`` where there was none.
    """

    name: str
    layers: frozenset[str]
    settings: dict[str, Any]
    fit_seconds: float | None

    def fit(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> None:
        """Trains on ``train`` and chooses on ``dev``; a system that comes trained does nothing."""

    def predict(self, sentences: Sequence[LabelledSentence]) -> list[Prediction]:
        """One record a sentence, in order, with its id; the gold labels are not looked at."""


class TrainedPeer(ABC):
    """A peer that keeps what it learned in a folder: fitted there once, it is loaded the next time.

    ``folder``: ``None`` for a temporary one; it can be set until the peer is fitted. Types are reported from the one
    probability with the best micro-F1 on dev.
    """

    name: str
    layers: frozenset[str]

    def __init__(self, ontology: Ontology, folder: Path | None, settings: dict[str, Any]):
        self.ontology, self.settings = ontology, settings
        self._chosen = dict(settings)
        self.fit_seconds: float | None = None
        self.threshold = 0.5
        if folder is None:
            self._temporary = TemporaryDirectory()  # goes when the peer goes
            folder = Path(self._temporary.name)
        self.folder = folder

    def fit(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> None:
        """Trains, or loads what an earlier call on the same sentences left in the folder.

        Raises :class:`PeerError` if the folder holds another peer, or one of other sentences or settings.
        """
        fitted = {"peer": self.name, "train": digest(train), "dev": digest(dev)}
        file = self.folder / _FITTED
        if file.exists():  # written last
            state = json.loads(file.read_text(encoding="utf-8"))
            if {key: state[key] for key in fitted} != fitted:
                raise PeerError(f"{file}: fitted as {state['peer']!r} on other sentences, choose another folder")
            for key, value in self._chosen.items():
                if (stored := state["settings"].get(key)) != value:
                    raise PeerError(f"{file}: fitted with {key} = {stored!r}, not {value!r}, choose another folder")
            self.load()
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        self._train(train, dev)
        self._load()
        self.threshold = fitted_threshold(dev, self._run(dev)[0], self.ontology.type_names)
        self.fit_seconds = round(time.perf_counter() - start, 1)
        stated = {"threshold": self.threshold, "fit_seconds": self.fit_seconds, "settings": self.settings}
        file.write_text(json.dumps(fitted | stated, indent=1), encoding="utf-8")

    def load(self) -> None:
        """Loads what :meth:`fit` left in the folder, with the settings it was fitted with."""
        state = json.loads((self.folder / _FITTED).read_text(encoding="utf-8"))
        self._load()
        self.threshold, self.fit_seconds, self.settings = state["threshold"], state["fit_seconds"], state["settings"]

    def predict(self, sentences: Sequence[LabelledSentence]) -> list[Prediction]:
        probabilities, entities = self._run(sentences)
        return as_predictions(self.name, self.ontology, sentences, probabilities, self.threshold, entities)

    @abstractmethod
    def _train(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> None:
        """Trains and saves in ``self.folder``."""

    @abstractmethod
    def _load(self) -> None:
        """Makes ready what ``self.folder`` holds."""

    @abstractmethod
    def _run(self, sentences: Sequence[LabelledSentence]) -> tuple[Probabilities, list[tuple[Span, ...]]]:
        """(sentences, types) probabilities, and the entities of each sentence."""


def digest(sentences: Sequence[LabelledSentence]) -> str:
    """SHA-256 of the sentences with their labels, in whatever order and from whatever file they come."""
    lines = sorted(json.dumps(sentence.to_dict() | {"source": ""}, sort_keys=True) for sentence in sentences)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def known_types(sentences: Sequence[LabelledSentence], type_names: Sequence[str]) -> NDArray[np.bool_]:
    """(sentences, types): whether the annotators of the sentence looked for the type."""
    sets = [sentence.annotated.types for sentence in sentences]
    return np.array([[looked is None or name in looked for name in type_names] for looked in sets], bool)


def covers(annotated: Collection[str] | None, labels: Collection[str]) -> bool:
    """Whether annotators looked for all of ``labels``, so that a layer can be learned from the sentence."""
    return annotated is None or set(labels) <= set(annotated)


def fitted_threshold(dev: Sequence[LabelledSentence], probabilities: Probabilities, type_names: Sequence[str]) -> float:
    """The threshold with the best micro-F1 on ``dev``, over what its annotators looked for."""
    known = known_types(dev, type_names)
    return best_threshold(type_matrix(dev, type_names)[known], probabilities[known])


def cut_spans(text: str, found: Iterable[tuple[int, int, str, float]]) -> tuple[Span, ...]:
    """Spans of (start, end, label, score) without the spaces at their edges, which some tokenizers count to the word
    beside them; a token of space alone is no mention."""
    spans = []
    for start, end, label, score in found:
        mention = text[start:end].strip()
        start = text.index(mention, start)
        spans.append(Span(start, start + len(mention), label, mention, float(score)))
    return tuple(span for span in spans if span.text)


def stated_model(model: str) -> str:
    """What settings say of a model: a hub name as it is; of a local folder its name and a hash of its files, so that
    neither does a folder that is moved become another model, nor stay one that was changed the same."""
    folder = Path(model)
    if not folder.is_dir():
        return model
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(folder).as_posix()}\n{file_hash(file)}\n".encode())
    return f"{folder.resolve().name} ({digest.hexdigest()[:16]})"


def file_hash(path: Path) -> str:
    """SHA-256 of a file, first 16 digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:16]


def load_model(load: Callable[[str], Any], model: str) -> Any:
    """``load(model)``; raises :class:`PeerError` if there is no such model or it cannot be reached."""
    try:
        return load(model)
    except (OSError, ValueError) as error:
        raise PeerError(f"model {model!r}: {error}") from error


def as_predictions(
    name: str,
    ontology: Ontology,
    sentences: Sequence[LabelledSentence],
    probabilities: Probabilities | None,
    threshold: float,
    entities: Sequence[tuple[Span, ...]] | None = None,
) -> list[Prediction]:
    """Records of what a peer said; ``probabilities`` (sentences, types) or ``entities`` are ``None`` if it has none."""
    predictions = []
    for i, sentence in enumerate(sentences):
        place = (sentence.id, sentence.id, 0, 0, len(sentence.text), sentence.lang, sentence.text)
        spans = tuple(sorted(entities[i], key=lambda span: (span.start, span.end))) if entities is not None else ()
        prediction = Prediction(*place, (), spans, (), name, True)
        if probabilities is not None:
            scores = dict(zip(ontology.type_names, map(float, probabilities[i]), strict=True))
            prediction = reported(replace(prediction, scores=scores), ontology, threshold)
        predictions.append(prediction)
    return predictions
