"""`tocsin benchmark`."""

from __future__ import annotations

import typer

from tocsin.cli_report import report

benchmark_app = typer.Typer(help="Compare systems on labelled sentences.", no_args_is_help=True)
benchmark_app.command()(report)


@benchmark_app.callback()
def _group() -> None:
    """Keeps the command's name while it is the only one."""
