"""MUC-4: English wire reports on Latin America, 1988 to 1991, lower-cased, with a template for each terrorist incident.

A template belongs to its document and does not say where the incident is told; threatened and attempted ones have
templates as well. So the corpus gives positive evidence only: a sentence gets the type of a template if it names a
victim or target of the template and says the type by a word of its own, and no word denies it or puts it off. All other
types are unknown there, and sentences without such evidence are left out. "attack" stands for ambushes, murders and
shellings alike and has no type of ours, nor has "forced work stoppage". "bombing" includes grenades thrown and raids of
aircraft: sentences that name these are left out.

No spans: only the fillers of templates are marked, once for each different wording.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tocsin.data.adapters.base import PublicCorpus, json_objects
from tocsin.data.records import Annotated, LabelledSentence
from tocsin.data.sentences import sentence_offsets
from tocsin.data.sources import DatasetError

FILES = {"train": "pretty_train.json", "dev": "pretty_dev.json"}
# Type of incident: our type, words that say it, words that say another.
TYPES = {
    "kidnapping": ("abduction", r"\b(kidnap(p?ed|p?ing)?|abduct(ed|ion)|taken hostage|disappeared)\b", r"\brescued\b"),
    "bombing": (
        "remote_explosive",
        r"\b(bomb(ed|ings?)|(bomb|dynamite) (attack|explosion|blast)s?|by a (car )?bomb|dynamited|explosions?|exploded"
        r"|(?<!to )(blew|blown) up|blasts?|detonated|set off)\b",
        r"\b(aircraft|airplanes?|planes?|helicopters?|air force|air raids?|grenades?|rockets?|mortars?|shell(s|ed|ing)|"
        r"cocktails?|threw|thrown|hurled|defused|deactivated|found|unexploded|fail(ed)?|dropped)\b",
    ),
    "arson": ("property_destruction", r"\b(burn(ed|t|ing)|set fire|set on fire|set ablaze|torched)\b", r"\bbomb"),
    "robbery": ("organized_crime", r"\b(robb(ed|ery)|stole|stolen|loot(ed|ing)|held up)\b", r"(?!)"),
}
ANNOTATED = Annotated(frozenset(label for label, _, _ in TYPES.values()), frozenset(), frozenset())
_UNREAL = re.compile(  # "3 may" is a date
    r"\b(not|no|den(y|ie[ds])|threat\w*|would|could|(?<!\d )may|might|will|if|whether|attempt\w*|tried|plan\w*"
    r"|intend\w*|against|try(ing)?|alleged\w*|accus\w*|releas\w*|freed|negotiat\w*|thwart\w*|prevent\w*|suspected)\b"
)


def _types(sentence: str, templates: list[dict[str, Any]]) -> tuple[str, ...]:
    types = []
    for template in templates:
        label, says, other = TYPES.get(template["incident_type"], ("", "(?!)", ""))
        victims = [mention for role in ("Target", "Victim") for entity in template[role] for mention, _ in entity]
        named = any(re.search(rf"(?<!\w){re.escape(mention)}(?!\w)", sentence) for mention in victims)
        if named and re.search(says, sentence) and not re.search(other, sentence) and label not in types:
            types.append(label)
    return tuple(types) if not _UNREAL.search(sentence) else ()


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    # Four spaces and more stand where a paragraph ended; before a figure the splitter would not see it.
    for paragraph in re.finditer(r"\S+(?: {1,3}\S+)*", text):
        for start, end in sentence_offsets(paragraph.group(), "en"):
            # Two spaces after a full stop, and where words were cut out.
            yield paragraph.start() + start, " ".join(paragraph.group()[start:end].split())


def _read(folder: Path, split: str) -> Iterator[LabelledSentence]:
    if split not in FILES:
        return
    path = folder / FILES[split]
    for line, document in json_objects(path.read_text(encoding="utf-8"), path):
        try:
            name, templates = document["docid"], document["templates"]
            labelled = [(start, text, _types(text, templates)) for start, text in _sentences(document["doctext"])]
        except (KeyError, ValueError, TypeError) as error:
            raise DatasetError(f"{path}:{line}: not a MUC-4 document: {error!r}") from None
        for start, text, types in labelled:
            if types:
                known = Annotated(frozenset(types), frozenset(), frozenset())
                source = f"{path.name}:{line}"
                yield LabelledSentence(
                    f"muc4_en/{name}/{start}", "en", text, types, (), (), source=source, annotated=known
                )


CORPUS = PublicCorpus(
    name="muc4_en",
    languages=("en",),
    licence="MIT",
    origin="MUC-4 in JSON, github.com/xinyadu/gtt",
    annotated=ANNOTATED,
    read=_read,
)
