"""SmartData: German news, traffic messages and tweets with fine-grained entities and events of traffic and companies.

Persons are ours, but for a few groups by profession. Cities and streets are locations of ours; the plain label
"location" also covers demonyms, junctions and "both directions", and stops and routes name cities too. So locations are
known in sentences with a city or a street and none of these; elsewhere countries are often not marked. A city in its
adjective form ("Berliner") makes them unknown as well. Organizations are unknown ("the company" is one there), and so
are dates (one in six is not marked) and all that the corpus does not know.

An event is marked only with its arguments, so absence means nothing: a sentence is given the certain types, and no
others are known. Strikes and accidents are ours; of disasters the word decides. Deals, delays and obstructions have no
certain type. Strikes that are announced are no event (Rule 2). No roles: triggers of other events are missing.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tocsin.data.adapters.base import PublicCorpus, cut_out, json_objects, outermost
from tocsin.data.records import Annotated, LabelledSentence
from tocsin.data.sentences import sentence_offsets
from tocsin.data.sources import DatasetError
from tocsin.data.words import word_offsets

FILES = {"train": "train.json.gz"}
LABELS = {"person": "person", "location-city": "location", "location-street": "location"}
# Relation, what its trigger must look like, our type.
TYPES = (
    ("Accident", r".", "accident"),
    ("Strike", r".", "peaceful_protest"),
    ("Disaster", r"(?i).*unfall|.*unglück|brand|feuer|absturz", "accident"),
    (
        "Disaster",
        r"(?i)(erd)?beben|erdst|erde gebebt|.*hochwasser|überschwemm|überflut|fluten|lawine|erdrutsch|dürre|hitzewelle"
        r"|vulkan|taifun|tornado|windhose|schneesturm|unwetter|riesenwelle",
        "natural_disaster",
    ),
)
ANNOTATED = Annotated(frozenset(kind for *_, kind in TYPES), frozenset(LABELS.values()), frozenset())
_VAGUE = frozenset({"location", "location-stop", "location-route"})
_PROFESSION = re.compile(r"(der|die|das) |.*(begleiter|lotsen|bedienstete|beschäftigte|journalisten|piloten)")
_TITLE = re.compile(r"((Herrn?|Frau|Dr\.|Prof\.)\s+)+")
_WORDS = 4  # fewer are remains of web pages
_UNREAL = re.compile(
    r"(?i)\b(soll(en)?|woll?en|will|werden|droh\w+|könnte\w*|kein\w*|nicht|falls|geplant\w*|risik\w+|gefahr|schutz"
    r"|(auf|ge)*ruf\w*|(an)?(ge)?kündig\w*|morgen|kommend\w+|\w*warn\w+)\b"
)


def _items(union: Any) -> list[dict[str, Any]]:
    """The values of an optional array of Avro in JSON: null, or {"array": [...]}."""
    return list(union["array"]) if union else []


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """A mention without the titles before and the punctuation after it."""
    title = _TITLE.match(text, start, end)
    start = title.end() if title else start
    while text[end - 1] in ':,;!?"':
        end -= 1
    return start, end


def _sentences(document: dict[str, Any]) -> Iterator[tuple[int, LabelledSentence]]:
    text = document["text"]["string"]
    spans = [(c["span"]["start"], c["span"]["end"], c["type"]) for c in _items(document["conceptMentions"])]
    events = []
    for relation in _items(document["relationMentions"]):
        for argument in _items(relation["args"]):
            start, end = argument["conceptMention"]["span"]["start"], argument["conceptMention"]["span"]["end"]
            if argument["role"] in ("trigger", "type"):
                events += [
                    (start, kind)
                    for name, pattern, kind in TYPES
                    if name == relation["name"] and re.match(pattern, text[start:end])
                ]
    outer = outermost(spans)
    words = word_offsets(text)
    edges = {edge for offsets in words for edge in offsets}
    ragged = [(start, end) for start, end, _ in spans if start not in edges or end not in edges]
    for start, end in sentence_offsets(text, "de"):
        if any(s < end and e > start and not (start <= s and e <= end) for s, e, _ in spans):
            continue  # the sentence was cut inside a mention
        if any(start <= s < end for s, _ in ragged):
            continue  # a mention of half a word
        if sum(text[s:e].isalpha() for s, e in words if start <= s < end) < _WORDS:
            continue
        here = [(s, e, label) for s, e, label in outer if start <= s and e <= end]
        cities = [text[s:e] for s, e, label in here if label == "location-city"]
        streets = [text[s:e] for s, e, label in here if label == "location-street"]
        vague = any(label in _VAGUE for _, _, label in here) or any(re.search("ern?$", city) for city in cities)
        known = {"person"} if vague or not cities + streets else {"person", "location"}
        entities = [
            (*_trimmed(text, s, e), LABELS[label])
            for s, e, label in here
            if LABELS.get(label) in known and not (label == "person" and _PROFESSION.match(text[s:e].lower()))
        ]
        types = dict.fromkeys(kind for at, kind in sorted(events) if start <= at < end)
        if _UNREAL.search(text, start, end):
            types = {}
        annotated = Annotated(frozenset(types), frozenset(known), frozenset())
        cut = cut_out(entities, text, start, end)
        yield start, LabelledSentence("", "de", text[start:end], tuple(types), cut, (), annotated=annotated)


def _read(folder: Path, split: str) -> Iterator[LabelledSentence]:
    if split not in FILES:
        return
    path = folder / FILES[split]
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            content = file.read()
    except (EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: not a whole gzip file: {error}") from None
    for number, (line, document) in enumerate(json_objects(content, path)):
        try:
            sentences = list(_sentences(document))
        except (KeyError, ValueError, TypeError) as error:
            raise DatasetError(f"{path}:{line}: not a SmartData document: {error!r}") from None
        for start, sentence in sentences:
            # The corpus names a document by its address, some twice.
            yield replace(sentence, id=f"smartdata_de/{split}/{number}/{start}", source=f"{path.name}:{line}")


CORPUS = PublicCorpus(
    name="smartdata_de",
    languages=("de",),
    licence="CC BY 4.0",
    origin="the SmartData corpus, github.com/DFKI-NLP/smartdata-corpus",
    annotated=ANNOTATED,
    read=_read,
)
