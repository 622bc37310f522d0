"""The ontology: event types with their crosswalks, entity labels and roles.

The one source is ``ontology.json`` beside this module; the wording of the
definitions is ours, the meaning of each type is fixed by the annotation guide.
It is read once (:func:`load_ontology` is cached) and every way of being wrong
has its own message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

ONTOLOGY_FILE = Path(__file__).resolve().with_name("ontology.json")

# ACLED codebook: each sub-event type belongs to exactly one event type.
ACLED_SUB_EVENTS = {
    "Armed clash": "Battles",
    "Government regains territory": "Battles",
    "Non-state actor overtakes territory": "Battles",
    "Air/drone strike": "Explosions/Remote violence",
    "Shelling/artillery/missile attack": "Explosions/Remote violence",
    "Remote explosive/landmine/IED": "Explosions/Remote violence",
    "Suicide bomb": "Explosions/Remote violence",
    "Grenade": "Explosions/Remote violence",
    "Chemical weapon": "Explosions/Remote violence",
    "Attack": "Violence against civilians",
    "Abduction/forced disappearance": "Violence against civilians",
    "Sexual violence": "Violence against civilians",
    "Peaceful protest": "Protests",
    "Protest with intervention": "Protests",
    "Excessive force against protesters": "Protests",
    "Violent demonstration": "Riots",
    "Mob violence": "Riots",
    "Agreement": "Strategic developments",
    "Arrests": "Strategic developments",
    "Change to group/activity": "Strategic developments",
    "Disrupted weapons use": "Strategic developments",
    "Headquarters or base established": "Strategic developments",
    "Looting/property destruction": "Strategic developments",
    "Non-violent transfer of territory": "Strategic developments",
    "Other": "Strategic developments",
}
# PLOVER event types (Open Event Data Alliance), as the annotation guide uses them.
PLOVER_EVENTS = frozenset(
    [
        "AGREE",
        "CONSULT",
        "SUPPORT",
        "COOPERATE",
        "AID",
        "CONCEDE",
        "RETREAT",
        "REQUEST",
        "ACCUSE",
        "REJECT",
        "THREATEN",
        "PROTEST",
        "SANCTION",
        "MOBILIZE",
        "COERCE",
        "ASSAULT",
    ]
)
QUAD_CLASSES = ("verbal_cooperation", "material_cooperation", "verbal_conflict", "material_conflict")


def quad_class_of_cameo(root: str) -> str:
    """Quad class of a CAMEO root code "01".."20": 01-05, 06-08, 09-13, 14-20 (Schrodt 2012).

    The one deviation is 02 (appeal): PLOVER joins it with 10 (demand) into REQUEST, a verbal conflict.
    """
    code = int(root)
    if code == 2 or 9 <= code <= 13:
        return "verbal_conflict"
    if code <= 5:
        return "verbal_cooperation"
    return "material_cooperation" if code <= 8 else "material_conflict"


class OntologyError(ValueError):
    """The ontology file is wrong; the message names the file, the entry and the field."""


@dataclass(frozen=True)
class EventType:
    """One leaf of the type tree with its row in the crosswalk; ``None`` or ``()`` where a scheme has no counterpart."""

    name: str
    group: str
    definition: str
    acled_event_type: str | None
    acled_sub_event_type: str | None
    plover: str | None
    cameo: tuple[str, ...]
    quad_class: str | None


@dataclass(frozen=True)
class Label:
    """An entity label or a role: its name, the short name used in the corpus markup, and what it covers."""

    name: str
    markup: str
    definition: str


@dataclass(frozen=True)
class Ontology:
    """All labels, in the order of the file, which is also the order of the model's outputs."""

    version: str
    groups: Mapping[str, str]
    types: tuple[EventType, ...]
    entities: tuple[Label, ...]
    roles: tuple[Label, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {t.name: t for t in self.types})

    @property
    def type_names(self) -> list[str]:
        return [t.name for t in self.types]

    @property
    def entity_names(self) -> list[str]:
        return [e.name for e in self.entities]

    @property
    def role_names(self) -> list[str]:
        return [r.name for r in self.roles]

    def event_type(self, name: str) -> EventType:
        """The type called ``name``; ``KeyError`` if there is none."""
        by_name: dict[str, EventType] = self.__dict__["_by_name"]
        return by_name[name]


def _fields(entry: Any, where: str, required: set[str]) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise OntologyError(f"{where}: expected an object, got {type(entry).__name__}")
    if missing := sorted(required - entry.keys()):
        raise OntologyError(f"{where}: missing field {missing[0]!r}")
    if unknown := sorted(entry.keys() - required):
        raise OntologyError(f"{where}: unknown field {unknown[0]!r}")
    return entry


def _text(entry: dict[str, Any], field: str, where: str) -> str:
    value = entry[field]
    if not isinstance(value, str) or not value.strip():
        raise OntologyError(f"{where}, field {field!r}: expected a non-empty string, got {value!r}")
    return value


