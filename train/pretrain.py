"""Continued pretraining: a trained model's encoder reads real text without labels (Gururangan et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import get_linear_schedule_with_warmup

from tocsin.model.export import load_trained
from tocsin.model.settings import ModelError, Settings

_MASKED = 0.15  # of the tokens, as BERT (Devlin et al. 2019); all of them by <mask>
_BATCH = 32
_ENCODER_RATE, _HEAD_RATE, _WARMUP = 5e-5, 1e-3, 0.1


def continue_pretraining(run: Path, texts: Sequence[str], steps: int, output: Path, seed: int = 13) -> list[float]:
    """Masked-language modelling of the encoder of ``run``; saves the model with its heads as they were in ``output``,
    which is then a backbone for a recipe.

    What is guessed is one of the pieces that ``texts`` consist of; word embeddings stay as they are. Texts longer than
    the model's window are left out. Returns the loss of each step, in nats a masked token. Raises :class:`ModelError`
    if ``run`` is no trained model or its tokenizer has no mask.
    """
    model, tokenizer = load_trained(run)
    mask = tokenizer.token_to_id("<mask>")
    if mask is None:
        raise ModelError(f"{run}: its tokenizer has no <mask>")
    pad = Settings.from_config(model.config.to_dict(), "config").pad_token_id
    torch.manual_seed(seed)
    ids_of_texts = (encoding.ids for encoding in tokenizer.encode_batch(list(texts)))
    rows = [ids for ids in ids_of_texts if len(ids) <= model.config.max_tokens]
    pieces = torch.tensor(sorted({id for row in rows for id in row}))
    table = model.encoder.get_input_embeddings().get_parameter("weight")
    table.requires_grad_(False)
    guessed, size = table[pieces], table.shape[1]
    head = nn.Sequential(nn.Linear(size, size), nn.GELU(), nn.LayerNorm(size))
    learned = [parameter for parameter in model.encoder.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": learned, "lr": _ENCODER_RATE}, {"params": head.parameters(), "lr": _HEAD_RATE}], weight_decay=0.01
    )
    schedule = get_linear_schedule_with_warmup(optimizer, int(_WARMUP * steps), steps)
    model.train()
    losses, random = [], Random(seed)
    for _ in range(steps):
        drawn = random.sample(rows, min(_BATCH, len(rows)))
        ids = pad_sequence([torch.tensor(row) for row in drawn], batch_first=True, padding_value=pad)
        attention = pad_sequence([torch.ones(len(row), dtype=torch.long) for row in drawn], batch_first=True)
        hidden = attention.bool() & (torch.rand(ids.shape) < _MASKED)
        hidden[:, 0] = False  # <s>; that </s> is guessed now and then does no harm
        with torch.autocast("cpu", torch.bfloat16):
            states = model.encoder(ids.masked_fill(hidden, mask), attention_mask=attention).last_hidden_state[hidden]
            logits = head(states) @ guessed.T
        loss = cross_entropy(logits.float(), torch.searchsorted(pieces, ids[hidden]))
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    model.config.training = model.config.training | {"pretrained": {"sentences": len(rows), "steps": steps}}
    model.save_pretrained(output)
    tokenizer.save(str(output / "tokenizer.json"))
    return losses
