"""Words, the smallest pieces that a span may be made of.

In scripts written with spaces a word is a run of letters, marks and digits; in
scripts written without them (Han, kana, Thai, Lao, Khmer, Myanmar, Tibetan) it
is one character with its marks. Every other visible character stands alone.
"""

from __future__ import annotations

import regex

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
# ZWNJ and ZWJ stand inside words of Persian and Indic scripts; the soft hyphen inside words of many languages.
_WORD = regex.compile(
    rf"(?V1)[{_UNSPACED}]\p{{M}}*"
    rf"|[[\p{{L}}\p{{M}}\p{{N}}_]--[{_UNSPACED}]](?:[\u200c\u200d\u00ad]*[[\p{{L}}\p{{M}}\p{{N}}_]--[{_UNSPACED}]])*"
    r"|\S\p{M}*"
)
_CHARACTERS_PER_WORD = {"ja": 1.7, "zh": 1.7}  # there our words are single characters


def word_offsets(text: str) -> list[tuple[int, int]]:
    """Half-open code-point offsets of the words of ``text``, in order, without overlap; whitespace is in none."""
    return [match.span() for match in _WORD.finditer(text)]


def word_count(text: str, lang: str) -> float:
    """Words of a text, in Chinese and Japanese estimated from its characters; punctuation is none."""
    words = sum(text[start].isalnum() for start, _ in word_offsets(text))
    return words / _CHARACTERS_PER_WORD.get(lang, 1.0)