def _event_type(entry: Any, where: str, groups: Mapping[str, str]) -> EventType:
    entry = _fields(entry, where, {"name", "group", "definition", "acled", "plover", "cameo", "quad_class"})
    name = _text(entry, "name", where)
    if not re.fullmatch("[a-z_]+", name) or name == "none":  # "none" is a word of the markup
        raise OntologyError(f"{where}, field 'name': expected lower-case letters and underscores, got {name!r}")
    where = f"{where} ({name})"
    group = _text(entry, "group", where)
    if group not in groups:
        raise OntologyError(f"{where}, field 'group': unknown group {group!r}")
    acled_event = acled_sub = None
    if entry["acled"] is not None:
        acled = _fields(entry["acled"], f"{where}, field 'acled'", {"event_type", "sub_event_type"})
        acled_event, acled_sub = acled["event_type"], acled["sub_event_type"]
        if not isinstance(acled_sub, str) or acled_sub not in ACLED_SUB_EVENTS:
            raise OntologyError(f"{where}, field 'acled': unknown ACLED sub-event type {acled_sub!r}")
        if ACLED_SUB_EVENTS[acled_sub] != acled_event:
            raise OntologyError(
                f"{where}, field 'acled': {acled_sub!r} belongs to {ACLED_SUB_EVENTS[acled_sub]!r}, not {acled_event!r}"
            )
    plover = entry["plover"]
    if plover is not None and (not isinstance(plover, str) or plover not in PLOVER_EVENTS):
        raise OntologyError(f"{where}, field 'plover': unknown PLOVER event {plover!r}")
    cameo = entry["cameo"]
    if not isinstance(cameo, list) or not all(
        isinstance(c, str) and re.fullmatch("0[1-9]|1[0-9]|20", c) for c in cameo
    ):
        raise OntologyError(f"{where}, field 'cameo': expected a list of root codes '01'..'20', got {cameo!r}")
    quad_class = entry["quad_class"]
    quads: set[str | None] = {quad_class_of_cameo(c) for c in cameo}
    if {quad_class} != (quads or {None}):
        raise OntologyError(
            f"{where}, field 'quad_class': {quad_class!r} does not follow from CAMEO {cameo!r} "
            f"(expected {' or '.join(map(str, sorted(quads, key=str))) or None})"
        )
    return EventType(
        name, group, _text(entry, "definition", where), acled_event, acled_sub, plover, tuple(cameo), quad_class
    )


def _labels(entries: Any, where: str) -> tuple[Label, ...]:
    if not isinstance(entries, list) or not entries:
        raise OntologyError(f"{where}: expected a non-empty list")
    labels = []
    for i, entry in enumerate(entries):
        here = f"{where}[{i}]"
        entry = _fields(entry, here, {"name", "markup", "definition"})
        label = Label(*(_text(entry, field, here) for field in ("name", "markup", "definition")))
        if not re.fullmatch("[a-z]+", label.markup):
            raise OntologyError(f"{here}, field 'markup': expected lower-case letters, got {label.markup!r}")
        labels.append(label)
    return tuple(labels)


def _unique(names: list[str], where: str, what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise OntologyError(f"{where}: {what} {name!r} appears twice")


def read_ontology(path: Path) -> Ontology:
    """Reads and validates an ontology file; raises :class:`OntologyError` naming file, entry and field."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OntologyError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise OntologyError(f"{path}: not valid JSON: {error}") from error
    where = str(path)
    raw = _fields(raw, where, {"version", "groups", "types", "entities", "roles"})
    version = _text(raw, "version", where)
    groups = raw["groups"]
    if not isinstance(groups, dict) or not groups:
        raise OntologyError(f"{where}, field 'groups': expected a non-empty object")
    for group in groups:
        _text(groups, group, f"{where}, groups")
    if not isinstance(raw["types"], list) or not raw["types"]:
        raise OntologyError(f"{where}, field 'types': expected a non-empty list")
    types = tuple(_event_type(entry, f"{where}, types[{i}]", groups) for i, entry in enumerate(raw["types"]))
    entities, roles = _labels(raw["entities"], f"{where}, entities"), _labels(raw["roles"], f"{where}, roles")
    _unique([t.name for t in types], where, "type")
    _unique([label.name for label in entities + roles], where, "label")
    _unique([label.markup for label in entities + roles], where, "markup name")
    for group in groups:
        if not any(t.group == group for t in types):
            raise OntologyError(f"{where}, field 'groups': group {group!r} has no type")
    return Ontology(version, groups, types, entities, roles)


@lru_cache(maxsize=1)
def load_ontology() -> Ontology:
    """The ontology that ships with the package, read once."""
    return read_ontology(ONTOLOGY_FILE)
