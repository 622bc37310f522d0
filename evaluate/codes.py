"""The schemes that gold labels may be in, ours or others' codes, and our types as codes by the crosswalk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tocsin.data.ontology import ACLED_SUB_EVENTS, PLOVER_EVENTS, EventType, Ontology
from tocsin.data.records import Event, Prediction

SCHEMES = ("ours", "acled", "plover", "cameo")


class CodeError(ValueError):
    """A label that its scheme does not have."""


class Codes:
    """One scheme: "ours" (names of types), "acled" (sub-event types), "plover" (event types) or "cameo" (root codes).

    A type without a counterpart has the code ``None``. CAMEO roots that one type of ours stands for together cannot
    be told apart and are one code, "02/10".
    """

    def __init__(self, scheme: str, ontology: Ontology):
        self.scheme = scheme
        self._by_type: Mapping[str, str | None]
        if scheme == "ours":
            self._by_type = {kind.name: kind.name for kind in ontology.types}
            self._spellings = {kind.name: kind.name for kind in ontology.types}
        elif scheme == "acled":
            self._by_type = {kind.name: kind.acled_sub_event_type for kind in ontology.types}
            self._spellings = {name.casefold(): name for name in ACLED_SUB_EVENTS}
        elif scheme == "plover":
            self._by_type = {kind.name: kind.plover for kind in ontology.types}
            self._spellings = {name.casefold(): name for name in PLOVER_EVENTS}
        elif scheme == "cameo":
            self._spellings = _joined_roots(kind.cameo for kind in ontology.types)
            self._by_type = {t.name: self._spellings[t.cameo[0]] if t.cameo else None for t in ontology.types}
        else:
            raise CodeError(f"unknown scheme {scheme!r} (there are: {', '.join(SCHEMES)})")

    @property
    def reachable(self) -> list[str]:
        """The codes that some type of ours stands for."""
        return sorted({code for code in self._by_type.values() if code is not None})

    def read(self, label: str) -> str:
        """The code of a label; case does not count, nor what follows a CAMEO root. Raises :class:`CodeError`."""
        key = label.strip().casefold()
        if self.scheme == "cameo" and re.fullmatch(r"\d{2,4}", key):
            key = key[:2]
        if key not in self._spellings:
            raise CodeError(f"{label!r} is not a label of the scheme {self.scheme!r}")
        return self._spellings[key]

    def read_any(self, label: str) -> str | None:
        """The same for a predicted label, which may be a type of ours instead; ``None`` for a type without a code."""
        if label in self._by_type:
            return self._by_type[label]
        return self.read(label)

    def event_type(self, code: str) -> EventType:
        """A code in the place of a type of ours, for what speaks of types by their name."""
        return EventType(code, "", "", None, None, None, (), None)

    def translate(self, prediction: Prediction) -> Prediction:
        """A prediction of our types as one of codes: the surest type speaks for its code, one without a code for
        none."""
        if self.scheme == "ours":
            return prediction
        events: dict[str, Event] = {}
        for event in prediction.events:
            code = self._by_type[event.type.name]
            if code is not None and code not in events:
                events[code] = Event(self.event_type(code), event.score)
        scores = None
        if prediction.scores is not None:
            scores = dict.fromkeys(self.reachable, 0.0)
            for name, score in prediction.scores.items():
                code = self._by_type[name]
                if code is not None:
                    scores[code] = max(scores[code], score)
        return replace(prediction, events=tuple(events.values()), scores=scores)


def _joined_roots(together: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Root -> the name of its class: roots that stand together somewhere are one."""
    classes = {f"{root:02}": {f"{root:02}"} for root in range(1, 21)}
    for roots in together:
        joined = set().union(*(classes[root] for root in roots)) if roots else set()
        for root in joined:
            classes[root] = joined
    return {root: "/".join(sorted(members)) for root, members in classes.items()}
