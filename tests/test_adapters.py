"""Public corpora in our scheme: each adapter on a small file of our own in the corpus' format, and on the corpora
themselves where they are at hand."""

from __future__ import annotations

import gzip
import json
import unicodedata
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tocsin.data.adapters import (
    NAMES,
    ednil_hi_bn,
    lemonade,
    load_public,
    muc4_en,
    public_corpus,
    smartdata_de,
    uner,
    wikievents_en,
    wikinews_ner_fr,
)
from tocsin.data.corpus import _has_outer_punctuation
from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, json_schema
from tocsin.data.sources import DatasetError
from tocsin.data.words import word_offsets

FIXTURES = Path(__file__).with_name("fixtures")
REAL = Path(__file__).resolve().parents[2] / "shared" / "datasets"


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def checked(name: str, sentences: Iterable[LabelledSentence]) -> list[LabelledSentence]:
    """The sentences, after what holds for every adapter."""
    validator = jsonschema.Draft202012Validator(json_schema("labelled_sentence"))
    corpus, items = public_corpus(name), list(sentences)
    may = corpus.annotated
    for item in items:
        validator.validate(item.to_dict())
        assert item.lang in corpus.languages and item.source and item.text == item.text.strip()
        for used, known, ever in (
            (set(item.types), item.annotated.types, may.types),
            ({span.label for span in item.entities}, item.annotated.entities, may.entities),
            ({span.label for span in item.roles}, item.annotated.roles, may.roles),
        ):
            assert known is not None and ever is not None and used <= known <= ever, item
        for layer in (item.entities, item.roles):
            assert all(item.text[span.start : span.end] == span.text for span in layer)
            assert all(a.end <= b.start for a, b in zip(layer, layer[1:]))
    assert len({item.id for item in items}) == len(items)
    return items


def known(sentence: LabelledSentence) -> set[str]:
    return set(sentence.annotated.types or ())


def found(sentence: LabelledSentence) -> list[tuple[str, str]]:
    return [(span.label, span.text) for span in sentence.entities]


# Wikinews in French


def wikinews(root: Path) -> None:
    write(root / "wikinews_ner_fr/2016/7.txt", "Le maire Paul Nadel vit à Bellerive.\nIl aime le Club de Bellerive.\n")
    write(
        root / "wikinews_ner_fr/2016/7.ann",
        "T1\tPerson 9 19\tPaul Nadel\nT2\tLocation 26 35\tBellerive\n"
        "T3\tOrganization 48 65\tClub de Bellerive\nT4\tLocation 56 65\tBellerive\nT5\tProduct 40 44\taime\n",
    )


def test_wikinews_keeps_the_outermost_of_the_labels_that_are_ours(tmp_path: Path) -> None:
    wikinews(tmp_path)
    by_split = {
        split: checked("wikinews_ner_fr", load_public("wikinews_ner_fr", split, tmp_path))
        for split in ("train", "dev", "test")
    }
    (sentences,) = [sentences for sentences in by_split.values() if sentences]  # one article: one split
    assert [found(s) for s in sentences] == [
        [("person", "Paul Nadel"), ("location", "Bellerive")],
        [("organization", "Club de Bellerive")],
    ]
    assert all(s.annotated == wikinews_ner_fr.ANNOTATED for s in sentences)


def test_a_broken_line_of_brat_is_named(tmp_path: Path) -> None:
    wikinews(tmp_path)
    write(tmp_path / "wikinews_ner_fr/2016/7.ann", "T1\tPerson 9 19\tPaul Nadel\nT2 Location\n")
    with pytest.raises(DatasetError, match=r"7\.ann:2"):
        for split in ("train", "dev", "test"):
            list(load_public("wikinews_ner_fr", split, tmp_path))


# Universal NER

IOB2 = """# sent_id = a-1
# text = Ana Horvat (Zagreb) radi.
1\tAna\tB-PER\t-\t-
2\tHorvat\tI-PER\t-\t-
3\t(\tO\t-\t-
4\tZagreb\tB-LOC\t-\t-
5\t)\tO\t-\t-
6\tradi\tB-OTH\t-\t-
7\t.\tO\t-\t-

# sent_id = a-2
1\tHrvatska\tB-ORG\t-\t-
2\tpošta\tI-ORG\t-\t-
3\tZagreb\tB-ORG\t-\t-
"""


