"""``tocsin benchmark``."""

import typer

from tocsin.cli_speed import speed

benchmark_app = typer.Typer(help="Compare systems: figures with intervals, speed, memory.", no_args_is_help=True)
benchmark_app.command()(speed)


@benchmark_app.callback()
def _benchmark() -> None:
    # Without it a lone command would be no subcommand.
    pass
