"""LEMONADE: news articles in 20 languages, each coded by ACLED's experts with one event; read through ``datasets``.

We have not seen the data. Its authors' code says: on the hub as "stanford-oval/Lemonade", a row has
"event_id_in_acled", "plain_text" (the article), "language" (ISO 639-1) and "gold_label", an event written as a call,
``ArmedClash(location=Location(...), side_1=[...], ...)``, whose class is an ACLED sub-event type; splits "train" (we
assume), "dev" and "test". Its licence is on the dataset's card, which we could not read. A folder ``DIR/lemonade``
with such rows in files (train.jsonl, dev.parquet, ...) is read instead if it is there.

The label is the article's, so we give it to the first full sentence, where news says what happened: weak evidence. The
type is known there and nothing else: an article may report events that have rows of their own or none, so no other
type is known to be absent, and arguments are names in a database, without a place in the text. Sub-event types that
cross over to none or several types of ours (change to group, other) are left out, and so is Agreement, which in ACLED
includes talks, releases and surrenders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tocsin.data.adapters.base import PublicCorpus
from tocsin.data.ontology import load_ontology
from tocsin.data.records import Annotated, LabelledSentence
from tocsin.data.sentences import sentence_offsets
from tocsin.data.sources import DatasetError
from tocsin.data.words import word_offsets

HUB_NAME = "stanford-oval/Lemonade"
# Event classes of the corpus and the ACLED sub-event types that they stand for.
CLASSES = {
    "ArmedClash": "Armed clash",
    "GovernmentRegainsTerritory": "Government regains territory",
    "NonStateActorOvertakesTerritory": "Non-state actor overtakes territory",
    "AirOrDroneStrike": "Air/drone strike",
    "ShellingOrArtilleryOrMissileAttack": "Shelling/artillery/missile attack",
    "RemoteExplosiveOrLandmineOrIED": "Remote explosive/landmine/IED",
    "SuicideBomb": "Suicide bomb",
    "Grenade": "Grenade",
    "ChemicalWeapon": "Chemical weapon",
    "Attack": "Attack",
    "AbductionOrForcedDisappearance": "Abduction/forced disappearance",
    "SexualViolence": "Sexual violence",
    "PeacefulProtest": "Peaceful protest",
    "ProtestWithIntervention": "Protest with intervention",
    "ExcessiveForceAgainstProtestors": "Excessive force against protesters",
    "ViolentDemonstration": "Violent demonstration",
    "MobViolence": "Mob violence",
    "Agreement": "Agreement",
    "Arrest": "Arrests",
    "ChangeToArmedGroup": "Change to group/activity",
    "DisruptedWeaponsUse": "Disrupted weapons use",
    "BaseEstablished": "Headquarters or base established",
    "LootingOrPropertyDestruction": "Looting/property destruction",
    "NonViolentTransferOfTerritory": "Non-violent transfer of territory",
    "OtherStrategicDevelopment": "Other",
}
LANGUAGES = ("ar", "de", "en", "es", "fa", "fr", "he", "id", "it", "ja", "ko", "my", "ne", "nl", "pt", "ru", "so", "tr",
             "uk", "zh")  # fmt: skip
_WIDER = frozenset({"Agreement"})
_WORDS = 8  # fewer are titles and datelines


def _crosswalk() -> dict[str, str]:
    rows: dict[str | None, list[str]] = {}
    for kind in load_ontology().types:
        rows.setdefault(kind.acled_sub_event_type, []).append(kind.name)
    ours = {name: rows.get(sub_event, []) for name, sub_event in CLASSES.items() if name not in _WIDER}
    return {name: types[0] for name, types in ours.items() if len(types) == 1}


TYPES = _crosswalk()
ANNOTATED = Annotated(frozenset(TYPES.values()), frozenset(), frozenset())


def _rows(folder: Path, split: str) -> Iterator[dict[str, Any]]:
    try:
        import datasets
    except ImportError:
        raise DatasetError(f"{HUB_NAME}: reading it needs the package 'datasets'") from None
    where = str(folder) if folder.is_dir() else HUB_NAME
    try:
        wanted = (split, "validation") if split == "dev" else (split,)  # what `datasets` calls a file dev.jsonl
        names = [name for name in datasets.get_dataset_split_names(where) if name in wanted]
        for name in names[:1]:
            # Files at hand are read as they are, without a copy in the cache.
            yield from datasets.load_dataset(where, split=name, streaming=folder.is_dir())
    except (datasets.exceptions.DatasetsError, ValueError) as error:
        raise DatasetError(f"{where}: cannot be read, split {split!r}: {error}") from None


def _lead(text: str, lang: str) -> str:
    for start, end in sentence_offsets(text, lang):
        if sum(text[start:end][s].isalnum() for s, _ in word_offsets(text[start:end])) >= _WORDS:
            return text[start:end]
    return ""


def _read(folder: Path, split: str) -> Iterator[LabelledSentence]:
    for number, row in enumerate(_rows(folder, split), 1):
        where = f"{folder if folder.is_dir() else HUB_NAME}: {split}, row {number}"
        text, lang, label = (row.get(column) for column in ("plain_text", "language", "gold_label"))
        if not (isinstance(text, str) and isinstance(lang, str) and isinstance(label, str)):
            raise DatasetError(f"{where}: not a row of LEMONADE (it has {', '.join(row)})")
        event = re.match(r"\s*(\w+)\(", label)
        if event is None or event[1] not in CLASSES:
            raise DatasetError(f"{where}: unknown event {label[:60]!r}")
        if event[1] in TYPES and (lead := _lead(text, lang)):
            types = (TYPES[event[1]],)
            known = Annotated(frozenset(types), frozenset(), frozenset())
            yield LabelledSentence(
                f"lemonade/{split}/{number}", lang, lead, types, (), (), source=f"{split}:{number}", annotated=known
            )


CORPUS = PublicCorpus(
    name="lemonade",
    languages=LANGUAGES,
    licence="see the dataset's card",
    origin=f"LEMONADE, hub dataset {HUB_NAME}, github.com/stanford-oval/Lemonade",
    annotated=ANNOTATED,
    read=_read,
    from_hub=True,
)
