"""BIO labels, units and constrained decoding."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence
from tocsin.data.words import word_offsets
from tocsin.model.decoding import decode_spans, sigmoid, softmax, viterbi_bio
from tocsin.model.labels import bio_tags, encode_bio, units_of
from tocsin.model.runtime import RELEASED_DIR


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(Path(RELEASED_DIR) / "tokenizer.json"))


def allowed(path: tuple[int, ...]) -> bool:
    return all(tag == 0 or tag % 2 == 1 or (i and path[i - 1] in (tag, tag - 1)) for i, tag in enumerate(path))


@settings(max_examples=60)
@given(st.integers(1, 5), st.integers(0, 10**6))
def test_viterbi_is_the_best_allowed_path(length: int, seed: int) -> None:
    logits = np.random.default_rng(seed).normal(0, 3, (length, 5)).astype(np.float32)
    scores = np.log(softmax(logits))
    best = max(
        (p for p in itertools.product(range(5), repeat=length) if allowed(p)),
        key=lambda path: sum(scores[i, tag] for i, tag in enumerate(path)),
    )
    assert tuple(viterbi_bio(logits)) == best


def test_tags() -> None:
    assert bio_tags(["x", "y"]) == ["O", "B-x", "I-x", "B-y", "I-y"]


def test_gold_spans_survive_labels_and_decoding(
    tokenizer: Tokenizer, ontology: Ontology, dev: list[LabelledSentence]
) -> None:
    # What perfect logits would score is the ceiling of any model: all spans where words are written apart,
    # most in Chinese and Japanese, where a token can straddle the edge of a mention.
    found: dict[str, list[bool]] = {}
    for sentence in dev:
        units = units_of(sentence.text, tokenizer.encode(sentence.text).offsets)
        for spans, labels in ((sentence.entities, ontology.entity_names), (sentence.roles, ontology.role_names)):
            tags = encode_bio(spans, units, labels)
            logits = np.where(np.arange(2 * len(labels) + 1) == tags[:, None], 9, -9).astype(np.float32)
            decoded = {(s.start, s.end, s.label) for s in decode_spans(logits, units, sentence.text, labels)}
            found.setdefault(sentence.lang, []).extend((s.start, s.end, s.label) in decoded for s in spans)
    for lang, hits in found.items():
        assert np.mean(hits) > {"zh": 0.96, "ja": 0.88, "pt": 0.985}.get(lang, 0.995), lang


@settings(max_examples=60, deadline=None)
@given(
    st.text(
        alphabet=st.one_of(
            st.characters(exclude_categories=["Cs"]), st.sampled_from("叙利亚 قصف ไทย نیم‌فاصله re\u0301.»")
        ),
        max_size=40,
    ),
    st.integers(0, 10**6),
)
def test_any_text_gives_whole_words_in_order(text: str, seed: int) -> None:
    tokenizer = Tokenizer.from_file(str(RELEASED_DIR / "tokenizer.json")) if not _CACHE else _CACHE[0]
    _CACHE[:] = [tokenizer]
    labels = ["a", "b"]
    units = units_of(text, tokenizer.encode(text).offsets)
    logits = np.random.default_rng(seed).normal(0, 3, (len(units.offsets), 5)).astype(np.float32)
    spans = decode_spans(logits, units, text, labels)
    starts, ends = ({pair[side] for pair in word_offsets(text)} for side in (0, 1))
    for span in spans:
        assert text[span.start : span.end] == span.text
        assert span.start in starts and span.end in ends  # never half a word
        assert span.score is not None and 0 <= span.score <= 1
    assert all(left.end <= right.start for left, right in zip(spans, spans[1:], strict=False))


_CACHE: list[Tokenizer] = []


def test_right_to_left_offsets_are_logical(tokenizer: Tokenizer) -> None:
    text = "قصفت الطائرات مدينة إدلب."
    units = units_of(text, tokenizer.encode(text).offsets)
    words = [text[a:b] for a, b in units.offsets]
    assert words[:4] == ["قصفت", "الطائرات", "مدينة", "إدلب"]
    logits = np.full((len(words), 3), -9, np.float32)
    logits[:, 0] = 0
    logits[3, 1] = 9
    assert [(s.start, s.text) for s in decode_spans(logits, units, text, ["location"])] == [
        (text.index("إدلب"), "إدلب")
    ]


def test_punctuation_joined_to_a_word_stays_outside() -> None:
    units = units_of("in 2015.", [(0, 2), (3, 8)])
    assert units.offsets.tolist() == [[0, 2], [3, 7]]


def test_probabilities_do_not_overflow() -> None:
    extreme = np.array([-1e4, 0, 1e4], np.float32)
    assert sigmoid(extreme) == pytest.approx([0, 0.5, 1])
    assert softmax(extreme) == pytest.approx([0, 0, 1])
