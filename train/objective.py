"""What the model is trained to minimise."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

IGNORED = -100
OUTSIDE = 0  # the tag O, see tocsin.model.labels.bio_tags


def multitask_loss(
    logits: Mapping[str, Tensor],
    labels: Mapping[str, Tensor],
    *,
    positive_weight: float,
    focusing: float,
    label_smoothing: float,
    entity_weight: float,
    role_weight: float,
) -> Tensor:
    """Scalar: event binary cross-entropy (summed over types, mean over sentences) plus weighted tag cross-entropies.

    ``positive_weight``: how much more a type that is reported weighs than one that is not; the latter weighs
    probability ** ``focusing`` (asymmetric loss, Ridnik et al. 2021).
    ``labels``: "event_labels" (batch, types) float 0/1; "entity_labels", "role_labels" (batch, tokens) int64 with
    -100 where a token carries no tag (special tokens, padding, all but the first token of a unit); "event_known"
    (batch, types), "entity_known", "role_known" (batch, labels) bool. A label that is not known in a sentence gets
    no gradient from it.
    """
    targets = labels["event_labels"] * (1 - label_smoothing) + label_smoothing / 2
    events = logits["event_logits"]
    event = functional.binary_cross_entropy_with_logits(
        events, targets, pos_weight=events.new_tensor(positive_weight), reduction="none"
    )
    if focusing:
        event = event * torch.where(labels["event_labels"] > 0, 1.0, events.sigmoid() ** focusing)
    entity = _tag_loss(logits["entity_logits"], labels["entity_labels"], labels["entity_known"])
    role = _tag_loss(logits["role_logits"], labels["role_labels"], labels["role_known"])
    return (event * labels["event_known"]).sum(1).mean() + entity_weight * entity + role_weight * role


def _tag_loss(logits: Tensor, tags: Tensor, known: Tensor) -> Tensor:
    # The softmax runs over O and the tags of the labels that were looked for. Where not all were, a unit outside all
    # mentions may well be a mention of another label: it says what it is not, but nothing for O, which is held fixed.
    # So it is inside mentions too: else O would be lowered there and raised nowhere, and the labels that were not
    # looked for would come up in its place.
    partly = ~known.all(1)[:, None]
    outside = torch.where(partly, logits[..., OUTSIDE].detach(), logits[..., OUTSIDE])
    inside = logits[..., 1:].masked_fill(~known.repeat_interleave(2, 1)[:, None], float("-inf"))
    logits = torch.cat([outside[..., None], inside], -1)
    summed = functional.cross_entropy(logits.flatten(0, 1), tags.flatten(), ignore_index=IGNORED, reduction="sum")
    # Per sentence, like the event loss, in units of ten tags: long sentences count as what they are.
    return summed / (10 * len(tags))


def divergence(
    logits: Mapping[str, Tensor],
    reference: Mapping[str, Tensor],
    labels: Mapping[str, Tensor],
    *,
    entity_weight: float,
    role_weight: float,
) -> Tensor:
    """Scalar: Kullback-Leibler divergence of the predicted distributions from those of ``reference``, all heads.

    Weighted and summed like :func:`multitask_loss`; both arguments as the network gives them. Tokens that carry no
    tag in ``labels`` are left out. The distillation loss of Hinton et al. 2015 at temperature 1, and R-Drop's.
    """
    events, wanted = logits["event_logits"], reference["event_logits"]
    targets = wanted.sigmoid()
    event = functional.binary_cross_entropy_with_logits(events, targets, reduction="none")
    event = event - functional.binary_cross_entropy_with_logits(wanted, targets, reduction="none")
    total = event.sum(1).mean()
    for layer, weight in (("entity", entity_weight), ("role", role_weight)):
        tagged = labels[f"{layer}_labels"] != IGNORED
        ours, theirs = (functional.log_softmax(x[f"{layer}_logits"][tagged], -1) for x in (logits, reference))
        total = total + weight * functional.kl_div(ours, theirs, reduction="sum", log_target=True) / (10 * len(events))
    return total
