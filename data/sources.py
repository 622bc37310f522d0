"""The public news texts that we labelled: where each sentence of the three datasets stands.

We may read these datasets from a folder (``--datasets DIR``) but keep no text of them: :mod:`tocsin.data.realnews`
joins our labels to what is read here. The split of a document is a fixed rule of its name, and of nothing else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

ORIGINS = {
    "wikinews_ner_fr": "WiNER, French Wikinews articles (CC BY 2.5, annotations CC BY 4.0)",
    "ntrex": "NTREX-128, github.com/MicrosoftTranslator/NTREX (CC BY-SA 4.0)",
    "current_events_en": "Wikipedia Current Events, github.com/ianrastall/current-events-context (CC BY-SA)",
}
NTREX_SOURCE = "newstest2019-src.eng.txt"
# NTREX names its files by ISO 639-3.
NTREX_LANGUAGES = {
    "ar": "ref.arb", "bn": "ref.ben", "de": "ref.deu", "el": "ref.ell", "en": "src.eng", "es": "ref.spa",
    "fa": "ref.fas", "fr": "ref.fra", "he": "ref.heb", "hi": "ref.hin", "id": "ref.ind", "it": "ref.ita",
    "ja": "ref.jpn", "ko": "ref.kor", "nl": "ref.nld", "pl": "ref.pol", "pt": "ref.por", "ru": "ref.rus",
    "tr": "ref.tur", "uk": "ref.ukr", "ur": "ref.urd", "vi": "ref.vie", "zh": "ref.zho-CN",
}  # fmt: skip


class DatasetError(ValueError):
    """A dataset is missing or is not the one that we labelled; the message says what, where, and where to get it."""


@dataclass(frozen=True)
class Passage:
    """A stretch of text of a dataset: an article, a parallel line, or an item of a day.

    ``file`` is relative to the dataset's folder, ``line`` (from 1) where the passage begins, 0 if it is the whole
    file. ``section`` is what the source files it under, "" if nothing.
    """

    dataset: str
    file: str
    line: int
    lang: str
    text: str
    document: str
    section: str = ""


def split_of_document(dataset: str, document: str) -> str:
    """ "train", "dev" or "test", by a hash of the document's name.

    A little more than half of NTREX is train, the rest dev and test; of the others three quarters are train. A document
    of current_events_en is a month: its days tell the same stories.
    """
    value = fixed_share(f"{dataset}/{document}")
    share = 0.22 if dataset == "ntrex" else 0.125
    return "dev" if value < share else "test" if value < 2 * share else "train"


def fixed_share(name: str) -> float:
    """A number in [0, 1) that depends on ``name`` alone: a draw that anyone can repeat."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32


def read_passages(dataset: str, root: Path, files: Collection[str] = ()) -> Iterator[Passage]:
    """The passages of a dataset below ``root/DATASET``, in the order of its files; raises :class:`DatasetError`.

    ``files``: if given, of a dataset with many files only these are read.
    """
    folder = root / dataset
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; {dataset} is {ORIGINS[dataset]}")
    try:
        yield from _READERS[dataset](folder, files)
    except (OSError, UnicodeDecodeError, KeyError) as error:
        raise DatasetError(f"{folder}: cannot be read as {dataset}: {error}") from None


def _chosen(folder: Path, pattern: str, files: Collection[str]) -> list[Path]:
    return [folder / file for file in sorted(files)] if files else sorted(folder.glob(pattern))


def _wikinews(folder: Path, files: Collection[str]) -> Iterator[Passage]:
    for path in _chosen(folder, "*/*.txt", files):
        # newline="": offsets count what is in the file.
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        yield Passage("wikinews_ner_fr", f"{path.parent.name}/{path.name}", 0, "fr", text, path.stem)


def _ntrex(folder: Path, _: Collection[str]) -> Iterator[Passage]:
    documents = _lines(folder / "DOCUMENT_IDS.tsv")
    for lang, name in NTREX_LANGUAGES.items():
        path = folder / f"newstest2019-{name}.txt"
        lines = _lines(path)
        if len(lines) != len(documents):
            raise DatasetError(f"{path}: {len(lines)} lines, but {len(documents)} in DOCUMENT_IDS.tsv")
        for number, (text, document) in enumerate(zip(lines, documents), 1):
            yield Passage("ntrex", path.name, number, lang, text, document)


def _lines(path: Path) -> list[str]:
    # str.splitlines would also cut at characters that stand inside lines.
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


# "(Reuters via Daily Mail)" at the end of an item, once or several times.
_SOURCES = re.compile(r"(?:\s*\([^()]*(?:\([^()]*\)[^()]*)?\))+\s*\Z")


def _current_events(folder: Path, files: Collection[str]) -> Iterator[Passage]:
    import yaml

    for path in _chosen(folder, "*/*/*.yaml", files):
        # Nodes, not values: a node knows its line.
        day = yaml.compose(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if not isinstance(day, yaml.MappingNode):
            raise DatasetError(f"{path}: not a day of news")
        sections = {key.value: value for key, value in day.value}["Intelligence_Payload"]
        for section, items in sections.value:
            for item in items.value:
                match = _SOURCES.search(item.value)
                if match:  # without sources it is a heading
                    yield Passage(
                        "current_events_en",
                        str(path.relative_to(folder)),
                        item.start_mark.line + 1,
                        "en",
                        item.value[: match.start()],
                        path.stem[:7],
                        section.value,
                    )


_READERS = {"wikinews_ner_fr": _wikinews, "ntrex": _ntrex, "current_events_en": _current_events}
