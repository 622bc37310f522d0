"""From text to predictions, whatever engine computes the logits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from tocsin.data.documents import Document
from tocsin.data.language import detect_language
from tocsin.data.records import Event, LabelledSentence, Prediction, Span
from tocsin.data.sentences import sentence_offsets
from tocsin.model.decoding import decode_spans
from tocsin.model.labels import units_of
from tocsin.model.settings import Settings

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]
# (input_ids, attention_mask), both (batch, tokens) -> logits of event types (batch, types), entity and role tags
# (batch, tokens, tags)
Engine = Callable[[Integers, Integers], tuple[Floats, Floats, Floats]]
Progress = Callable[[int], None]

_MAX_BATCH_TOKENS = 1536  # larger batches were slower here: activations fall out of the cache


@dataclass(frozen=True)
class Sentence:
    """A text that gets a record, and where it stands.

    ``segments``: the parts of ``text`` (half-open offsets) that the model reads one by one, since it was trained on
    single sentences: the whole text if it is one sentence, its sentences if it is a document. ``kept``: fields of its
    document that its record carries on.
    """

    id: str
    doc_id: str
    index: int
    start: int
    end: int
    lang: str
    text: str
    segments: tuple[tuple[int, int], ...]
    kept: Mapping[str, Any] | None = None


@dataclass
class _Logits:
    """Of one segment: event types per window, tags per token."""

    events: list[Floats]
    entities: Floats
    roles: Floats


class _Window(NamedTuple):
    """Tokens start..end of a text are read at once, the tags of first..last are kept."""

    text: int
    start: int
    end: int
    first: int
    last: int


class Pipeline:
    """Tokenizes, runs the engine over length-sorted batches and decodes; the order of the input is kept."""

    def __init__(self, engine: Engine, tokenizer: Tokenizer, settings: Settings):
        self.engine = engine
        self.tokenizer = tokenizer
        self.settings = settings
        # Special tokens that surround a text (or a window of one).
        ids = tokenizer.encode("").ids
        plain = tokenizer.encode("a").ids
        self._prefix = next((i for i, (a, b) in enumerate(zip(ids, plain, strict=False)) if a != b), len(ids))
        self._before, self._after = ids[: self._prefix], ids[self._prefix :]

    def sentences(self, document: Document, unit: str = "sentence", first: int = 0) -> list[Sentence]:
        """The units of a document that get a record each; ``unit`` is "sentence" or "document", ``first`` the index of
        its first sentence (of a document in pieces)."""
        text = document.text
        lang = document.lang or detect_language(text)
        if unit == "document":
            parts = tuple(sentence_offsets(text, lang))
            whole = parts or ((0, len(text)),)
            return [Sentence(document.id, document.id, 0, 0, len(text), lang, text, whole, document.kept)]
        return [
            Sentence(
                f"{document.id}#{index}",
                document.id,
                index,
                document.start + start,
                document.start + end,
                lang,
                text[start:end],
                ((0, end - start),),
                document.kept,
            )
            for index, (start, end) in enumerate(sentence_offsets(text, lang), first)
        ]

    def predict(
        self, sentences: Sequence[Sentence], all_scores: bool = False, progress: Progress | None = None
    ) -> list[Prediction]:
        """One prediction for each sentence, in order. ``progress`` is told how many more are done, now and then."""
        texts = [sentence.text[start:end] for sentence in sentences for start, end in sentence.segments]
        encodings = self.tokenizer.encode_batch(texts, add_special_tokens=False)
        logits = self._run([encoding.ids for encoding in encodings], progress)
        segments = zip(texts, encodings, logits, strict=True)
        return [
            self._decode(sentence, [next(segments) for _ in sentence.segments], all_scores) for sentence in sentences
        ]

    def predict_labelled(self, labelled: Sequence[LabelledSentence], all_scores: bool = False) -> list[Prediction]:
        """Predictions for the texts of labelled sentences, with their ids, in order."""
        return self.predict(sentences_of_texts((s.id, s.lang, s.text) for s in labelled), all_scores)

    def _windows(self, length: int) -> list[tuple[int, int]]:
        # Overlapping windows of a text of `length` tokens: a quarter of each is context for the next.
        size = self.settings.max_tokens - len(self._before) - len(self._after)
        if length <= size:
            return [(0, length)]
        starts = [*range(0, length - size, size - size // 4), length - size]
        return [(start, start + size) for start in starts]

    def _run(self, texts: list[list[int]], progress: Progress | None) -> list[_Logits]:
        ontology = self.settings.ontology
        results = [
            _Logits(
                [],
                np.zeros((len(ids), 2 * len(ontology.entities) + 1), np.float32),
                np.zeros((len(ids), 2 * len(ontology.roles) + 1), np.float32),
            )
            for ids in texts
        ]
        windows: list[_Window] = []
        left = []
        for i, ids in enumerate(texts):
            places = self._windows(len(ids))
            # Where windows overlap, each keeps the half of the overlap that it sees more context of.
            cuts = [0, *(b - (b - a) // 2 for (_, b), (a, _) in zip(places, places[1:])), len(ids)]
            windows += [_Window(i, *place, *kept) for place, kept in zip(places, zip(cuts, cuts[1:]))]
            left.append(len(places))
        windows.sort(key=lambda window: window.end - window.start)
        for batch in self._batches(windows):
            width = max(window.end - window.start for window in batch) + len(self._before) + len(self._after)
            input_ids = np.full((len(batch), width), self.settings.pad_token_id, np.int64)
            attention_mask = np.zeros((len(batch), width), np.int64)
            for row, (i, a, b, _, _) in enumerate(batch):
                ids = [*self._before, *texts[i][a:b], *self._after]
                input_ids[row, : len(ids)] = ids
                attention_mask[row, : len(ids)] = 1
            events, entities, roles = self.engine(input_ids, attention_mask)
            done = 0
            for row, (i, a, _, first, last) in enumerate(batch):
                results[i].events.append(events[row])
                source = slice(self._prefix + first - a, self._prefix + last - a)
                results[i].entities[first:last] = entities[row, source]
                results[i].roles[first:last] = roles[row, source]
                left[i] -= 1
                done += left[i] == 0
            if progress is not None:
                progress(done)
        return results

    @staticmethod
    def _batches(windows: list[_Window]) -> Iterator[list[_Window]]:
        batch: list[_Window] = []
        for window in windows:  # sorted by length, so the newest is the widest
            if batch and (len(batch) + 1) * (window.end - window.start) > _MAX_BATCH_TOKENS:
                yield batch
                batch = []
            batch.append(window)
        if batch:
            yield batch

    def _decode(
        self, sentence: Sentence, segments: list[tuple[str, Encoding, _Logits]], all_scores: bool
    ) -> Prediction:
        settings, ontology = self.settings, self.settings.ontology
        # A text of several windows reports what any of them reports.
        logits = np.max([window for _, _, segment in segments for window in segment.events], axis=0)
        probabilities = settings.calibration(logits)
        scores = dict(zip(ontology.type_names, map(float, probabilities), strict=True))
        events = sorted(
            (
                Event(kind, scores[kind.name])
                for kind in ontology.types
                if scores[kind.name] >= settings.thresholds[kind.name]
            ),
            key=lambda event: -event.score,
        )
        entities: list[Span] = []
        roles: list[Span] = []
        for (start, _), (text, encoding, segment) in zip(sentence.segments, segments, strict=True):
            units = units_of(text, encoding.offsets)
            for spans, layer, labels in (
                (entities, segment.entities, ontology.entity_names),
                (roles, segment.roles, ontology.role_names),
            ):
                decoded = decode_spans(layer[units.first_token], units, text, labels)
                spans.extend(replace(span, start=span.start + start, end=span.end + start) for span in decoded)
        return Prediction(
            sentence.id,
            sentence.doc_id,
            sentence.index,
            sentence.start,
            sentence.end,
            sentence.lang,
            sentence.text,
            tuple(events),
            tuple(entities),
            tuple(roles),
            settings.name,
            sentence.lang in settings.languages,
            scores if all_scores else None,
            sentence.kept,
        )

    def with_settings(self, **changes: object) -> Pipeline:
        """The same engine with other settings (thresholds, name)."""
        return Pipeline(self.engine, self.tokenizer, replace(self.settings, **changes))  # type: ignore[arg-type]


def sentences_of_texts(texts: Iterable[tuple[str, str, str]]) -> list[Sentence]:
    """Sentences that stand alone, from (id, lang, text)."""
    return [Sentence(id, id, 0, 0, len(text), lang, text, ((0, len(text)),)) for id, lang, text in texts]