def test_universal_ner_in_the_text_of_the_treebank_or_with_spaces(tmp_path: Path) -> None:
    write(tmp_path / "uner/Croatian-SET/hr_set-ud-dev.iob2", IOB2)
    first, second = checked("uner", load_public("uner", "dev", tmp_path))
    assert first.text == "Ana Horvat (Zagreb) radi." and first.lang == "hr"
    assert found(first) == [("person", "Ana Horvat"), ("location", "Zagreb")]
    assert found(second) == [("organization", "Hrvatska pošta"), ("organization", "Zagreb")]
    assert second.source == "Croatian-SET/hr_set-ud-dev.iob2:12" and second.annotated == uner.ANNOTATED
    assert list(load_public("uner", "test", tmp_path)) == []


def test_a_broken_tag_of_universal_ner_is_named(tmp_path: Path) -> None:
    write(tmp_path / "uner/Croatian-SET/hr_set-ud-dev.iob2", IOB2.replace("I-PER", "PER"))
    with pytest.raises(DatasetError, match=r"hr_set-ud-dev\.iob2:4"):
        list(load_public("uner", "dev", tmp_path))


# WikiEvents


def kairos(text: str, *events: tuple[str, str]) -> dict[str, Any]:
    """A document as in the train file: tokens only, and a trigger for each (word, type)."""
    tokens = text.split(" ")
    mentions = [
        {
            "event_type": kind,
            "arguments": [{"role": "Place", "text": "nowhere"}],
            "trigger": {"start_idx": tokens.index(word), "end_idx": tokens.index(word) + 1, "text": word},
        }
        for word, kind in events
    ]
    return {"docid": "invented_1", "tokens": tokens, "sentences": [], "event_mentions": mentions}


def test_wikievents_gives_certain_types_and_nothing_else(tmp_path: Path) -> None:
    document = kairos(
        "Police arrested Mr . Orla ’ s brother on May 2 , 2010 . A bomb exploded in Tolme . If convicted , he faces "
        "ten years . The U . S . court ( in Tolme ) indicted two - thirds of them . He was jailed at 10 . 30 am .",
        ("arrested", "Justice.ArrestJailDetain"),
        ("exploded", "Conflict.Attack"),
        ("convicted", "Justice.Convict"),
        ("indicted", "Justice.ChargeIndict"),
        ("jailed", "Justice.ArrestJailDetain"),
    )
    write(tmp_path / "wikievents_en/wiki-train-human.jsonl", json.dumps(document) + "\n")
    arrest, court = checked("wikievents_en", load_public("wikievents_en", "train", tmp_path))
    assert (arrest.text, arrest.types) == ("Police arrested Mr. Orla’s brother on May 2, 2010.", ("arrest",))
    assert court.text == "The U.S. court (in Tolme) indicted two-thirds of them."
    assert court.types == ("judicial_action",) and known(court) == {"judicial_action"}
    assert list(load_public("wikievents_en", "test", tmp_path)) == []


def test_wikievents_dev_file_has_its_text(tmp_path: Path) -> None:
    text = "The mayor urged residents to leave. Nobody did."
    words = [(word, text.find(word), text.find(word) + len(word)) for word in text[:-1].replace(".", "").split()]
    event = {"event_type": "Contact.RequestCommand.Broadcast", "trigger": {"start": 3, "end": 4, "text": "urged"}}
    document = {
        "doc_id": "invented_2",
        "text": "Title" + text,
        "sentences": [[[["Title", 0, 5]], "Title"], [[(w, s + 6, e + 6) for w, s, e in words], text]],
        "event_mentions": [event],
    }
    write(tmp_path / "wikievents_en/dev.jsonl", json.dumps(document))
    (sentence,) = checked("wikievents_en", load_public("wikievents_en", "dev", tmp_path))
    assert sentence.text == "The mayor urged residents to leave." and sentence.types == ("demand",)


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"docid": "a", "tokens": ["b"], "event_mentions": [{}]}'])
def test_a_broken_document_of_wikievents_is_named(tmp_path: Path, line: str) -> None:
    good = json.dumps(kairos("Nothing happened .")) + "\n"
    write(tmp_path / "wikievents_en/wiki-train-human.jsonl", good + line)
    with pytest.raises(DatasetError, match=r"wiki-train-human\.jsonl:2"):
        list(load_public("wikievents_en", "train", tmp_path))


