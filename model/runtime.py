"""A released model, run by ONNX Runtime on the CPU: no torch, and no network but for a hub name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
from tokenizers import Tokenizer

from tocsin.model.pipeline import Engine, Floats, Integers, Pipeline
from tocsin.model.settings import OUTPUTS, ModelError, Settings, checksums, read_config

RELEASED_DIR = Path(__file__).resolve().with_name("released")


def load_release(name_or_path: str | Path | None = None, threads: int | None = None) -> Pipeline:
    """A release as a pipeline.

    ``name_or_path``: a folder, a hub name, or ``None`` for the model that ships with the package. ``threads``:
    of one matrix product; by default all cores. Raises :class:`ModelError` naming the file that is missing or damaged.
    """
    directory = release_folder(name_or_path)
    config = read_config(directory)
    _verify(directory, config)
    settings = Settings.from_config(config, str(directory / "config.json"))
    try:
        tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    except Exception as error:  # tokenizers raises plain Exception
        raise ModelError(f"{directory / 'tokenizer.json'}: damaged: {error}") from error
    return Pipeline(_engine(directory / "model.onnx", threads), tokenizer, settings)


def release_folder(name_or_path: str | Path | None) -> Path:
    """The folder that a name stands for: itself, one fetched from the hub, or for ``None`` the shipped release."""
    if name_or_path is None:
        return RELEASED_DIR
    path = Path(name_or_path)
    if path.is_dir():
        return path
    if path.exists() or isinstance(name_or_path, Path) or str(name_or_path).count("/") != 1:
        raise ModelError(f"{name_or_path}: not a model folder")
    from huggingface_hub import snapshot_download  # slow to import, and only needed here
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(str(name_or_path)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ModelError(f"{name_or_path}: no such folder, and the hub did not give it: {error}") from error


def _verify(directory: Path, config: dict[str, Any]) -> None:
    expected = config.get("checksums", {})
    for file, checksum in checksums(directory).items():
        if expected.get(file) != checksum:
            raise ModelError(f"{directory / file}: damaged: its checksum is not the one in config.json")


def _engine(path: Path, threads: int | None) -> Engine:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen kinds
        raise ModelError(f"{path}: ONNX Runtime cannot load it: {error}") from error

    def run(input_ids: Integers, attention_mask: Integers) -> tuple[Floats, Floats, Floats]:
        events, entities, roles = session.run(list(OUTPUTS), {"input_ids": input_ids, "attention_mask": attention_mask})
        return events, entities, roles

    return run
