"""What readers hand over: a text to predict, or the reason why there is none."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Document:
    """One text; ``lang`` is ISO 639-1 or ``None`` to detect it; ``line`` as in :class:`ErrorRow`."""

    id: str
    text: str
    file: str
    line: int | None = None
    lang: str | None = None


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
