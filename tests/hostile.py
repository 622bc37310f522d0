"""Hostile inputs by the thousand, the same ones for the same seed, and what must hold for each of them.

``python tests/hostile.py PAGE`` runs the released model over 10,000 of them and writes how each kind fared.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from tocsin.data.documents import Document, ErrorRow, byte_offsets
from tocsin.data.readers import read_documents
from tocsin.data.records import Prediction
from tocsin.data.writers import json_line, make_writer
from tocsin.model.pipeline import Pipeline, Sentence
from tocsin.model.runtime import load_release

_WORDS = ["Gao", "rebelles", "attaque", "drone", "Киев", "война", "叙利亚", "军队", "قصف", "المدينة", "सेना", "กองทัพ",
          "Ankara", "12", "%", "$", ",", ".", ";", "«", "»", "“", "”"]  # fmt: skip
_CONTROLS = "".join(map(chr, [*range(1, 9), *range(14, 32), 0x7F, 0x85, 0x9B, 0x2028, 0x2029]))
_EMOJI = ["👨‍👩‍👧‍👦", "🏳️‍🌈", "🇺🇦🇫🇷", "👍🏿", "❤️", "🧑🏽‍🚒", "🔥"]


def _text(rng: random.Random) -> str:
    return " ".join(rng.choices(_WORDS, k=rng.randint(1, 5)))


def _sprinkled(characters: str) -> Callable[[random.Random], str]:
    def make(rng: random.Random) -> str:
        return "".join(c + rng.choice(characters) * rng.randint(0, 2) for c in _text(rng))

    return make


def _storm(rng: random.Random) -> str:
    return "".join(c + "".join(rng.choices("\u0301\u0316\u0489\u20dd\u0e48\u093c", k=9)) for c in rng.choice(_WORDS))


def _broken(rng: random.Random) -> str:
    line = json.dumps({"text": _text(rng), "id": rng.randint(0, 9)}, ensure_ascii=False)
    return line[: rng.randint(1, len(line) - 1)].rstrip() or "{"


def _deep(rng: random.Random) -> str:
    depth = rng.choice([101, 500, 5000])
    return '{"text": "Gao", "x": ' + "[" * depth + "]" * depth + "}"


def _wrong_type(rng: random.Random) -> str:
    value = rng.choice([None, True, 12, 1.5, [], ["Gao"], {}, {"text": 5}])
    return json.dumps(rng.choice([{"text": value}, value, {"text": "Gao", "id": ["x"]}, {"txt": "Gao"}]))


def _number(rng: random.Random) -> str:
    number = rng.choice(["1e999", "-1e999", "NaN", "9" * 400, "1" + "0" * 5000, "-0.0", "1e-400", "Infinity"])
    return '{"text": "Gao", "id": ' + rng.choice([number, "1"]) + ', "x": ' + number + "}"


def _long(rng: random.Random) -> str:
    piece = rng.choice([" la ville,", "\u200b", "\u2060"])
    return "Gao" + piece * (1_000_000 // len(piece)) + "."


def _with_text(make: Callable[[random.Random], str]) -> Callable[[random.Random], str]:
    return lambda rng: json.dumps({"text": make(rng)}, ensure_ascii=False)


# Of each kind, the lines of JSONL (text; lone surrogates stand for bytes that are not UTF-8) and how many of 10,000.
KINDS: dict[str, tuple[Callable[[random.Random], str], int]] = {
    "plain": (_with_text(_text), 600),
    "lone surrogates": (lambda rng: json.dumps({"text": _text(rng) + rng.choice(["\ud800", "\udfff x"])}), 700),
    "lone surrogates in other fields": (lambda rng: '{"text": "Gao", "id": "\\udc00", "\\ud800": "\\udbff"}', 300),
    "NULs": (_with_text(_sprinkled("\0")), 600),
    "control characters": (_with_text(_sprinkled(_CONTROLS)), 800),
    "line ends": (_with_text(_sprinkled("\r\n\x0b\x0c")), 600),
    "mixed direction": (_with_text(_sprinkled("\u202a\u202b\u202d\u202e\u202c\u2066\u2067\u2069\u200e\u200f")), 800),
    "zero-width runs": (_with_text(_sprinkled("\u200b\u200c\u200d\u2060\ufeff\u00ad")), 800),
    "combining storms": (_with_text(_storm), 700),
    "emoji sequences": (_with_text(lambda rng: "".join(rng.choices([*_EMOJI, " ", "Gao"], k=5)) + "!"), 700),
    "private and unassigned": (_with_text(_sprinkled("\ue000\ufdd0\U000e0001\U0010ffff\ufffd")), 500),
    "blank records": (lambda rng: json.dumps({"text": rng.choice(["", " ", "\n\t", "\u3000", "\x1c"])}), 600),
    "broken JSON": (_broken, 700),
    "deep JSON": (_deep, 150),
    "wrong types": (_wrong_type, 600),
    "huge numbers": (_number, 400),
    "not UTF-8": (lambda rng: '{"text": "' + rng.choice(["\udce9", "\udcff\udcfe", "\udced\udca0\udc80"]) + '"}', 440),
    "1 MB lines": (_with_text(_long), 10),
}  # fmt: skip


@dataclass(frozen=True)
class Record:
    """One line of hostile JSONL."""

    kind: str
    line: bytes


def hostile_records(count: int, seed: int) -> Iterator[Record]:
    """So many, of all kinds by their share; most are short."""
    rng = random.Random(seed)
    kinds = list(KINDS)
    for _ in range(count):
        (kind,) = rng.choices(kinds, [share for _, share in KINDS.values()])
        yield Record(kind, KINDS[kind][0](rng).encode("utf-8", "surrogateescape"))


def check(records: list[Record], pipeline: Pipeline, folder: Path) -> dict[str, Counter[str]]:
    """Predicts the records and writes them in every format. Raises :class:`AssertionError` unless each is accounted for
    and all offsets are right; returns, by kind, how many gave what."""
    path = folder / "hostile.jsonl"
    path.write_bytes(b"".join(record.line + b"\n" for record in records))
    read = list(read_documents([str(path)], keep=True))
    assert [item.line for item in read] == [*range(1, len(records) + 1)], "a record is lost"
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    writers = [make_writer(folder / f"out.{suffix}") for suffix in ("jsonl", "csv", "parquet")]
    for writer in writers:
        writer.open(0)
    expected = []
    work: list[tuple[Counter[str], Document, Sentence]] = []
    for record, item in zip(records, read, strict=True):
        count = counts[record.kind]
        count.update(records=1, errors=isinstance(item, ErrorRow))
        if isinstance(item, ErrorRow):
            json_line(item.to_dict()).encode()
            continue
        sentences = pipeline.sentences(item)
        assert sentences, "a document without a sentence"
        work += [(count, item, sentence) for sentence in sentences]
    for first in range(0, len(work), 512):
        batch = work[first : first + 512]
        for (count, document, sentence), prediction in zip(
            batch, pipeline.predict([sentence for *_, sentence in batch]), strict=True
        ):
            count.update(predictions=1, spans=check_offsets(document.text, prediction))
            expected.append((sentence.id, sentence.text))
            for writer in writers:
                writer.write(prediction)
    for writer in writers:
        writer.commit()
        writer.finish()
        writer.close()
    with (folder / "out.jsonl").open(encoding="utf-8", newline="\n") as file:
        assert [(row["id"], row["text"]) for row in map(json.loads, file)] == expected
    table = pq.read_table(folder / "out.parquet", columns=["id", "text"])
    assert list(zip(*(column.to_pylist() for column in table.columns), strict=True)) == expected
    csv.field_size_limit(sys.maxsize)
    with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["event_id"], row["notes"]) for row in csv.DictReader(file) if "/" not in row["event_id"]]
    assert rows == expected
    return counts


def check_offsets(text: str, prediction: Prediction) -> int:
    """That a record and its spans lie in the document where they say, in characters and bytes; how many spans."""
    data = text.encode()
    assert text[prediction.start : prediction.end] == prediction.text
    spans = (*prediction.entities, *prediction.roles)
    for span in spans:
        assert span.start < span.end and prediction.text[span.start : span.end] == span.text
    inside = [(prediction.start + span.start, prediction.start + span.end) for span in spans]
    for span, (start, end) in zip(spans, byte_offsets(text, inside), strict=True):
        assert data[start:end].decode() == span.text
    return len(spans)


def page(counts: dict[str, Counter[str]], model: str, seed: int) -> str:
    """A Markdown table of :func:`check`'s counts."""
    names = ("records", "errors", "predictions", "spans")
    total = sum(counts.values(), Counter())
    rows = [
        f"| {kind} | " + " | ".join(f"{count[name]:,}" for name in names) + " |"
        for kind, count in [*counts.items(), ("all", total)]
    ]
    return "\n".join([
        "# Hostile input",
        "",
        f"`python tests/hostile.py` wrote {total['records']:,} hostile records (seed {seed}), and {model} read them.",
        "Nothing crashed; every record gave sentences or one error row; every sentence and every span lay in its",
        "document where its offsets say, in characters and bytes; JSONL, CSV and Parquet gave back what was written.",
        "",
        "| kind | records | error rows | sentences | spans checked |",
        "| --- | ---: | ---: | ---: | ---: |",
        *rows,
        "",
    ])  # fmt: skip


def main() -> None:
    """Writes the page."""
    pipeline, seed = load_release(), 1
    with TemporaryDirectory() as folder:
        counts = check(list(hostile_records(10_000, seed)), pipeline, Path(folder))
    Path(sys.argv[1]).write_text(page(counts, f"model {pipeline.settings.name}", seed), encoding="utf-8")


if __name__ == "__main__":
    main()