def test_tokens_are_put_together() -> None:
    spaced = 'He said : " No ! " and left at 7 : 30 , with $ 2 , 000 ( a third ) .'
    for text in ("He said: \"No!\" and 'left' at 7:30, with $2,000 (a third).", "O’Neil’s well-known U.S. friend"):
        tokens = [text[start:end] for start, end in word_offsets(text)]
        joined, starts = wikievents_en.join(tokens)
        assert all(joined.startswith(token, start) for token, start in zip(tokens, starts))
    joined, _ = wikievents_en.join(spaced.split())
    assert joined == 'He said: "No!" and left at 7:30, with $2,000 (a third).'


# MUC-4

MUC_TEXT = (
    "tolme, 3 may (arlan) -- unidentified men kidnapped the mayor of tolme on monday.    "
    "1,200 people then marched.  the mayor denied that a bomb exploded at city hall.  "
    "a bomb exploded at city hall last night.  the mayor is well.    "
    "a grenade exploded at city hall on sunday.  rebels burned  three buses near the river."
)


def template(kind: str, target: str = "", victim: str = "") -> dict[str, Any]:
    def fill(mention: str) -> list[Any]:
        return [[[mention, MUC_TEXT.index(mention)]]] if mention else []

    return {"incident_type": kind, "PerpInd": [], "PerpOrg": [], "Weapon": []} | {
        "Target": fill(target),
        "Victim": fill(victim),
    }


def muc(templates: list[dict[str, Any]]) -> str:
    documents = [{"docid": "DEV-1", "doctext": MUC_TEXT, "templates": templates}]
    documents.append({"docid": "DEV-2", "doctext": MUC_TEXT, "templates": []})
    return "\n".join(json.dumps(document, indent=4) for document in documents)


def test_muc4_types_only_sentences_that_say_the_incident(tmp_path: Path) -> None:
    templates = [template("kidnapping", victim="the mayor"), template("bombing", target="city hall")]
    templates += [template("arson", target="three buses"), template("attack", victim="the mayor")]
    write(tmp_path / "muc4_en/pretty_dev.json", muc(templates))
    sentences = checked("muc4_en", load_public("muc4_en", "dev", tmp_path))
    assert [(s.text, s.types) for s in sentences] == [
        ("tolme, 3 may (arlan) -- unidentified men kidnapped the mayor of tolme on monday.", ("abduction",)),
        ("a bomb exploded at city hall last night.", ("remote_explosive",)),
        ("rebels burned three buses near the river.", ("property_destruction",)),
    ]
    assert all(known(s) == set(s.types) for s in sentences)
    assert sentences[0].source == "pretty_dev.json:1"


def test_a_broken_document_of_muc4_is_named(tmp_path: Path) -> None:
    broken = muc([template("bombing", target="city hall") | {"Target": ["city hall"]}])
    for content, line in ((broken, 1), (muc([]) + "\n\n[1]", 12), (muc([])[:-4], 9)):
        write(tmp_path / "muc4_en/pretty_train.json", content)
        with pytest.raises(DatasetError, match=rf"pretty_train\.json:{line}"):
            list(load_public("muc4_en", "train", tmp_path))


# EDNIL

