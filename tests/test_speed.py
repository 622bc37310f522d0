"""The speed benchmark: what it measures with is right, and its page follows from its figures."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tocsin.data.records import LabelledSentence
from tocsin.evaluate.speed_systems import Text, evenly, timed
from tocsin.model.runtime import RELEASED_DIR

pytest.importorskip("onnx")

from tocsin.evaluate.machine_limit import product_graph, products, tokens_per_second
from tocsin.evaluate.speed import _ratios, real_length_sentences, speed_page
from tocsin.evaluate.speed_profile import where_time_goes

BACKBONE = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}


@pytest.fixture(scope="module")
def texts(dev: list[LabelledSentence]) -> list[Text]:
    return [(sentence.lang, sentence.text) for sentence in dev[:24]]


def test_shares_are_even() -> None:
    assert evenly(4, 8) == [0, 2, 4, 6]
    assert evenly(3, 10) == [0, 3, 6]
    assert evenly(99, 5) == [0, 1, 2, 3, 4]


def test_sentences_are_mixed_and_repeatable() -> None:
    sentences = real_length_sentences(300, ["fr", "zh"], None)
    assert sentences == real_length_sentences(300, ["fr", "zh"], None)
    assert {lang for lang, _ in sentences} == {"fr", "zh"}
    assert len(set(sentences)) > 290
    assert len(real_length_sentences(10_000, ["fr"], None)) == 10_000


def test_a_pass_reads_what_it_has_time_for(texts: list[Text]) -> None:
    read: list[int] = []
    figures = timed(lambda chosen: read.append(len(chosen)), texts * 100, repeats=3, seconds=0.0)
    assert read == [32, 64, 64, 64]
    assert figures["sentences"] == 64 and len(figures["seconds"]) == 3
    assert timed(lambda _: None, texts, repeats=1, seconds=9.0)["sentences"] == len(texts)


def test_the_limit_is_of_right_products() -> None:
    import onnxruntime

    shapes = products(BACKBONE)
    # All that a layer multiplies: query, key, value; output; both halves of the feed-forward part.
    assert sum(inner * outer for inner, outer in shapes) == 4 * 32 * 32 + 2 * 32 * 64
    session = onnxruntime.InferenceSession(product_graph([(32, 64)]), providers=["CPUExecutionProvider"])
    one = np.eye(32, dtype=np.uint8)
    (weights,) = session.run(None, {"in0": one})
    left = np.random.default_rng(2).integers(0, 128, (5, 32), dtype=np.uint8)
    (product,) = session.run(None, {"in0": left})
    assert np.array_equal(product, left.astype(np.int32) @ weights)
    assert tokens_per_second(BACKBONE, 16, 2) > 0


def test_shares_of_the_time_are_whole(texts: list[Text]) -> None:
    profile = where_time_goes(RELEASED_DIR, texts[:8])
    assert sum(profile["stages"].values()) == pytest.approx(1, abs=0.001)
    assert sum(profile["operators"].values()) == pytest.approx(1, abs=0.001)
    assert max(profile["stages"], key=lambda stage: profile["stages"][stage]) == "model"
    assert 0 <= profile["padding"] < 0.5


def test_the_other_systems_read_the_sentences(texts: list[Text], tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    pytest.importorskip("spacy")
    from tocsin.evaluate.speed_systems import prepare_pipelines, prepare_spacy, spacy_pipeline, two_pipelines

    small = tmp_path / "release"
    small.mkdir()
    config = json.loads((RELEASED_DIR / "config.json").read_text(encoding="utf-8"))
    config["backbone"] |= BACKBONE | {"num_attention_heads": 2}
    (small / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shutil.copyfile(RELEASED_DIR / "tokenizer.json", small / "tokenizer.json")
    prepare_pipelines(small, tmp_path)
    tagger = json.loads((tmp_path / "tagger" / "config.json").read_text(encoding="utf-8"))
    assert len(tagger["id2label"]) == len(config["entity_id2label"]) and tagger["hidden_size"] == 32
    prepare_spacy(tmp_path, sentences=40)
    long = ("fr", "Le marché ouvre, la mairie ferme, " * 100)  # more than the encoder has positions for
    for system in (two_pipelines(tmp_path, torch.get_num_threads()), spacy_pipeline(tmp_path, 1)):
        system([*texts[:6], long])


def results() -> dict[str, Any]:
    """Figures as they are measured, round numbers."""

    def row(name: str, threads: int, rate: float) -> dict[str, Any]:
        return {
            "name": name,
            "threads": threads,
            "sentences": 100,
            "sentences_per_second": rate,
            "slowest": rate - 1,
            "fastest": rate + 1,
            "tokens_per_second": 40 * rate,
            "peak_megabytes": None,
            "start_seconds": 1.0,
        }

    figures: dict[str, Any] = {
        "sentences": 5000,
        "languages": 16,
        "tokens_per_sentence": 40.0,
        "repeats": 5,
        "model": "1.0",
        "machine": {"processor": "some processor", "system": "Linux", "cores": 2},
        "systems": [
            row("two pipelines, default batch", 2, 20.0),
            row("two pipelines, batch 32", 2, 30.0),
            row("int8 release", 1, 150.0),
            row("int8 release", 2, 240.0),
        ],
        "command_start_seconds": [1.3, 1.1, 1.2],
        "profile": {
            "sentences": 512,
            "stages": {"model": 0.9, "decoding": 0.1},
            "operators": {"MatMulNBits": 0.8, "all others": 0.2},
            "padding": 0.05,
            "model_tokens_per_second": 7500.0,
        },
        "limit": {"batch_tokens": 512, "tokens_per_second": {"1": 15000, "2": 20000}},
    }
    return figures | {"ratios": _ratios(figures)}


def test_ratios_and_page_follow_from_the_figures() -> None:
    figures = results()
    assert figures["ratios"] == {
        "to_default_pipelines": 12.0,
        "to_pipelines_of_32": 8.0,
        "of_limit": {"1": 0.42, "2": 0.504},
        "model_of_limit": 0.5,
    }
    page = speed_page(figures)
    assert "**12.0 times**" in page and "**8.0 times**" in page
    assert "| int8 release | 2 | 240.0 (239.0–241.0) | 9,600 | 100 | – | 1.0 |" in page
    assert "42.0 % with 1 thread, 50.4 % with 2 threads" in page
    assert "1.20 s (1.10–1.30)" in page


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_long_job_counts_its_records(texts: list[Text], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from tocsin.evaluate.endurance import run_job
    from tocsin.evaluate.picture import memory_picture

    figures = run_job(texts[:10], 30, tmp_path)
    assert (figures["records"], figures["distinct"]) == (30, 10)
    assert "30 records" in figures["summary"]
    assert 0 < max(held for _, held in figures["memory"]) <= figures["peak_megabytes"] < 500
    memory_picture(figures, tmp_path / "memory.png")
    assert (tmp_path / "memory.png").read_bytes().startswith(b"\x89PNG")
