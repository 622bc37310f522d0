"""Partly annotated sentences: what nobody looked for is unknown, and the loss must not learn it as absent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tocsin.data.ontology import Ontology
from tocsin.data.records import FULLY, Annotated, LabelledSentence
from tocsin.model.network import TocsinModel
from tocsin.train.features import Collator, make_dataset
from tocsin.train.objective import multitask_loss

OPTIONS = {"positive_weight": 3.0, "focusing": 1.0, "label_smoothing": 0.02, "entity_weight": 3.0, "role_weight": 3.0}
SOME = Annotated(frozenset({"arrest", "accident"}), frozenset({"person", "location"}), frozenset({"actor"}))


def _gradients(sentence: LabelledSentence, model: TocsinModel, dataset_row: dict[str, object]) -> dict[str, Tensor]:
    batch = Collator(1)([dataset_row])
    with torch.no_grad():
        logits = model.eval()(batch["input_ids"], batch["attention_mask"])
    logits = {name: value.requires_grad_() for name, value in logits.items()}
    multitask_loss(logits, batch, **OPTIONS).backward()
    gradients = {}
    for name, value in logits.items():
        assert value.grad is not None
        gradients[name] = value.grad
    return gradients


@pytest.fixture
def sentence(dev: list[LabelledSentence]) -> LabelledSentence:
    """A real sentence with persons or places, an actor, and labels beside them."""
    return next(
        s
        for s in dev
        if {"location", "date"} <= {e.label for e in s.entities} and {"actor", "target"} <= {r.label for r in s.roles}
    )


def _masked(sentence: LabelledSentence, annotated: Annotated) -> LabelledSentence:
    known = [annotated.types, annotated.entities, annotated.roles]
    return replace(
        sentence,
        types=tuple(t for t in sentence.types if known[0] is None or t in known[0]),
        entities=tuple(e for e in sentence.entities if known[1] is None or e.label in known[1]),
        roles=tuple(r for r in sentence.roles if known[2] is None or r.label in known[2]),
        annotated=annotated,
    )


def test_no_gradient_for_what_was_not_annotated(
    sentence: LabelledSentence, tiny_backbone: Path, ontology: Ontology
) -> None:
    model, tokenizer = TocsinModel.from_backbone(str(tiny_backbone), ontology, ["fr"], 256, 0.0)
    (row,) = make_dataset([_masked(sentence, SOME)], tokenizer, ontology, 256)
    gradients = _gradients(sentence, model, row)
    events = gradients["event_logits"][0]
    for name, gradient in zip(ontology.type_names, events, strict=True):
        assert (gradient != 0) == (name in ("arrest", "accident")), name
    for layer, labels, known in (
        ("entity", ontology.entity_names, SOME.entities),
        ("role", ontology.role_names, SOME.roles),
    ):
        assert known is not None
        tags = gradients[f"{layer}_logits"][0]  # (tokens, tags)
        for k, label in enumerate(labels):
            learns = bool((tags[:, 2 * k + 1 : 2 * k + 3] != 0).any())
            assert learns == (label in known), label
        # A unit outside every mention may be a mention of something nobody looked for: O learns nothing there.
        outside = torch.tensor(row[f"{layer}_labels"]) == 0
        assert outside.any()
        assert (tags[outside, 0] == 0).all()


def test_nothing_annotated_gives_no_gradient_at_all(
    sentence: LabelledSentence, tiny_backbone: Path, ontology: Ontology
) -> None:
    model, tokenizer = TocsinModel.from_backbone(str(tiny_backbone), ontology, ["fr"], 256, 0.0)
    none: frozenset[str] = frozenset()
    (row,) = make_dataset([_masked(sentence, Annotated(none, none, none))], tokenizer, ontology, 256)
    assert all((gradient == 0).all() for gradient in _gradients(sentence, model, row).values())


def test_all_labels_named_is_fully_annotated(
    sentence: LabelledSentence, tiny_backbone: Path, ontology: Ontology
) -> None:
    model, tokenizer = TocsinModel.from_backbone(str(tiny_backbone), ontology, ["fr"], 256, 0.0)
    named = Annotated(frozenset(ontology.type_names), frozenset(ontology.entity_names), frozenset(ontology.role_names))
    results = []
    for annotated in (FULLY, named):
        (row,) = make_dataset([_masked(sentence, annotated)], tokenizer, ontology, 256)
        results.append(_gradients(sentence, model, row))
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])
    assert (results[0]["entity_logits"][0, :, 0] != 0).any()


def test_a_fully_annotated_sentence_keeps_its_loss_beside_a_partly_annotated_one(
    sentence: LabelledSentence, tiny_backbone: Path, ontology: Ontology
) -> None:
    model, tokenizer = TocsinModel.from_backbone(str(tiny_backbone), ontology, ["fr"], 256, 0.0)
    none: frozenset[str] = frozenset()
    rows = list(make_dataset([sentence, _masked(sentence, Annotated(none, none, none))], tokenizer, ontology, 256))
    losses = []
    with torch.no_grad():
        for chosen in (rows[:1], rows):
            batch = Collator(1)(chosen)
            losses.append(multitask_loss(model.eval()(batch["input_ids"], batch["attention_mask"]), batch, **OPTIONS))
    # The loss is a mean over sentences.
    assert losses[1] == pytest.approx(float(losses[0]) / 2, rel=1e-5)
