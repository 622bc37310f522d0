"""Where the time of a release goes: stages of the pipeline, and operators within the model."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import onnxruntime

from tocsin.data.documents import Document
from tocsin.data.writers import json_line
from tocsin.evaluate.speed_systems import CHUNK, Text
from tocsin.model.pipeline import Floats, Integers
from tocsin.model.runtime import load_release

_OPERATORS_FROM = 0.005  # share of the time from which an operator is named


def where_time_goes(folder: Path, texts: Sequence[Text]) -> dict[str, Any]:
    """Shares of one thread's time: "stages" of the pipeline, "operators" of the model; "padding", the share of padding
    among what the model computes, and "model_tokens_per_second" (special tokens count, padding does not)."""
    pipeline = load_release(folder, threads=1)
    pipeline.predict(pipeline.sentences(Document("warm", texts[0][1], "")))
    spent: defaultdict[str, float] = defaultdict(float)
    batches: list[tuple[Integers, Integers]] = []

    def timed(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            result = function(*arguments, **options)
            spent[stage] += time.perf_counter() - start
            return result

        return run

    engine = timed("model", pipeline.engine)

    def keeping_engine(input_ids: Integers, attention_mask: Integers) -> tuple[Floats, Floats, Floats]:
        batches.append((input_ids, attention_mask))
        events, entities, roles = engine(input_ids, attention_mask)
        return events, entities, roles

    pipeline.engine = keeping_engine
    tokenize = timed("tokens", pipeline.tokenizer.encode_batch)
    pipeline.tokenizer = SimpleNamespace(encode_batch=tokenize)  # type: ignore[assignment]
    split = timed("language and sentences", pipeline.sentences)
    predict = timed("predict", pipeline.predict)
    write = timed("JSON", lambda prediction: json_line(prediction.to_dict()))
    for first in range(0, len(texts), CHUNK):
        documents = [Document(str(i), text, "") for i, (_, text) in enumerate(texts[first : first + CHUNK])]
        for prediction in predict([sentence for document in documents for sentence in split(document)]):
            write(prediction)
    spent["decoding"] = spent.pop("predict") - spent["model"] - spent["tokens"]
    computed = sum(ids.size for ids, _ in batches)
    real = int(sum(mask.sum() for _, mask in batches))
    return {
        "sentences": len(texts),
        "stages": _shares(spent),
        "operators": operators(folder, batches[:: max(1, len(batches) // 40)]),
        "padding": round(1 - real / computed, 4),
        "model_tokens_per_second": round(real / spent["model"], 1),
    }


def operators(folder: Path, batches: Sequence[tuple[Integers, Integers]]) -> dict[str, float]:
    """Share of the model's time by operator, from ONNX Runtime's own profile."""
    with TemporaryDirectory() as scratch:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(scratch) / "profile")
        session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        for input_ids, attention_mask in batches:
            session.run(None, {"input_ids": input_ids, "attention_mask": attention_mask})
        trace = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    spent: defaultdict[str, float] = defaultdict(float)
    for event in trace:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            spent[event["args"]["op_name"]] += event["dur"]
    shares = _shares(spent)
    named = {name: share for name, share in shares.items() if share >= _OPERATORS_FROM}
    return named | {"all others": round(1 - sum(named.values()), 4)}


def _shares(spent: Mapping[str, float]) -> dict[str, float]:
    total = sum(spent.values())
    return {name: round(spent[name] / total, 4) for name in sorted(spent, key=lambda name: -spent[name])}
