"""Real news that we labelled: labels stored apart from the texts, and joined to them where the datasets are at hand.

``real/DATASET.jsonl`` holds one sentence a line: where it stands, a hash of its text, and its labels. ``lang`` "*"
stands for all languages of a line-parallel dataset: types that were read in English hold in each of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tocsin.data.adapters.base import cut_out
from tocsin.data.adapters.wikinews_ner_fr import ANNOTATED, read_entities
from tocsin.data.corpus import SPLITS
from tocsin.data.ontology import Ontology, load_ontology
from tocsin.data.records import Annotated, LabelledSentence, Span
from tocsin.data.sources import NTREX_SOURCE, DatasetError, Passage, fixed_share, read_passages

REAL_DIR = Path(__file__).resolve().with_name("real")
EVERY_LANGUAGE = "*"

_PLACE = ("file", "line", "start", "end", "sha256", "lang", "split")
_LAYERS = ("types", "entities", "roles")


@dataclass(frozen=True)
class StandOff:
    """The labels of one sentence without its text.

    ``file``, ``line``: the passage (see :class:`tocsin.data.sources.Passage`); ``start``, ``end``: the sentence in
    it; ``sha256``: of the sentence in UTF-8, first 16 digits. ``entities`` and ``roles`` hold (start, end, label) in
    the sentence; all offsets are code points. ``annotated``: the layers, or labels of a layer, that were looked for.
    """

    dataset: str
    file: str
    line: int
    start: int
    end: int
    sha256: str
    lang: str
    split: str
    types: tuple[str, ...]
    entities: tuple[tuple[int, int, str], ...]
    roles: tuple[tuple[int, int, str], ...]
    annotated: Annotated

    def to_json(self) -> str:
        entry: dict[str, Any] = {name: getattr(self, name) for name in (*_PLACE, *_LAYERS)}
        entry |= {"annotated": self.annotated.to_dict()} if self.annotated.to_dict() else {}
        return json.dumps(entry, ensure_ascii=False)

    def join(self, passages: Passages) -> Iterator[LabelledSentence]:
        """With the text, in each language; raises :class:`DatasetError` if it is not the text that was labelled."""
        place = f"{self.dataset}/{self.file}" + (f":{self.line}" if self.line else "")
        found = passages.get((self.dataset, self.file, self.line), [])
        # A record for all languages speaks of whole lines, and its hash of all of them.
        if self.lang == EVERY_LANGUAGE:
            texts = [passage.text for passage in found]
        else:
            found = [passage for passage in found if passage.lang == self.lang]
            texts = [passage.text[self.start : self.end] for passage in found]
        if digest("\n".join(texts)) != self.sha256:
            raise DatasetError(f"{place}: not the text that we labelled (at offset {self.start})")
        for passage, text in zip(found, texts):
            entities, roles = (
                tuple(Span(start, end, label, text[start:end]) for start, end, label in layer)
                for layer in (self.entities, self.roles)
            )
            id = f"{self.dataset}/{passage.file}/{self.line}/{self.start}"
            negative = "" if self.types else "none"
            yield LabelledSentence(id, passage.lang, text, self.types, entities, roles, negative, place, self.annotated)


# (dataset, file, line) -> the passage there; the English line of NTREX with all its translations.
Passages = Mapping[tuple[str, str, int], Sequence[Passage]]


def digest(text: str) -> str:
    """What a stand-off record remembers of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_records(directory: Path = REAL_DIR) -> list[StandOff]:
    """All stand-off records below ``directory``; raises :class:`DatasetError` that names file, line and field."""
    ontology = load_ontology()
    records = []
    for path in sorted(directory.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                records.append(_parse(json.loads(line), path.name.split(".")[0], ontology))
            except (ValueError, KeyError, TypeError) as error:
                what = f"field {error}" if isinstance(error, KeyError) else error
                raise DatasetError(f"{path}:{number}: {what}") from None
    if not records:
        raise DatasetError(f"{directory}: no records (expected DATASET.jsonl)")
    return records


def _parse(entry: Mapping[str, Any], dataset: str, ontology: Ontology) -> StandOff:
    names = {
        "types": ontology.type_names,
        "entities": ontology.entity_names,
        "roles": ontology.role_names,
    }
    spans = {layer: tuple((int(s), int(e), str(label)) for s, e, label in entry[layer]) for layer in _LAYERS[1:]}
    used = {"types": entry["types"]} | {layer: [label for _, _, label in spans[layer]] for layer in spans}
    annotated = {layer: frozenset(labels) for layer, labels in entry.get("annotated", {}).items()}
    for layer, labels in [*used.items(), *annotated.items()]:
        if unknown := set(labels) - set(names[layer]):
            raise ValueError(f"field {layer!r}: unknown label {min(unknown)!r}")
    if annotated.get("roles") == frozenset() and "entities" not in annotated:
        # Our annotators label both or types alone; forgotten, it teaches that sentences full of entities have none.
        raise ValueError("field 'annotated': without roles, but with all entities; if nobody looked, 'entities' is []")
    if entry["split"] not in SPLITS:
        raise ValueError(f"field 'split': unknown split {entry['split']!r}")
    fields: dict[str, Any] = {name: entry[name] for name in _PLACE} | spans
    return StandOff(dataset, types=tuple(entry["types"]), annotated=Annotated(**annotated), **fields)


def load_real(
    split: str,
    datasets: Path,
    directory: Path = REAL_DIR,
    *,
    names: Collection[str] = (),
    languages: Collection[str] = (),
    translations: int | None = None,
) -> list[LabelledSentence]:
    """Our labels of "train", "dev" or "test" joined to the texts below ``datasets``; dev and test are the suite.

    ``names``, ``languages``: only these. ``translations``: of a line that was labelled for all its languages take so
    many, drawn once for all. In train, WiNER's own entities come with the types and roles that are ours.
    Raises :class:`DatasetError` for a dataset that is missing or another than the one we labelled.
    """
    records = [r for r in load_records(directory) if r.split == split and (not names or r.dataset in names)]
    passages: dict[tuple[str, str, int], list[Passage]] = {}
    for dataset in sorted({record.dataset for record in records}):
        for passage in read_passages(dataset, datasets, {r.file for r in records if r.dataset == dataset}):
            files = {passage.file, NTREX_SOURCE} if dataset == "ntrex" else {passage.file}
            for file in files:
                passages.setdefault((dataset, file, passage.line), []).append(passage)
    sentences = []
    for record in records:
        joined = [sentence for sentence in record.join(passages) if not languages or sentence.lang in languages]
        if record.lang == EVERY_LANGUAGE:
            joined = sorted(joined, key=lambda sentence: fixed_share(sentence.id))[:translations]
        for sentence in joined:
            if record.dataset == "wikinews_ner_fr" and record.annotated.entities is not None:
                (article,) = passages[record.dataset, record.file, record.line]
                entities = read_entities((datasets / record.dataset / record.file).with_suffix(".ann"))
                spans = cut_out(entities, article.text, record.start, record.end)
                annotated = replace(sentence.annotated, entities=ANNOTATED.entities)
                sentence = replace(sentence, entities=spans, annotated=annotated)
            sentences.append(sentence)
    return sentences
