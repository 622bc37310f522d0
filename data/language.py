"""Which language a text is in: ISO 639-1 codes, detected offline with py3langid."""

from __future__ import annotations

from functools import lru_cache
from threading import Lock

from py3langid.langid import MODEL_FILE, LanguageIdentifier

# The detector walks every byte; the start of a long text tells its language as well as the whole.
_PREFIX = 2000


_LOADING = Lock()


def load_identifier() -> None:
    """Loads the detector, which takes a moment; else its first use does. Other threads wait for it."""
    _identifier()


def _identifier() -> LanguageIdentifier:
    with _LOADING:
        return _load()


@lru_cache(maxsize=1)
def _load() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def known_languages() -> frozenset[str]:
    """The codes that can be given or detected."""
    return frozenset(_identifier().labels)


def check_language(code: str | None) -> None:
    """``ValueError`` that lists the known codes, for a code that is none of them; ``None`` (detect it) passes."""
    if code is not None and code not in known_languages():
        raise ValueError(f"unknown language {code!r}; known: {', '.join(sorted(known_languages()))}")


def classify(text: str) -> list[tuple[str, float]]:
    """All languages with their probabilities, the likeliest first."""
    ranking: list[tuple[str, float]] = _identifier().rank(text[:_PREFIX])
    return ranking


def detect_language(text: str) -> str:
    """The likeliest ISO 639-1 code of ``text``; "und" (undetermined) where it has no letters."""
    if not any(character.isalpha() for character in text[:_PREFIX]):
        return "und"
    code: str = _identifier().classify(text[:_PREFIX])[0]
    return code
