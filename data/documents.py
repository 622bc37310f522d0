"""What readers hand over: a text to predict, or the reason why there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    fields of its row, ``None`` if they were not asked for."""

    id: str
    text: str
    file: str
    line: int | None = None
    lang: str | None = None
    kept: Mapping[str, Any] | None = None


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
