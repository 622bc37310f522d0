"""From text to predictions, whatever engine computes the logits."""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

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

# Larger batches were slower (1,536 tokens by 16 % of processor time, with release 1.0): activations fall out of the
# cache, and lengths differ more. Fixed, not measured anew by each process: scores differ in the seventh digit between
# batches, and a job that goes on must write the same bytes.
MAX_BATCH_TOKENS = 384
_ENCODED_CHARACTERS = 2**17  # of texts that are tokenized at a time: more than the 512 sentences of a job's usual batch


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


@dataclass(frozen=True)
class _Tokens:
    """Of one text, without special tokens: (n,) ``ids`` and (n, 2) code-point ``offsets``."""

    ids: NDArray[np.int32]
    offsets: NDArray[np.int32]


@dataclass
class _Logits:
    """Of one text: event types per window, tags per token."""

    events: list[Floats]
    entities: Floats
    roles: Floats


@dataclass(frozen=True)
class _Reading:
    """What the model finds in one text. ``events``: (types,) logits; spans are offsets in that text."""

    events: Floats
    entities: tuple[Span, ...]
    roles: tuple[Span, ...]


class _Window(NamedTuple):
    """Tokens start..end of a text are read at once, the tags of first..last are kept."""

    text: int
    start: int
    end: int
    first: int
    last: int


class Workers:
    """How many batches are computed at once, each by one thread.

    ``threads``: so many; ``None``: found out during the first work that is large enough to tell. All cores and half of
    them take two turns each, and the number is halved for as long as that is not slower (where two cores are one
    core's hyperthreads, or a container grants fewer than it shows). No result depends on it: each batch is computed by
    one thread alone.
    """

    def __init__(self, threads: int | None = 1):
        self.count = threads or available_cores()
        self._rates: defaultdict[int, list[float]] = defaultdict(list)
        self._more, self._fewer = self.count, self.count // 2
        self._searching = threads is None and self.count > 1

    def learn(self, batches: int, rate: float) -> None:
        """Of a piece of work by ``count`` threads: how many batches it was, and tokens a second."""
        if not self._searching or batches < 2 * self._more:
            return
        self._rates[self.count].append(rate)
        more, fewer = self._rates[self._more], self._rates[self._fewer]
        if len(fewer) == 2 and max(fewer) >= max(more):
            self._more, self._fewer = self._fewer, self._fewer // 2
            more, fewer = fewer, self._rates[self._fewer]
        # Of two turns the better counts: other work on the machine only ever slows one down.
        self._searching = len(fewer) < 2 and self._fewer > 0
        self.count = self._fewer if self._searching and len(fewer) < len(more) else self._more


