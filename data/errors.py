"""How errors of the system are told."""

from __future__ import annotations


def reason(error: OSError) -> str:
    """What the system says, in the middle of a sentence of ours."""
    return (error.strerror or str(error)).lower()
