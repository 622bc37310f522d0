"""What readers hand over: a text to predict, or the reason why there is none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")


def lone_surrogate(text: str) -> int | None:
    """Where ``text`` holds half of a UTF-16 pair (valid in a JSON escape, but no character, and no UTF-8 file can
    hold it); ``None`` if nowhere."""
    found = _SURROGATE.search(text)
    return found.start() if found else None


@dataclass(frozen=True)
class Document:
    """One text; ``lang`` is ISO 639-1 or ``None`` to detect it; ``line`` as in :class:`ErrorRow`; ``kept``: the other
    fields of its row, ``None`` if they were not asked for. A long text comes in pieces of whole paragraphs: ``start``
    is the place (in code points) of this one in the document, ``continued`` tells that the one before was of it too.
    """

    id: str
    text: str
    file: str
    line: int | None = None
    lang: str | None = None
    kept: Mapping[str, Any] | None = None
    start: int = 0
    continued: bool = False


@dataclass(frozen=True)
class ErrorRow:
    """One input that could not be read; ``line`` is 1-based (CSV and Parquet: the row)."""

    id: str | None
    file: str
    line: int | None
    reason: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.reason}"


def byte_offsets(text: str, offsets: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Half-open code point offsets as byte offsets in ``text.encode()``, in the same order.

    For tools that count the bytes of a UTF-8 file; a byte-order mark before the text is counted by neither.
    """
    offsets = list(offsets)
    place, at, size = {}, 0, 0
    for position in sorted({position for pair in offsets for position in pair}):
        size += len(text[at:position].encode())
        at = position
        place[position] = size
    return [(place[start], place[end]) for start, end in offsets]
