"""The markup, the validator, and our corpus itself."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from tocsin.data.corpus import CORPUS_DIR, CorpusError, check_files, corpus_files, load_split, parse_file, split_of
from tocsin.data.markup import MarkupError, parse_line, parse_markup
from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, json_schema


def test_markup_nests_layers_and_escapes(ontology: Ontology) -> None:
    marked = r"[actor Le [org parti \[légal\]] de [loc Lomé]] a [trigger dénoncé] \\ [target [loc Paris]]."
    text, entities, roles = parse_markup(marked, ontology)
    assert text == r"Le parti [légal] de Lomé a dénoncé \ Paris."
    assert [(s.label, s.text) for s in entities] == [
        ("organization", "parti [légal]"), ("location", "Lomé"), ("location", "Paris"),
    ]  # fmt: skip
    assert [(s.label, s.text) for s in roles] == [
        ("actor", "Le parti [légal] de Lomé"), ("trigger", "dénoncé"), ("target", "Paris"),
    ]  # fmt: skip
    assert all(text[s.start : s.end] == s.text for s in (*entities, *roles))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("armed_clash, x", "no ' | '"),
        ("battle | x", "unknown event type 'battle'"),
        ("accident, accident | x", "given twice"),
        ("none:fun | x", "unknown kind of negative 'fun'"),
        ("none | a [place b]", "column 3: unknown label 'place'"),
        ("none | a [loc b", "column 3: [loc is never closed"),
        ("none | a b]", "column 4: ']' closes nothing"),
        ("none | a [loc ]b", "column 3: empty span"),
        ("none | a [loc b [org c]]", "overlaps a span of its own layer"),
        ("none | a [b", "opens no known span"),
        ("none | a \\", "opens no known span"),
    ],
)
def test_broken_lines_are_named(line: str, message: str, ontology: Ontology) -> None:
    with pytest.raises(MarkupError, match=re.escape(message)):
        parse_line(line, ontology, id="", lang="fr", source="")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("accident | Un train a [trigger déraillé]", None),
        ("accident | Un train a déraillé", "an event type but no trigger"),
        ("none | Un train [trigger arrive]", "no event type but a role"),
        ("accident | Un train a [trigger déraillé] à [loc Dak]ar", "does not start and end at a word boundary"),
        ("accident | Un train a [trigger déraillé] à [loc Dakar,] hier", "includes outer punctuation"),
        ("accident | Un train a [trigger déraillé] à [loc « Dakar »] hier", "includes outer punctuation"),
        ("none | …", "no words"),
        ("accident | Un train a  [trigger déraillé]", "two spaces in a row"),
        ("accident |  Un train a [trigger déraillé]", "space at the start or end"),
        ("accident | Un train a [trigger de\u0301raille\u0301]", "normal form C"),
        ("accident | Un train\u0007 a [trigger déraillé]", "character U+0007"),
        (
            "accident | The train to the northern city has [trigger derailed] this morning near the river",
            "reads like 'en'",
        ),
    ],
)
def test_validator_finds(line: str, message: str | None, tmp_path: Path) -> None:
    path = tmp_path / "fr" / "train.txt"
    path.parent.mkdir()
    path.write_text(f"# comment\n\n{line}\n", encoding="utf-8")
    problems, _ = check_files([path])
    assert [message in str(p) for p in problems] == [True] if message else problems == [], problems
    if problems:
        assert problems[0].source == f"{path}:3"


def test_validator_finds_duplicates_leakage_and_bad_files(tmp_path: Path) -> None:
    folder = tmp_path / "fr"
    folder.mkdir()
    (folder / "train.txt").write_text("none | Il pleut sur Brest ce matin\nnone | Il pleut sur Brest, ce matin !\n")
    (folder / "dev.txt").write_text("none | IL PLEUT SUR BREST CE MATIN\n")
    (folder / "test.txt").write_bytes(b"none | caf\xc3\xa9\nnone | caf\xe9\n")
    (folder / "extra.txt").write_text("none | Rien\n")
    (tmp_path / "qq").mkdir()
    (tmp_path / "qq" / "train.txt").write_text("none | Rien\n")
    found = "\n".join(str(p) for p in check_files(corpus_files(tmp_path))[0])
    assert f"{folder / 'train.txt'}:1: leaks from train into dev: same text as {folder / 'dev.txt'}:1" in found
    assert f"{folder / 'train.txt'}:2: leaks from train into dev" in found
    assert f"{folder / 'test.txt'}:2: not valid UTF-8" in found
    assert "unknown split 'extra'" in found
    assert "unknown language 'qq'" in found
    with pytest.raises(CorpusError, match="not valid UTF-8"):
        load_split("test", tmp_path)
    with pytest.raises(CorpusError, match=r"train\.txt:2: duplicate of .*train\.txt:1"):
        (folder / "train.txt").write_text("none | Il pleut\nnone | Il pleut\n")
        load_split("train", tmp_path)
    assert "no such file" in str(check_files([tmp_path / "fr" / "none.txt"])[0][0])
    with pytest.raises(CorpusError, match="no corpus files"):
        corpus_files(tmp_path / "none")


LANGUAGES = ["ar", "de", "en", "es", "fa", "fr", "hi", "id", "it", "ja", "pt", "ru", "sw", "tr", "uk", "zh"]


def test_our_corpus_passes_and_has_what_was_asked_for(ontology: Ontology) -> None:
    problems, summary = check_files(corpus_files())
    assert problems == []
    per_language: Counter[str] = Counter()
    for (_, lang), count in summary.sentences.items():
        per_language[lang] += count
    assert sorted(per_language) == LANGUAGES
    assert min(per_language.values()) >= 320
    assert min(per_language["en"], per_language["fr"]) >= 700
    total = sum(per_language.values())
    assert total >= 7000
    assert all(summary.sentences[split, lang] for split in ("train", "dev", "test") for lang in LANGUAGES)
    for name in ontology.type_names:
        counts = [summary.types[name, lang] for lang in LANGUAGES]
        assert sum(counts) >= 110 and min(counts) >= 4, name
    assert summary.several_types >= 1700
    negatives = sum(summary.negatives.values())
    assert negatives >= 1400
    assert negatives - summary.negatives["none"] >= negatives / 2
    assert summary.over_25_words >= total / 3


def test_corpus_texts_and_mentions_are_the_lines_less_their_markup(ontology: Ontology) -> None:
    validator = jsonschema.Draft202012Validator(json_schema("labelled_sentence"))
    for path in corpus_files():
        lines = [line for line in path.read_text("utf-8").split("\n") if line.strip() and not line.startswith("#")]
        for line, sentence in zip(lines, parse_file(path, ontology), strict=True):
            assert isinstance(sentence, LabelledSentence)
            validator.validate(sentence.to_dict())
            # An independent reading: brackets and labels stripped by one substitution.
            marked = line.split(" | ", 1)[1]
            assert re.sub(r"\[[a-z]+ |\]", "", marked) == sentence.text or "\\" in marked
            for span in (*sentence.entities, *sentence.roles):
                assert sentence.text[span.start : span.end] == span.text


def test_splits_are_fixed_by_file_and_ids_are_unique() -> None:
    assert split_of(CORPUS_DIR / "fr" / "train-2.txt") == "train"
    ids = [s.id for split in ("train", "dev", "test") for s in load_split(split)]
    assert len(ids) == len(set(ids))
