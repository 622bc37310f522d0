"""The schemes that labels of event types may be in: ours, or one of others' that the crosswalk knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache

from tocsin.data.ontology import ACLED_SUB_EVENTS, PLOVER_EVENTS, load_ontology

SCHEMES = ("ours", "acled", "plover", "cameo")


class CodeError(ValueError):
    """A scheme that there is not, or a label that its scheme does not have."""


@cache
def types_of_codes(scheme: str) -> Mapping[str, tuple[str, ...]]:
    """Every code of a scheme -> the types of ours that cross over to it: one, several, or none.

    Codes: our type names, ACLED sub-event types, PLOVER events, CAMEO root codes "01" to "20".
    """
    types = load_ontology().types
    if scheme == "ours":
        return {kind.name: (kind.name,) for kind in types}
    if scheme == "acled":
        return {code: tuple(t.name for t in types if t.acled_sub_event_type == code) for code in ACLED_SUB_EVENTS}
    if scheme == "plover":
        return {code: tuple(t.name for t in types if t.plover == code) for code in sorted(PLOVER_EVENTS)}
    if scheme == "cameo":
        roots = [f"{root:02}" for root in range(1, 21)]
        return {code: tuple(t.name for t in types if code in t.cameo) for code in roots}
    raise CodeError(f"unknown scheme {scheme!r} (known: {', '.join(SCHEMES)})")


def read_code(label: str, scheme: str) -> str:
    """The code that a label stands for; raises :class:`CodeError`.

    Of others' codes neither case counts, nor what follows a CAMEO root; our names are written exactly: PLOVER's AID is
    not our aid.
    """
    known = types_of_codes(scheme)
    code = _spelled(label, scheme, known)
    if code is not None:
        return code
    for other in SCHEMES:
        if _spelled(label, other, types_of_codes(other)) is not None:
            raise CodeError(f"{label!r} is a label of the scheme {other!r}, this file is read as {scheme!r} (--codes)")
    raise CodeError(f"unknown label {label!r}{suggestion(label, list(known))}")


def _spelled(label: str, scheme: str, known: Iterable[str]) -> str | None:
    label = label.strip()
    if scheme == "ours":
        return label if label in known else None
    if scheme == "cameo" and re.fullmatch(r"[0-9]{2,4}", label):
        label = label[:2]
    return next((code for code in known if code.casefold() == label.casefold()), None)


def suggestion(label: str, known: Sequence[str]) -> str:
    """What follows "unknown label …" in a message: the known ones that look like it, else all."""
    lowered = {name.lower(): name for name in known}
    near = [lowered[name] for name in get_close_matches(label.lower(), list(lowered), n=3)]
    return f"; near: {', '.join(near)}" if near else f" (known: {', '.join(known)})"
