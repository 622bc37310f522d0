"""Peers: other people's ways to do what Tocsin does, trained or run on the same data and scored by the same code."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tocsin.data.ontology import Ontology
from tocsin.evaluate.peers.base import Peer, PeerError

# Name -> (module, class, the extra that installs what it needs).
NAMES = {
    "tfidf": ("tfidf", "TfidfPeer", "evaluate"),
    "spacy": ("spacy_pipeline", "SpacyPeer", "peers"),
    "setfit": ("setfit_few_shot", "SetFitPeer", "peers"),
    "transformers": ("two_pipelines", "TransformersPeer", "peers"),
    "gliner": ("gliner_zero_shot", "GlinerPeer", "gliner"),
    "gliner2": ("gliner2_zero_shot", "Gliner2Peer", "peers"),
    "nli": ("nli_zero_shot", "NliPeer", "peers"),
}
_WITHOUT_MODEL = ("tfidf", "spacy")  # they begin from nothing


def make_peer(name: str, ontology: Ontology, folder: Path | None = None, model: str | None = None) -> Peer:
    """The peer called ``name``, not yet fitted.

    ``folder``: where a trained peer keeps what it learned, so that the next one need not train. ``model``: a hub name
    or a local folder instead of the peer's own choice: the encoder to fine-tune, or the zero-shot model. Raises
    :class:`PeerError` for an unknown name, a missing package, and a model given to a peer that begins from none.
    """
    if name not in NAMES:
        raise PeerError(f"unknown peer {name!r}, there are: {', '.join(NAMES)}")
    if model is not None and name in _WITHOUT_MODEL:
        raise PeerError(f"peer {name!r} begins from no model, got {model!r}")
    module, kind, extra = NAMES[name]
    try:
        cls = getattr(import_module(f"{__name__}.{module}"), kind)
    except ImportError as error:
        raise PeerError(f"peer {name!r} needs more packages: pip install 'tocsin[{extra}]' ({error})") from error
    peer: Peer = cls(ontology, folder, model)
    return peer


__all__ = ["NAMES", "Peer", "PeerError", "make_peer"]