NO = "[unused 1];[unused 1]"
EDNIL_HI: list[tuple[str, str, tuple[str, ...], set[str]]] = [
    # (sentence, tuples, types, what is known)
    ("पुरीनगर में भूकंप से दो लोगों की मौत हो गई।", "भूकंप;NATURAL_EVENT:EARTHQUAKE;पुरीनगर;PLACE-ARG",
     ("natural_disaster",), {"natural_disaster", "accident"}),
    ("पुरीनगर में आज लू चली।", "लू;NATURAL_EVENT:HEAT_WAVE;आज;TIME-ARG", (), {"accident"}),
    ("लू से तीन की मौत।", "लू;NATURAL_EVENT:HEAT_WAVE;तीन की मौत;CASUALTIES-ARG",
     ("natural_disaster",), {"natural_disaster", "accident"}),
    ("भूकंप की आशंका है।", "भूकंप;NATURAL_EVENT:EARTHQUAKE;[unused 1];[unused 2]", (), set()),
    ("तीन लोग घायल हुए।", f"{NO};तीन लोग घायल;CASUALTIES-ARG", (), set()),
    ("बस पलट गई।", "बस पलट गई;MAN_MADE_EVENT:TRANSPORT_HAZARDS;[unused 1];[unused 2]",
     ("accident",), {"natural_disaster", "accident"}),
    ("यह घटना कल हुई।", "यह घटना;MAN_MADE_EVENT:FIRE;कल;TIME-ARG", (), set()),
    ("बाजार में बम धमाके में दो मरे।", "बम धमाके;MAN_MADE_EVENT:NORMAL_BOMBING;बाजार;PLACE-ARG",
     ("remote_explosive",), {"natural_disaster", "accident", "remote_explosive"}),
    ("बाजार में धमाका हुआ।", "धमाका;MAN_MADE_EVENT:NORMAL_BOMBING;बाजार;PLACE-ARG", (), {"natural_disaster"}),
    ("बाजार में गोलीबारी हुई।", "गोलीबारी;MAN_MADE_EVENT:SHOOT_OUT;बाजार;PLACE-ARG",
     (), {"natural_disaster", "accident"}),
    ("दुकान में आग लगा दी।", "आग लगा दी;MAN_MADE_EVENT:RIOTS;दुकान;PLACE;ARG", (), set()),
    ("A lorry hit a bus.", "hit;MAN_MADE_EVENT:VEHICULAR_COLLISION;[unused 1];[unused 2]", (), set()),
]  # fmt: skip
EDNIL_BN: list[tuple[str, str, tuple[str, ...], set[str]]] = [
    ("পুরীনগরে আত্মঘাতী বোমা হামলায় নিহত দুই।", "আত্মঘাতী বোমা হামলায়;MAN_MADE_EVENT:SUICIDE_ATTACK;নিহত দুই।;CASUALTIES-ARG",
     ("suicide_bombing",), {"natural_disaster", "accident", "suicide_bombing"}),
]  # fmt: skip


def ednil(root: Path, part: str = "valid") -> None:
    for language, rows in (("hindi", EDNIL_HI), ("bengali", EDNIL_BN)):
        lines = "".join(f"[unused 1] [unused 2] {row[0]}\n" for row in rows)
        write(root / f"ednil_hi_bn/{part}_{language}.sent", lines)
        write(root / f"ednil_hi_bn/{part}_{language}.tuple", "".join(f"{row[1]}\n" for row in rows))


def test_ednil_knows_disasters_and_accidents_where_there_is_a_trigger(tmp_path: Path) -> None:
    ednil(tmp_path)
    sentences = checked("ednil_hi_bn", load_public("ednil_hi_bn", "dev", tmp_path))
    expected = [(text, types, sure) for text, _, types, sure in EDNIL_BN + EDNIL_HI if sure]
    assert [(s.text, s.types, known(s)) for s in sentences] == [
        (unicodedata.normalize("NFC", text), types, sure) for text, types, sure in expected
    ]
    assert [s.lang for s in sentences] == ["bn"] + ["hi"] * (len(expected) - 1)
    assert list(load_public("ednil_hi_bn", "test", tmp_path)) == []


def test_broken_files_of_ednil_are_named(tmp_path: Path) -> None:
    ednil(tmp_path, "train")
    path = tmp_path / "ednil_hi_bn/train_hindi.sent"
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace("[unused 1] [unused 2] लू", "लू"), encoding="utf-8")
    with pytest.raises(DatasetError, match=r"train_hindi\.sent:3"):
        list(load_public("ednil_hi_bn", "train", tmp_path))
    path.write_text(content + content, encoding="utf-8")
    with pytest.raises(DatasetError, match=r"train_hindi\.sent: 24 lines, but 12"):
        list(load_public("ednil_hi_bn", "train", tmp_path))


# SmartData


def avro(text: str, concepts: list[tuple[str, str]], relations: Iterable[tuple[str, str, str]] = ()) -> dict[str, Any]:
    """A document as in the corpus: concepts are (mention, type), relations (name, role, mention)."""

    def concept(mention: str, kind: str) -> dict[str, Any]:
        start = text.index(mention)
        return {"span": {"start": start, "end": start + len(mention), "attributes": None}, "type": kind}

    kinds = dict(concepts)
    arguments = [
        (name, {"role": role, "conceptMention": concept(mention, kinds[mention])}) for name, role, mention in relations
    ]
    events = [{"name": name, "args": {"array": [argument]}} for name, argument in arguments]
    return {
        "id": "https://example.org/1",
        "text": {"string": text},
        "conceptMentions": {"array": [concept(mention, kind) for mention, kind in concepts]},
        "relationMentions": {"array": events} if events else None,
    }


def smartdata(root: Path, *documents: dict[str, Any]) -> Path:
    path = root / "smartdata_de/train.json.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("\n".join(json.dumps(d, indent=2) for d in documents).encode()))
    return path


