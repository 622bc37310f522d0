"""Every peer learns from, or is asked about, a few dozen of our sentences, and answers as the protocol says."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, BertModel

from tocsin.data.corpus import load_split
from tocsin.data.ontology import Ontology
from tocsin.data.records import Annotated, LabelledSentence, Prediction, Span
from tocsin.evaluate.candidates import PeerCandidate
from tocsin.evaluate.metrics import align
from tocsin.evaluate.peers import NAMES, Peer, PeerError, make_peer
from tocsin.evaluate.peers.base import (
    Probabilities,
    TrainedPeer,
    covers,
    cut_spans,
    digest,
    known_types,
    stated_model,
)
from tocsin.evaluate.peers.tfidf import TfidfPeer
from tocsin.evaluate.peers.two_pipelines import TransformersPeer
from tocsin.evaluate.scores import score

NOTHING = Annotated(types=frozenset(), entities=frozenset(), roles=frozenset())


@pytest.fixture(scope="module")
def sentences() -> list[LabelledSentence]:
    """Of all languages; every tenth was annotated with nothing."""
    some = load_split("dev")[::16]
    return [s if i % 10 else replace(s, types=(), entities=(), roles=(), annotated=NOTHING) for i, s in enumerate(some)]


def make_trained(name: str, ontology: Ontology, folder: Path | None, encoder: Path) -> TrainedPeer:
    """A peer whose training takes seconds."""
    peer: TrainedPeer
    if name == "tfidf":
        peer = TfidfPeer(ontology, folder)
    elif name == "spacy":
        pytest.importorskip("spacy")
        from tocsin.evaluate.peers.spacy_pipeline import SpacyPeer

        peer = SpacyPeer(ontology, folder, epochs=1)
    elif name == "setfit":
        pytest.importorskip("setfit")
        from tocsin.evaluate.peers.setfit_few_shot import SetFitPeer

        peer = SetFitPeer(ontology, folder, str(encoder), shots=1, iterations=1)
    else:
        from tocsin.evaluate.peers.two_pipelines import TransformersPeer

        peer = TransformersPeer(ontology, folder, str(encoder), max_steps=2)
    return peer


def check_protocol(peer: Peer, sentences: Sequence[LabelledSentence], ontology: Ontology) -> list[Prediction]:
    """One record a sentence, in order, with true offsets, scores that are probabilities, and its own layers only."""
    predictions = peer.predict(sentences)
    assert [(p.id, p.text, p.lang) for p in predictions] == [(s.id, s.text, s.lang) for s in sentences]
    for prediction in predictions:
        assert prediction.roles == ()
        for span in prediction.entities:
            assert prediction.text[span.start : span.end] == span.text == span.text.strip() != ""
            assert span.label in ontology.entity_names
            assert span.score is None or 0 <= span.score <= 1
        assert [event.score for event in prediction.events] == sorted(
            (e.score for e in prediction.events), reverse=True
        )
        if "types" in peer.layers:
            assert list(prediction.scores or {}) == ontology.type_names
            assert all(0 <= value <= 1 for value in (prediction.scores or {}).values())
        else:
            assert prediction.scores is None and prediction.events == ()
        assert "entities" in peer.layers or prediction.entities == ()
    score(sentences, predictions)  # and the common scorer takes them
    return align(sentences, predictions)


def answers(predictions: Sequence[Prediction]) -> list[Any]:
    return [({k: round(v, 4) for k, v in (p.scores or {}).items()}, p.primary, p.entities) for p in predictions]


@pytest.mark.parametrize("name", ["tfidf", "spacy", "setfit", "transformers"])
def test_trained_peers_are_loaded_the_second_time(
    name: str, sentences: list[LabelledSentence], ontology: Ontology, tiny_backbone: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    peer = make_trained(name, ontology, tmp_path, tiny_backbone)
    peer.fit(sentences, sentences)
    predictions = check_protocol(peer, sentences, ontology)
    assert any(p.entities for p in predictions) or name != "transformers"

    def never(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(type(peer), "_train", never)
    again = make_trained(name, ontology, tmp_path, tiny_backbone)
    again.fit(sentences[::-1], sentences)  # the order makes no other data
    assert answers(again.predict(sentences)) == answers(predictions)
    assert (again.threshold, again.settings, again.fit_seconds) == (peer.threshold, peer.settings, peer.fit_seconds)
    with pytest.raises(PeerError, match="other sentences"):
        make_trained(name, ontology, tmp_path, tiny_backbone).fit(sentences[1:], sentences)
    if name in ("setfit", "transformers"):
        with pytest.raises(PeerError, match=r"fitted with model = .*, not .*, choose another folder"):
            make_trained(name, ontology, tmp_path, tmp_path).fit(sentences, sentences)
    assert not list(tmp_path.rglob("*.pkl"))


def test_the_transformers_classifier_begins_at_the_base_rates_of_the_types(
    sentences: list[LabelledSentence], ontology: Ontology, tiny_backbone: Path, tmp_path: Path
) -> None:
    peer = TransformersPeer(ontology, tmp_path, str(tiny_backbone), max_steps=1)
    peer.fit(sentences, sentences)
    looked_for = [s for s in sentences if s.annotated.types is None]
    rates = np.array([np.mean([name in s.types for s in looked_for]) for name in ontology.type_names])
    scores = np.array([[(p.scores or {})[name] for name in ontology.type_names] for p in peer.predict(sentences)])
    assert np.abs(scores.mean(axis=0) - rates).max() < 0.02 < rates.max()


class Learner(TrainedPeer):
    """Learns nothing, and finds out how long that was best."""

    name = "learner"
    layers = frozenset({"types"})

    def _train(self, train: Sequence[LabelledSentence], dev: Sequence[LabelledSentence]) -> None:
        self.settings["best_epoch"] = 1

    def _load(self) -> None: ...

    def _run(self, sentences: Sequence[LabelledSentence]) -> tuple[Probabilities, list[tuple[Span, ...]]]:
        return np.zeros((len(sentences), len(self.ontology.type_names))), [()] * len(sentences)


def test_a_peer_is_loaded_with_the_settings_it_was_fitted_with_and_no_others(
    sentences: list[LabelledSentence], ontology: Ontology, tmp_path: Path
) -> None:
    Learner(ontology, tmp_path, {"epochs": 3}).fit(sentences, sentences)
    again = Learner(ontology, tmp_path, {"epochs": 3})
    again.fit(sentences, sentences)
    assert again.settings == {"epochs": 3, "best_epoch": 1}
    for others, told in (({"epochs": 5}, "epochs = 3, not 5"), ({"epochs": 3, "rate": 0.1}, "rate = None, not 0.1")):
        with pytest.raises(PeerError, match=f"fitted with {told}, choose another folder"):
            Learner(ontology, tmp_path, others).fit(sentences, sentences)


def test_a_peer_with_other_settings_is_another_system(
    sentences: list[LabelledSentence], ontology: Ontology, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def candidate(settings: dict[str, Any]) -> PeerCandidate:
        monkeypatch.setattr(
            "tocsin.evaluate.candidates.make_peer", lambda _, ontology, model: Learner(ontology, None, dict(settings))
        )
        return PeerCandidate("x", "learner", None, tmp_path, sentences, sentences)

    three = candidate({"epochs": 3})
    three.prepare()
    assert "best_epoch" in three.made_with
    assert candidate({"epochs": 3}).revision == three.revision  # what training finds out does not count
    assert candidate({"epochs": 5}).revision != three.revision
    assert [folder.name for folder in tmp_path.iterdir()] == [f"learner-{three.revision}"]


def test_a_local_model_is_its_files_wherever_they_lie(
    sentences: list[LabelledSentence], tiny_backbone: Path, tmp_path: Path
) -> None:
    def revision(folder: Path) -> str:
        return PeerCandidate("x", "nli", str(folder), tmp_path, sentences, sentences).revision

    here, there = tmp_path / "here" / "tiny", tmp_path / "there" / "tiny"
    tiny_nli(here, tiny_backbone)
    shutil.copytree(here, there)
    assert revision(here) == revision(there)
    assert stated_model(str(here)).startswith("tiny (") and str(tmp_path) not in stated_model(str(here))
    (there / "config.json").write_text((there / "config.json").read_text() + "\n")
    assert revision(here) != revision(there)
    assert stated_model("some/model-on-the-hub") == "some/model-on-the-hub"


def test_tfidf_learns_what_annotators_looked_for(sentences: list[LabelledSentence], ontology: Ontology) -> None:
    full = [s for s in sentences if s.annotated != NOTHING]
    alone = TfidfPeer(ontology)
    alone.fit(full, full)
    predictions = check_protocol(alone, sentences, ontology)
    assert score(full, [p for p, s in zip(predictions, sentences, strict=True) if s in full], layers=["types"])[
        "event_micro_f1"
    ] > 0.9  # fmt: skip
    # The same texts, of which only one other type is known, must not teach that their types are absent.
    looked = frozenset({"aid"})
    unlabelled = [
        replace(s, id=f"{s.id}-again", types=(), annotated=Annotated(types=looked)) for s in full if s.types != ("aid",)
    ]
    peer = TfidfPeer(ontology)
    peer.fit([*full, *unlabelled], full)
    assert score(full, peer.predict(full), layers=["types"])["event_micro_f1"] > 0.9


def test_spacy_leaves_out_what_is_unknown(sentences: list[LabelledSentence], ontology: Ontology) -> None:
    spacy = pytest.importorskip("spacy")
    from tocsin.evaluate.peers.spacy_pipeline import SpacyPeer

    peer = SpacyPeer(ontology)
    peer.settings["mentions_widened"] = 0
    nlp = spacy.blank("xx")
    unknown = peer._example(nlp, next(s for s in sentences if s.annotated == NOTHING))
    assert unknown.reference.cats == {} and set(unknown.get_aligned_ner()) == {None}
    known = peer._example(nlp, next(s for s in sentences if s.annotated != NOTHING))
    assert len(known.reference.cats) == len(ontology.types) and None not in known.get_aligned_ner()


def test_spacy_tokens_meet_nearly_all_mentions(ontology: Ontology, dev: list[LabelledSentence]) -> None:
    pytest.importorskip("spacy")
    from tocsin.evaluate.peers.spacy_pipeline import SpacyPeer, blank_pipeline

    peer, nlp = SpacyPeer(ontology), blank_pipeline()
    peer.settings["mentions_widened"] = 0
    for sentence in dev:
        peer._example(nlp, sentence)
    assert peer.settings["mentions_widened"] < 0.01 * sum(len(s.entities) for s in dev)


def test_few_shots_are_few(dev: list[LabelledSentence], ontology: Ontology) -> None:
    pytest.importorskip("setfit")
    from tocsin.evaluate.peers.setfit_few_shot import few_shots

    sample = few_shots(dev, ontology.type_names, 3)
    counts = {name: sum(name in s.types for s in sample) for name in ontology.type_names}
    assert min(counts.values()) >= 3 and len({s.id for s in sample}) == len(sample) <= 3 * len(counts) + 30
    assert sum(not s.types for s in sample) == 30
    assert sample == few_shots(dev, ontology.type_names, 3)


def test_tags_of_tokens(dev: list[LabelledSentence], ontology: Ontology, tiny_backbone: Path) -> None:
    from tocsin.evaluate.peers.two_pipelines import _tagged
    from tocsin.model.labels import bio_tags

    tokenizer, tags = AutoTokenizer.from_pretrained(tiny_backbone), bio_tags(ontology.entity_names)
    for sentence in dev[::20]:
        row = _tagged(sentence, tokenizer, tags)
        assert len(row["labels"]) == len(row["input_ids"]) and set(row["labels"]) >= {-100}
        begun = [tags[label].removeprefix("B-") for label in row["labels"] if label > 0 and tags[label][0] == "B"]
        assert begun == [span.label for span in sorted(sentence.entities, key=lambda span: span.start)]


def tiny_nli(folder: Path, encoder: Path) -> None:
    labels = ("entailment", "neutral", "contradiction")
    config = BertConfig.from_pretrained(
        encoder, id2label=dict(enumerate(labels)), label2id={v: i for i, v in enumerate(labels)}
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(folder)


def tiny_gliner(folder: Path, encoder: Path) -> None:
    gliner = pytest.importorskip("gliner")
    settings = {"model_name": str(encoder), "hidden_size": 64, "max_width": 6, "has_rnn": False, "name": "tiny"}
    gliner.GLiNER.from_config(settings).save_pretrained(str(folder))


def tiny_gliner2(folder: Path, encoder: Path) -> None:
    gliner2 = pytest.importorskip("gliner2")
    from gliner2.configuration import ExtractorConfig

    longer = folder / "encoder"  # the definitions of all types stand before the text
    BertModel(BertConfig.from_pretrained(encoder, max_position_embeddings=4096)).save_pretrained(longer)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(longer)
    gliner2.GLiNER2(ExtractorConfig(model_name=str(longer), max_width=6)).save_pretrained(str(folder))


@pytest.mark.parametrize("name", ["nli", "gliner", "gliner2"])
def test_zero_shot_peers_run_a_local_model(
    name: str, sentences: list[LabelledSentence], ontology: Ontology, tiny_backbone: Path, tmp_path: Path
) -> None:
    {"nli": tiny_nli, "gliner": tiny_gliner, "gliner2": tiny_gliner2}[name](tmp_path, tiny_backbone)
    peer = make_peer(name, ontology, model=str(tmp_path))
    peer.fit([], [])
    assert peer.name == name and peer.fit_seconds is None and peer.settings["model"] == stated_model(str(tmp_path))
    check_protocol(peer, sentences[:8], ontology)


@pytest.mark.parametrize("name", ["nli", "gliner", "gliner2"])
def test_model_that_is_not_there_is_named(name: str, ontology: Ontology, tmp_path: Path) -> None:
    pytest.importorskip("transformers" if name == "nli" else name)
    with pytest.raises(PeerError, match="nothing-here"):
        make_peer(name, ontology, model=str(tmp_path / "nothing-here"))


@pytest.mark.parametrize("name", ["setfit", "transformers"])
def test_encoder_that_is_not_there_is_named(
    name: str, sentences: list[LabelledSentence], ontology: Ontology, tmp_path: Path
) -> None:
    pytest.importorskip(name)
    peer = make_peer(name, ontology, tmp_path, str(tmp_path / "nothing-here"))
    with pytest.raises(PeerError, match="nothing-here"):
        peer.fit(sentences, sentences)


def test_names(ontology: Ontology, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_peer("tfidf", ontology).layers == {"types"}
    with pytest.raises(PeerError, match="unknown peer 'bert', there are: tfidf, spacy, setfit, transformers"):
        make_peer("bert", ontology)
    with pytest.raises(PeerError, match="begins from no model"):
        make_peer("tfidf", ontology, model="xlm-roberta-base")
    module, _, extra = NAMES["gliner"]
    monkeypatch.delitem(sys.modules, f"tocsin.evaluate.peers.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "gliner", None)
    with pytest.raises(PeerError, match=rf"pip install 'tocsin\[{extra}\]'"):
        make_peer("gliner", ontology)


def test_what_was_looked_for(sentences: list[LabelledSentence], ontology: Ontology) -> None:
    names = ontology.type_names
    some = replace(sentences[1], annotated=Annotated(types=frozenset(names[:3])))
    known = known_types([sentences[0], sentences[1], some], names)
    assert known.sum(axis=1).tolist() == [0, len(names), 3]
    assert covers(None, names) and covers(frozenset(names), names) and not covers(frozenset(names[1:]), names)
    assert digest(sentences) == digest(sentences[::-1]) != digest(sentences[1:])
    assert digest([replace(sentences[0], source="elsewhere:1"), *sentences[1:]]) == digest(sentences)
    assert cut_spans("a  bc d", [(1, 5, "x", 1.0), (1, 3, "x", 1.0)]) == (Span(3, 5, "x", "bc", 1.0),)
