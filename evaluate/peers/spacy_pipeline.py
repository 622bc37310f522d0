"""spaCy: one small multilingual pipeline of ``textcat_multilabel`` and ``ner``, trained from nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.training import Example
from spacy.util import compile_infix_regex, filter_spans, minibatch
from thinc.api import fix_random_seed

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, Span
from tocsin.evaluate.peers.base import Probabilities, TrainedPeer, covers, known_types

# Characters that are tokens of their own wherever they stand: Thai to Tibetan, Myanmar, Khmer, Han and kana with their
# punctuation (scripts without spaces), and the apostrophes that part French articles and Turkish endings from a name.
_TOKENS = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff00-\uffef\U00020000-\U0003ffff'’"
)

_LOG = logging.getLogger(__name__)


class SpacyPeer(TrainedPeer):
    """A blank ``xx`` pipeline; both components are spaCy's default models (bag of words and CNN; CNN and transitions).

    The blank tokenizer knows no words in scripts without spaces (spaCy's own need packages for Japanese and Thai), so
    each of their characters is a token, as in spaCy's own Chinese. A mention whose edge lies inside a token is
    learned up to the token's edge and counted in ``settings["mentions_widened"]``. The best epoch on dev is kept (mean
    of spaCy's own types and entities F1); training stops after ``patience`` epochs without a better one.
    """

    name = "spacy"
    layers = frozenset({"types", "entities"})

    def __init__(
        self,
        ontology: Ontology,
        folder: Path | None = None,
        model: None = None,
        *,
        epochs: int = 4,
        patience: int = 2,
    ):
        super().__init__(ontology, folder, {"epochs": epochs, "patience": patience, "batch": 32, "dropout": 0.1})

    def _train(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> None:
        fix_random_seed(0)
        nlp = blank_pipeline()
        nlp.add_pipe("textcat_multilabel")
        nlp.add_pipe("ner")
        self.settings["mentions_widened"] = 0
        examples, dev_examples = ([self._example(nlp, s) for s in part] for part in (train, dev))
        optimizer = nlp.initialize(lambda: examples)
        best, best_epoch, random = -1.0, 0, Random(0)
        for epoch in range(self.settings["epochs"]):
            random.shuffle(examples)
            for batch in minibatch(examples, self.settings["batch"]):
                nlp.update(batch, sgd=optimizer, drop=self.settings["dropout"])
            with nlp.use_params(optimizer.averages):
                figures = nlp.evaluate(dev_examples)
                both = (figures["cats_micro_f"] + (figures["ents_f"] or 0.0)) / 2
                _LOG.info(
                    "epoch %d: types %.3f, entities %.3f", epoch + 1, figures["cats_micro_f"], figures["ents_f"] or 0.0
                )
                if both > best:
                    best, best_epoch = both, epoch
                    nlp.to_disk(self.folder / "pipeline")
            if epoch - best_epoch >= self.settings["patience"]:
                break
        self.settings["best_epoch"] = best_epoch + 1

    def _example(self, nlp: Language, sentence: LabelledSentence) -> Example:
        """What the annotators of a sentence did not look for is missing, which spaCy leaves out of the loss."""
        doc = nlp.make_doc(sentence.text)
        names = self.ontology.type_names
        (known,) = known_types([sentence], names)
        annotations: dict[str, Any] = {
            "cats": {name: float(name in sentence.types) for name, looked in zip(names, known, strict=True) if looked}
        }
        if covers(sentence.annotated.entities, self.ontology.entity_names):
            spans = [doc.char_span(s.start, s.end, s.label, alignment_mode="expand") for s in sentence.entities]
            kept = filter_spans(span for span in spans if span is not None)  # of two in one token, one
            exact = {(s.start, s.end) for s in sentence.entities} & {(s.start_char, s.end_char) for s in kept}
            self.settings["mentions_widened"] += len(sentence.entities) - len(exact)
            annotations["entities"] = [(span.start_char, span.end_char, span.label_) for span in kept]
        return Example.from_dict(doc, annotations)

    def _load(self) -> None:
        self._nlp = spacy.load(self.folder / "pipeline")

    def _run(self, sentences: Sequence[LabelledSentence]) -> tuple[Probabilities, list[tuple[Span, ...]]]:
        docs = list(self._nlp.pipe([sentence.text for sentence in sentences]))
        probabilities = np.array([[doc.cats[name] for name in self.ontology.type_names] for doc in docs], np.float64)
        entities = [tuple(Span(e.start_char, e.end_char, e.label_, e.text) for e in doc.ents) for doc in docs]
        return probabilities, entities


def blank_pipeline() -> Language:
    """A multilingual tokenizer, and nothing else yet."""
    nlp = spacy.blank("xx")
    tokenizer: Any = nlp.tokenizer
    tokenizer.infix_finditer = compile_infix_regex([*(nlp.Defaults.infixes or ()), f"[{_TOKENS}]"]).finditer
    return nlp
