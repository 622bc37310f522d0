"""What all commands share: exit codes, how they fail, and how they ask for what is not installed."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

FAILURE, USAGE, SOME_ERRORS, INTERRUPTED = 1, 2, 3, 130

ModelOption = Annotated[
    str | None, typer.Option("--model", help="Release folder or hub name; default: the shipped one.")
]


def fail(message: object, code: int = FAILURE) -> NoReturn:
    """Ends the command with a message on standard error."""
    # Plain print: a message may hold brackets that rich would take for markup.
    print(f"tocsin: {message}", file=sys.stderr)
    raise typer.Exit(code)


def need(module: str, extra: str) -> None:
    """Ends the command unless ``module``, which the extra ``extra`` installs, is there."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        fail(f"this needs the extra {extra!r}: pip install 'tocsin[{extra}]'", USAGE)
