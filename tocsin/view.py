"""Predictions as a person reads them on a terminal: the text with its spans marked, its event types above."""

from __future__ import annotations

import re

from rich.console import Console
from rich.text import Text

from tocsin.data.records import Prediction

_GROUP_STYLES = {
    "battle": "bold white on dark_red",
    "remote_violence": "bold white on red3",
    "violence_against_civilians": "bold white on deep_pink4",
    "demonstration": "bold black on gold3",
    "strategic": "bold white on dodger_blue3",
    "diplomacy": "bold white on dark_cyan",
    "governance": "bold white on purple4",
    "hazard": "bold black on dark_orange3",
}
_ENTITY_STYLES = {
    "person": "magenta",
    "organization": "blue",
    "location": "green",
    "facility": "cyan",
    "weapon": "red",
    "vehicle": "yellow",
    "date": "bright_black",
    "casualties": "bright_red",
}
_ROLE_STYLES = {"trigger": "bold reverse", "actor": "underline", "target": "underline italic"}


_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def print_prediction(prediction: Prediction, console: Console) -> None:
    """One sentence: chips for its types, the text in entity colours and role marks, and a line for each layer."""
    chips = Text(f"{prediction.sentence + 1:>3}  ", style="bright_black")
    for event in prediction.events:
        chips.append(f" {event.type.name} ", style=_GROUP_STYLES[event.type.group])
        chips.append(f" {event.score:.2f}  ", style="bright_black")
    if not prediction.events:
        chips.append("no event", style="bright_black")
    console.print(chips)
    text = Text(_visible(prediction.text))
    for span in prediction.roles:
        text.stylize(_ROLE_STYLES[span.label], span.start, span.end)
    for span in prediction.entities:
        text.stylize(_ENTITY_STYLES[span.label], span.start, span.end)
    console.print(_indented(text, console))
    for layer, spans, styles in (
        ("what", prediction.entities, _ENTITY_STYLES),
        ("role", prediction.roles, _ROLE_STYLES),
    ):
        if spans:
            line = Text(f"{layer}  ", style="bright_black")
            for i, span in enumerate(spans):
                line.append("  ·  " if i else "", style="bright_black")
                line.append(f"{span.label} ", style="bright_black")
                line.append(_visible(span.text), style=styles[span.label])
            console.print(_indented(line, console))
    console.print()


def _visible(text: str) -> str:
    # One for one, so that offsets hold: a text shall neither move the cursor nor lose characters in rich.
    return _CONTROL.sub(" ", text)


def _indented(text: Text, console: Console) -> Text:
    lines = text.wrap(console, max(console.width - 5, 20))
    return Text("\n").join([Text("     ") + line for line in lines])
