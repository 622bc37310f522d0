"""Habits of writers that a model could learn instead of the task: skewed lengths, names that come back too often."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from statistics import median

from tocsin.data.records import LabelledSentence
from tocsin.data.words import word_count

_SKEWED = 1.6  # times longer or shorter than the language's median
_FEWEST = 10
_NAMES = ("person", "organization", "facility")
_TOO_OFTEN = 0.02  # of a language's sentences; a place or a great organization may well be in more


def skewed_lengths(sentences: Sequence[tuple[str, LabelledSentence]]) -> Iterator[str]:
    """Groups of (split, sentence) whose median length is far from their language's: splits, types, and negatives."""
    lengths: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for split, sentence in sentences:
        count = word_count(sentence.text, sentence.lang)
        groups = ["", f"split {split}", *sentence.types, *([] if sentence.types else ["sentences without an event"])]
        for group in groups:
            lengths[sentence.lang][group].append(count)
    for lang, groups_of in sorted(lengths.items()):
        usual = median(groups_of[""])
        for group, counts in groups_of.items():
            ratio = median(counts) / usual
            if len(counts) >= _FEWEST and not 1 / _SKEWED <= ratio <= _SKEWED:
                yield f"{lang}: {group}: {median(counts):.0f} words in the middle, {usual:.0f} in all of {lang}"


def repeated_names(sentences: Sequence[LabelledSentence]) -> Iterator[str]:
    """Names of persons, organizations and facilities that are in too many of a language's sentences."""
    total = Counter(sentence.lang for sentence in sentences)
    names = Counter(
        (sentence.lang, label, name)
        for sentence in sentences
        for label, name in {(e.label, e.text.casefold()) for e in sentence.entities if e.label in _NAMES}
    )
    for (lang, label, name), count in names.most_common():
        generic = label == "facility" and " " not in name  # "hospital" is no name
        if count >= _FEWEST and count > _TOO_OFTEN * total[lang] and not generic:
            yield f"{lang}: {label} {name!r} in {count} of {total[lang]} sentences"
