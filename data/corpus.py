"""The corpus we write: files by language and split, and the one validator that every file passes.

``corpus/LANG/SPLIT[-N].txt`` holds one marked-up sentence a line (see
:mod:`tocsin.data.markup`); lines that start with ``#`` are comments. The split
(train, dev or test) is fixed by the file's name.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tocsin.data.language import classify, known_languages
from tocsin.data.markup import MarkupError, parse_line
from tocsin.data.ontology import Ontology, load_ontology
from tocsin.data.records import LabelledSentence
from tocsin.data.words import word_count, word_offsets

CORPUS_DIR = Path(__file__).resolve().with_name("corpus")
SPLITS = ("train", "dev", "test")

_QUOTES = '"«»“”„‟‹›「」『』《》〈〉'  # no apostrophes: they stand inside words
_PUNCTUATION = ",.;:!?،؛。，、；："


class CorpusError(ValueError):
    """The corpus cannot be read; the message names file and line."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a corpus file."""

    source: str
    message: str

    def __str__(self) -> str:
        return f"{self.source}: {self.message}"


@dataclass
class CorpusSummary:
    """What the validator counted, by split, language and label."""

    sentences: Counter[tuple[str, str]] = field(default_factory=Counter)  # (split, lang)
    types: Counter[tuple[str, str]] = field(default_factory=Counter)  # (type, lang)
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)  # (span label, lang)
    negatives: Counter[str] = field(default_factory=Counter)  # kind
    several_types: int = 0
    over_25_words: int = 0


def split_of(path: Path) -> str:
    """ "train" for ``train.txt`` and ``train-2.txt``."""
    return path.stem.split("-")[0]


def corpus_files(directory: Path = CORPUS_DIR) -> list[Path]:
    """The corpus files below ``directory``, sorted; :class:`CorpusError` if there is none."""
    files = sorted(directory.glob("*/*.txt"))
    if not files:
        raise CorpusError(f"{directory}: no corpus files (expected LANG/SPLIT.txt)")
    return files


