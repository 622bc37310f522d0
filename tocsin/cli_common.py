"""What commands share: exit codes, options, how they fail, and how they ask for what is not installed."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from tocsin.data.errors import reason

FAILURE, USAGE, SOME_ERRORS, INTERRUPTED = 1, 2, 3, 130

ModelOption = Annotated[
    str | None, typer.Option("--model", help="Release folder or hub name; default: the shipped one.")
]
DatasetsOption = Annotated[
    Path | None, typer.Option("--datasets", help="Folder with the public datasets, one folder each.")
]
RequiredDatasetsOption = Annotated[
    Path, typer.Option("--datasets", help="Folder with the public datasets, one folder each.")
]
CorpusOption = Annotated[Path | None, typer.Option("--corpus", help="Corpus folder; default: the shipped one.")]


class Scheme(str, Enum):
    """What the labels of a user's own files are, see :mod:`tocsin.data.schemes`."""

    ours = "ours"
    acled = "acled"
    plover = "plover"
    cameo = "cameo"


def fail(message: object, code: int = FAILURE) -> NoReturn:
    """Ends the command with a message on standard error."""
    # Plain print: a message may hold brackets that rich would take for markup.
    print(f"tocsin: {message}", file=sys.stderr)
    raise typer.Exit(code)


def exit_code(records: int, errors: int) -> int:
    """What a batch ends with that gave so many records and error rows."""
    return 0 if not errors else SOME_ERRORS if records else FAILURE


def check_output(output: Path, *inputs: Path) -> None:
    """Ends the command unless ``output`` can be a file in a folder that is there, and is none of ``inputs``."""
    try:
        if output.is_dir() or not output.parent.is_dir():
            fail(f"{output}: not a file that can be written", USAGE)
        if output.exists() and any(path.exists() and output.samefile(path) for path in inputs):
            fail(f"{output}: would overwrite an input", USAGE)
    except OSError as error:  # a name that is too long, a folder that may not be entered
        fail(f"{output}: cannot be written: {reason(error)}")


def write_output(output: Path, text: str) -> None:
    """Writes a file, or ends the command and says why that cannot be."""
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{output}: cannot be written: {reason(error)}")


def write_results(path: Path, results: Mapping[str, object], page: str) -> None:
    """Writes figures as JSON, and beside them as Markdown (``x.json``, ``x.md``)."""
    write_output(path, json.dumps(results, indent=1) + "\n")
    write_output(path.with_suffix(".md"), page)


def need(module: str, extra: str) -> None:
    """Ends the command unless ``module``, which the extra ``extra`` installs, is there."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        fail(f"this needs the extra {extra!r}: pip install 'tocsin[{extra}]'", USAGE)
