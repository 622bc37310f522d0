"""Stand-off labels of real news: reading the datasets, joining, refusing other texts; and the records that we ship."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tocsin.data.audit import duplicate_problems, split_problems, suite_problems
from tocsin.data.ontology import Ontology
from tocsin.data.realnews import EVERY_LANGUAGE, digest, load_real, load_records
from tocsin.data.records import LabelledSentence, json_schema
from tocsin.data.sources import (
    NTREX_LANGUAGES,
    NTREX_SOURCE,
    ORIGINS,
    DatasetError,
    fixed_share,
    read_passages,
    split_of_document,
)

SHARED = Path(__file__).resolve().parents[2] / "shared" / "datasets"
ARTICLE = "Togo : un pont s'effondre\n\nUn pont s'est effondré lundi à Lomé , a dit l' Agence Savoir . Deux morts."
DAY = """Date: '2013-03-02'
Intelligence_Payload:
  Armed conflicts and attacks:
  - Fog War (2011–present)
  - A rocket hits a market in Northern Saltaria, killing
    nine people. Rebels deny firing it. (BBC) (Reuters via Daily Mail)
  Sports:
  - Saltaria beats Fogland (2–1) in the final. (ESPN)
"""


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    """Three datasets of ours in the format of the public ones."""
    root = tmp_path / "datasets"
    (root / "wikinews_ner_fr" / "2016").mkdir(parents=True)
    (root / "wikinews_ner_fr" / "2016" / "a.txt").write_text(ARTICLE, encoding="utf-8")
    spans = [("Location", "Togo"), ("Location", "Lomé"), ("Organization", "Agence Savoir"), ("Date", "lundi")]
    lines = [
        f"T{n}\t{label} {ARTICLE.index(name)} {ARTICLE.index(name) + len(name)}\t{name}"
        for n, (label, name) in enumerate(spans, 1)
    ]
    (root / "wikinews_ner_fr" / "2016" / "a.ann").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / "ntrex").mkdir()
    (root / "ntrex" / "DOCUMENT_IDS.tsv").write_text("d.1\nd.1\nd.2\n")
    for lang, name in NTREX_LANGUAGES.items():
        path = root / "ntrex" / f"newstest2019-{name}.txt"
        path.write_text(f"{lang} one\n{lang}\u2028two\n{lang} three\n", encoding="utf-8")
    day = root / "current_events_en" / "2013" / "03" / "2013-03-02.yaml"
    day.parent.mkdir(parents=True)
    day.write_text(DAY, encoding="utf-8")
    return root


def record(text: str, **changes: Any) -> dict[str, Any]:
    place = {"file": "2013/03/2013-03-02.yaml", "line": 5, "start": 0, "end": len(text)}
    labels = {"lang": "en", "split": "dev", "types": ["accident"], "entities": [], "roles": []}
    return place | {"sha256": digest(text)} | labels | changes


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def _write(dataset: str, *entries: dict[str, Any]) -> Path:
        folder = tmp_path / "real"
        folder.mkdir(exist_ok=True)
        (folder / f"{dataset}.jsonl").write_text("".join(json.dumps(e) + "\n" for e in entries), encoding="utf-8")
        return folder

    return _write


def test_passages_are_what_stands_in_the_files(datasets: Path) -> None:
    (article,) = read_passages("wikinews_ner_fr", datasets)
    assert (article.text, article.line, article.document) == (ARTICLE, 0, "a")
    items = list(read_passages("current_events_en", datasets))
    first = "A rocket hits a market in Northern Saltaria, killing nine people. Rebels deny firing it."
    # The heading is left out though it ends in brackets of its own; sources are cut off, a score is not.
    assert [i.text for i in items if i.text.endswith(".")] == [first, "Saltaria beats Fogland (2–1) in the final."]
    assert [(i.line, i.section) for i in items if i.text == first] == [(5, "Armed conflicts and attacks")]
    lines = list(read_passages("ntrex", datasets))
    assert len(lines) == 3 * len(NTREX_LANGUAGES)  # U+2028 stands inside a line
    assert {p.document for p in lines if p.line == 3} == {"d.2"}


def test_labels_are_joined_to_their_text(datasets: Path, write: Callable[..., Path]) -> None:
    text = "Rebels deny firing it."
    start = len("A rocket hits a market in Northern Saltaria, killing nine people. ")
    folder = write(
        "current_events_en",
        record(text, start=start, end=start + len(text), types=["attribution"], roles=[[0, 6, "actor"]]),
    )
    (sentence,) = load_real("dev", datasets, folder)
    assert (sentence.text, sentence.types) == (text, ("attribution",))
    assert [(r.label, r.text) for r in sentence.roles] == [("actor", "Rebels")]
    assert load_real("test", datasets, folder) == []


def test_types_of_a_line_are_carried_to_all_its_languages(datasets: Path, write: Callable[..., Path]) -> None:
    every = "\n".join(f"{lang} one" for lang in NTREX_LANGUAGES)
    none: dict[str, list[str]] = {"entities": [], "roles": []}
    entry = record(every, file=NTREX_SOURCE, line=1, lang=EVERY_LANGUAGE, split="train", annotated=none)
    folder = write("ntrex", entry)
    sentences = load_real("train", datasets, folder)
    assert {s.lang for s in sentences} == set(NTREX_LANGUAGES)
    assert all(s.text == f"{s.lang} one" and s.types == ("accident",) for s in sentences)
    assert len({s.id for s in sentences}) == len(sentences)
    assert sentences[0].annotated.roles == frozenset()
    some = load_real("train", datasets, folder, languages=["fr", "sw", "uk"], translations=1)
    assert [s.lang for s in some] == [s.lang for s in load_real("train", datasets, folder, languages=["uk", "fr"])][:1]
    (datasets / "ntrex" / "newstest2019-ref.kor.txt").write_text("ko other\nko\nko\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"src\.eng\.txt:1: not the text that we labelled"):
        load_real("train", datasets, folder)


def test_winer_brings_its_own_entities_in_train(datasets: Path, write: Callable[..., Path]) -> None:
    text = "Un pont s'est effondré lundi à Lomé , a dit l' Agence Savoir ."
    start = ARTICLE.index(text)
    entry = record(text, file="2016/a.txt", line=0, start=start, end=start + len(text), lang="fr", split="train")
    (sentence,) = load_real("train", datasets, write("wikinews_ner_fr", entry | {"annotated": {"entities": []}}))
    assert [(e.label, e.text) for e in sentence.entities] == [("location", "Lomé"), ("organization", "Agence Savoir")]
    assert all(sentence.text[e.start : e.end] == e.text for e in sentence.entities)
    assert sentence.annotated.entities == frozenset({"person", "organization", "location"})
    assert sentence.annotated.types is None


def test_other_and_missing_texts_are_refused(datasets: Path, write: Callable[..., Path], tmp_path: Path) -> None:
    folder = write("current_events_en", record("A rocket hits a mosque"))
    with pytest.raises(DatasetError, match=r"current_events_en/2013/03/2013-03-02\.yaml:5: not the text"):
        load_real("dev", datasets, folder)
    with pytest.raises(DatasetError, match=r"current_events_en: no such folder; .*github\.com/ianrastall"):
        load_real("dev", tmp_path / "nowhere", folder)
    (datasets / "ntrex" / "newstest2019-ref.fra.txt").write_text("une\ndeux\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"ref\.fra\.txt: 2 lines, but 3"):
        list(read_passages("ntrex", datasets))
    (datasets / "current_events_en" / "2013" / "03" / "2013-03-02.yaml").write_text("- a\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"2013-03-02\.yaml: not a day of news"):
        list(read_passages("current_events_en", datasets))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"types": ["battle"]}, "field 'types': unknown label 'battle'"),
        ({"entities": [[0, 3, "place"]]}, "field 'entities': unknown label 'place'"),
        ({"annotated": {"roles": ["hero"]}}, "field 'roles': unknown label 'hero'"),
        ({"annotated": {"roles": []}}, "field 'annotated': without roles, but with all entities"),
        ({"split": "blind"}, "field 'split': unknown split 'blind'"),
        ({"sha256": None}, "field 'sha256'"),
    ],
)
def test_broken_records_are_named(changes: dict[str, Any], message: str, write: Callable[..., Path]) -> None:
    entry = {key: value for key, value in record("x", **changes).items() if value is not None}
    folder = write("ntrex", record("x"), entry)
    with pytest.raises(DatasetError) as error:
        load_records(folder)
    assert str(error.value).startswith(f"{folder / 'ntrex.jsonl'}:2: ")
    assert message in str(error.value)


def test_audit_finds_leaks(datasets: Path, write: Callable[..., Path]) -> None:
    text = "A rocket hits a market in Northern Saltaria, killing nine people."
    rule = split_of_document("current_events_en", "2013-03")
    other = "dev" if rule == "test" else "test"
    folder = write("current_events_en", record(text, split=other))
    records = load_records(folder)
    near = LabelledSentence("", "en", "A rocket hits a market in Northern Saltaria killing 9 people", (), (), ())
    far = LabelledSentence(
        "", "en", "A market in Southern Saltaria opens again after nine weeks of repairs", (), (), ()
    )
    written = [("train", near), ("train", far)]
    found = [str(p) for p in suite_problems(written, records, datasets, folder)]
    assert len(found) == 2, found
    assert f"2013-03 does not belong in {other}" in found[0]
    assert "written train: nearly current_events_en/2013/03" in found[1]
    assert [str(p) for p in duplicate_problems([*written, ("test", near)])] == [
        ": leaks from train into test: nearly the same as  (similarity 1.00)"
    ]
    # The same line of NTREX in another language is the same sentence.
    lines = [
        record("x", file="newstest2019-ref.fra.txt", line=7, split="dev"),
        record("y", file="newstest2019-ref.deu.txt", line=8, split="train"),
        record("z", file=NTREX_SOURCE, line=7, split="train"),
    ]
    (problem,) = split_problems([r for r in load_records(write("ntrex", *lines)) if r.dataset == "ntrex"])
    assert "ref.fra.txt:7 is in dev" in str(problem) or "src.eng.txt:7 is in train" in str(problem)


def test_fixed_shares_are_even_and_do_not_move() -> None:
    shares = [fixed_share(f"document {n}") for n in range(4000)]
    assert all(abs(sum(s < limit for s in shares) / 4000 - limit) < 0.03 for limit in (0.125, 0.25, 0.5))
    assert fixed_share("document 1") == pytest.approx(0.7915, abs=1e-3)


def test_shipped_records_hold_what_was_asked_for(ontology: Ontology) -> None:
    records = load_records()
    assert list(split_problems(records)) == []
    suite = [r for r in records if r.split != "train"]
    assert len(suite) >= 900
    assert {r.dataset for r in suite} == set(ORIGINS)
    assert all(r.annotated.to_dict() == {} for r in suite)
    per_language = Counter(r.lang for r in suite)
    assert sum(count >= 60 for count in per_language.values()) >= 10
    halves = Counter(r.split for r in suite)
    assert abs(halves["dev"] - halves["test"]) <= len(suite) / 50
    train = [r for r in records if r.split == "train"]
    current = [r for r in train if r.dataset == "current_events_en"]
    assert len(current) >= 5000
    assert sum(r.annotated.to_dict() == {} for r in current) >= 1500
    assert sum(r.dataset == "wikinews_ner_fr" for r in train) >= 900
    assert sum(r.lang == EVERY_LANGUAGE for r in train) >= 1000
    for r in records:
        for layer in (r.entities, r.roles):
            ends = [0, *(end for _, end, _ in layer)]
            assert all(before <= start < end <= r.end - r.start for before, (start, end, _) in zip(ends, layer)), r
        # A sentence with roles has an event; one with an event and roles looked for has a trigger.
        if r.annotated.roles is None:
            assert bool(r.types) == any(label == "trigger" for _, _, label in r.roles), r
    places = [(r.dataset, r.file, r.line, r.start) for r in records]
    assert len(set(places)) == len(places)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public datasets are not beside the checkout")
def test_shipped_records_join_the_public_datasets() -> None:
    validator = jsonschema.Draft202012Validator(json_schema("labelled_sentence"))
    for split in ("train", "dev", "test"):
        for sentence in load_real(split, SHARED, languages=["ar", "en", "fr", "ja"]):
            validator.validate(sentence.to_dict())
            assert all(sentence.text[s.start : s.end] == s.text for s in (*sentence.entities, *sentence.roles))
