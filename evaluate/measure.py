"""Speed, memory and size of one system, measured in a process of its own: ``python -m tocsin.evaluate.measure``.

A model's arguments are its folder; a peer's are its folder, its name and, if it does not begin from its own choice, its
model. The texts come as JSON lines [id, lang, text] on standard input, the figures go as JSON to standard output.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TypeVar

from tocsin.data.records import LabelledSentence
from tocsin.model.pipeline import Pipeline, available_cores, sentences_of_texts
from tocsin.model.settings import ModelError

_REPEATS = 3
_SENTENCES = 600
_WARM_UP = 32
_Sentence = TypeVar("_Sentence")


def measure(folder: Path, sentences: Sequence[LabelledSentence]) -> dict[str, float | None]:
    """ "megabytes" of the model's files, "sentences_per_second" (median of three passes over some of
    the sentences, after a short one, all cores),
    and "peak_megabytes" of memory of the whole process, on "cores". Raises ``ModelError`` with what the process said.
    """
    return _measured([str(folder)], sentences)


def measure_peer(
    name: str, model: str | None, folder: Path, sentences: Sequence[LabelledSentence]
) -> dict[str, float | None]:
    """The same of a peer that is fitted in ``folder``, all of whose files count; "megabytes" are ``None`` where it
    keeps nothing. ``name``, ``model``: as ``make_peer`` takes them."""
    return _measured([str(folder), name, *([model] if model else [])], sentences)


def _measured(arguments: Sequence[str], sentences: Sequence[LabelledSentence]) -> dict[str, float | None]:
    command = [sys.executable, "-m", "tocsin.evaluate.measure", *arguments]
    texts = "\n".join(json.dumps([s.id, s.lang, s.text]) for s in sentences[:: max(1, len(sentences) // _SENTENCES)])
    done = subprocess.run(command, input=texts, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise ModelError(f"{' '.join(arguments)}: cannot be measured: {reason}")
    # Libraries may greet on standard output before.
    figures: dict[str, float | None] = json.loads(done.stdout.splitlines()[-1])
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


def _main(folder: Path, peer: str | None = None, model: str | None = None) -> None:
    rows = [json.loads(line) for line in sys.stdin]
    if peer is None:
        pipeline = open_model(folder)
        files = [path for path in folder.iterdir() if path.suffix in (".onnx", ".safetensors", ".json")]
        seconds = _seconds(pipeline.predict, sentences_of_texts(map(tuple, rows)))
    else:
        from tocsin.data.ontology import load_ontology
        from tocsin.evaluate.peers import make_peer
        from tocsin.evaluate.peers.base import TrainedPeer

        system = make_peer(peer, load_ontology(), folder, model)
        if isinstance(system, TrainedPeer):
            system.load()
        files = [path for path in folder.rglob("*") if path.is_file()]
        seconds = _seconds(system.predict, [LabelledSentence(id, lang, text, (), (), ()) for id, lang, text in rows])
    figures = {
        "cores": available_cores(),
        "megabytes": round(sum(path.stat().st_size for path in files) / 1e6, 1) if files else None,
        "sentences_per_second": round(len(rows) / seconds, 1),
        "peak_megabytes": peak_megabytes(),
    }
    print(json.dumps(figures))


def _seconds(predict: Callable[[Sequence[_Sentence]], object], sentences: Sequence[_Sentence]) -> float:
    predict(sentences[:_WARM_UP])
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        predict(sentences)
        times.append(time.perf_counter() - start)
    return median(times)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), *sys.argv[2:])
