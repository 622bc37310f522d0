"""What a released model says of itself: ``config.json`` beside its weights, read and checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tocsin.data.ontology import Ontology, load_ontology
from tocsin.model.calibration import Calibration
from tocsin.model.labels import bio_tags

# What every engine gives, in this order.
OUTPUTS = ("event_logits", "entity_logits", "role_logits")


class ModelError(RuntimeError):
    """A model folder that cannot be used; the message names the file and what is wrong with it."""


@dataclass(frozen=True)
class Settings:
    """Everything prediction needs besides weights and tokenizer. ``thresholds``: event type -> probability;
    ``precision_thresholds``: precision -> such thresholds as reach it on dev; ``fingerprint``: of the whole config,
    which holds the checksums of weights and tokenizer."""

    name: str
    ontology: Ontology
    languages: tuple[str, ...]
    max_tokens: int
    pad_token_id: int
    calibration: Calibration
    thresholds: Mapping[str, float]
    precision_thresholds: Mapping[float, Mapping[str, float]]
    fingerprint: str

    @classmethod
    def from_config(cls, config: Mapping[str, Any], where: str) -> Settings:
        """From the config's dictionary; raises :class:`ModelError` naming the field that is wrong."""
        ontology = load_ontology()
        expected = {
            "id2label": ontology.type_names,
            "entity_id2label": bio_tags(ontology.entity_names),
            "role_id2label": bio_tags(ontology.role_names),
        }
        for field, labels in expected.items():
            given = config.get(field)
            if not isinstance(given, Mapping):
                raise ModelError(f"{where}: field {field!r} is missing")
            if [given.get(str(i), given.get(i)) for i in range(len(given))] != labels:
                raise ModelError(
                    f"{where}: field {field!r} does not match ontology {ontology.version} "
                    f"(the model was made for {config.get('ontology_version')!r})"
                )
        thresholds = config.get("thresholds", {})
        precise = config.get("precision_thresholds", {})
        calibration = Calibration.identity(len(ontology.types))
        if "calibration" in config:
            try:
                calibration = Calibration.from_dict(config["calibration"], ontology.type_names)
            except (ValueError, KeyError, TypeError) as error:
                raise ModelError(f"{where}: field 'calibration' is wrong: {error!r}") from None
        checks = {
            "languages": isinstance(config.get("languages"), list),
            "max_tokens": isinstance(config.get("max_tokens"), int) and config["max_tokens"] >= 8,
            "backbone": isinstance(config.get("backbone"), Mapping),
            "thresholds": _are_probabilities(thresholds),
            "precision_thresholds": isinstance(precise, Mapping)
            and all(map(_are_probabilities, precise.values()))
            and all(map(_is_number, precise)),
        }
        if bad := [field for field, good in checks.items() if not good]:
            raise ModelError(f"{where}: field {bad[0]!r} is missing or wrong: {config.get(bad[0])!r}")
        return cls(
            name=str(config.get("model_name") or "unnamed"),
            ontology=ontology,
            languages=tuple(config["languages"]),
            max_tokens=config["max_tokens"],
            pad_token_id=config["backbone"].get("pad_token_id") or 0,
            calibration=calibration,
            thresholds={name: float(thresholds.get(name, 0.5)) for name in ontology.type_names},
            precision_thresholds={
                float(level): {name: float(values.get(name, 1.0)) for name in ontology.type_names}
                for level, values in precise.items()
            },
            fingerprint=hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()[:16],
        )

    def thresholds_for(self, threshold: float | None, precision: float | None) -> Mapping[str, float]:
        """One threshold for all types, or those that reached a precision on dev (the next higher one that the release
        states); raises :class:`ModelError` if it states none so high."""
        if threshold is not None:
            return dict.fromkeys(self.ontology.type_names, threshold)
        assert precision is not None
        stated = sorted(self.precision_thresholds)
        level = next((level for level in stated if level >= precision), None)
        if level is None:
            known = f"it states {', '.join(map(str, stated))}" if stated else "it states none"
            raise ModelError(f"model {self.name!r} has no thresholds for a precision of {precision}: {known}")
        return self.precision_thresholds[level]


def never_reported(thresholds: Mapping[str, float]) -> list[str]:
    """Types whose threshold no probability reaches in practice: they were never so sure on dev."""
    return [name for name, threshold in thresholds.items() if threshold >= 1]


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return True


def _are_probabilities(values: object) -> bool:
    return isinstance(values, Mapping) and all(
        isinstance(value, (int, float)) and 0 <= value <= 1 for value in values.values()
    )


def checksums(directory: Path) -> dict[str, str]:
    """SHA-256 of the files of a release that its config vouches for; :class:`ModelError` for a missing one."""
    sums = {}
    for file in ("model.onnx", "tokenizer.json"):
        path = directory / file
        if not path.is_file():
            raise ModelError(f"{path}: missing (is this a release? `tocsin export` makes one)")
        digest = hashlib.sha256()
        with path.open("rb") as content:
            while block := content.read(1 << 20):  # in pieces: a model need not be in memory twice
                digest.update(block)
        sums[file] = digest.hexdigest()
    return sums


def verify_checksums(directory: Path, config: Mapping[str, Any]) -> None:
    """Raises :class:`ModelError` if weights or tokenizer are not those that the config was written for."""
    expected = config.get("checksums", {})
    for file, checksum in checksums(directory).items():
        if expected.get(file) != checksum:
            raise ModelError(f"{directory / file}: damaged: its checksum is not the one in config.json")


def read_config(directory: Path) -> dict[str, Any]:
    """``config.json`` of a model folder; raises :class:`ModelError`."""
    path = directory / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{directory}: not a model folder (no config.json)") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: damaged: {error}") from error
    if not isinstance(config, dict) or config.get("model_type") != "tocsin":
        raise ModelError(f"{path}: not a tocsin model (field 'model_type')")
    return config