def normalised(text: str) -> str:
    """Casefolded letters only: two sentences with the same form are duplicates."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalpha())


def _sentence_id(lang: str, text: str) -> str:
    # Stable when a file is reordered or another line is edited.
    return f"{lang}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def parse_file(path: Path, ontology: Ontology) -> Iterator[LabelledSentence | Problem]:
    """Sentences and unreadable lines of one file, in order."""
    lang = path.parent.name
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        yield Problem(f"{path}:{number}", f"not valid UTF-8 (byte {error.start})")
        return
    except OSError as error:
        yield Problem(str(path), f"cannot be read: {error.strerror}")
        return
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        source = f"{path}:{number}"
        try:
            sentence = parse_line(line, ontology, id="", lang=lang, source=f"{lang}/{path.name}:{number}")
        except MarkupError as error:
            yield Problem(source, str(error))
            continue
        yield replace(sentence, id=_sentence_id(lang, sentence.text))


def load_split(split: str, directory: Path = CORPUS_DIR) -> list[LabelledSentence]:
    """All sentences of "train", "dev" or "test"; raises :class:`CorpusError` at the first bad line."""
    ontology = load_ontology()
    if split not in SPLITS:
        raise CorpusError(f"unknown split {split!r}, expected one of {', '.join(SPLITS)}")
    sentences: dict[str, LabelledSentence] = {}
    for path in corpus_files(directory):
        if split_of(path) == split:
            for item in parse_file(path, ontology):
                if isinstance(item, Problem):
                    raise CorpusError(str(item))
                if item.id in sentences:
                    raise CorpusError(f"{item.source}: duplicate of {sentences[item.id].source}")
                sentences[item.id] = item
    if not sentences:
        raise CorpusError(f"{directory}: no sentences in split {split!r}")
    return list(sentences.values())


def sentences_of(files: Iterable[Path]) -> Iterator[tuple[str, LabelledSentence]]:
    """(split, sentence) of the readable lines of some files; :func:`check_files` names the others."""
    ontology = load_ontology()
    for path in files:
        if path.is_file():
            for item in parse_file(path.resolve(), ontology):
                if isinstance(item, LabelledSentence):
                    yield split_of(path), item


def _text_problems(text: str) -> Iterator[str]:
    if not any(character.isalnum() for character in text):
        yield "no words"
    if text != text.strip():
        yield "space at the start or end"
    if unicodedata.normalize("NFC", text) != text:
        yield "not in Unicode normal form C"
    if re.search(r"[ \u00a0\u202f]{2}", text):
        yield "two spaces in a row"
    for character in text:
        if unicodedata.category(character) in ("Cc", "Co", "Cs", "Cn") or character in "\u2028\u2029\ufffd":
            yield f"character U+{ord(character):04X}"
            return


def _sentence_problems(sentence: LabelledSentence) -> Iterator[str]:
    text = sentence.text
    yield from _text_problems(text)
    starts, ends = zip(*word_offsets(text), strict=True) if text.strip() else ((), ())
    for span in (*sentence.entities, *sentence.roles):
        if span.start not in starts or span.end not in ends:
            yield f"{span.label} {span.text!r} does not start and end at a word boundary"
        elif _has_outer_punctuation(span.text):
            yield f"{span.label} {span.text!r} includes outer punctuation"
    triggers = [role for role in sentence.roles if role.label == "trigger"]
    if sentence.types and not triggers:
        yield "an event type but no trigger"
    if not sentence.types and sentence.roles:
        yield f"no event type but a role ({sentence.roles[0].text!r})"


def _has_outer_punctuation(mention: str) -> bool:
    # A quoted name inside a longer mention is fine ("the group «Dawn»"); quotes around it or half a pair are not.
    quotes = sum(character in _QUOTES for character in mention)
    wrapped = quotes == 2 and mention[0] in _QUOTES and mention[-1] in _QUOTES
    return (
        wrapped
        or quotes % 2 == 1
        or mention[0] in _PUNCTUATION + ")"
        or mention[-1] in _PUNCTUATION.replace(".", "") + "("
    )


def _language_problem(sentence: LabelledSentence) -> str | None:
    # One short sentence full of foreign names is easily misjudged: only a clear verdict of another language counts.
    ranking = classify(sentence.text)
    best, probability = ranking[0]
    close = {lang for lang, p in ranking if p > 1e-3}
    if sentence.lang not in close and probability > 0.99 and len(sentence.text) > 40:
        return f"reads like {best!r}, not {sentence.lang!r}"
    return None


def check_files(files: Iterable[Path]) -> tuple[list[Problem], CorpusSummary]:
    """Validates corpus files: markup, labels, offsets, language, duplicates and leakage between splits."""
    ontology = load_ontology()
    problems: list[Problem] = []
    summary = CorpusSummary()
    seen: dict[str, tuple[str, str]] = {}
    for path in files:
        path = path.resolve()
        split, lang = split_of(path), path.parent.name
        if not path.is_file():
            problems.append(Problem(str(path), "no such file"))
            continue
        if split not in SPLITS:
            problems.append(Problem(str(path), f"unknown split {split!r}, expected one of {', '.join(SPLITS)}"))
        if lang not in known_languages():
            problems.append(Problem(str(path), f"unknown language {lang!r}"))
            continue
        for item in parse_file(path, ontology):
            if isinstance(item, Problem):
                problems.append(item)
                continue
            here = f"{path}:{item.source.rpartition(':')[2]}"
            problems.extend(Problem(here, message) for message in _sentence_problems(item))
            if message := _language_problem(item):
                problems.append(Problem(here, message))
            key = normalised(item.text)
            if key in seen:
                other_split, other = seen[key]
                what = (
                    "duplicate of" if other_split == split else f"leaks from {split} into {other_split}: same text as"
                )
                problems.append(Problem(here, f"{what} {other}"))
            seen.setdefault(key, (split, here))
            _count(summary, item, split)
    return problems, summary


def _count(summary: CorpusSummary, sentence: LabelledSentence, split: str) -> None:
    summary.sentences[split, sentence.lang] += 1
    summary.types.update((name, sentence.lang) for name in sentence.types)
    summary.labels.update((span.label, sentence.lang) for span in (*sentence.entities, *sentence.roles))
    if sentence.negative:
        summary.negatives[sentence.negative] += 1
    summary.several_types += len(sentence.types) > 1
    summary.over_25_words += word_count(sentence.text, sentence.lang) > 25
