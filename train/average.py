"""One model from several that began at the same weights: their mean (model soup, Wortsman et al. 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from tocsin.model.export import load_trained
from tocsin.model.settings import ModelError


def average_runs(runs: Sequence[Path], output: Path) -> None:
    """Writes the mean of the weights of trained ``runs`` to ``output``, with the first one's config and tokenizer
    and the folder's name.

    Raises :class:`ModelError` for a folder that is no run, or runs that are not of one shape and tokenizer.
    """
    model, tokenizer = load_trained(runs[0])
    state = model.state_dict()
    for number, run in enumerate(runs[1:], 2):
        other, its_tokenizer = load_trained(run)
        its_state = other.state_dict()
        shapes = [{key: value.shape for key, value in weights.items()} for weights in (state, its_state)]
        if shapes[0] != shapes[1] or its_tokenizer.to_str() != tokenizer.to_str():
            raise ModelError(f"{run}: not of the same shape and tokenizer as {runs[0]}")
        for key, value in state.items():
            if value.is_floating_point():
                state[key] = torch.lerp(value, its_state[key], 1 / number)
    model.load_state_dict(state)
    model.config.model_name = output.name
    model.config.training = model.config.training | {"average_of": [run.name for run in runs]}
    model.save_pretrained(output)
    tokenizer.save(str(output / "tokenizer.json"))
