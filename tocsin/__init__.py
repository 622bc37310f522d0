"""Tocsin: event types, entities and roles for every sentence of news, in many languages, on a plain CPU.

>>> import tocsin
>>> model = tocsin.load()
>>> for record in model.predict("L'aviation a bombardé la ville. Trois civils ont été tués."):
...     print(record.primary, [span.text for span in record.entities])
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version as _version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tocsin.data.documents import Document, byte_offsets, lone_surrogate
from tocsin.data.ontology import load_ontology
from tocsin.data.records import Event, Prediction, Span
from tocsin.model.settings import ModelError

if TYPE_CHECKING:
    from tocsin.model.pipeline import Pipeline

__all__ = ["Event", "Model", "ModelError", "Prediction", "Span", "byte_offsets", "load", "load_ontology"]
__version__ = _version("tocsin")

Unit = Literal["sentence", "document"]


class Model:
    """A released model. ``pipeline`` is the machinery below, for those who need it."""

    def __init__(self, pipeline: Pipeline):
        self.pipeline = pipeline

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path | None = None, threads: int | None = None) -> Model:
        """A release from a folder or the hub, or the one that ships with the package; raises :class:`ModelError`."""
        from tocsin.model.runtime import load_release  # ONNX Runtime is slow to import, and not every command needs it

        return cls(load_release(name_or_path, threads))

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes the model was trained and tested on."""
        return self.pipeline.settings.languages

    def predict(
        self,
        texts: str | Iterable[str],
        *,
        lang: str | None = None,
        unit: Unit = "sentence",
        all_scores: bool = False,
    ) -> list[Prediction]:
        """Predictions for one text or several, one a sentence (or one a text with ``unit="document"``), in order.

        ``lang``: ISO 639-1 code of all texts, else each text's is detected. ``doc_id`` of the n-th text is "n", from 0.
        Raises ``ValueError`` for an unknown language or unit, and for a text with a lone surrogate.
        """
        from tocsin.data.language import check_language

        if unit not in ("sentence", "document"):
            raise ValueError(f"unknown unit {unit!r}; expected 'sentence' or 'document'")
        check_language(lang)
        texts = [texts] if isinstance(texts, str) else list(texts)
        for i, text in enumerate(texts):
            if lone_surrogate(text) is not None:
                raise ValueError(f"text {i} holds a lone surrogate, which is no character")
        documents = (Document(str(i), text, "", lang=lang) for i, text in enumerate(texts))
        sentences = [s for document in documents for s in self.pipeline.sentences(document, unit)]
        return self.pipeline.predict(sentences, all_scores)


def load(name_or_path: str | Path | None = None, threads: int | None = None) -> Model:
    """:meth:`Model.from_pretrained`: ``tocsin.load()`` is the model that ships with the package."""
    return Model.from_pretrained(name_or_path, threads)
