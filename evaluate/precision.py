"""What each way to store and multiply the weights costs: size, speed, agreement with float, dependence on the batch."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer
from tokenizers import Tokenizer

from tocsin.data.records import LabelledSentence
from tocsin.evaluate.independence import dependence
from tocsin.evaluate.measure import measure
from tocsin.evaluate.report import markdown_table, percent
from tocsin.evaluate.scores import score
from tocsin.evaluate.thresholds import scores_of
from tocsin.model.export import export_float, write_release
from tocsin.model.network import TocsinModel
from tocsin.model.quantization import quantize_rows
from tocsin.model.runtime import load_release

Scheme = Callable[[Path, Path], None]
_CALIBRATION = 128  # sentences
_ALONE_AND_TOGETHER = 200  # sentences that are read alone and in batches


def schemes(calibration: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> dict[str, Scheme]:
    """Name -> what writes the second file from the first, a float ONNX graph. ``calibration``: inputs of it."""

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = iter(calibration)

        def get_next(self) -> dict[str, NDArray[np.int64]] | None:
            batch = next(self.left, None)
            return batch and {"input_ids": batch[0], "attention_mask": batch[1]}

    def blocks(size: int, level: int) -> Scheme:
        # "accuracy level" 4 multiplies in int8, activations quantized by row and block; 1 in float.
        scheme = DefaultWeightOnlyQuantConfig(block_size=size, is_symmetric=True, bits=8, accuracy_level=level)

        def write(source: Path, target: Path) -> None:
            quantizer = MatMulNBitsQuantizer(onnx.load(source), algo_config=scheme)
            quantizer.process()
            onnx.save_model(quantizer.model.model, target)

        return write

    def rows(source: Path, target: Path) -> None:
        graph = onnx.load(source)
        quantize_rows(graph)
        onnx.save_model(graph, target)

    # ONNX's shape inference stops at ONNX Runtime's own operators, so it does not know the types behind them.
    untold = {"DefaultTensorType": onnx.TensorProto.FLOAT}
    weights = {"weight_type": QuantType.QInt8, "op_types_to_quantize": ["MatMul"], "extra_options": untold}
    return {
        "float32": lambda source, target: onnx.save_model(onnx.load(source), target),
        "int8, whole-tensor dynamic scales": lambda source, target: quantize_dynamic(source, target, **weights),
        "int8, static scales of activations": lambda source, target: quantize_static(
            source, target, Reader(), quant_format=QuantFormat.QDQ, per_channel=True, **weights
        ),
        "int8, blocks of 32": blocks(32, 4),
        "int8, rows and columns (released)": rows,
        "int8, blocks of 64": blocks(64, 4),
        "int8, blocks of 128": blocks(128, 4),
        "int8 weights, blocks of 64, float products": blocks(64, 1),
    }


def compare_precisions(
    model: TocsinModel, tokenizer: Tokenizer, dev: Sequence[LabelledSentence], folder: Path
) -> dict[str, dict[str, Any]]:
    """Scheme -> "megabytes", "sentences_per_second", event micro-F1 and entity F1 on ``dev``, the largest difference of
    a probability from float's ("from_float"), and from its own when other sentences share the batch ("from_batch").

    Word embeddings stay in float in all of them, so that only the products differ.
    """
    source = folder / "float.onnx"
    onnx.save_model(export_float(model), source)
    encoded = [tokenizer.encode(sentence.text).ids for sentence in dev[:_CALIBRATION]]
    inputs = [(np.array([ids]), np.ones((1, len(ids)), np.int64)) for ids in encoded]
    some = dev[:: max(1, len(dev) // _ALONE_AND_TOGETHER)]
    results: dict[str, dict[str, Any]] = {}
    reference: NDArray[np.float64] | None = None
    for number, (name, scheme) in enumerate(schemes(inputs).items()):
        release = folder / str(number)
        release.mkdir()
        scheme(source, release / "model.onnx")
        write_release(release, model, tokenizer, name, {})
        pipeline = load_release(release)
        predictions = pipeline.predict_labelled(dev, all_scores=True)
        probabilities = scores_of(predictions, pipeline.settings.ontology.type_names)
        reference = probabilities if reference is None else reference
        figures = score(dev, predictions, details=False)
        results[name] = {
            "cores": os.cpu_count(),
            "megabytes": round((release / "model.onnx").stat().st_size / 1e6, 1),
            "sentences_per_second": measure(release, dev)["sentences_per_second"],
            "event_micro_f1": figures["event_micro_f1"],
            "entity_f1": figures["entity_f1"],
            "from_float": round(float(np.abs(probabilities - reference).max()), 6),
            "from_batch": round(dependence(pipeline, some).scores, 6),
        }
        shutil.rmtree(release)
    return results


def precision_page(results: dict[str, dict[str, Any]]) -> str:
    """Markdown of :func:`compare_precisions`."""
    rows = [
        [
            name,
            f"{run['megabytes']:g}",
            f"{run['sentences_per_second']:g}",
            percent(run["event_micro_f1"]),
            percent(run["entity_f1"]),
            f"{run['from_float']:.4f}",
            f"{run['from_batch']:.6f}",
        ]
        for name, run in results.items()
    ]
    cores = next(iter(results.values()))["cores"]
    head = ["", "MB", "sentences/s", "event micro-F1", "entity F1", "largest difference from float", "and by the batch"]
    return f"""\
# Precision of the exported model

The same model, its matrix products stored and computed in other ways; word embeddings in float in all of them. Figures
on dev at a threshold of 0.5, {cores} cores. A scheme whose scores differ by the batch by more than 0.001 is not
released. Written by `tocsin precision`.

{markdown_table(head, rows)}
"""
