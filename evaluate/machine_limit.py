"""How fast the machine multiplies 8-bit matrices through ONNX Runtime: what no int8 model of that shape can beat."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

_REPEATS = 20


def products(backbone: Mapping[str, Any]) -> list[tuple[int, int]]:
    """(inner, outer) sizes of the matrix products of one transformer layer."""
    width, inner = backbone["hidden_size"], backbone["intermediate_size"]
    return [(width, 3 * width), (width, width), (width, inner), (inner, width)]


def product_graph(shapes: list[tuple[int, int]]) -> bytes:
    """A model of nothing but uint8 x int8 -> int32 products with constant weights: inputs "in0", "in1", ... of
    (tokens, inner), one a shape."""
    rng = np.random.default_rng(0)
    nodes, inputs, outputs, weights = [], [], [], []
    for i, (inner, outer) in enumerate(shapes):
        weights.append(numpy_helper.from_array(rng.integers(-64, 64, (inner, outer), dtype=np.int8), f"w{i}"))
        inputs.append(helper.make_tensor_value_info(f"in{i}", TensorProto.UINT8, ["tokens", inner]))
        outputs.append(helper.make_tensor_value_info(f"out{i}", TensorProto.INT32, ["tokens", outer]))
        nodes.append(helper.make_node("MatMulInteger", [f"in{i}", f"w{i}"], [f"out{i}"]))
    graph = helper.make_graph(nodes, "products", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def tokens_per_second(backbone: Mapping[str, Any], tokens: int, threads: int) -> float:
    """Tokens a second of all layers' products and nothing else, in batches of ``tokens``, by as many threads as the
    pipeline would use: each its own batch. Median of 20."""
    shapes = products(backbone)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(product_graph(shapes), options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    feed = {f"in{i}": rng.integers(0, 128, (tokens, inner), dtype=np.uint8) for i, (inner, _) in enumerate(shapes)}
    layers = range(backbone["num_hidden_layers"])
    times = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(_REPEATS + 1):
            start = time.perf_counter()
            list(pool.map(lambda _: [session.run(None, feed) for _ in layers], range(threads)))
            times.append(time.perf_counter() - start)
    return threads * tokens / median(times[1:])  # the first packs the weights
