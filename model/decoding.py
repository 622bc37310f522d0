"""From tag logits to spans: Viterbi decoding under the BIO constraint, in numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tocsin.data.records import Span
from tocsin.model.labels import Units

Floats = NDArray[np.float32]


def softmax(logits: Floats) -> Floats:
    """Over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: Floats = shifted / shifted.sum(axis=-1, keepdims=True)
    return result


def sigmoid(logits: Floats) -> Floats:
    """Elementwise, without overflow."""
    result: Floats = np.exp(-np.logaddexp(np.float32(0), -logits))
    return result


def viterbi_bio(logits: Floats) -> NDArray[np.int64]:
    """(n,) the most probable tag sequence in which every I-x follows B-x or I-x; ``logits`` is (n, tags).

    Tags are ordered as :func:`tocsin.model.labels.bio_tags` orders them.
    """
    n, tags = logits.shape
    if n == 0:
        return np.zeros(0, np.int64)
    # Most sentences need no search: where each unit's likeliest tag obeys the constraint, these are the best sequence.
    likeliest: NDArray[np.int64] = logits.argmax(axis=1)
    before = np.concatenate(([0], likeliest[:-1]))
    inside = (likeliest > 0) & (likeliest % 2 == 0)
    if not (inside & (before != likeliest) & (before != likeliest - 1)).any():
        return likeliest
    scores = np.log(np.maximum(softmax(logits), np.finfo(np.float32).tiny))
    begins = np.arange(1, tags, 2)
    insides = begins + 1
    best = scores[0].copy()
    best[insides] = -np.inf
    back = np.zeros((n, tags), np.int64)
    for i in range(1, n):
        # O and every B may follow anything; I-x only B-x or I-x.
        source = int(best.argmax())
        step = np.full(tags, best[source], np.float32)
        back[i] = source
        from_inside = best[insides] > best[begins]
        step[insides] = np.where(from_inside, best[insides], best[begins])
        back[i, insides] = np.where(from_inside, insides, begins)
        best = step + scores[i]
    path = np.empty(n, np.int64)
    path[-1] = best.argmax()
    for i in range(n - 1, 0, -1):
        path[i - 1] = back[i, path[i]]
    return path


def decode_spans(logits: Floats, units: Units, text: str, labels: Sequence[str]) -> tuple[Span, ...]:
    """Spans of one layer, in order, without overlap. ``logits``: (units, tags).

    A span's score is the probability that it begins here, goes on to its end and stops there, with the
    tags of its units taken as independent: P(B) * prod P(I) * (1 - P(I after the end)).
    """
    path = viterbi_bio(logits)
    probabilities = softmax(logits)
    spans = []
    i, n = 0, len(path)
    while i < n:
        tag = int(path[i])
        if tag == 0:
            i += 1
            continue
        inside = tag + 1
        score = probabilities[i, tag]
        j = i + 1
        while j < n and path[j] == inside:
            score *= probabilities[j, inside]
            j += 1
        if j < n:
            score *= 1 - probabilities[j, inside]
        start, end = int(units.offsets[i, 0]), int(units.offsets[j - 1, 1])
        spans.append(Span(start, end, labels[(tag - 1) // 2], text[start:end], float(score)))
        i = j
    return tuple(spans)