def test_smartdata_entities_and_what_is_known_of_them(tmp_path: Path) -> None:
    text = (
        "Frau Erna Lodt und die Flugbegleiter trafen sich am Montag in Neuheim.\n"
        "In Altdorf und Arland sprach Karl Ohm: über die Firma.\n"
        "Ein Dorfner Händler kauft das Werk nun doch nicht.\n"
        "Mehr lesen\nDas Werk Talheim GmbH & Co. liegt an der Uferstraße."
    )
    concepts = [
        ("Frau Erna Lodt", "person"), ("Flugbegleiter", "person"), ("Montag", "date"), ("Neuheim", "location-city"),
        ("Altdorf", "location-city"), ("Arland", "location"), ("Karl Ohm:", "person"), ("Dorfner", "location-city"),
        ("Talheim GmbH & Co.", "organization-company"), ("Talheim", "location-city"), ("Uferstraße", "location-street"),
    ]  # fmt: skip
    smartdata(tmp_path, avro(text, concepts))
    sentences = checked("smartdata_de", load_public("smartdata_de", "train", tmp_path))
    assert [(found(s), set(s.annotated.entities or ())) for s in sentences] == [
        ([("person", "Erna Lodt"), ("location", "Neuheim")], {"person", "location"}),
        ([("person", "Karl Ohm")], {"person"}),
        ([], {"person"}),
        ([("location", "Uferstraße")], {"person", "location"}),
    ]
    assert list(load_public("smartdata_de", "dev", tmp_path)) == []


def test_smartdata_events_are_known_only_where_they_are_marked(tmp_path: Path) -> None:
    text = (
        "Zwei Tote bei Unfall in Neuheim.\nNach dem Erdbeben in Arland fehlt Wasser.\n"
        "Bei einem Anschlag in Altdorf starb ein Mann.\nDie Piloten der Luftlinie streiken seit Montag.\n"
        "Am Freitag soll der Ausstand weitergehen.\nEin anderer Unglücksfall wurde bekannt."
    )
    concepts = [("Unfall", "trigger"), ("Erdbeben", "disaster-type"), ("Anschlag", "disaster-type"),
                ("streiken", "trigger"), ("Ausstand", "trigger")]  # fmt: skip
    relations = [("Accident", "trigger", "Unfall"), ("Disaster", "type", "Erdbeben"), ("Disaster", "type", "Anschlag"),
                 ("Strike", "trigger", "streiken"), ("Strike", "trigger", "Ausstand")]  # fmt: skip
    smartdata(tmp_path, avro(text, concepts, relations))
    sentences = checked("smartdata_de", load_public("smartdata_de", "train", tmp_path))
    assert [s.types for s in sentences] == [("accident",), ("natural_disaster",), (), ("peaceful_protest",), (), ()]
    assert all(known(s) == set(s.types) for s in sentences)


def test_broken_files_of_smartdata_are_named(tmp_path: Path) -> None:
    good = avro("Das ist ein ganzer Satz.", [])
    smartdata(tmp_path, good, {"id": "b"})
    with pytest.raises(DatasetError, match=r"train\.json\.gz:\d+: not a SmartData document"):
        list(load_public("smartdata_de", "train", tmp_path))
    path = smartdata(tmp_path, good)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DatasetError, match=r"train\.json\.gz"):
        list(load_public("smartdata_de", "train", tmp_path))
    path.write_bytes(b"{}")
    with pytest.raises(DatasetError, match="smartdata_de: cannot be read"):
        list(load_public("smartdata_de", "train", tmp_path))


# LEMONADE


def test_lemonade_types_the_first_full_sentence() -> None:
    pytest.importorskip("datasets")
    sentences = checked("lemonade", load_public("lemonade", "train", FIXTURES))
    assert [(s.lang, s.types) for s in sentences] == [
        ("en", ("armed_clash",)),
        ("es", ("peaceful_protest",)),
        ("fr", ("arrest",)),
        ("ar", ("air_drone_strike",)),
    ]
    assert sentences[0].text.startswith("Soldiers and fighters") and sentences[0].text.endswith("on Sunday.")
    dev = checked("lemonade", load_public("lemonade", "dev", FIXTURES))
    assert [(s.lang, s.types) for s in dev] == [("ja", ("violent_demonstration",)), ("tr", ("grenade_attack",))]
    assert all(known(s) == set(s.types) for s in sentences + dev)
    assert list(load_public("lemonade", "test", FIXTURES)) == []


