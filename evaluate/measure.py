"""Speed, memory and size of one model, measured in a process of its own: ``python -m tocsin.evaluate.measure FOLDER``.

The texts come as JSON lines [id, lang, text] on standard input, the figures go as JSON to standard output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tocsin.data.records import LabelledSentence
from tocsin.model.pipeline import Pipeline, sentences_of_texts
from tocsin.model.settings import ModelError

_REPEATS = 3
_SENTENCES = 600


def measure(folder: Path, sentences: Sequence[LabelledSentence]) -> dict[str, float]:
    """ "megabytes" of the model's files, "sentences_per_second" (median of three passes over some of
    the sentences, after a short one, all cores),
    and "peak_megabytes" of memory of the whole process, on "cores". Raises ``ModelError`` with what the process said.
    """
    command = [sys.executable, "-m", "tocsin.evaluate.measure", str(folder)]
    texts = "\n".join(json.dumps([s.id, s.lang, s.text]) for s in sentences[:: max(1, len(sentences) // _SENTENCES)])
    done = subprocess.run(command, input=texts, capture_output=True, text=True)
    if done.returncode:
        raise ModelError(f"{folder}: cannot be measured: {(done.stderr.strip() or 'no reason given').splitlines()[-1]}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def is_release(folder: Path) -> bool:
    """Whether the folder holds a release, not a trained run."""
    return (folder / "model.onnx").exists()


def open_model(folder: Path) -> Pipeline:
    """A release by ONNX Runtime, a trained run by torch."""
    if is_release(folder):
        from tocsin.model.runtime import load_release

        return load_release(folder)
    from tocsin.model.export import load_trained
    from tocsin.model.torch_engine import torch_pipeline

    return torch_pipeline(*load_trained(folder))


def peak_megabytes() -> float | None:
    """Most memory that this process held so far; ``None`` where the system does not tell."""
    # Not getrusage: there a process begins with the peak of the one that started it.
    status = Path("/proc/self/status")
    if not status.exists():
        return None  # Linux alone tells
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return round(int(peak.split()[1]) * 1024 / 1e6)


def _main(folder: Path) -> None:
    texts = sentences_of_texts(tuple(json.loads(line)) for line in sys.stdin)
    pipeline = open_model(folder)
    pipeline.predict(texts[:32])
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        pipeline.predict(texts)
        times.append(time.perf_counter() - start)
    files = [path for path in folder.iterdir() if path.suffix in (".onnx", ".safetensors", ".json")]
    figures = {
        "cores": os.cpu_count(),
        "megabytes": round(sum(path.stat().st_size for path in files) / 1e6, 1),
        "sentences_per_second": round(len(texts) / median(times), 1),
        "peak_megabytes": peak_megabytes(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
