"""Writes a trained model as a release: one ONNX file that runs without torch, with tokenizer and config."""

from __future__ import annotations

import json
import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import helper
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model
from tokenizers import Tokenizer
from torch import Tensor, nn

from tocsin.model.network import TocsinConfig, TocsinModel
from tocsin.model.quantization import EMBEDDING_BLOCK, quantize_embeddings, quantize_rows, set_nodes
from tocsin.model.settings import OUTPUTS, ModelError, checksums, read_config
from tocsin.model.vocabulary import is_unigram, needed_ids, trim

MAX_BYTES = 50_000_000  # of a release with everything in its folder: it ships in the wheel
_BYTES_OF_PIECE_IN_TOKENIZER = 26
_BYTES_OF_THE_REST = 700_000  # graph, config, figures, card


def load_trained(directory: Path) -> tuple[TocsinModel, Tokenizer]:
    """A folder that training wrote; raises :class:`ModelError`."""
    read_config(directory)
    try:
        model = TocsinModel.from_pretrained(directory)
        tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    except Exception as error:  # safetensors, transformers and tokenizers each raise their own
        raise ModelError(f"{directory}: damaged: {error}") from error
    return model.eval(), tokenizer


def trim_vocabulary(
    model: TocsinModel,
    tokenizer: Tokenizer,
    languages: Sequence[str],
    texts: Iterable[str],
    others: Sequence[str] = (),
) -> tuple[TocsinModel, Tokenizer]:
    """The same model with the embeddings of the pieces that ``languages`` and ``texts`` need, and as many of those that
    the ``others`` need as :data:`MAX_BYTES` allows (all, if the model is larger anyway); unchanged if it is not a
    Unigram model."""
    if not is_unigram(tokenizer):
        return model, tokenizer
    max_pieces = int((MAX_BYTES - _bytes_beside_embeddings(model)) / _bytes_of_piece(model))
    backbone = dict(model.config.backbone)
    special = {
        key: backbone[key] for key in ("pad_token_id", "bos_token_id", "eos_token_id") if backbone.get(key) is not None
    }
    ids = sorted({*needed_ids(tokenizer, languages, texts, others, max_pieces), *special.values()})
    backbone |= {"vocab_size": len(ids)} | {key: ids.index(old) for key, old in special.items()}
    if backbone["model_type"] == "bert":  # whose positions count from 0: none beyond a window is ever used
        backbone["max_position_embeddings"] = model.config.max_tokens
    config = TocsinConfig.from_dict(model.config.to_dict() | {"backbone": backbone})
    trimmed = TocsinModel(config)
    state = model.state_dict()
    name = next(n for n, p in model.named_parameters() if p is model.encoder.get_input_embeddings().weight)
    state[name] = state[name][torch.tensor(ids)]
    for name, weight in trimmed.state_dict().items():
        if name.endswith("position_embeddings.weight"):
            state[name] = state[name][: len(weight)]
    trimmed.load_state_dict(state)
    return trimmed.eval(), trim(tokenizer, ids)


def _bytes_beside_embeddings(model: TocsinModel) -> float:
    table = model.encoder.get_input_embeddings().weight.numel()
    matrices = sum(parameter.numel() for parameter in model.parameters()) - table  # a byte a weight
    positions = 4 * model.config.max_tokens * model.encoder.config.hidden_size  # stay in float
    return float(matrices + positions + _BYTES_OF_THE_REST)


def _bytes_of_piece(model: TocsinModel) -> float:
    return float(model.encoder.config.hidden_size * (1 / 2 + 2 / EMBEDDING_BLOCK)) + _BYTES_OF_PIECE_IN_TOKENIZER


class _Outputs(nn.Module):
    """The model with a tuple of outputs, which the ONNX exporter wants."""

    def __init__(self, model: TocsinModel):
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        logits = self.model(input_ids, attention_mask)
        return tuple(logits[name] for name in OUTPUTS)


def write_onnx(model: TocsinModel, path: Path) -> None:
    """Exports, fuses and quantizes; inputs "input_ids" and "attention_mask", outputs :data:`OUTPUTS`."""
    graph = export_float(model)
    quantize_rows(graph)
    quantize_embeddings(graph, model.encoder.get_input_embeddings().weight.detach().numpy())
    onnx.save_model(graph, str(path))


def export_float(model: TocsinModel) -> onnx.ModelProto:
    """The model as a fused graph in float32."""
    model.encoder.set_attn_implementation("eager")  # the pattern that ONNX Runtime's fusion knows
    example = torch.tensor([[5, 6, 7, 8], [5, 6, 7, 1]])
    both = {0: "batch", 1: "tokens"}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), _quiet_logs():
        warnings.simplefilter("ignore")
        raw = str(Path(folder) / "float.onnx")
        torch.onnx.export(
            _Outputs(model),
            (example, torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])),
            raw,
            dynamo=False,  # its graphs are the ones the fusions below are written for
            opset_version=18,
            input_names=["input_ids", "attention_mask"],
            output_names=list(OUTPUTS),
            dynamic_axes={"input_ids": both, "attention_mask": both}
            | {name: both if name != "event_logits" else {0: "batch"} for name in OUTPUTS},
        )
        return _fused(raw, model)


@contextmanager
def _quiet_logs() -> Iterator[None]:
    # ONNX Runtime's tools log every node they touch.
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)


def _fused(path: str, model: TocsinModel) -> onnx.ModelProto:
    config = model.encoder.config
    options = FusionOptions("bert")
    # Keeps query, key and value as matrix products of their own, which the quantizer can take.
    options.use_multi_head_attention = True
    options.enable_embed_layer_norm = False
    fused: onnx.ModelProto = optimize_model(
        path,
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        opt_level=0,
        optimization_options=options,
    ).model
    _split_layer_norms(fused)
    return fused


def _split_layer_norms(graph: onnx.ModelProto) -> None:
    # ONNX Runtime's SkipLayerNormalization is several times slower on a CPU than the sums and the LayerNormalization
    # that it stands for: a sixth of the whole model's time. The fusion of attention looks for it, so it goes last.
    nodes: list[onnx.NodeProto] = []
    for node in graph.graph.node:
        if node.op_type != "SkipLayerNormalization":
            nodes.append(node)
            continue
        (target,) = filter(None, node.output)
        one, other, gamma, beta, *bias = node.input
        for term in [*bias, other]:
            nodes.append(helper.make_node("Add", [one, term], [f"{target}_with_{len(nodes)}"]))
            one = nodes[-1].output[0]
        (epsilon,) = (attribute for attribute in node.attribute if attribute.name == "epsilon")
        nodes.append(helper.make_node("LayerNormalization", [one, gamma, beta], [target], axis=-1, epsilon=epsilon.f))
    set_nodes(graph, nodes)


def write_release(
    directory: Path, model: TocsinModel, tokenizer: Tokenizer, name: str, fitted: Mapping[str, Any]
) -> None:
    """Writes ``config.json`` with checksums, and the tokenizer, beside an ONNX file already there.

    ``fitted``: what was chosen on dev, as ``Settings.from_config`` reads it ("thresholds" and the like).
    """
    tokenizer.save(str(directory / "tokenizer.json"), pretty=False)
    config = model.config.to_dict() | {"model_name": name} | dict(fitted)
    encoder = model.encoder.config
    config |= {"encoder_layers": encoder.num_hidden_layers, "encoder_width": encoder.hidden_size}
    config["checksums"] = checksums(directory)
    (directory / "config.json").write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
