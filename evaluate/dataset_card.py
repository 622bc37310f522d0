"""The dataset card: a template filled from the corpus files, the agreement and the saved learning curve."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tocsin.data.corpus import SPLITS, CorpusSummary, check_files, corpus_files
from tocsin.data.ontology import load_ontology
from tocsin.data.realnews import EVERY_LANGUAGE, StandOff, load_records
from tocsin.data.sources import NTREX_LANGUAGES, ORIGINS
from tocsin.evaluate.agreement import all_agreements
from tocsin.evaluate.learning_curve import RESULTS, curve_rows
from tocsin.evaluate.picture import curve_picture, heat_map
from tocsin.evaluate.report import percent

_TEMPLATE = Path(__file__).resolve().with_name("dataset_card.md")


def write_dataset_card(folder: Path) -> None:
    """Writes ``README.md`` and its two pictures into ``folder``."""
    ontology = load_ontology()
    _, summary = check_files(corpus_files())
    languages = sorted({lang for _, lang in summary.sentences})
    curve = json.loads(RESULTS.read_text(encoding="utf-8"))
    (folder / "README.md").write_text(dataset_card(summary), encoding="utf-8")
    title = "Written sentences by event type and language"
    heat_map(summary.types, ontology.type_names, languages, title, folder / "types-by-language.png")
    curve_picture(curve, folder / "learning-curve.png")


def dataset_card(summary: CorpusSummary) -> str:
    """The card's text; ``summary``: what the validator counted in the written part."""
    ontology = load_ontology()
    languages = sorted({lang for _, lang in summary.sentences})
    records = load_records()
    suite = Counter(record.lang for record in records if record.split != "train")
    agreements = all_agreements()
    kinds = {kind: count for kind, count in sorted(summary.negatives.items()) if kind != "none"}
    curve = curve_rows(json.loads(RESULTS.read_text(encoding="utf-8")))
    header = [cell.replace("\n", ": ") for cell in curve[0]]
    return _TEMPLATE.read_text(encoding="utf-8").format(
        languages=", ".join(sorted({*languages, *NTREX_LANGUAGES})),
        written=sum(summary.sentences.values()),
        written_languages=len(languages),
        real=len(records),
        types=len(ontology.type_names),
        written_table=_rows(
            [
                lang,
                *(summary.sentences[split, lang] for split in SPLITS),
                sum(summary.sentences[s, lang] for s in SPLITS),
            ]
            for lang in languages
        ),
        several_types=summary.several_types,
        over_25_words=summary.over_25_words,
        negatives=sum(summary.negatives.values()),
        hard=sum(kinds.values()),
        kinds=", ".join(f"{kind} {count}" for kind, count in kinds.items()),
        real_table=_rows(_real_rows(records)),
        ntrex_languages=len(NTREX_LANGUAGES),
        suite_languages=", ".join(f"{lang} {count}" for lang, count in suite.most_common()),
        type_table=_rows(
            [name, *(sum(name in r.types for r in records if r.split == split) for split in SPLITS)]
            for name in ontology.type_names
        ),
        agreement_table=_rows(
            [
                part,
                result["sentences"],
                percent(result["event_micro_f1"]),
                f"{result['mean_kappa']:.2f}",
                percent(result["same_primary_type"]),
                percent(result["entity_f1"]),
                percent(result["role_f1"]),
            ]
            for part, result in agreements.items()
        ),
        parts=" | ".join(agreements),
        part_rules=" | ".join("---:" for _ in agreements),
        label_agreement=_rows(
            [label, *(_cell(result["per_span_label"].get(label), ("f1",)) for result in agreements.values())]
            for label in (*ontology.entity_names, *ontology.role_names)
        ),
        language_agreement=_rows(
            [
                lang,
                *(
                    _cell(result["per_language"].get(lang), ("event_micro_f1", "entity_f1", "role_f1"))
                    for result in agreements.values()
                ),
            ]
            for lang in sorted({lang for result in agreements.values() for lang in result["per_language"]})
        ),
        type_agreement=_rows(
            [name, *(_type_cell(result["per_type"][name]) for result in agreements.values())]
            for name in ontology.type_names
        ),
        curve_table=_rows([header, ["---", *("---:" for _ in header[1:])], *curve[1:]]),
    )


def _rows(rows: Iterable[Iterable[object]]) -> str:
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _real_rows(records: Iterable[StandOff]) -> list[list[object]]:
    counts: Counter[tuple[str, str, str]] = Counter()
    for record in records:
        labels = "types, entities, roles"
        if record.annotated.roles is not None:
            labels = "types, carried to all languages" if record.lang == EVERY_LANGUAGE else "types"
        elif record.annotated.entities is not None:
            labels = "types, roles"
        counts[record.dataset, labels, record.split] += 1
    return [
        [dataset, labels, *(counts[dataset, labels, split] or "–" for split in SPLITS), ORIGINS[dataset]]
        for dataset, labels in sorted({(dataset, labels) for dataset, labels, _ in counts})
    ]


def _cell(figures: Mapping[str, Any] | None, keys: Iterable[str]) -> str:
    return "–" if figures is None else " / ".join(percent(figures[key]) for key in keys)


def _type_cell(figures: Mapping[str, Any]) -> str:
    if not figures["support"] and not figures["second"]:
        return "–"
    return f"{percent(figures['f1'])} / {figures['kappa']:.2f} ({figures['support']})"
