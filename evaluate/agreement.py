"""How far two annotators agree, of the written corpus and of real news.

``data/second/LANG/blind.txt`` holds a second annotation of a tenth of the written corpus in its markup,
``data/real/second/`` one of real news, stand-off: of a tenth of its training part, and of the whole suite, whose
first one, before the two were reconciled, is in ``data/real/first/``. The second annotators saw the texts alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tocsin.data.corpus import CORPUS_DIR, SPLITS, CorpusError, Problem, corpus_files, load_split, parse_file
from tocsin.data.ontology import Ontology, load_ontology
from tocsin.data.realnews import EVERY_LANGUAGE, REAL_DIR, StandOff, load_records
from tocsin.data.records import LabelledSentence, Span
from tocsin.data.sources import DatasetError
from tocsin.evaluate.metrics import Counts, label_counts, micro, span_counts

SECOND_DIR = CORPUS_DIR.with_name("second")


def cohens_kappa(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Cohen's kappa (1960) of two annotators' yes/no answers; 1 if both always give the same answer."""
    n = len(first)
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    yes = (sum(first) / n) * (sum(second) / n)
    expected = yes + (1 - sum(first) / n) * (1 - sum(second) / n)
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)


Pair = tuple[LabelledSentence, LabelledSentence]


def load_pairs(second: Path = SECOND_DIR, corpus: Path = CORPUS_DIR) -> list[Pair]:
    """(corpus, second annotation) of every sentence annotated twice; raises :class:`CorpusError` if a text is not in
    the corpus."""
    ontology = load_ontology()
    by_id = {s.id: s for split in SPLITS for s in load_split(split, corpus)}
    pairs = []
    for path in corpus_files(second):
        for item in parse_file(path, ontology):
            if isinstance(item, Problem):
                raise CorpusError(str(item))
            if item.id not in by_id:
                raise CorpusError(f"{item.source}: this text is not in the corpus")
            pairs.append((by_id[item.id], item))
    return pairs


def load_real_pairs(directory: Path = REAL_DIR) -> dict[str, list[Pair]]:
    """ "suite" and "train" -> both annotations of every sentence of real news that has two; texts are left empty.

    Raises :class:`tocsin.data.sources.DatasetError` for a second annotation without a first.
    """
    first = {_place(r): r for r in load_records(directory)} | {_place(r): r for r in load_records(directory / "first")}
    pairs: dict[str, list[Pair]] = {"suite": [], "train": []}
    for record in load_records(directory / "second"):
        if _place(record) not in first:
            raise DatasetError(f"{directory / 'second'}: {'/'.join(map(str, _place(record)))} has no first annotation")
        part = "train" if record.split == "train" else "suite"
        pairs[part].append((_textless(first[_place(record)]), _textless(record)))
    return pairs


def _place(record: StandOff) -> tuple[str, str, int, int]:
    return record.dataset, record.file, record.line, record.start


def _textless(record: StandOff) -> LabelledSentence:
    id = "/".join(map(str, _place(record)))
    entities, roles = (tuple(Span(*span, "") for span in layer) for layer in (record.entities, record.roles))
    lang = "en" if record.lang == EVERY_LANGUAGE else record.lang  # what the annotators read
    return LabelledSentence(id, lang, "", record.types, entities, roles, annotated=record.annotated)


def agreement(pairs: Sequence[Pair], ontology: Ontology) -> dict[str, Any]:
    """Figures over all pairs: F1 between the two annotations (symmetric in them) overall, per type, span label and
    language, and Cohen's kappa per type and its mean."""
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    report = _overall(first, second)
    types = label_counts([s.types for s in first], [s.types for s in second])
    report["per_type"] = {}
    for name in ontology.type_names:
        kappa = cohens_kappa([name in s.types for s in first], [name in s.types for s in second])
        counts = types.get(name, Counts(0, 0, 0))
        report["per_type"][name] = {
            "f1": round(counts.f1, 4),
            "kappa": round(kappa, 4),
            "support": counts.gold,
            "second": counts.predicted,
        }
    used = [figures["kappa"] for figures in report["per_type"].values() if figures["support"] or figures["second"]]
    report["mean_kappa"] = round(sum(used) / len(used), 4) if used else None
    spans = span_counts([s.entities for s in first], [s.entities for s in second])
    spans |= span_counts([s.roles for s in first], [s.roles for s in second])
    report["per_span_label"] = {label: {"f1": round(c.f1, 4), "support": c.gold} for label, c in spans.items()}
    report["per_language"] = {}
    for lang in sorted({s.lang for s in first}):
        rows = [(a, b) for a, b in pairs if a.lang == lang]
        report["per_language"][lang] = _overall([a for a, _ in rows], [b for _, b in rows])
    return report


def all_agreements() -> dict[str, dict[str, Any]]:
    """ "written", "real news, suite", "real news, train" -> :func:`agreement` of what we ship."""
    ontology = load_ontology()
    real = {f"real news, {part}": pairs for part, pairs in load_real_pairs().items()}
    return {part: agreement(pairs, ontology) for part, pairs in ({"written": load_pairs()} | real).items()}


def _overall(first: Sequence[LabelledSentence], second: Sequence[LabelledSentence]) -> dict[str, Any]:
    same_primary = sum(a.types[:1] == b.types[:1] for a, b in zip(first, second, strict=True))
    return {
        "sentences": len(first),
        "event_micro_f1": round(micro(label_counts([s.types for s in first], [s.types for s in second])).f1, 4),
        "same_primary_type": round(same_primary / len(first), 4) if first else None,
        "entity_f1": round(micro(span_counts([s.entities for s in first], [s.entities for s in second])).f1, 4),
        "role_f1": round(micro(span_counts([s.roles for s in first], [s.roles for s in second])).f1, 4),
    }
