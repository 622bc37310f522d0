"""The pipeline's engine over a torch model: for evaluation while training, and as the float side of the export gate."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer

from tocsin.model.network import TocsinModel
from tocsin.model.pipeline import Engine, Floats, Integers, Pipeline
from tocsin.model.settings import OUTPUTS, Settings


def torch_engine(model: TocsinModel) -> Engine:
    """``model`` in evaluation mode, without gradients, on its own device."""

    def run(input_ids: Integers, attention_mask: Integers) -> tuple[Floats, Floats, Floats]:
        training = model.training
        model.eval()
        with torch.inference_mode():
            logits = model(
                torch.from_numpy(input_ids).to(model.device), torch.from_numpy(attention_mask).to(model.device)
            )
        model.train(training)
        events, entities, roles = (logits[name].float().cpu().numpy() for name in OUTPUTS)
        return events, entities, roles

    return run


def torch_pipeline(model: TocsinModel, tokenizer: Tokenizer) -> Pipeline:
    """A torch model as a pipeline, with the settings of its config."""
    return Pipeline(torch_engine(model), tokenizer, Settings.from_config(model.config.to_dict(), "config"))
