"""The learning curve's runs, and the dataset card that shows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from test_training import tiny_recipe

from tocsin.data.corpus import check_files, corpus_files
from tocsin.data.records import LabelledSentence
from tocsin.data.sources import DatasetError, fixed_share
from tocsin.evaluate.dataset_card import dataset_card
from tocsin.evaluate.learning_curve import POINTS, RESULTS, SUITES, curve_rows, learning_curve
from tocsin.evaluate.picture import curve_picture
from tocsin.evaluate.scores import score
from tocsin.train.recipe import RecipeError, read_recipe
from tocsin.train.run import train
from tocsin.train.sentences import recipe_sentences

CARD = Path(__file__).resolve().parents[1] / "data" / "README.md"


def test_every_point_is_trained_once_and_scored_on_both_suites(
    tiny_backbone: Path, dev: list[LabelledSentence], tmp_path: Path
) -> None:
    sentences = [s for s in dev if s.lang == "fr"][:24]
    trained: list[float] = []

    def run(changes: dict[str, Any], folder: Path) -> tuple[int, Sequence[LabelledSentence]]:
        part = [s for s in sentences if fixed_share(s.id) < changes["written_share"]] or sentences[:1]
        train(tiny_recipe(tiny_backbone, epochs=1), {"written": part}, sentences[:4], folder, score)
        trained.append(changes["written_share"])
        return len(part), sentences[:4]

    suites = {"written_test": sentences[:8], "real_news_dev": sentences[8:16]}
    results = learning_curve(run, suites, tmp_path)
    assert trained == [0.125, 0.25, 0.5, 1.0, 1.0]
    assert list(results) == [name for name, _ in POINTS]
    assert learning_curve(run, suites, tmp_path) == results
    assert len(trained) == 5  # a finished point is not repeated
    counts = [point["sentences"] for point in results.values()]
    assert counts == sorted(counts)
    rows = curve_rows(results)
    assert len(rows) == 6 and len({len(row) for row in rows}) == 1
    curve_picture(results, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_smaller_shares_are_parts_of_larger_ones() -> None:
    recipe = read_recipe("first-light").to_dict()
    parts = []
    for share in (0.125, 0.5, 1.0):
        chosen, held_out = recipe_sentences(type(read_recipe("first-light"))(**(recipe | {"written_share": share})))
        parts.append({s.id for s in chosen["written"]})
        assert not parts[-1] & {s.id for s in held_out}
    assert parts[0] < parts[1] < parts[2]
    assert abs(len(parts[0]) / len(parts[2]) - 0.125) < 0.02


def test_real_news_needs_its_texts(tmp_path: Path) -> None:
    recipe = type(read_recipe("first-light"))(**(read_recipe("first-light").to_dict() | {"real_news": ["ntrex"]}))
    with pytest.raises(DatasetError, match="--datasets DIR"):
        recipe_sentences(recipe)
    with pytest.raises(DatasetError, match="no such folder"):
        recipe_sentences(recipe, datasets=tmp_path)
    with pytest.raises(RecipeError, match="'written_share'"):
        type(recipe)(**(recipe.to_dict() | {"written_share": 0.0}))


def test_saved_results_and_card_are_current() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert list(results) == [name for name, _ in POINTS]
    assert all(suite in point for point in results.values() for suite in SUITES.values())
    # Written again from the files it must be the same: `tocsin data card data` after every change of the data.
    assert CARD.read_text(encoding="utf-8") == dataset_card(check_files(corpus_files())[1])
    for picture in ("types-by-language.png", "learning-curve.png"):
        assert picture in CARD.read_text(encoding="utf-8")
        assert CARD.with_name(picture).is_file()
