"""The weights of a release as arrays again, so that training can go on from what ships.

The inverse of :mod:`tocsin.model.export`: 8-bit and 4-bit weights become float32. What quantization lost stays lost.

An 8-bit weight comes back anywhere within half a step of where it lies, at random (dither, Gray and Stockham 1993). All
on their steps, they would be rounded back by the next export after a short training, which moves each by less than half
a step; so a share of them rounds on, as large as the way they went, and untrained they round to where they were.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from tocsin.model.settings import read_config, verify_checksums

_HALF = 0.499  # of a step
_PREFIX = "model."  # the exported module holds the network under this name


def release_weights(directory: Path, embeddings: str) -> dict[str, NDArray[np.float32]]:
    """Parameter name, as the network has it -> float32 array, of a release that ``tocsin export`` wrote.

    ``embeddings``: the name of the word embeddings, which the graph does not tell. Raises :class:`ModelError` for a
    damaged release.
    """
    verify_checksums(directory, read_config(directory))
    graph = onnx.load(str(directory / "model.onnx")).graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    random = np.random.default_rng(0)
    made_by = {output: node for node in graph.node for output in node.output}
    weights = {
        name.removeprefix(_PREFIX): numpy_helper.to_array(tensor)
        for name, tensor in stored.items()
        if name.startswith(_PREFIX)
    }
    for node in graph.node:
        if node.op_type == "MatMulIntegerToFloat":
            integers, scales = (numpy_helper.to_array(stored[node.input[i]]) for i in (1, 3))
            within = random.uniform(-_HALF, _HALF, integers.shape)
            within[np.abs(integers) == np.abs(integers).max(0)] = 0  # the largest of an output gives its scale
            # (outputs, inputs), as torch.nn.Linear has it
            weights[f"{_module(node)}.weight"] = ((integers + within) * scales).astype(np.float32).T
        elif node.op_type == "MultiHeadAttention":  # holds the biases of the three products before it as one
            biases = np.split(numpy_helper.to_array(stored[node.input[3]]), 3)
            for product, bias in zip(node.input[:3], biases):
                weights[f"{_module(made_by[product])}.bias"] = bias
        elif node.op_type == "GatherBlockQuantized":
            nibbles, scales = (numpy_helper.to_array(stored[node.input[i]]) for i in (0, 2))
            blocks = nibbles.astype(np.float32).reshape(*scales.shape, -1) * scales[..., None].astype(np.float32)
            weights[embeddings] = blocks.reshape(nibbles.shape)
    return weights


def _module(node: onnx.NodeProto) -> str:
    # The exporter names a node by its modules: /model/encoder/.../query/MatMul_int8
    return str(node.name.removeprefix("/model/").rpartition("/")[0].replace("/", "."))
