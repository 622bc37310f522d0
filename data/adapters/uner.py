"""Universal NER: gold PER, ORG and LOC over Universal Dependencies treebanks, IOB2.

The splits are the corpus' own (its test parts are not at hand). LOC covers what we call facility, so that and all
else are unknown. Texts are the treebanks' own where a "# text" comment holds the tokens, else tokens and spaces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tocsin.data.adapters.base import PublicCorpus, join_tokens
from tocsin.data.records import Annotated, LabelledSentence, Span
from tocsin.data.sources import DatasetError

LABELS = {"PER": "person", "ORG": "organization", "LOC": "location"}
ANNOTATED = Annotated(frozenset(), frozenset(LABELS.values()), frozenset())


def _read(folder: Path, split: str) -> Iterator[LabelledSentence]:
    for path in sorted(folder.glob(f"*/*-ud-{split}*.iob2")):
        lang = path.name.split("_")[0]
        comments: dict[str, str] = {}
        rows: list[tuple[str, str]] = []
        first = 1
        for number, line in enumerate([*path.read_text(encoding="utf-8").split("\n"), ""], 1):
            if line.startswith("# "):
                key, _, value = line[2:].partition(" = ")
                comments[key] = value
            elif line:
                cells = line.split("\t")
                if len(cells) < 3 or (cells[2] != "O" and cells[2][:2] not in ("B-", "I-")):
                    raise DatasetError(f"{path}:{number}: not a token with an IOB2 tag: {line!r}")
                first = first if rows else number
                rows.append((cells[1], cells[2]))
            elif rows:
                text, spans = _spans(comments.get("text", ""), rows)
                source = f"{path.parent.name}/{path.name}:{first}"
                yield LabelledSentence(
                    f"uner/{path.name}/{first}", lang, text, (), spans, (), source=source, annotated=ANNOTATED
                )
                comments, rows = {}, []


def _spans(text: str, rows: Sequence[tuple[str, str]]) -> tuple[str, tuple[Span, ...]]:
    offsets: list[tuple[int, int]] = []
    at = 0
    for token, _ in rows:
        at = text.find(token, at)
        if at < 0:
            text, offsets = join_tokens(token for token, _ in rows)
            break
        offsets.append((at, at + len(token)))
        at += len(token)
    spans: list[tuple[int, int, str]] = []
    before = "O"
    for (start, end), (_, tag) in zip(offsets, rows):
        label = LABELS.get(tag[2:])  # OTH, which some treebanks mark, has no label of ours
        if label and tag[0] == "I" and before[2:] == tag[2:]:
            spans[-1] = (spans[-1][0], end, label)
        elif label:
            spans.append((start, end, label))
        before = tag
    return text, tuple(Span(start, end, label, text[start:end]) for start, end, label in spans)


CORPUS = PublicCorpus(
    name="uner",
    languages=("en", "hr", "pt", "sk", "sr", "sv", "zh"),
    licence="CC BY-SA 4.0",
    origin="Universal NER, github.com/UniversalNER",
    annotated=ANNOTATED,
    read=_read,
)
