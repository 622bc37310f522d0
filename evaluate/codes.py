"""Labels and predictions in a scheme of codes: what a suite whose labels are not ours is scored in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tocsin.data.ontology import EventType, load_ontology
from tocsin.data.records import Event, Prediction
from tocsin.data.schemes import read_code, types_of_codes


class Codes:
    """One scheme: "ours" (names of types), "acled" (sub-event types), "plover" (event types) or "cameo" (root codes).

    A type without a counterpart has the code ``None``. CAMEO roots that one type of ours stands for together cannot
    be told apart and are one code, "02/10".
    """

    def __init__(self, scheme: str):
        self.scheme = scheme
        types = load_ontology().types
        joined = _joined_roots(kind.cameo for kind in types) if scheme == "cameo" else {}
        self._classes = {code: joined.get(code, code) for code in types_of_codes(scheme)}
        self._by_type: dict[str, str | None] = {kind.name: None for kind in types}
        for code, names in types_of_codes(scheme).items():
            self._by_type |= dict.fromkeys(names, self._classes[code])

    @property
    def reachable(self) -> list[str]:
        """The codes that some type of ours stands for."""
        return sorted({code for code in self._by_type.values() if code is not None})

    def read(self, label: str) -> str:
        """The code of a label, as :func:`tocsin.data.schemes.read_code`; raises ``CodeError``."""
        return self._classes[read_code(label, self.scheme)]

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
