"""Files of tokens with IOB tags, one token a line and an empty line after each sentence (CoNLL, IOB2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin.data.adapters.base import join_tokens
from tocsin.data.errors import reason
from tocsin.data.records import Span
from tocsin.data.sources import DatasetError

# What the usual tag sets call our entities. A LOC often covers what we call facility, which is then unknown.
LABELS = {
    "PER": "person",
    "PERSON": "person",
    "ORG": "organization",
    "ORGANIZATION": "organization",
    "LOC": "location",
    "LOCATION": "location",
    "GPE": "location",
    "FAC": "facility",
    "FACILITY": "facility",
    "WEA": "weapon",
    "WEAPON": "weapon",
    "VEH": "vehicle",
    "VEHICLE": "vehicle",
    "DATE": "date",
    "CASUALTIES": "casualties",
}


@dataclass(frozen=True)
class TaggedSentence:
    """Tokens with their tags; ``line``: where the first stands (1-based); ``text``: of a "# text = " comment, or ""."""

    line: int
    text: str
    tokens: Sequence[str]
    tags: Sequence[str]


def read_iob2(path: Path) -> Iterator[TaggedSentence]:
    """The sentences of a file; raises :class:`DatasetError` that names the line.

    A row is a token and further columns, of which the last is its tag; if tokens are numbered, as in Universal NER,
    number, token, tag and anything. Columns are parted by tabs, or by blanks in a file without tabs.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: not valid UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise DatasetError(f"{path}: {reason(error)}") from None
    separator = "\t" if any("\t" in line for line in lines) else None
    blocks = list(_blocks(lines, separator))
    rows = [row for _, _, block in blocks for row in block]
    if not rows:
        raise DatasetError(f"{path}: no sentences")
    numbered = all(block[0][0].startswith("1") for _, _, block in blocks) and all(
        re.fullmatch(r"\d+([-.]\d+)?", row[0]) for row in rows
    )
    token, tag = (1, 2) if numbered else (0, -1)
    for first, text, block in blocks:
        for line, row in enumerate(block, first):
            if len(row) <= max(token, tag, 1) or not _is_tag(row[tag]):
                raise DatasetError(f"{path}:{line}: not a token with an IOB2 tag: {row!r}")
        yield TaggedSentence(first, text, [row[token] for row in block], [row[tag] for row in block])


def _blocks(lines: Sequence[str], separator: str | None) -> Iterator[tuple[int, str, list[list[str]]]]:
    first, text, block = 1, "", list[list[str]]()
    for number, line in enumerate([*lines, ""], 1):
        if not block and _is_comment(line, separator):
            key, _, value = line[2:].partition(" = ")
            text = value if key == "text" else text
        elif line.strip() and not line.startswith("-DOCSTART-"):
            first = first if block else number
            block.append(line.rstrip("\r").split(separator))
        elif block:
            yield first, text, block
            text, block = "", []


def _is_comment(line: str, separator: str | None) -> bool:
    # A number sign may be a token too; then a tag follows.
    return line.startswith("# ") and ("\t" not in line if separator else not _is_tag(line.split()[-1]))


def _is_tag(cell: str) -> bool:
    return cell == "O" or (cell[:2] in ("B-", "I-") and len(cell) > 2)


def tagged_spans(sentence: TaggedSentence, labels: Mapping[str, str]) -> tuple[str, tuple[Span, ...]]:
    """The text and its spans, ``labels`` by tag; tokens are joined by single spaces if there is no text that holds
    them. An I tag that continues nothing begins a mention, as in the older IOB1; tags of other labels are left out."""
    text = sentence.text
    offsets: list[tuple[int, int]] = []
    at = 0
    for token in sentence.tokens:
        at = text.find(token, at)
        if at < 0:
            text, offsets = join_tokens(sentence.tokens)
            break
        offsets.append((at, at + len(token)))
        at += len(token)
    spans: list[tuple[int, int, str]] = []
    before = "O"
    for (start, end), tag in zip(offsets, sentence.tags):
        label = labels.get(tag[2:].upper())
        if label and tag[0] == "I" and before[2:] == tag[2:]:
            spans[-1] = (spans[-1][0], end, label)
        elif label:
            spans.append((start, end, label))
        before = tag
    return text, tuple(Span(start, end, label, text[start:end]) for start, end, label in spans)
