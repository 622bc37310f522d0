"""What can be benchmarked: releases, trained runs, peers, and files of predictions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from tocsin.data.ontology import load_ontology
from tocsin.data.records import LabelledSentence, Prediction
from tocsin.evaluate.codes import Codes
from tocsin.evaluate.fitting import fit_settings
from tocsin.evaluate.measure import measure, measure_peer, open_model
from tocsin.evaluate.peers import make_peer
from tocsin.evaluate.peers.base import TrainedPeer, file_hash
from tocsin.evaluate.predicted_file import predicted_layers, read_predictions
from tocsin.evaluate.scores import LAYERS
from tocsin.evaluate.suites import Suite
from tocsin.model.pipeline import Pipeline
from tocsin.model.settings import ModelError, Settings, read_config

COST = ("sentences_per_second", "peak_megabytes", "megabytes", "cores", "fit_seconds")


class Candidate(Protocol):
    """A system by the name it has in results. ``kind``: "release", "recipe", "peer" or "predictions"; ``layers``: which
    of "types", "entities", "roles" it predicts; ``seed``: of its training."""

    name: str
    kind: str
    layers: frozenset[str]
    seed: int

    @property
    def revision(self) -> str:
        """A hash of what its predictions depend on."""

    @property
    def made_with(self) -> Mapping[str, Any]:
        """The recipe or settings that it was trained or is run with, as far as they are known."""

    def prepare(self) -> None:
        """Loads or trains it, if that is not done."""

    def predict(self, suite: Suite) -> list[Prediction]:
        """Predictions of the suite's sentences, types in the suite's codes."""

    def cost(self, suite: Suite) -> dict[str, float | None]:
        """:data:`COST`, ``None`` where nothing was measured."""


class _Model:
    """What releases and trained runs have in common."""

    layers = frozenset(LAYERS)

    def __init__(self, name: str, folder: Path):
        self.name, self.folder = name, folder
        self.config = read_config(folder)
        self.seed: int = self.made_with.get("seed", 0)
        self.settings = Settings.from_config(self.config, str(folder / "config.json"))

    @property
    def made_with(self) -> Mapping[str, Any]:
        recipe: Mapping[str, Any] = self.config.get("training", {}).get("recipe", {})
        return recipe

    @cached_property
    def pipeline(self) -> Pipeline:
        return open_model(self.folder)

    def prepare(self) -> None:
        _ = self.pipeline

    def predict(self, suite: Suite) -> list[Prediction]:
        codes = Codes(suite.codes)
        return [codes.translate(p) for p in self.pipeline.predict_labelled(suite.gold, all_scores=True)]

    def cost(self, suite: Suite) -> dict[str, float | None]:
        return dict.fromkeys(COST) | measure(self.folder, suite.gold)


class Release(_Model):
    """A released model, as it stands; ``ModelError`` if the folder holds none."""

    kind = "release"

    @property
    def revision(self) -> str:
        return self.settings.fingerprint  # the config holds the checksums of all else


class TrainedRun(_Model):
    """A trained model that was not released: it gets the calibration and thresholds that a release of it would have."""

    kind = "recipe"

    def __init__(
        self, name: str, folder: Path, written_dev: Sequence[LabelledSentence], real_dev: Sequence[LabelledSentence]
    ):
        """``written_dev``, ``real_dev``: what they are fitted on. Raises ``ModelError`` if the folder holds no run."""
        super().__init__(name, folder)
        claimed = self.settings.languages
        self._dev = [[s for s in part if s.lang in claimed] for part in (written_dev, real_dev)]

    @cached_property
    def revision(self) -> str:
        weights = self.folder / "model.safetensors"
        if not weights.is_file():
            raise ModelError(f"{weights}: missing (is this a folder that `tocsin train` wrote?)")
        return _hash(file_hash(weights), *map(_sentences_hash, self._dev))

    @cached_property
    def pipeline(self) -> Pipeline:
        pipeline = open_model(self.folder)
        return pipeline.with_settings(**fit_settings(pipeline, *self._dev)[0])


class PeerCandidate:
    """A peer, trained on the sentences that all peers are trained on."""

    kind = "peer"
    seed = 0

    def __init__(
        self,
        name: str,
        peer: str,
        model: str | None,
        runs: Path,
        train: Sequence[LabelledSentence],
        dev: Sequence[LabelledSentence],
    ):
        """``peer``, ``model``: as ``make_peer`` takes them; below ``runs`` it keeps what it learned. Raises
        ``PeerError``."""
        self.name = name
        self._arguments = peer, model
        self._peer = make_peer(peer, load_ontology(), model=model)
        settings = json.dumps(self._peer.settings, sort_keys=True)
        self.revision = _hash(peer, settings, _sentences_hash(train), _sentences_hash(dev))
        self._folder = runs / f"{peer}-{self.revision}"
        if isinstance(self._peer, TrainedPeer):
            self._peer.folder = self._folder
        self.layers = self._peer.layers
        self._train, self._dev = train, dev
        self._fitted = False

    @property
    def made_with(self) -> Mapping[str, Any]:
        return self._peer.settings

    def prepare(self) -> None:
        if not self._fitted:
            self._peer.fit(self._train, self._dev)
            self._fitted = True

    def predict(self, suite: Suite) -> list[Prediction]:
        codes = Codes(suite.codes)
        return [codes.translate(prediction) for prediction in self._peer.predict(suite.gold)]

    def cost(self, suite: Suite) -> dict[str, float | None]:
        measured = measure_peer(*self._arguments, self._folder, suite.gold)
        return dict.fromkeys(COST) | measured | {"fit_seconds": self._peer.fit_seconds}


class PredictedFile:
    """What anything else predicted."""

    kind = "predictions"
    seed = 0
    made_with: Mapping[str, Any] = {}

    def __init__(self, name: str, path: Path):
        """Raises ``SuiteError`` for a file without predictions."""
        self.name, self._path = name, path
        self.layers = predicted_layers(path)

    @property
    def revision(self) -> str:
        return file_hash(self._path)

    def prepare(self) -> None:
        """There is nothing to prepare."""

    def predict(self, suite: Suite) -> list[Prediction]:
        ontology = load_ontology()
        return read_predictions(self._path, suite.gold, Codes(suite.codes), ontology, self.name)

    def cost(self, suite: Suite) -> dict[str, float | None]:
        return dict.fromkeys(COST)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _sentences_hash(sentences: Sequence[LabelledSentence]) -> str:
    digest = hashlib.sha256()
    for sentence in sentences:
        digest.update(json.dumps(sentence.to_dict() | {"source": ""}, sort_keys=True).encode())
    return digest.hexdigest()
