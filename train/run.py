"""A training run: recipe and sentences in, a folder with the best model out."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import Trainer, TrainingArguments, set_seed

from tocsin.data.ontology import load_ontology
from tocsin.data.records import LabelledSentence, Prediction
from tocsin.model.backbone import BackboneError
from tocsin.model.network import TocsinModel
from tocsin.model.settings import Settings
from tocsin.model.torch_engine import torch_pipeline
from tocsin.train.distillation import teacher_logits
from tocsin.train.features import Collator, make_dataset
from tocsin.train.objective import divergence, multitask_loss
from tocsin.train.recipe import Recipe
from tocsin.train.sampling import MixtureSampler

# Figures of gold and predicted sentences; tocsin.evaluate.scores.score fits. Given from outside, because
# training does not depend on evaluation.
Scorer = Callable[[Sequence[LabelledSentence], Sequence[Prediction]], dict[str, Any]]

_PACKAGES = ("tocsin", "torch", "transformers", "datasets", "tokenizers", "numpy")
_RUN_FILE = "run.json"
_DEV_FILE = "dev.json"
_EPOCHS_OF_POOL = 2


class RunError(RuntimeError):
    """A run that cannot start or go on; the message says why."""


def train(
    recipe: Recipe,
    sources: Mapping[str, Sequence[LabelledSentence]],
    dev_sentences: Sequence[LabelledSentence],
    output: Path,
    score: Scorer,
) -> dict[str, Any]:
    """Trains, evaluates on dev after each epoch, and saves the best model with its tokenizer in ``output``.

    ``sources``: training sentences by source, as the recipe's ``sampling`` names them.

    The same call on the same folder goes on after a kill, from the last checkpoint; of a finished run it only reads
    the result. Returns the best dev figures.
    Raises :class:`RunError` if the folder holds a run of another recipe or of other sentences, or if the recipe does
    not fit its backbone or its sources, ``BackboneError`` or ``ModelError`` for a backbone or teacher that cannot be
    read.
    """
    run: dict[str, Any] = {
        "recipe": recipe.to_dict(),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
        "corpus": _digest([*(s for sentences in sources.values() for s in sentences), *dev_sentences]),
    }
    _check_claim(output, run)
    finished = output / _DEV_FILE
    if finished.exists():  # written last; only the best epoch's checkpoint is left, from which nothing is to be redone
        best: dict[str, Any] = json.loads(finished.read_text(encoding="utf-8"))["best"]
        return best
    set_seed(recipe.seed)
    ontology = load_ontology()
    try:
        model, tokenizer = TocsinModel.from_backbone(
            recipe.backbone,
            ontology,
            recipe.languages,
            recipe.max_tokens,
            recipe.head_dropout,
            recipe.label_attention,
        )
        if recipe.layers:
            model.keep_layers(recipe.layers)
    except ValueError as error:
        raise error if isinstance(error, BackboneError) else RunError(f"recipe {recipe.name!r}: {error}") from error
    if before := getattr(model.config, "training", None):  # the backbone is a model of ours
        run["continues"] = before
        model.config.base_model = model.config.base_model or before["recipe"]["backbone"]
    model.config.model_name = recipe.name
    model.config.training = run
    if recipe.freeze_embeddings:
        model.encoder.get_input_embeddings().weight.requires_grad = False
    max_tokens = model.config.max_tokens
    sources, run["left_out"] = _readable(sources, tokenizer, max_tokens)
    if recipe.teacher:
        sources = _pool(sources, recipe)
    train_sentences = [sentence for source in sources.values() for sentence in source]
    run["sentences"] = {"train": len(train_sentences), "dev": len(dev_sentences)}
    run["sources"] = {source: len(sentences) for source, sentences in sources.items()}
    train_dataset = make_dataset(train_sentences, tokenizer, ontology, max_tokens)
    try:
        sampler = MixtureSampler(
            [source for source, sentences in sources.items() for _ in sentences],
            [sentence.lang for sentence in train_sentences],
            [len(ids) for ids in train_dataset["input_ids"]],
            sampling=recipe.sampling,
            language_exponent=recipe.language_exponent,
            batch_size=recipe.batch_size,
            seed=recipe.seed,
        )
    except ValueError as error:
        raise RunError(f"recipe {recipe.name!r}: {error}") from error
    trainer = _Trainer(
        recipe=recipe,
        sampler=sampler,
        dev=dev_sentences,
        tokenizer=tokenizer,
        score=score,
        model=model,
        args=_arguments(recipe, output),
        train_dataset=train_dataset,
        eval_dataset=make_dataset(dev_sentences, tokenizer, ontology, max_tokens),
        data_collator=Collator(
            Settings.from_config(model.config.to_dict(), "config").pad_token_id,
            masked_share=recipe.token_masking,
            mask_token_id=_mask_token_id(tokenizer) if recipe.token_masking else 0,
            teacher=teacher_logits(Path(recipe.teacher), train_dataset, tokenizer, recipe.bfloat16)
            if recipe.teacher
            else (),
        ),
    )
    output.mkdir(parents=True, exist_ok=True)
    (output / _RUN_FILE).write_text(json.dumps(run, indent=1), encoding="utf-8")
    trainer.train(resume_from_checkpoint=_last_checkpoint(output))
    # load_best_model_at_end has put the best epoch's weights back.
    figures = trainer.dev_figures()
    model.save_pretrained(output)
    tokenizer.save(str(output / "tokenizer.json"))
    (output / _DEV_FILE).write_text(json.dumps({"best": figures, "log": trainer.state.log_history}, indent=1))
    return figures


def _readable(
    sources: Mapping[str, Sequence[LabelledSentence]], tokenizer: Tokenizer, max_tokens: int
) -> tuple[dict[str, Sequence[LabelledSentence]], list[str]]:
    # Public texts are as they are: a few are longer than a window. Those are left out and named in the run's record; of
    # our own texts none may be.
    readable: dict[str, Sequence[LabelledSentence]] = {}
    left_out: list[str] = []
    for source, sentences in sources.items():
        readable[source] = sentences
        if source.startswith(("public/", "unlabelled/")):
            lengths = [len(encoding.ids) for encoding in tokenizer.encode_batch([s.text for s in sentences])]
            readable[source] = [s for s, length in zip(sentences, lengths) if length <= max_tokens]
            left_out += [s.id for s, length in zip(sentences, lengths) if length > max_tokens]
    return readable, left_out


def _pool(sources: Mapping[str, Sequence[LabelledSentence]], recipe: Recipe) -> dict[str, Sequence[LabelledSentence]]:
    # The teacher reads each sentence once, before training: of a large source only so many that an epoch differs from
    # the next.
    random = Random(recipe.seed)
    sizes = {source: _EPOCHS_OF_POOL * recipe.sampling.get(source, len(sources[source])) for source in sources}
    return {
        source: random.sample(sentences, sizes[source]) if len(sentences) > sizes[source] else sentences
        for source, sentences in sources.items()
    }


def _mask_token_id(tokenizer: Tokenizer) -> int:
    for mask in ("<mask>", "[MASK]"):
        if (id := tokenizer.token_to_id(mask)) is not None:
            return id
    raise RunError("key 'token_masking': the tokenizer has no mask token")


def _digest(sentences: Sequence[LabelledSentence]) -> str:
    content = json.dumps([sentence.to_dict() for sentence in sentences], ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def _check_claim(output: Path, run: dict[str, Any]) -> None:
    path = output / _RUN_FILE
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        for key in ("recipe", "corpus"):
            if before.get(key) != run[key]:
                raise RunError(f"{output} holds a run with another {key}; choose another folder")


def _last_checkpoint(output: Path) -> str | None:
    # trainer_state.json is written last: a checkpoint without it was cut short by a kill.
    complete = [path for path in output.glob("checkpoint-*") if (path / "trainer_state.json").exists()]
    return str(max(complete, key=lambda path: int(path.name.split("-")[1]))) if complete else None


def _arguments(recipe: Recipe, output: Path) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(output),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        lr_scheduler_type="linear",
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        load_best_model_at_end=True,
        metric_for_best_model="mean_f1",
        greater_is_better=True,
        logging_steps=20,
        report_to=[],
        seed=recipe.seed,
        bf16=recipe.bfloat16,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=False,
        remove_unused_columns=False,
    )


class _Trainer(Trainer):
    model: TocsinModel

    def __init__(
        self,
        *,
        recipe: Recipe,
        sampler: MixtureSampler,
        dev: Sequence[LabelledSentence],
        tokenizer: Tokenizer,
        score: Scorer,
        **kwargs: Any,
    ):
        self.recipe, self.sampler, self.dev, self.tokenizer, self.score = recipe, sampler, dev, tokenizer, score
        super().__init__(**kwargs)

    def _get_train_sampler(self, *_: Any) -> MixtureSampler:
        return self.sampler

    def compute_loss(  # type: ignore[override]
        self, model: TocsinModel, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any
    ) -> Tensor | tuple[Tensor, dict[str, Tensor]]:
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        if self.recipe.consistency:  # both passes at once: dropout differs from row to row
            ids, mask = torch.cat([ids, ids]), torch.cat([mask, mask])
        logits = model(ids, mask)
        passes = [logits]
        if self.recipe.consistency:
            passes = [dict(zip(logits, halves)) for halves in zip(*(values.chunk(2) for values in logits.values()))]
        weights = {"entity_weight": self.recipe.entity_weight, "role_weight": self.recipe.role_weight}
        losses = [
            multitask_loss(
                each,
                inputs,
                positive_weight=self.recipe.positive_weight,
                focusing=self.recipe.focusing,
                label_smoothing=self.recipe.label_smoothing,
                **weights,
            )
            for each in passes
        ]
        loss = torch.stack(losses).mean()
        if self.recipe.consistency:
            both = [divergence(a, b, inputs, **weights) for a, b in (passes, passes[::-1])]
            loss = loss + self.recipe.consistency * torch.stack(both).mean()
        if self.recipe.teacher:
            teacher = {name: inputs[f"teacher_{name}"] for name in logits}
            loss = loss + torch.stack([divergence(each, teacher, inputs, **weights) for each in passes]).mean()
        return (loss, logits) if return_outputs else loss

    def create_optimizer(self, *_: Any) -> torch.optim.Optimizer:
        groups: dict[tuple[float, float], list[Tensor]] = {}
        layers = self.model.encoder.config.num_hidden_layers
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad:
                decay = 0.0 if parameter.ndim < 2 else self.recipe.weight_decay
                groups.setdefault((self._rate(name, layers), decay), []).append(parameter)
        self.optimizer = torch.optim.AdamW(
            [{"params": parameters, "lr": rate, "weight_decay": decay} for (rate, decay), parameters in groups.items()]
        )
        return self.optimizer

    def _rate(self, name: str, layers: int) -> float:
        if not name.startswith("encoder."):
            return self.recipe.head_learning_rate
        layer = re.search(r"\.(?:layers?|h|block)\.(\d+)\.", name)
        above = layers - 1 - int(layer.group(1)) if layer else layers
        return float(self.recipe.learning_rate * self.recipe.layer_decay**above)

    def dev_figures(self) -> dict[str, Any]:
        return self.score(self.dev, torch_pipeline(self.model, self.tokenizer).predict_labelled(self.dev))

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        figures = self.dev_figures()
        kept = ("event_micro_f1", "event_macro_f1", "entity_f1", "role_f1")
        metrics = {f"{metric_key_prefix}_{name}": figures[name] for name in kept}
        metrics[f"{metric_key_prefix}_mean_f1"] = sum(figures[name] for name in kept) / len(kept)
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics
