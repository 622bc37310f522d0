"""WikiEvents: English news and encyclopedia articles, mostly about bombings, with KAIROS events.

Its annotators marked the salient events of a document: of the words that say arrest, charge or trial two in three are
not marked, though most of them report one. So absence means nothing, and a sentence is given only the types that are
certain, all else unknown. Attack, Die, Injure, Demonstrate and Contact have no single type of ours and are left out; so
is a trigger word that does not say the type by itself, and one after "if", "whether", "not" and the like (Rule 2).

No spans: mentions are heads ("general", of "a Russian major general"), pronouns among them, and nothing tells names
from nouns; arguments of the train file have no place in the text; triggers of all other events are missing. The train
file has tokens only: they are put together again here, and the text is cut into sentences anew (titles run into them).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tocsin.data.adapters.base import PublicCorpus
from tocsin.data.records import Annotated, LabelledSentence
from tocsin.data.sentences import sentence_offsets
from tocsin.data.sources import DatasetError

FILES = {"train": "wiki-train-human.jsonl", "dev": "dev.jsonl"}
_COURT = r"(?i).*\b(charg(e[ds]?|ing)|indict|convict|acquit|sentenc|verdict|guilty|trial|tried|prosecut)"
# KAIROS type without its third level, what its trigger must look like, our type.
TYPES = {
    "Justice.ArrestJailDetain": (r"(?i).*\b(arrest|detain|custody|nabbed)", "arrest"),
    "Justice.ChargeIndict": (_COURT, "judicial_action"),
    "Justice.TrialHearing": (_COURT, "judicial_action"),
    "Justice.Convict": (_COURT, "judicial_action"),
    "Justice.Acquit": (_COURT, "judicial_action"),
    "Justice.Sentence": (_COURT, "judicial_action"),
    "Contact.RequestCommand": (r"(?i)(urg|appeal|demand|request|order|begg)", "demand"),
}
ANNOTATED = Annotated(frozenset(kind for _, kind in TYPES.values()), frozenset(), frozenset())
_UNREAL = re.compile(
    r"(?i)\b(if|whether|will|would|could|may|might|should|can|not|no|never|nobody|without|seek\w*|hope\w*|want\w*|plan\w*"
    r"|face[sd]?|facing|warrant|before|until|avoid\w*)\b|n[’']t\b"
)
_REACH = 45  # characters before a trigger in which such a word is about it
_LONGEST = 600  # characters; longer ones are lists and menus of web pages


def join(tokens: list[str]) -> tuple[str, list[int]]:
    """The text that ``tokens`` were most likely cut from, and where each of them starts in it."""
    text, starts, quotes = "", [], 0
    for before, token, after in zip(["", *tokens], tokens, [*tokens[1:], ""]):
        opens = token == '"' and quotes % 2 == 0
        quotes += token == '"'
        glued = (
            (token in list(".,;:!?)]}%’”…'-/") or (token == '"' and not opens))
            or before in list("([{“‘$£€#@-/")
            or (before == '"' and quotes % 2 == 1)
            or (before in ("’", "'") and token in ("s", "t", "re", "ve", "ll", "d", "m", "S"))
            or (before in (".", ":") and text[-2:-1].isdigit() and token[:1].isdigit())
            or (before == "," and text[-2:-1].isdigit() and re.fullmatch(r"\d{3}", token) is not None)
            or (after == before == "." and token.isupper() and re.search(r"\b[A-Z]\.\Z", text) is not None)
        )
        text += "" if glued or not text else " "
        starts.append(len(text))
        text += token
    return text, starts


def _passages(document: dict[str, Any]) -> Iterator[tuple[str, list[tuple[int, str, str]]]]:
    """Stretches of a document's text with its events there: (offset of the trigger, its words, KAIROS type)."""
    events = []
    for event in document["event_mentions"]:
        trigger = event["trigger"]
        first = trigger["start_idx"] if "start_idx" in trigger else trigger["start"]
        events.append((first, trigger["text"], ".".join(event["event_type"].split(".")[:2])))
    if "text" not in document:
        text, starts = join(document["tokens"])
        yield text, [(starts[first], words, kind) for first, words, kind in events]
        return
    passed = 0
    for tokens, text in document["sentences"]:
        here = [(n - passed, words, kind) for n, words, kind in events if passed <= n < passed + len(tokens)]
        yield text, [(tokens[n][1] - tokens[0][1], words, kind) for n, words, kind in here]
        passed += len(tokens)


def _types(text: str, start: int, end: int, events: list[tuple[int, str, str]]) -> tuple[str, ...]:
    types = []
    for at, words, kind in sorted(events):
        pattern, label = TYPES.get(kind, ("(?!)", ""))
        real = not _UNREAL.search(text, max(start, at - _REACH), at)
        if start <= at < end and real and re.match(pattern, words) and label not in types:
            types.append(label)
    return tuple(types)


def _read(folder: Path, split: str) -> Iterator[LabelledSentence]:
    if split not in FILES:
        return
    path = folder / FILES[split]
    for number, line in enumerate(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"), 1):
        try:
            document = json.loads(line)
            name = document.get("doc_id") or document["docid"]
            passages = list(_passages(document))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise DatasetError(f"{path}:{number}: not a WikiEvents document: {error!r}") from None
        for place, (text, events) in enumerate(passages):
            for start, end in sentence_offsets(text, "en"):
                types = _types(text, start, end, events)
                if types and end - start <= _LONGEST:
                    id = f"wikievents_en/{name}/{place}/{start}"
                    known = Annotated(frozenset(types), frozenset(), frozenset())
                    source = f"{path.name}:{number}"
                    yield LabelledSentence(id, "en", text[start:end], types, (), (), source=source, annotated=known)


CORPUS = PublicCorpus(
    name="wikievents_en",
    languages=("en",),
    licence="MIT",
    origin="WikiEvents, github.com/raspberryice/gen-arg",
    annotated=ANNOTATED,
    read=_read,
)