def test_lemonade_follows_the_crosswalk(ontology: Ontology) -> None:
    acled = {t.acled_sub_event_type for t in ontology.types if t.acled_sub_event_type}
    assert set(lemonade.CLASSES.values()) - {"Other"} == acled
    assert set(lemonade.CLASSES) - set(lemonade.TYPES) == {
        "Agreement",
        "ChangeToArmedGroup",
        "OtherStrategicDevelopment",
    }
    for name, kind in lemonade.TYPES.items():
        assert ontology.event_type(kind).acled_sub_event_type == lemonade.CLASSES[name]


@pytest.mark.parametrize("change", [{"gold_label": "Wedding(location=None)"}, {"gold_label": "War"}, {"language": 1}])
def test_a_broken_row_of_lemonade_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    pytest.importorskip("datasets")
    rows = [json.loads(line) for line in (FIXTURES / "lemonade/train.jsonl").read_text(encoding="utf-8").splitlines()]
    write(tmp_path / "lemonade/train.jsonl", "".join(json.dumps(row | change) + "\n" for row in rows))
    with pytest.raises(DatasetError, match=r"lemonade: train, row 1"):
        list(load_public("lemonade", "train", tmp_path))


def test_a_file_of_lemonade_that_is_not_json_is_named(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    write(tmp_path / "lemonade/train.jsonl", "{not json\n")
    with pytest.raises(DatasetError, match="lemonade"):
        list(load_public("lemonade", "train", tmp_path))


def test_without_a_folder_lemonade_is_asked_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    row = json.loads((FIXTURES / "lemonade/dev.jsonl").read_text(encoding="utf-8").splitlines()[0])
    asked: list[tuple[str, str, bool]] = []

    def load_dataset(where: str, split: str, streaming: bool) -> list[dict[str, Any]]:
        asked.append((where, split, streaming))
        return [row]

    monkeypatch.setattr(datasets, "get_dataset_split_names", lambda where: ["train", "dev", "test"])
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert len(checked("lemonade", load_public("lemonade", "dev", tmp_path))) == 1
    assert asked == [("stanford-oval/Lemonade", "dev", False)]


# All of them

MODULES = (ednil_hi_bn, lemonade, muc4_en, smartdata_de, uner, wikievents_en, wikinews_ner_fr)


def test_every_adapter_says_what_it_is() -> None:
    assert sorted(module.CORPUS.name for module in MODULES) == sorted(NAMES)
    for module in MODULES:
        corpus = module.CORPUS
        assert public_corpus(corpus.name) is corpus and corpus.licence and corpus.origin and module.__doc__
        assert corpus.annotated == module.ANNOTATED and list(corpus.languages) == sorted(corpus.languages)
    with pytest.raises(DatasetError, match="no adapter for a corpus 'nowhere'"):
        public_corpus("nowhere")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "lemonade"])
def test_a_missing_folder_names_origin_and_licence(tmp_path: Path, name: str) -> None:
    corpus = public_corpus(name)
    with pytest.raises(DatasetError) as caught:
        list(load_public(name, "train", tmp_path))
    assert str(tmp_path / name) in str(caught.value)
    assert corpus.origin in str(caught.value) and corpus.licence in str(caught.value)


@pytest.mark.parametrize("name", ["ednil_hi_bn", "muc4_en", "smartdata_de", "wikievents_en"])
def test_a_missing_file_is_not_an_empty_split(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(DatasetError, match=f"cannot be read as {name}"):
        list(load_public(name, "train", tmp_path))


@pytest.mark.skipif(not REAL.is_dir(), reason="the public corpora are not at hand")
@pytest.mark.parametrize("name", [name for name in NAMES if name != "lemonade"])
def test_the_corpora_themselves(name: str) -> None:
    if not (REAL / name).is_dir():
        pytest.skip(f"{name} is not at hand")
    split = "train" if name == "smartdata_de" else "dev"
    sentences = checked(name, islice(load_public(name, split, REAL), 1500))
    assert len(sentences) > 10
    for sentence in sentences if name not in ("uner", "wikinews_ner_fr") else []:  # whose spans are the treebank's own
        starts, ends = zip(*word_offsets(sentence.text))
        for span in sentence.entities:
            assert span.start in starts and span.end in ends and not _has_outer_punctuation(span.text), span
