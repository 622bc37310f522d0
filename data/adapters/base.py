"""What every adapter is, and what several of them need."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tocsin.data.records import Annotated, LabelledSentence, Span
from tocsin.data.sources import DatasetError

_VISIBLE = re.compile(r"\S")


@dataclass(frozen=True)
class PublicCorpus:
    """A public corpus. ``read(folder, split)`` yields its sentences of "train", "dev" or "test" (none if it has no
    such part); ``from_hub``: the folder may be missing, the corpus is then fetched by its hub name."""

    name: str
    languages: tuple[str, ...]
    licence: str
    origin: str
    annotated: Annotated
    read: Callable[[Path, str], Iterator[LabelledSentence]]
    from_hub: bool = False


def outermost(spans: Iterable[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Of spans that overlap only the longest (the first of equally long ones), in the order of the text."""
    kept: list[tuple[int, int, str]] = []
    for start, end, label in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if all(end <= other or start >= other_end for other, other_end, _ in kept):
            kept.append((start, end, label))
    return sorted(kept)


def cut_out(spans: Iterable[tuple[int, int, str]], text: str, start: int, end: int) -> tuple[Span, ...]:
    """The spans of a document that lie wholly in its sentence ``text[start:end]``, as spans of the sentence."""
    return tuple(Span(s - start, e - start, label, text[s:e]) for s, e, label in spans if start <= s and e <= end)


def join_tokens(tokens: Iterable[str]) -> tuple[str, list[tuple[int, int]]]:
    """Tokens joined by single spaces, for a corpus that does not say how they stood, and their offsets."""
    pieces = list(tokens)
    offsets = []
    at = 0
    for piece in pieces:
        offsets.append((at, at + len(piece)))
        at += len(piece) + 1
    return " ".join(pieces), offsets


def json_objects(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects that follow each other in ``text``, each with the line on which it begins."""
    decoder = json.JSONDecoder()
    at, line = 0, 1
    while rest := _VISIBLE.search(text, at):
        line += text.count("\n", at, rest.start())
        try:
            entry, end = decoder.raw_decode(text, rest.start())
        except json.JSONDecodeError as error:
            raise DatasetError(f"{path}:{error.lineno}: {error.msg}") from None
        if not isinstance(entry, dict):
            raise DatasetError(f"{path}:{line}: not a JSON object")
        yield line, entry
        line += text.count("\n", rest.start(), end)
        at = end
