"""A recipe: one commented TOML file that holds every choice of a training run."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RECIPE_DIR = Path(__file__).resolve().with_name("recipes")


class RecipeError(ValueError):
    """A recipe that cannot be used; the message names the file and the key."""


@dataclass(frozen=True)
class Recipe:
    """All keys of a recipe; what each means is said in ``recipes/first-light.toml``."""

    name: str
    backbone: str
    languages: list[str]
    auxiliary_languages: list[str]
    written_share: float
    real_news: list[str]
    translations: int
    corpora: list[str]
    unlabelled: list[str]
    sampling: dict[str, int]
    language_exponent: float
    teacher: str
    layers: int
    label_attention: bool
    epochs: int
    batch_size: int
    learning_rate: float
    head_learning_rate: float
    layer_decay: float
    warmup: float
    weight_decay: float
    positive_weight: float
    focusing: float
    label_smoothing: float
    head_dropout: float
    token_masking: float
    consistency: float
    entity_weight: float
    role_weight: float
    freeze_embeddings: bool
    bfloat16: bool
    max_tokens: int
    seed: int

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            wanted = {"str": str, "int": int, "float": float, "bool": bool}.get(str(field.type))
            wanted = wanted or (list if str(field.type) == "list[str]" else dict)
            if wanted is float and type(value) is int:
                object.__setattr__(self, field.name, float(value))
            elif type(value) is not wanted:
                raise RecipeError(f"key {field.name!r}: expected {field.type}, got {value!r}")
            if wanted is list and not all(isinstance(item, str) for item in value):
                raise RecipeError(f"key {field.name!r}: expected a list of strings, got {value!r}")
        if not all(type(number) is int and number >= 0 for number in self.sampling.values()):
            raise RecipeError(f"key 'sampling': expected numbers of sentences, got {self.sampling!r}")
        for name in (
            "translations",
            "epochs",
            "batch_size",
            "max_tokens",
            "learning_rate",
            "head_learning_rate",
            "layer_decay",
            "positive_weight",
        ):
            if getattr(self, name) <= 0:
                raise RecipeError(f"key {name!r}: expected more than 0, got {getattr(self, name)!r}")
        for name in ("layers", "focusing", "consistency"):
            if getattr(self, name) < 0:
                raise RecipeError(f"key {name!r}: expected 0 or more, got {getattr(self, name)!r}")
        if self.unlabelled and not self.teacher:
            raise RecipeError("key 'unlabelled': there is nothing to learn from texts without labels but a teacher")
        if not 0 <= self.language_exponent <= 1:
            raise RecipeError(f"key 'language_exponent': expected 0 to 1, got {self.language_exponent!r}")
        if not 0 < self.written_share <= 1:
            raise RecipeError(f"key 'written_share': expected a share above 0 up to 1, got {self.written_share!r}")
        for name in ("warmup", "label_smoothing", "head_dropout", "token_masking"):
            if not 0 <= getattr(self, name) < 1:
                raise RecipeError(f"key {name!r}: expected a share from 0 to below 1, got {getattr(self, name)!r}")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_recipe(name_or_path: str) -> Recipe:
    """A recipe file, or one of ours by name ("first-light"); raises :class:`RecipeError`."""
    path = _file(name_or_path)
    try:
        raw = _read(path)
    except FileNotFoundError as error:
        if error.filename != str(path):
            raise RecipeError(f"{path}: key 'extends': no such recipe: {error.filename}") from None
        ours = ", ".join(sorted(p.stem for p in RECIPE_DIR.glob("*.toml")))
        raise RecipeError(f"{name_or_path}: no such recipe (ours: {ours})") from None
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: {error}") from error
    known = [field.name for field in fields(Recipe)]
    if unknown := sorted(raw.keys() - set(known)):
        raise RecipeError(f"{path}: unknown key {unknown[0]!r} (known: {', '.join(known)})")
    if missing := [name for name in known if name not in raw]:
        raise RecipeError(f"{path}: missing key {missing[0]!r}")
    try:
        return Recipe(**raw)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def _file(name_or_path: str) -> Path:
    path = Path(name_or_path)
    return path if path.suffix or path.exists() else RECIPE_DIR / f"{name_or_path}.toml"


def _read(path: Path) -> dict[str, Any]:
    # "extends" names another recipe, relative to this one, of which this one states only the keys that differ.
    raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    if "extends" not in raw:
        return raw
    base = raw.pop("extends")
    return _read(path.parent / f"{base}.toml") | raw
