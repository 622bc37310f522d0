"""A released model, run by ONNX Runtime on the CPU: no torch, and no network but for a hub name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import onnxruntime
from tokenizers import Tokenizer

from tocsin.data.language import load_identifier
from tocsin.model.pipeline import Engine, Floats, Integers, Pipeline, Workers
from tocsin.model.settings import OUTPUTS, ModelError, Settings, read_config, verify_checksums

RELEASED_DIR = Path(__file__).resolve().with_name("released")


def load_release(
    name_or_path: str | Path | None = None, threads: int | None = None, deduplicate: bool = True
) -> Pipeline:
    """A release as a pipeline.

    ``name_or_path``: a folder, a hub name, or ``None`` for the model that ships with the package. ``threads``: as
    :class:`tocsin.model.pipeline.Workers` takes them. Raises :class:`ModelError` naming the file that is missing or
    damaged.
    """
    directory = release_folder(name_or_path)
    config = read_config(directory)
    # The slow parts at once: hashing, unpacking the language detector and setting up the session let go of the GIL.
    with ThreadPoolExecutor() as pool:
        verified = pool.submit(verify_checksums, directory, config)
        engine = pool.submit(_engine, directory / "model.onnx")
        Thread(target=load_identifier, daemon=True).start()  # not waited for: who gives the language never needs it
        tokenizer = pool.submit(Tokenizer.from_file, str(directory / "tokenizer.json"))
        verified.result()
        settings = Settings.from_config(config, str(directory / "config.json"))
        try:
            loaded = tokenizer.result()
        except Exception as error:  # tokenizers raises plain Exception
            raise ModelError(f"{directory / 'tokenizer.json'}: damaged: {error}") from error
        return Pipeline(engine.result(), loaded, settings, Workers(threads), deduplicate)


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


def _engine(path: Path) -> Engine:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1  # the pipeline computes several batches at once instead: nothing to wait for
    try:
        session = onnxruntime.InferenceSession(
            str(path),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["SkipLayerNormFusion"],  # would undo what export does, see there
        )
    except Exception as error:  # onnxruntime raises a dozen kinds
        raise ModelError(f"{path}: ONNX Runtime cannot load it: {error}") from error

    def run(input_ids: Integers, attention_mask: Integers) -> tuple[Floats, Floats, Floats]:
        events, entities, roles = session.run(list(OUTPUTS), {"input_ids": input_ids, "attention_mask": attention_mask})
        return events, entities, roles

    return run
