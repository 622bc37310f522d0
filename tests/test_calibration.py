"""Calibration errors, the fit, and the thresholds that follow from probabilities."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

from tocsin.cli import app
from tocsin.data.records import LabelledSentence
from tocsin.evaluate.calibration import (
    BINS,
    compare_methods,
    error_by_chance,
    expected_calibration_error,
    fit_calibration,
    fit_platt,
    logits_of,
    reliability,
    top_statement,
)
from tocsin.evaluate.thresholds import precise_thresholds, type_thresholds
from tocsin.model.calibration import Calibration
from tocsin.model.pipeline import Pipeline, sentences_of_texts
from tocsin.model.runtime import RELEASED_DIR, load_release
from tocsin.model.settings import ModelError


def test_error_of_the_perfect_and_of_the_boastful() -> None:
    random = np.random.default_rng(0)
    probabilities = random.random(30_000)
    assert expected_calibration_error(probabilities, random.random(30_000) < probabilities) < 0.02
    assert expected_calibration_error(np.full(100, 0.9), np.arange(100) < 50) == pytest.approx(0.4, abs=0.3)
    bins = reliability(np.full(150, 0.9), np.arange(150) % 2 == 0)
    assert len(bins) == BINS and sum(bin["share"] for bin in bins) == pytest.approx(1)
    assert all(bin["frequency"] == pytest.approx(0.5) and bin["confidence"] == pytest.approx(0.9) for bin in bins)


statements = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


@given(statements)
def test_calibration_error_is_that_of_bins_filled_one_by_one(pairs: list[tuple[float, bool]]) -> None:
    order = sorted(range(len(pairs)), key=lambda i: pairs[i][0])
    size, longer = divmod(len(pairs), BINS)
    error, begin = 0.0, 0
    for number in range(BINS):
        end = begin + size + (number < longer)  # the first bins hold what is left over
        held = [pairs[i] for i in order[begin:end]]
        if held:
            confidence, right = (sum(pair[i] for pair in held) / len(held) for i in (0, 1))
            error += len(held) / len(pairs) * abs(confidence - right)
        begin = end
    probabilities, outcomes = (np.array([pair[i] for pair in pairs]) for i in (0, 1))
    assert expected_calibration_error(probabilities, outcomes) == pytest.approx(error)


def test_on_few_sentences_even_the_perfect_model_shows_an_error() -> None:
    probabilities = np.random.default_rng(0).random(10_000)
    few, many = error_by_chance(probabilities[:150]), error_by_chance(probabilities)
    assert few > 0.05 and many < 0.02
    assert error_by_chance(np.ones(150)) == 0


def test_the_top_statement_of_a_sentence() -> None:
    top, right = top_statement(np.array([[0.2, 0.7], [0.4, 0.1]]), np.array([[False, True], [False, False]]))
    assert top.tolist() == [0.7, 0.4] and right.tolist() == [True, False]


def simulated() -> tuple[np.ndarray, np.ndarray]:
    """Logits that are twice too large and one too high, and what turned out true."""
    random = np.random.default_rng(3)
    logits = random.normal(-1, 3, (2000, 4))
    return logits, random.random(logits.shape) < expit(logits / 2 - 1)


def test_platt_scaling_is_logistic_regression() -> None:
    logits, gold = simulated()
    scale, shift = fit_platt(logits, gold, shift=True, per_type=False)
    oracle = LogisticRegression(C=1e9).fit(logits.reshape(-1, 1), gold.ravel())
    assert scale == pytest.approx(np.full(4, oracle.coef_[0, 0]), abs=1e-3)
    assert shift == pytest.approx(np.full(4, oracle.intercept_[0]), abs=1e-3)


def test_a_fit_mends_wrong_probabilities_and_keeps_their_order() -> None:
    logits, gold = simulated()
    methods = compare_methods(expit(logits), gold)
    assert methods["none"]["ece_all"] > 0.1
    assert all(methods[name]["ece_all"] < 0.02 for name in ("Platt", "Platt, shift per type", "isotonic"))
    assert methods["Platt"]["log_loss"] < methods["temperature"]["log_loss"] < methods["none"]["log_loss"]
    fitted, compared = fit_calibration(expit(logits), gold)
    assert compared == methods and fitted.knots is None  # nothing but a scale and a shift was wrong
    calibrated = fitted(logits.astype(np.float32))
    assert (np.argsort(calibrated, axis=0) == np.argsort(logits.astype(np.float32), axis=0)).all()
    assert logits_of(expit(logits)) == pytest.approx(logits, abs=1e-4)


def test_an_isotonic_map_is_chosen_where_a_sigmoid_does_not_fit() -> None:
    random = np.random.default_rng(2)
    logits = random.normal(0, 3, (3000, 4))
    truth = np.where(logits < 1, 0.02, 0.7)  # sure of itself far beyond what it knows
    fitted, compared = fit_calibration(expit(logits), random.random(logits.shape) < truth)
    assert fitted.knots is not None
    assert compared["isotonic"]["log_loss"] < compared["Platt"]["log_loss"]
    mapped = fitted(np.array([[-4.0, 0.0, 2.0, 4.0]], np.float32))[0]
    assert mapped == pytest.approx([0.02, 0.02, 0.7, 0.7], abs=0.06)
    surest = fitted(np.array([[30.0] * 4], np.float32)).max()
    assert surest < 1  # so many right answers are no proof
    assert (np.diff(mapped) > 0).all()  # steps are not flat: two types are never equal by calibration alone
    names = list("abcd")
    again = Calibration.from_dict(json.loads(json.dumps(fitted.to_dict(names))), names)
    # Rounded knots: only where the map is steep does a probability move.
    assert np.abs(again(logits.astype(np.float32)) - fitted(logits.astype(np.float32))).mean() < 1e-4


def test_thresholds_keep_the_floor_and_reach_the_precision() -> None:
    random = np.random.default_rng(1)
    probabilities = random.random((4000, 3))
    gold = random.random(probabilities.shape) < probabilities**2
    gold[:, 2] = False
    gold[:5, 2] = True  # too rare for a threshold of its own
    own = type_thresholds(gold, probabilities, 0.6)
    for i in (0, 1):
        assert gold[:, i][probabilities[:, i] >= own[i]].mean() >= 0.6
    strict = precise_thresholds(gold[:, :2], probabilities[:, :2], 0.8)
    for i, threshold in enumerate(strict):
        assert gold[:, i][probabilities[:, i] >= threshold].mean() >= 0.8
    assert (strict > own[:2]).all()
    assert precise_thresholds(gold, probabilities, 0.8)[2] == 1.0  # never so sure: not reported


def test_the_release_is_calibrated_and_obeys_thresholds(release: Pipeline, dev: list[LabelledSentence]) -> None:
    settings = release.settings
    assert set(settings.precision_thresholds) >= {0.8, 0.9}
    sentences = sentences_of_texts((s.id, s.lang, s.text) for s in dev[::5])
    counts = []
    for precision in (0.8, 0.9, 0.95):
        thresholds = settings.thresholds_for(None, precision)
        predictions = release.with_settings(thresholds=thresholds).predict(sentences, all_scores=True)
        for p in predictions:
            assert p.scores is not None
            assert {e.type.name for e in p.events} == {n for n, s in p.scores.items() if s >= thresholds[n]}
        counts.append(sum(len(p.events) for p in predictions))
    assert counts[0] > counts[1] > counts[2] > 0
    assert set(settings.thresholds_for(0.7, None).values()) == {0.7}
    assert settings.thresholds_for(None, 0.85) == settings.precision_thresholds[0.9]
    with pytest.raises(ModelError, match=r"no thresholds for a precision of 0\.999"):
        settings.thresholds_for(None, 0.999)


def test_a_wrong_calibration_is_named(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(RELEASED_DIR, tmp_path / "model"))
    config = json.loads((copy / "config.json").read_text())
    names = list(config["id2label"].values())
    good = Calibration.identity(len(names)).to_dict(names)
    for wrong in (
        {},
        {"scale": good["scale"]},
        good | {"scale": dict.fromkeys(names, -1.0)},
        good | {"knots": [[0, 2]]},
    ):
        (copy / "config.json").write_text(json.dumps(config | {"calibration": wrong}))
        with pytest.raises(ModelError, match="field 'calibration' is wrong"):
            load_release(copy)
    (copy / "config.json").write_text(json.dumps(config | {"calibration": good}))
    assert load_release(copy).settings.calibration.scale.tolist() == [1.0] * len(names)


def test_command_line(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("Police fired tear gas at marchers in Lomé. Rebels took Goma.", encoding="utf-8")
    runner = CliRunner()
    found = {}
    for option, value in (("--threshold", "0.01"), ("--threshold", "1"), ("--precision", "0.9")):
        result = runner.invoke(app, ["predict", str(text), option, value, "-o", str(tmp_path / "o.jsonl")])
        assert result.exit_code == 0, result.output
        records = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
        found[option + value] = sum(len(record["events"]) for record in records)
    assert found["--threshold0.01"] > found["--precision0.9"] >= found["--threshold1"] == 0
    assert "are not reported: " in result.output and "concession" in result.output  # the last was --precision 0.9
    both = runner.invoke(app, ["predict", str(text), "--threshold", "0.5", "--precision", "0.9"])
    assert both.exit_code == 2 and "exclude each other" in both.output
    none = runner.invoke(app, ["predict", str(text), "--precision", "0.999"])
    assert none.exit_code == 1 and "no thresholds for a precision" in none.output
