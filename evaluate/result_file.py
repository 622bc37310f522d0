"""A result of `tocsin benchmark run`: a JSON file of figures of one system on one suite, its predictions beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tocsin.data.errors import reason
from tocsin.evaluate.scores import LAYERS

FORMAT = 1
PREDICTIONS = ".predictions.jsonl"
_FIELDS = {
    "system": ("name", "layers", "revision"),
    "suite": ("name", "revision", "sentences", "languages", "layers"),
    "figures": (),
    "intervals": (),
    "cost": (),
    "environment": (),
}
_LINE = ("id", "lang", "text", "gold", "predicted")


class ResultError(ValueError):
    """A result file cannot be used; the message names the file and the field."""


def result_path(folder: Path, system: str, suite: str) -> Path:
    """Where the result of a system on a suite is kept; characters that file names lack become "-"."""
    return folder / f"{in_file_names(system)}@{in_file_names(suite)}.json"


def in_file_names(name: str) -> str:
    """What a system or suite is called in the names of its results."""
    return re.sub(r"[^\w.+-]+", "-", name).strip("-")


def read_result(path: Path) -> dict[str, Any]:
    """A result with all of its parts; raises :class:`ResultError`."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultError(f"{path}: {reason(error)}") from None
    except ValueError as error:
        raise ResultError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(result, dict) or result.get("format") != FORMAT:
        raise ResultError(f"{path}, field 'format': expected {FORMAT}, that of a result of `tocsin benchmark run`")
    for part, fields in _FIELDS.items():
        if not isinstance(result.get(part), dict):
            raise ResultError(f"{path}, field {part!r}: expected an object")
        for field in fields:
            if field not in result[part]:
                raise ResultError(f"{path}, field {part!r}: missing {field!r}")
    return result


def read_lines(path: Path, result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines of a predictions file, one for each sentence that its result was scored on; raises
    :class:`ResultError`."""
    try:
        with path.open(encoding="utf-8") as file:
            content = list(file)
    except OSError as error:
        raise ResultError(f"{path}: {reason(error)}: it holds the predictions") from None
    except UnicodeDecodeError as error:
        raise ResultError(f"{path}: not valid UTF-8 (byte {error.start})") from None
    lines = []
    for number, line in enumerate(content, 1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise ResultError(f"{path}:{number}: not valid JSON: {error}") from None
        try:
            _check_line(entry)
        except ResultError as error:
            raise ResultError(f"{path}:{number}{error}") from None
        lines.append(entry)
    if len(lines) != result["suite"]["sentences"]:
        raise ResultError(f"{path}: {len(lines)} sentences, its result was scored on {result['suite']['sentences']}")
    return lines


def _check_line(entry: Any) -> None:
    if not isinstance(entry, dict):
        raise ResultError(f": expected an object, got {type(entry).__name__}")
    if missing := [key for key in _LINE if key not in entry]:
        raise ResultError(f": missing field {missing[0]!r}")
    if not isinstance(entry.get("annotated", {}), dict):
        raise ResultError(", field 'annotated': expected an object")
    for side in ("gold", "predicted"):
        if not isinstance(entry[side], dict):
            raise ResultError(f", field {side!r}: expected an object")
        for layer in LAYERS:
            labels = entry[side].get(layer)
            if not isinstance(labels, list) or not all(_is_label(label, side, layer) for label in labels):
                raise ResultError(f", field {side!r}: expected a list of labels as {layer!r}")


def _is_label(label: Any, side: str, layer: str) -> bool:
    if layer == "types" and side == "gold":
        return isinstance(label, str)
    return isinstance(label, dict) and label.keys() >= ({"type"} if layer == "types" else {"start", "end", "label"})
