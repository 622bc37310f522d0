"""BIO tags of a span layer, and the units that carry them: made in one place for training and prediction alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.data.records import Span
from tocsin.data.words import word_offsets


def bio_tags(labels: Sequence[str]) -> list[str]:
    """["O", "B-x", "I-x", "B-y", "I-y", ...]: the tag of label ``k`` is ``2k+1`` where it begins, ``2k+2`` inside."""
    return ["O", *(f"{prefix}-{label}" for label in labels for prefix in "BI")]


@dataclass(frozen=True)
class Units:
    """The pieces of a text that get one tag each: words, or what tokens leave of them.

    ``offsets``: (n, 2) code-point offsets. ``first_token``: (n,) index of the token whose logits decide.
    A unit is as small as it can be without cutting a word or a token: usually a word; in scripts without
    spaces a token of one or a few characters; more where one token covers several words. Punctuation at the
    edges of such a joined unit ("2015.") stays outside its offsets.
    """

    offsets: NDArray[np.int64]
    first_token: NDArray[np.int64]


def units_of(text: str, token_offsets: Iterable[tuple[int, int]]) -> Units:
    """Units of ``text``; ``token_offsets`` are code-point offsets in it, (0, 0) or blank for special tokens.

    Words that no token covers (the tokenizer dropped them) belong to no unit.
    """
    words = word_offsets(text)
    offsets: list[tuple[int, int]] = []
    first: list[int] = []
    w = 0
    for index, (start, end) in enumerate(token_offsets):
        while start < end and text[start].isspace():
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
        if start >= end:
            continue
        while w < len(words) and words[w][1] <= start:
            w += 1
        last = w
        while last < len(words) and words[last][0] < end:
            start, end = min(start, words[last][0]), max(end, words[last][1])
            last += 1
        if offsets and start < offsets[-1][1]:  # goes on inside the unit before
            if end > offsets[-1][1]:
                offsets[-1] = (offsets[-1][0], end)
        else:
            offsets.append((start, end))
            first.append(index)
    trimmed = [_without_outer_punctuation(text, start, end) for start, end in offsets]
    return Units(np.array(trimmed, np.int64).reshape(-1, 2), np.array(first, np.int64))


def _without_outer_punctuation(text: str, start: int, end: int) -> tuple[int, int]:
    if text[start].isalnum() and text[end - 1].isalnum():
        return start, end
    words = [(a + start, b + start) for a, b in word_offsets(text[start:end])]
    solid = [(a, b) for a, b in words if any(c.isalnum() for c in text[a:b])] or words[:1]
    return solid[0][0], solid[-1][1]


def encode_bio(spans: Sequence[Span], units: Units, labels: Sequence[str]) -> NDArray[np.int64]:
    """(n,) tag indices of gold spans: a unit that a span touches is in it; the first of them begins it."""
    tags = np.zeros(len(units.offsets), np.int64)
    for span in spans:
        inside = (units.offsets[:, 0] < span.end) & (units.offsets[:, 1] > span.start)
        (indices,) = np.nonzero(inside)
        if len(indices):
            kind = 2 * labels.index(span.label)
            tags[indices] = kind + 2
            tags[indices[0]] = kind + 1
    return tags
