"""What a peer is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from tocsin.data.records import LabelledSentence, Prediction


class PeerError(ValueError):
    """A peer that cannot be made, fitted or loaded; the message says why."""


class Peer(Protocol):
    """A system that is trained on labelled sentences, or comes trained, and predicts records.

    ``layers``: which of "types", "entities", "roles" it predicts. ``settings``: what it was trained or run with.
    ``fit_seconds``: what its training took, ``None`` where there was none.
    """

    name: str
    layers: frozenset[str]
    settings: dict[str, Any]
    fit_seconds: float | None

    def fit(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> None:
        """Trains on ``train`` and chooses on ``dev``; a system that comes trained does nothing."""

    def predict(self, sentences: Sequence[LabelledSentence]) -> list[Prediction]:
        """One record a sentence, in order, with its id; the gold labels are not looked at."""
