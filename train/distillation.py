"""What a teacher says of the sentences that a student is trained on."""

from __future__ import annotations

from pathlib import Path

import datasets
import torch
from rich.progress import track
from tokenizers import Tokenizer
from torch import Tensor

from tocsin.model.export import load_trained
from tocsin.model.settings import OUTPUTS, ModelError
from tocsin.train.features import Collator

_BATCH = 32


def teacher_logits(
    folder: Path, dataset: datasets.Dataset, tokenizer: Tokenizer, bfloat16: bool
) -> list[dict[str, Tensor]]:
    """For every example, in order, its logits as the network names them, (types,) or (tokens, tags), float16.

    Raises ``ModelError`` for a folder that is no trained model, or one with another ``tokenizer`` than the student's:
    its logits are read token by token.
    """
    model, its_tokenizer = load_trained(folder)
    if its_tokenizer.to_str() != tokenizer.to_str():
        raise ModelError(f"{folder}: the teacher has another tokenizer than the student")
    collate = Collator(model.config.backbone["pad_token_id"])
    lengths = [len(ids) for ids in dataset["input_ids"]]
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    results: list[dict[str, Tensor]] = [{} for _ in lengths]
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        for start in track(range(0, len(order), _BATCH), "the teacher reads"):
            rows = order[start : start + _BATCH]
            batch = collate([dataset[row] for row in rows])
            logits = {
                name: values.half() for name, values in model(batch["input_ids"], batch["attention_mask"]).items()
            }
            for place, row in enumerate(rows):
                events, *tags = (logits[name][place].clone() for name in OUTPUTS)
                results[row] = dict(zip(OUTPUTS, (events, *(values[: lengths[row]].clone() for values in tags))))
    return results
