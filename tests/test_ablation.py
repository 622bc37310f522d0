"""Ablation, consistency and public entities: on the real release, tiny runs and small files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tocsin.data.records import LabelledSentence
from tocsin.data.sources import NTREX_LANGUAGES, split_of_document
from tocsin.evaluate.ablation import FIGURES, ablation_page, score_cross_fitted
from tocsin.evaluate.consistency import consistency
from tocsin.evaluate.public_entities import public_entities, score_public_entities
from tocsin.model.pipeline import Pipeline

RESULTS = Path(__file__).resolve().parents[1] / "evaluate" / "results"
STRIKE = {
    "en": "Warplanes bombed the airport of Khartoum on Tuesday, killing twelve people.",
    "fr": "Des avions de guerre ont bombardé mardi l'aéroport de Khartoum, tuant douze personnes.",
}
IOB2 = """# sent_id = 1
# text = Angela Merkel met Oxfam in Zagreb.
1\tAngela\tB-PER\t-\t-
2\tMerkel\tI-PER\t-\t-
3\tmet\tO\t-\t-
4\tOxfam\tB-ORG\t-\t-
5\tin\tO\t-\t-
6\tZagreb\tB-LOC\t-\t-
7\t.\tO\t-\t-

"""


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    document = next(name for name in map(str, range(99)) if split_of_document("ntrex", name) == "test")
    seen = next(name for name in map(str, range(99)) if split_of_document("ntrex", name) == "train")
    ntrex = tmp_path / "ntrex"
    ntrex.mkdir()
    (ntrex / "DOCUMENT_IDS.tsv").write_text(f"{document}\n{seen}\n{document}\n")
    for lang, name in NTREX_LANGUAGES.items():
        lines = [STRIKE.get(lang, "1 2 3."), "It rains.", "The museum opens at nine."]
        (ntrex / f"newstest2019-{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    uner = tmp_path / "uner" / "English-EWT"
    uner.mkdir(parents=True)
    (uner / "en_ewt-ud-dev.iob2").write_text(IOB2, encoding="utf-8")
    (tmp_path / "wikinews_ner_fr").mkdir()
    return tmp_path


def test_consistency_compares_with_english_and_leaves_training_out(release: Pipeline, datasets: Path) -> None:
    found = consistency(release, datasets)
    assert (found["lines"], found["reported_in_english"]) == (2, 1)
    assert set(found["per_language"]) == NTREX_LANGUAGES.keys() - {"en"}
    assert found["per_language"]["fr"] == {"same": 1.0, "same_where_reported": 1.0}
    assert found["per_language"]["de"]["same_where_reported"] == 0.0


def test_public_entities_count_only_what_the_corpus_annotates(release: Pipeline, datasets: Path) -> None:
    found = score_public_entities(release, public_entities(datasets))
    assert list(found) == ["uner en"]
    assert found["uner en"]["sentences"] == 1
    assert set(found["uner en"]["per_label"]) <= {"person", "organization", "location"}
    assert found["uner en"]["per_label"]["location"]["f1"] == 1.0


def test_ablation_scores_no_sentence_with_a_threshold_it_helped_to_choose(
    release: Pipeline, dev: list[LabelledSentence]
) -> None:
    gold = [s for s in dev if s.lang == "fr"]
    figures = score_cross_fitted(release, gold)
    for name in FIGURES:
        low, high = figures["intervals"][name]
        assert low <= figures[name] <= high
    # The release is of one threshold or its own: figures near those must come out.
    assert figures["event_micro_f1"] > 0.5
    run = {"recipe": {"name": "control", "epochs": 1}, "sentences": {"train": 1000}} | figures
    other = run | {"recipe": {"name": "longer", "epochs": 2}}
    page = ablation_page({"control": run, "longer": other}, "control")
    assert "| longer | 1,000 | `epochs` = 2 |" in page
    assert "| control | 1,000 | – |" in page


@pytest.mark.parametrize(("folder", "runs"), [("", 10), ("mended", 4)])
def test_saved_pages_are_current(folder: str, runs: int) -> None:
    results = json.loads((RESULTS / folder / "ablation.json").read_text(encoding="utf-8"))
    assert len(results) == runs
    assert (RESULTS / folder / "ablation.md").read_text(encoding="utf-8") == ablation_page(results, "control")
