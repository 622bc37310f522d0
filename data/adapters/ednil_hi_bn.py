"""EDNIL: Hindi and Bengali news on disasters, accidents and violence; noisy sentences (headline and lead in one).

A sentence comes with tuples: trigger;event;argument;label, with placeholders where one of them is missing. Sentences
without a trigger are left out: "thirty were hurt" is annotated as such, and what happened is unknown there.

In a sentence with a trigger, natural_disaster and accident are known, present or absent, unless an event there could be
either (an explosion for accidents; a fire, or weather, for disasters). Weather and diseases are a disaster only where
they take victims (a CASUALTIES-ARG), else unknown; so is what is forecast or feared, and a trigger that says no more
than "incident". A bombing is suicide_bombing or remote_explosive if the sentence says so, all else unknown: attacks,
shoot-outs, riots and clashes may each be several of our types.

No spans. Arguments are phrases with verbs, postpositions and full stops: of fifty CASUALTIES-ARG half hold the verb or
no count ("the driver dead"), of fifty TIME-ARG a quarter hold "about", "until" or an error, PLACE-ARG says how far from
where, PARTICIPANT-ARG mixes vehicles, weapons and people. Triggers mostly hold their subject or auxiliary.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from tocsin.data.adapters.base import PublicCorpus
from tocsin.data.records import Annotated, LabelledSentence
from tocsin.data.sources import DatasetError

FILES = {"train": "train", "dev": "valid"}
LANGUAGES = {"bn": "bengali", "hi": "hindi"}
_PREFIX = "[unused 1] [unused 2] "
_NONE = "[unused 1]"
ACCIDENTS = frozenset(
    ["FIRE", "TRANSPORT_HAZARDS", "VEHICULAR_COLLISION", "TRAIN_COLLISION", "AVIATION_HAZARD", "INDUSTRIAL_ACCIDENT"]
)
DISASTERS = frozenset(
    ["EARTHQUAKE", "FLOODS", "LAND_SLIDE", "ROCK_FALL", "AVALANCHES", "VOLCANO", "CYCLONE", "HURRICANE", "TORNADO",
     "TSUNAMI", "FOREST_FIRE"]
)  # fmt: skip
_HARMFUL = frozenset(
    ["STORM", "HAIL_STORMS", "BLIZZARD", "HEAT_WAVE", "COLD_WAVE", "DROUGHT", "EPIDEMIC", "PANDEMIC", "HEAVY_RAINFALL",
     "SEISMIC_RISK"]
)  # fmt: skip
ANNOTATED = Annotated(
    frozenset({"accident", "natural_disaster", "remote_explosive", "suicide_bombing"}), frozenset(), frozenset()
)


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile("|".join(unicodedata.normalize("NFC", words).split()), re.IGNORECASE)


_LETTER = re.compile(r"[\u0900-\u09ff]")  # some lines are English
_INCIDENT = _pattern(r"^((इस|उस|यह|ये|এই|ওই|ঐ|এ)\s)?(घटना|वारदात|ঘটনা)")
_FORECAST = _pattern(
    "आशंका चेतावनी अलर्ट संभावना सम्भावना पूर्वानुमान उम्मीद सतर्क সতর্ক আশঙ্কা পূর্বাভাস সম্ভাবনা অনুমান warn alert forecast"
)
_ARSON = _pattern("लगा.?दी लगाने লাগিয়ে ধরিয়ে")
_SUICIDE = _pattern("आत्मघाती मानव.?बम suicide আত্মঘাতী মানববোমা")
_BLAST = _pattern("बम धमाक विस्फोट ब्लास्ट উড়িয়ে বোমা বিস্ফোরণ bomb blast")
_BOMB = _pattern("बम.?(धमाक|विस्फोट|ब्लास्ट) सुरंग आईईडी IED বোমা.?বিস্ফোরণ গাড়ি.?বোমা মাইন")
_THROWN = _pattern("फेंक ছোড় ছোঁড় ছুড় ছুঁড় पेट्रोल পেট্রোল পেট্রল विमान বিমান হেলিকপ্টার ग्रेनेड গ্রেনেড")


def _labels(text: str, triggers: set[tuple[str, str]], victims: bool) -> tuple[tuple[str, ...], set[str]]:
    """The types of a sentence and those that are known there, present or absent."""
    types: dict[str, None] = {}
    known = {"accident", "natural_disaster"}
    if _FORECAST.search(text):
        return (), set()
    for trigger, event in sorted(triggers, key=lambda pair: (text.find(pair[0]), pair)):
        if _INCIDENT.search(trigger):
            known.clear()
        elif event in DISASTERS or (event in _HARMFUL and victims):
            types["natural_disaster"] = None
        elif event in _HARMFUL:
            known.discard("natural_disaster")
        elif event in ACCIDENTS:
            known -= {"natural_disaster"} if event == "FIRE" else set()
            if event == "FIRE" and _ARSON.search(text):
                known.discard("accident")
            else:
                types["accident"] = None
        elif event == "SUICIDE_ATTACK" and _SUICIDE.search(text) and _BLAST.search(text):
            types["suicide_bombing"] = None
        elif event == "NORMAL_BOMBING" and _BOMB.search(trigger) and not _THROWN.search(text):
            types["remote_explosive"] = None
        elif event == "NORMAL_BOMBING":
            known.discard("accident")
    return tuple(types), known | types.keys()


def _read(folder: Path, split: str) -> Iterator[LabelledSentence]:
    if split not in FILES:
        return
    for lang, name in LANGUAGES.items():
        path = folder / f"{FILES[split]}_{name}.sent"
        texts, tuples = _lines(path), _lines(path.with_suffix(".tuple"))
        if len(texts) != len(tuples):
            raise DatasetError(f"{path}: {len(texts)} lines, but {len(tuples)} in {path.stem}.tuple")
        for number, (line, annotation) in enumerate(zip(texts, tuples), 1):
            if not line.startswith(_PREFIX):
                raise DatasetError(f"{path}:{number}: does not begin with {_PREFIX!r}: {line!r}")
            text = " ".join(line.removeprefix(_PREFIX).split())
            rows = [row.split(";") for row in annotation.split("|")]
            if any(len(row) != 4 for row in rows):
                continue  # a text with ";" or "|" in it: forty lines
            triggers = {(row[0], row[1].partition(":")[2]) for row in rows if row[0] != _NONE}
            types, known = _labels(text, triggers, any(row[3] == "CASUALTIES-ARG" for row in rows))
            if triggers and known and _LETTER.search(text):
                annotated = Annotated(frozenset(known), frozenset(), frozenset())
                id, source = f"ednil_hi_bn/{path.name}/{number}", f"{path.name}:{number}"
                yield LabelledSentence(id, lang, text, types, (), (), source=source, annotated=annotated)


def _lines(path: Path) -> list[str]:
    return unicodedata.normalize("NFC", path.read_text(encoding="utf-8")).removesuffix("\n").split("\n")


CORPUS = PublicCorpus(
    name="ednil_hi_bn",
    languages=("bn", "hi"),
    licence="MIT",
    origin="EDNIL, github.com/debajyotidasgupta/Multilingual-Event-Extraction",
    annotated=ANNOTATED,
    read=_read,
)
