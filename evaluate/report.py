"""Evaluation results as a table for people; the JSON is the result itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table

FIGURES = {
    "event micro-F1": "event_micro_f1",
    "event macro-F1": "event_macro_f1",
    "primary type accuracy": "primary_accuracy",
    "entity F1 (strict)": "entity_f1",
    "role F1 (strict)": "role_f1",
}


def percent(value: float | None) -> str:
    """A share as percent with one decimal, a dash for none."""
    return "–" if value is None else f"{100 * value:.1f}"


def percent_with_interval(figures: Mapping[str, Any], key: str) -> str:
    """A figure as percent, with its interval where ``figures["intervals"]`` has one."""
    interval = figures["intervals"].get(key) if key in figures else None
    return percent(figures.get(key)) + (f" ({percent(interval[0])}–{percent(interval[1])})" if interval else "")


def overall_table(results: Mapping[str, Mapping[str, Any]], title: str) -> Table:
    """One column a system, one row a figure, in percent."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for system in results:
        table.add_column(system, justify="right")
    for row, key in FIGURES.items():
        table.add_row(row, *(percent(result.get(key)) for result in results.values()))
    return table


def language_table(results: Mapping[str, Mapping[str, Any]]) -> Table:
    """One row a language: every system's event micro-F1, and the spans of those that have them."""
    table = Table(title="Per language", title_justify="left")
    table.add_column("language")
    table.add_column("sentences", justify="right")
    columns = [
        (system, label, key)
        for system, result in results.items()
        for label, key in (("event micro-F1", "event_micro_f1"), ("entity F1", "entity_f1"), ("role F1", "role_f1"))
        if key in result
    ]
    for system, label, _ in columns:
        table.add_column(f"{label}\n{system}", justify="right")
    first = next(iter(results.values()))
    for lang, figures in first["per_language"].items():
        cells = [percent(results[system]["per_language"][lang].get(key)) for system, _, key in columns]
        table.add_row(lang, str(figures["sentences"]), *cells)
    return table


def label_table(result: Mapping[str, Any], key: str, title: str) -> Table:
    """One row a label with precision, recall, F1 and support; ``key`` is "per_type", "per_entity" or "per_role"."""
    table = Table(title=title, title_justify="left")
    table.add_column("label")
    for column in ("precision", "recall", "F1", "support"):
        table.add_column(column, justify="right")
    for label, figures in result[key].items():
        cells = (percent(figures[name]) for name in ("precision", "recall", "f1"))
        table.add_row(label, *cells, str(figures["support"]))
    return table


def agreement_report(result: Mapping[str, Any], title: str) -> Group:
    """Tables of :func:`tocsin.evaluate.agreement.agreement`, in percent but for kappa."""
    columns = {
        "events F1": "event_micro_f1",
        "primary": "same_primary_type",
        "entities": "entity_f1",
        "roles": "role_f1",
    }
    by_language = Table("", "sentences", *columns, title=f"Agreement of two annotators, {title}", title_justify="left")
    for name, figures in [("all", result), *result["per_language"].items()]:
        by_language.add_row(name, str(figures["sentences"]), *(percent(figures[key]) for key in columns.values()))
    by_type = Table("", "F1", "kappa", "first", "second", title=f"Event types, {title}", title_justify="left")
    for name, figures in result["per_type"].items():
        counts = (str(figures["support"]), str(figures["second"]))
        by_type.add_row(name, percent(figures["f1"]), f"{figures['kappa']:.2f}", *counts)
    by_label = Table("", "F1 (strict)", "first", title=f"Span labels, {title}", title_justify="left")
    for name, figures in result["per_span_label"].items():
        by_label.add_row(name, percent(figures["f1"]), str(figures["support"]))
    return Group(by_language, by_type, by_label, f"Mean kappa over types: {result['mean_kappa']:.2f}")


def full_report(results: Mapping[str, Mapping[str, Any]], title: str) -> Group:
    """All tables; details per label are of the first system, which is the model."""
    system, model = next(iter(results.items()))
    return Group(
        overall_table(results, title),
        language_table(results),
        label_table(model, "per_type", f"Event types, {system}"),
        label_table(model, "per_entity", f"Entities (strict), {system}"),
        label_table(model, "per_role", f"Roles (strict), {system}"),
    )


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, its first column left, the others right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def escaped(text: str) -> str:
    """A text of one line in which nothing is left that Markdown would read as its own."""
    text = " ".join(text.split())
    for character in "\\`*_[]<>|":
        text = text.replace(character, f"\\{character}")
    return text
