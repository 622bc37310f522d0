"""How texts are put together for the engine: batches, workers and repeated texts change no record."""

from __future__ import annotations

from collections import Counter
from threading import Lock

import numpy as np
import pytest
from tokenizers import Encoding

from tocsin.data.records import LabelledSentence
from tocsin.model import pipeline as module
from tocsin.model.pipeline import Floats, Integers, Pipeline, Sentence, Workers, sentences_of_texts


class CountingEngine:
    """Logits that depend on a row's own tokens alone, without a model; counts the rows that it was given."""

    def __init__(self) -> None:
        self.rows: Counter[bytes] = Counter()
        self.widths: list[tuple[int, int]] = []
        self._lock = Lock()

    def __call__(self, input_ids: Integers, attention_mask: Integers) -> tuple[Floats, Floats, Floats]:
        tokens = np.sin(input_ids[..., None] * np.arange(1, 44) % 97).astype(np.float32) * attention_mask[..., None]
        with self._lock:
            self.rows.update(ids[mask == 1].tobytes() for ids, mask in zip(input_ids, attention_mask))
            self.widths.append(input_ids.shape)
        # Summed one by one: numpy's own order of summing depends on the padding.
        events = np.array([np.cumsum(row, axis=0)[int(mask.sum()) - 1] for row, mask in zip(tokens, attention_mask)])
        return events, 4 * tokens[..., :17], 4 * tokens[..., :7]


@pytest.fixture(scope="module")
def sentences(dev: list[LabelledSentence]) -> list[Sentence]:
    """400 sentences, every third of them twice under another id, and a text of several windows."""
    texts = [(sentence.lang, sentence.text) for sentence in dev[:400]]
    texts += [*texts[::3], ("fr", " ".join(text for _, text in texts[:40])), *texts[:5]]
    return sentences_of_texts((str(i), lang, text) for i, (lang, text) in enumerate(texts))


def counting(release: Pipeline, threads: int = 1, deduplicate: bool = True) -> tuple[Pipeline, CountingEngine]:
    engine = CountingEngine()
    return Pipeline(engine, release.tokenizer, release.settings, Workers(threads), deduplicate), engine


def test_records_do_not_depend_on_batches_workers_or_repetition(
    release: Pipeline, sentences: list[Sentence], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = counting(release, deduplicate=False)[0].predict(sentences, all_scores=True)
    assert [record.id for record in expected] == [sentence.id for sentence in sentences]
    assert all(record.text[s.start : s.end] == s.text for record in expected for s in (*record.entities, *record.roles))
    assert sum(len(record.entities) for record in expected) > 400  # the engine makes work for the decoder
    for tokens, threads, deduplicate in ((64, 1, True), (512, 3, True), (4096, 2, False)):
        monkeypatch.setattr(module, "MAX_BATCH_TOKENS", tokens)
        assert counting(release, threads, deduplicate)[0].predict(sentences, all_scores=True) == expected


def test_identical_texts_are_read_once(release: Pipeline, sentences: list[Sentence]) -> None:
    done: list[int] = []
    once, engine = counting(release)
    once.predict(sentences, progress=done.append)
    assert max(engine.rows.values()) == 1
    assert sum(done) == len(sentences)  # copies count for the progress all the same
    every, engine = counting(release, deduplicate=False)
    every.predict(sentences)
    assert max(engine.rows.values()) >= 2
    assert not every.with_settings(name="other").deduplicate


def test_batches_waste_little_on_padding(release: Pipeline, sentences: list[Sentence]) -> None:
    pipeline, engine = counting(release)
    pipeline.predict(sentences)
    assert all(rows == 1 or rows * (width - 2) <= module.MAX_BATCH_TOKENS for rows, width in engine.widths)
    real = sum(len(row) // 8 * count for row, count in engine.rows.items())
    assert real > 0.9 * sum(rows * width for rows, width in engine.widths)


def test_texts_are_tokenized_a_few_at_a_time_and_their_ids_are_taken_once(
    release: Pipeline, sentences: list[Sentence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tokenizer gives is large, and makes all ids of a text anew whenever it is asked for some."""
    asked: Counter[int] = Counter()
    sizes = []

    class Watched:
        def __init__(self, encoding: Encoding):
            self.offsets = encoding.offsets
            self._ids = encoding.ids

        @property
        def ids(self) -> list[int]:
            asked[id(self)] += 1
            return self._ids

    class Watching:
        def encode(self, text: str) -> Encoding:
            return release.tokenizer.encode(text)

        def encode_batch(self, texts: list[str], add_special_tokens: bool) -> list[Watched]:
            sizes.append(sum(map(len, texts[:-1])))
            kept.extend(map(Watched, release.tokenizer.encode_batch(texts, add_special_tokens=add_special_tokens)))
            return kept[-len(texts) :]

    kept: list[Watched] = []
    monkeypatch.setattr(module, "_ENCODED_CHARACTERS", 1000)
    expected = counting(release)[0].predict(sentences)
    pipeline = Pipeline(CountingEngine(), Watching(), release.settings)  # type: ignore[arg-type]
    assert pipeline.predict(sentences) == expected
    assert len(sizes) > 5 and max(sizes) < 1000
    assert set(asked.values()) == {1} and len(asked) == len({sentence.text for sentence in sentences})


def test_an_error_of_the_engine_reaches_the_caller(release: Pipeline, sentences: list[Sentence]) -> None:
    def broken(input_ids: Integers, attention_mask: Integers) -> tuple[Floats, Floats, Floats]:
        raise MemoryError("too large")

    with pytest.raises(MemoryError, match="too large"):
        Pipeline(broken, release.tokenizer, release.settings, Workers(2)).predict(sentences)


def test_workers_stay_at_a_given_number() -> None:
    workers = Workers(3)
    workers.learn(1000, 1.0)
    assert workers.count == 3


@pytest.mark.parametrize(
    ("cores", "rates", "count"),
    [
        (8, {8: 100, 4: 90}, 8),  # all cores help
        (8, {8: 100, 4: 100, 2: 60}, 4),  # hyperthreads do not
        (8, {8: 10, 4: 20, 2: 30, 1: 40}, 1),  # a container grants one of eight
        (2, {2: 100, 1: 60}, 2),
        (2, {2: 100, 1: 110}, 1),
    ],
)
def test_workers_find_the_number_that_helps(
    cores: int, rates: dict[int, float], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "available_cores", lambda: cores)
    workers = Workers(None)
    workers.learn(1, 1.0)  # too little work to tell
    assert workers.count == cores
    for turn in range(12):
        slowed = 0.3 if turn == 0 else 1  # something else ran during the first turn
        workers.learn(100, slowed * rates[workers.count])
    assert workers.count == count


def test_the_search_ends_in_the_pipeline(
    release: Pipeline, sentences: list[Sentence], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "available_cores", lambda: 2)
    tried = []
    pipeline = Pipeline(CountingEngine(), release.tokenizer, release.settings, Workers(None))
    for _ in range(6):
        tried.append(pipeline.workers.count)
        pipeline.predict(sentences[:60])
    assert tried[:4] == [2, 1, 2, 1]
    assert tried[4] == tried[5]
