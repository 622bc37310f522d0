"""Peers: other people's ways to do what Tocsin does, trained or run on the same data and scored by the same code."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tocsin.data.ontology import Ontology
from tocsin.evaluate.peers.base import Peer, PeerError

# Name -> (module, class, the extra that installs what it needs).
NAMES = {"tfidf": ("tfidf", "TfidfPeer", "evaluate")}


def make_peer(name: str, ontology: Ontology, folder: Path | None = None, model: str | None = None) -> Peer:
    """The peer called ``name``, not yet fitted; raises :class:`PeerError` for an unknown one.

    ``folder``: where a trained peer keeps what it learned. ``model``: a hub name or folder instead of its own choice.
    """
    if name not in NAMES:
        raise PeerError(f"unknown peer {name!r}, there are: {', '.join(NAMES)}")
    module, kind, _ = NAMES[name]
    peer: Peer = getattr(import_module(f"{__name__}.{module}"), kind)(ontology, folder, model)
    return peer


__all__ = ["NAMES", "Peer", "PeerError", "make_peer"]