def available_cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pipeline:
    """Tokenizes, runs the engine over length-sorted batches and decodes; the order of the input is kept.

    ``workers``: how many batches the engine may be called with at once. ``deduplicate``: texts that are given more than
    once in a call of :meth:`predict` are read once.
    """

    def __init__(
        self,
        engine: Engine,
        tokenizer: Tokenizer,
        settings: Settings,
        workers: Workers | None = None,
        deduplicate: bool = True,
    ):
        self.engine = engine
        self.tokenizer = tokenizer
        self.settings = settings
        self.workers = workers or Workers()
        self.deduplicate = deduplicate
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
        if not sentences:
            return []
        texts = [sentence.text[start:end] for sentence in sentences for start, end in sentence.segments]
        distinct = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        numbers: Sequence[int] = [distinct[text] for text in texts] if self.deduplicate else range(len(texts))
        readings = self._read(list(distinct) if self.deduplicate else texts, Counter(numbers), progress)
        segments = (readings[number] for number in numbers)
        parts = [[next(segments) for _ in sentence.segments] for sentence in sentences]
        # A text of several segments reports what any of them reports.
        logits = np.stack([np.max([reading.events for reading in part], axis=0) for part in parts])
        probabilities = self.settings.calibration(logits).tolist()
        return [self._prediction(*each, all_scores) for each in zip(sentences, parts, probabilities, strict=True)]

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

    def _read(self, texts: list[str], copies: Mapping[int, int], progress: Progress | None) -> list[_Reading]:
        ontology = self.settings.ontology
        tokens = list(self._tokens(texts))
        readings: list[Any] = [None] * len(texts)
        logits: dict[int, _Logits] = {}  # of texts of which some windows are still missing
        windows: list[_Window] = []
        left = []
        for i, text_tokens in enumerate(tokens):
            length = len(text_tokens.ids)
            places = self._windows(length)
            # Where windows overlap, each keeps the half of the overlap that it sees more context of.
            cuts = [0, *(b - (b - a) // 2 for (_, b), (a, _) in zip(places, places[1:])), length]
            windows += [_Window(i, *place, *kept) for place, kept in zip(places, zip(cuts, cuts[1:]))]
            left.append(len(places))
        windows.sort(key=lambda window: window.end - window.start)
        for batch, (events, entities, roles) in self._computed(list(self._batches(windows)), tokens):
            done = 0
            for row, (i, a, _, first, last) in enumerate(batch):
                length = len(tokens[i].ids)
                if i not in logits:
                    logits[i] = _Logits(
                        [],
                        np.zeros((length, 2 * len(ontology.entities) + 1), np.float32),
                        np.zeros((length, 2 * len(ontology.roles) + 1), np.float32),
                    )
                logits[i].events.append(events[row])
                source = slice(self._prefix + first - a, self._prefix + last - a)
                logits[i].entities[first:last] = entities[row, source]
                logits[i].roles[first:last] = roles[row, source]
                left[i] -= 1
                if not left[i]:  # decoded while the workers are at the next batches
                    readings[i] = self._decode(texts[i], tokens[i], logits.pop(i))
                    done += copies[i]
            if progress is not None:
                progress(done)
        return readings

    def _tokens(self, texts: list[str]) -> Iterator[_Tokens]:
        # What the tokenizer says of a text takes ten times the memory of what is needed of it: it is never held for
        # many texts at once.
        first = 0
        while first < len(texts):
            last, characters = first, 0
            while last < len(texts) and characters < _ENCODED_CHARACTERS:
                characters += len(texts[last])
                last += 1
            for encoding in self.tokenizer.encode_batch(texts[first:last], add_special_tokens=False):
                offsets = np.array(encoding.offsets, np.int32).reshape(-1, 2)
                yield _Tokens(np.array(encoding.ids, np.int32), offsets)
            first = last

    def _computed(
        self, batches: list[list[_Window]], tokens: list[_Tokens]
    ) -> Iterator[tuple[list[_Window], tuple[Floats, Floats, Floats]]]:
        # Batches with what the engine makes of them, in order.
        def compute(batch: list[_Window]) -> tuple[Floats, Floats, Floats]:
            width = max(window.end - window.start for window in batch) + len(self._before) + len(self._after)
            input_ids = np.full((len(batch), width), self.settings.pad_token_id, np.int64)
            attention_mask = np.zeros((len(batch), width), np.int64)
            for row, (i, a, b, _, _) in enumerate(batch):
                ids = [*self._before, *tokens[i].ids[a:b], *self._after]
                input_ids[row, : len(ids)] = ids
                attention_mask[row, : len(ids)] = 1
            return self.engine(input_ids, attention_mask)

        work = sum(window.end - window.start for batch in batches for window in batch)
        start = time.perf_counter()
        if self.workers.count == 1 or len(batches) == 1:
            yield from ((batch, compute(batch)) for batch in batches)
        else:
            with ThreadPoolExecutor(self.workers.count) as pool:
                yield from zip(batches, pool.map(compute, batches), strict=True)
        self.workers.learn(len(batches), work / (time.perf_counter() - start))

    @staticmethod
    def _batches(windows: list[_Window]) -> Iterator[list[_Window]]:
        batch: list[_Window] = []
        for window in windows:  # sorted by length, so the newest is the widest
            if batch and (len(batch) + 1) * (window.end - window.start) > MAX_BATCH_TOKENS:
                yield batch
                batch = []
            batch.append(window)
        if batch:
            yield batch

    def _decode(self, text: str, tokens: _Tokens, logits: _Logits) -> _Reading:
        ontology = self.settings.ontology
        units = units_of(text, zip(*tokens.offsets.T.tolist()))
        entities, roles = (
            decode_spans(layer[units.first_token], units, text, labels)
            for layer, labels in (
                (logits.entities, ontology.entity_names),
                (logits.roles, ontology.role_names),
            )
        )
        return _Reading(np.max(logits.events, axis=0), entities, roles)

    def _prediction(
        self, sentence: Sentence, parts: list[_Reading], probabilities: list[float], all_scores: bool
    ) -> Prediction:
        settings = self.settings
        scores = dict(zip(settings.ontology.type_names, probabilities, strict=True))
        events = [
            Event(kind, scores[kind.name])
            for kind in settings.ontology.types
            if scores[kind.name] >= settings.thresholds[kind.name]
        ]
        entities: list[Span] = []
        roles: list[Span] = []
        for (start, _), part in zip(sentence.segments, parts, strict=True):
            for spans, found in ((entities, part.entities), (roles, part.roles)):
                spans += [replace(span, start=span.start + start, end=span.end + start) for span in found]
        return Prediction(
            sentence.id,
            sentence.doc_id,
            sentence.index,
            sentence.start,
            sentence.end,
            sentence.lang,
            sentence.text,
            tuple(sorted(events, key=lambda event: -event.score)),
            tuple(entities),
            tuple(roles),
            settings.name,
            sentence.lang in settings.languages,
            scores if all_scores else None,
            sentence.kept,
        )

    def with_settings(self, **changes: object) -> Pipeline:
        """The same engine with other settings (thresholds, name)."""
        settings = replace(self.settings, **changes)  # type: ignore[arg-type]
        return Pipeline(self.engine, self.tokenizer, settings, self.workers, self.deduplicate)


def sentences_of_texts(texts: Iterable[tuple[str, str, str]]) -> list[Sentence]:
    """Sentences that stand alone, from (id, lang, text)."""
    return [Sentence(id, id, 0, 0, len(text), lang, text, ((0, len(text)),)) for id, lang, text in texts]
