"""Sentences of a document with their offsets: sentencex (Wikimedia) plus the sentences inside quotations.

sentencex never splits inside quotation marks; news quotes several sentences at a time, so a quotation that
holds more than one is split as well. Offsets are code points in the document.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex
import sentencex

_LINE = r"[^\r\n\u2028\u2029\x0b\x0c\x85]+"
# A line that goes on in lower case is the middle of a hard-wrapped paragraph.
_PARAGRAPH = regex.compile(rf"{_LINE}(?:\r?\n(?=[ \t]*\p{{Ll}}){_LINE})*")
_QUOTATION = regex.compile(
    r"«([^«»]+)»|“([^“”]+)”|„([^„“”]+)[“”]|‹([^‹›]+)›|「([^「」]+)」|『([^『』]+)』|\"([^\"]+)\""
)

# "M. Kessab", "MM. Kessab et Roy", "J. Doe": a lone capital with a full stop ends no sentence. sentencex knows this
# of some languages only.
_INITIAL = regex.compile(r"(?<![^\s(«“\"'’])(?:\p{Lu}|MM)\.\s*\Z")


def sentence_offsets(text: str, lang: str) -> list[tuple[int, int]]:
    """Half-open offsets of the sentences of ``text``, in order, outer whitespace left out.

    Line breaks end sentences (a line is a paragraph or a heading) unless the next line goes on in lower case. Every
    visible character is in exactly one sentence. ``lang``: ISO 639-1; an unknown code falls back to general rules.
    """
    sentences = []
    for paragraph in _PARAGRAPH.finditer(text):
        for start, end in _split(paragraph.group(), lang):
            start, end = start + paragraph.start(), end + paragraph.start()
            while start < end and text[start].isspace():
                start += 1
            while start < end and text[end - 1].isspace():
                end -= 1
            if start < end:
                sentences.append((start, end))
    return sentences


def _boundaries(text: str, lang: str) -> Iterator[tuple[int, int]]:
    start = end = 0
    for sentence in sentencex.segment(lang, text):
        end += len(sentence)
        if not _INITIAL.search(text, start, end):
            yield start, end
            start = end
    if start < len(text):
        yield start, len(text)


def _split(paragraph: str, lang: str) -> Iterator[tuple[int, int]]:
    for start, end in _boundaries(paragraph, lang):
        at = start
        for quotation in _QUOTATION.finditer(paragraph, start, end):
            group = quotation.lastindex or 0
            inner = quotation.start(group)
            for _, cut in list(_boundaries(quotation.group(group), lang))[:-1]:
                yield at, inner + cut
                at = inner + cut
        yield at, end
