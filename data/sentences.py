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
_GOES_ON_BELOW = r"[ \t]*\p{Ll}"
_PARAGRAPH = regex.compile(rf"{_LINE}(?:\r?\n(?={_GOES_ON_BELOW}){_LINE})*")
_QUOTATION = regex.compile(
    r"«([^«»]+)»|“([^“”]+)”|„([^„“”]+)[“”]|‹([^‹›]+)›|「([^「」]+)」|『([^『』]+)』|\"([^\"]+)\""
)

# Full stops that end no sentence, where sentencex does not know it (it does so by language, and not of every one).
_NO_END = regex.compile(
    r"(?<![^\s(«“\"'’])(?:\p{Lu}|MM)\.\s*\Z"  # a lone capital: "M. Kessab", "MM. Kessab et Roy", "J. Doe"
    r"|(?<![^\s(«“\"'’.])\p{Lo}\.\s*\Z"  # a lone letter of a script without capitals: "د. سامي", "พ.ค."
    r"|(?<![^\s(«“\"'’])(?:डॉ|प्रो|पं)\.\s*\Z"  # Hindi titles
)
_NUMBER = regex.compile(r"\s*\d{1,3}[.)]\s*")  # of a list item: goes with the item
# What goes on with the sentence before: "т. е. рано", "at 5 p.m. Monday", 「…？」と述べた.
_GOES_ON = regex.compile(
    r"(?<=(?<![^\s(.])\p{Ll}\.\s*)(?=\p{Ll})"
    r"|(?<=\b[ap]\.m\.\s+)(?=(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|(?:GMT|UTC|[ECMP][SD]?T)\b)"
    r"|(?<=[」』])(?=と|って)"
)
_CLOSING = regex.compile(r"[」』）〉》】〕\])]+\s*")  # stays with what it closes


def begins_paragraph(line: str) -> bool:
    """Whether a text can be cut before ``line`` and give the same sentences."""
    return not regex.match(_GOES_ON_BELOW, line)


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
        cut = closed.end() if (closed := _CLOSING.match(text, end)) else end
        # Only the end is searched: a text of nothing but initials would take the square of its length.
        inside = _NO_END.search(text, max(start, cut - 40), cut) or _NUMBER.fullmatch(text, start, cut)
        if start < cut and not inside and not _GOES_ON.match(text, cut):
            yield start, cut
            start = cut
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
