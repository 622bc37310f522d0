"""`tocsin benchmark`: suites and systems of every kind, results that are whole, and two systems against each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from tocsin.cli import app
from tocsin.data.iob2 import LABELS, read_iob2, tagged_spans
from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence, Prediction, Span
from tocsin.data.schemes import CodeError
from tocsin.data.sources import DatasetError
from tocsin.evaluate.benchmark import is_current, run_one
from tocsin.evaluate.bootstrap import f1
from tocsin.evaluate.candidates import PeerCandidate, PredictedFile, Release
from tocsin.evaluate.codes import Codes
from tocsin.evaluate.metrics import MismatchError
from tocsin.evaluate.paired import compare_results, comparison_page, paired_difference
from tocsin.evaluate.suites import Reading, Suite, SuiteError, load_suite
from tocsin.model.pipeline import Pipeline
from tocsin.model.runtime import RELEASED_DIR
from tocsin.model.settings import read_config
from tocsin.train.recipe import RECIPE_DIR

RELEASED = read_config(RELEASED_DIR)["model_name"]
NOTES = [
    ("A1", "Peaceful protest", "About 200 teachers marched through the centre of Lomé to demand unpaid wages."),
    ("A2", "Armed clash", "Soldiers and rebels exchanged fire near the village of Kona for three hours on Tuesday."),
    ("A3", "Air/drone strike", "A drone struck a fuel depot outside the port of Hodeida, killing two guards."),
    ("A4", "Abduction/forced disappearance", "Gunmen kidnapped eleven passengers from a bus on the Kaduna road."),
    ("A5", "Suicide bomb", "A suicide bomber blew himself up at a checkpoint in Mogadishu, killing four soldiers."),
    ("A6", "Arrests", "Police arrested fourteen activists of the opposition party in Kampala on Friday."),
    ("A7", "Looting/property destruction", "Militiamen set fire to forty houses after looting the market."),
    ("A8", "Other", "The ministry announced a new budget for roads."),
    ("A9", "Mob violence", "A mob beat a suspected thief to death in the Ibadan market."),
    ("A10", "none", "The museum opens at nine."),
]
CONLL = """-DOCSTART- -X- O

Angela NNP B-PER
Merkel NNP I-PER
met VBD O
Oxfam NNP B-ORG
in IN O
Zagreb NNP B-LOC
. . O

# NN O
Volvo NNP B-MISC
left VBD O
Mali NNP I-LOC
"""


@pytest.fixture
def acled(tmp_path: Path) -> Path:
    path = tmp_path / "acled.csv"
    path.write_text("event,code,notes\n" + "".join(f'{id},{code},"{text}"\n' for id, code, text in NOTES), "utf-8")
    return path


ACLED = Reading("acled", "event", "notes", "code", "en")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    text = "Police arrested Ana Ruiz in Quito."
    spans = [
        {"start": 16, "end": 24, "label": "person", "text": "Ana Ruiz"},
        {"start": 28, "end": 33, "label": "location"},
    ]
    rows = [
        {"id": "a", "lang": "en", "text": text, "types": ["arrest"], "entities": spans},
        {"id": "b", "text": "Deux soldats ont été tués dans l'attaque d'un poste militaire.", "types": ["armed_clash"]},
        {"id": 3, "text": "The museum opens at nine.", "labels": "none"},
    ]  # fmt: skip
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["benchmark", *map(str, arguments)])


def result_of(path: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return result


def test_a_released_model_on_files_of_a_users_own(acled: Path, own: Path, tmp_path: Path) -> None:
    columns = ("--codes", "acled", "--id-field", "event", "--text-field", "notes", "--types-field", "code")
    done = run("run", "release", "--suite", acled, *columns, "--lang", "en", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    path = tmp_path / "out" / f"tocsin-{RELEASED}@acled.json"
    result = result_of(path)
    assert result["suite"] | {"revision": ""} == {
        "name": "acled", "revision": "", "sentences": 10, "languages": {"en": 10}, "layers": ["types"],
        "codes": "acled",
    }  # fmt: skip
    assert result["figures"]["event_micro_f1"] > 0.7
    assert result["figures"]["per_type"]["Other"]["recall"] == 0  # none of our types has this code
    low, high = result["intervals"]["event_micro_f1"]
    assert low <= result["figures"]["event_micro_f1"] <= high
    assert result["cost"]["sentences_per_second"] > 0 and 40 < result["cost"]["megabytes"] <= 50
    assert sum(map(sum, result["confusion"]["counts"])) == 10 and result["confusion"]["labels"][-1] == "none"
    assert len(result["coverage"]) == 10 and 0 <= result["calibration"]["ece_top"] <= 1
    assert result["environment"]["versions"]["tocsin"] and result["environment"]["cores"]
    assert result["environment"]["seed"] == result["system"]["made_with"]["seed"] > 0
    lines = [json.loads(line) for line in path.with_suffix(".predictions.jsonl").read_text("utf-8").splitlines()]
    assert [line["id"] for line in lines] == [id for id, _, _ in NOTES]
    assert lines[1]["predicted"]["types"][0]["type"] == lines[1]["gold"]["types"][0] == "Armed clash"
    assert lines[0]["annotated"] == {"entities": [], "roles": []}

    names = tmp_path / "names.conll"
    names.write_text(CONLL)
    again = ("run", "ours=release", "--suite", own, "--suite", names, "-o", tmp_path / "out")
    assert run(*again).exit_code == 0
    figures = result_of(tmp_path / "out" / "ours@own.json")["figures"]
    assert figures["entity_f1"] == 1.0 and "role_f1" not in figures  # entities are known of one row alone
    figures = result_of(tmp_path / "out" / "ours@names.json")["figures"]
    assert "event_micro_f1" not in figures and figures["per_entity"]["person"]["support"] == 1
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").iterdir()}
    assert run(*again).stderr.count("is there") == 2
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "out").iterdir()} == before
    own.write_text(own.read_text("utf-8").replace("armed_clash", "aid"), "utf-8")  # another suite by the same name
    done = run(*again)
    assert done.stderr.count("is there") == 1
    assert result_of(tmp_path / "out" / "ours@own.json")["figures"]["event_micro_f1"] < 1


def test_a_recipe_is_trained_and_calibrated_as_a_release_would_be(
    tiny_backbone: Path, dev: list[LabelledSentence], own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [s for s in dev if s.lang == "en"][:40]
    for module in ("tocsin.train.sentences", "tocsin.data.corpus"):
        monkeypatch.setattr(f"{module}.load_split", lambda *_: few)
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        f'extends = "{RECIPE_DIR / "first-light"}"\nname = "tiny"\nbackbone = "{tiny_backbone}"\nlanguages = ["en"]\n'
        "auxiliary_languages = []\nepochs = 1\nfreeze_embeddings = false\nbfloat16 = false\n"
    )
    done = run("run", f"recipe:{recipe}", "peer:tfidf", "--suite", own, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    result = result_of(tmp_path / "out" / "tiny@own.json")
    assert result["system"]["kind"] == "recipe" and result["environment"]["seed"] == 13
    assert result["system"]["made_with"]["backbone"] == tiny_backbone.name and str(tmp_path) not in str(result)
    assert result["calibration"] is not None and result["cost"]["peak_megabytes"] > 100
    folder = tmp_path / "out" / "runs" / "tiny"
    same = run("run", f"tiny={folder}", "--suite", own, "-o", tmp_path / "out")  # the run itself is the same system
    assert "is there" in same.stderr, same.output
    peer = result_of(tmp_path / "out" / "tfidf@own.json")
    assert peer["system"]["layers"] == ["types"] and "entity_f1" not in peer["figures"]
    assert peer["cost"]["cores"] == result["cost"]["cores"] and all(value > 0 for value in peer["cost"].values())
    assert peer["cost"].keys() >= {"fit_seconds", "sentences_per_second", "peak_megabytes", "megabytes"}


def test_peers_and_suites_make_a_result_each(ontology: Ontology, dev: list[LabelledSentence], tmp_path: Path) -> None:
    english, french = ([s for s in dev if s.lang == lang] for lang in ("en", "fr"))
    suites = [Suite("english", english[:30]), Suite("french", french[:30])]
    paths = {}
    for name, train in (("more", english + french), ("less", english)):
        peer = PeerCandidate(name, "tfidf", None, tmp_path, train, train)
        for suite in suites:
            paths[name, suite.name] = tmp_path / f"{name}@{suite.name}.json"
            result = run_one(peer, suite, paths[name, suite.name])
            assert result["system"]["kind"] == "peer" and result["suite"]["sentences"] == 30
            assert is_current(paths[name, suite.name], peer, suite)
        assert not is_current(paths[name, "english"], peer, suites[1])
    predictions = paths["more", "french"].with_suffix(".predictions.jsonl")
    whole = predictions.read_text("utf-8")
    predictions.write_text("".join(whole.splitlines(keepends=True)[:-1]), "utf-8")
    assert not is_current(paths["more", "french"], peer, suites[1])
    predictions.write_text(whole, "utf-8")
    comparison = compare_results(paths["less", "french"], paths["more", "french"])
    micro = comparison.differences[0]
    stated = result_of(paths["less", "french"])["figures"]["event_micro_f1"]
    assert micro.figure == "event micro-F1" and micro.one == stated
    assert micro.difference > 0.3 and micro.interval[0] > 0 and micro.p < 0.01  # it has seen French
    assert micro.interval[0] <= micro.difference <= micro.interval[1]
    assert comparison.decisions[0].gain == max(abs(decision.gain) for decision in comparison.decisions) > 0
    with pytest.raises(MismatchError, match="not of the same suite"):
        compare_results(paths["less", "french"], paths["more", "english"])
    pair = paths["less", "french"], paths["more", "french"]
    done = run("compare", *pair, "-o", tmp_path / "page.md", "--sentences", 3)
    assert done.exit_code == 0, done.output
    page = (tmp_path / "page.md").read_text("utf-8")
    assert page == comparison_page(comparison, 3) and page.count("\n### ") == 3
    assert comparison.decisions[0].one["id"] in done.stdout
    predictions.unlink()
    done = run("compare", *pair)
    assert done.exit_code == 1 and "it holds the predictions" in done.stderr


def test_a_file_of_predictions_is_scored_like_any_system(
    release: Pipeline, own: Path, acled: Path, tmp_path: Path
) -> None:
    suite = load_suite(str(own), None, Reading())
    records = tmp_path / "records.jsonl"
    predictions = release.predict_labelled(suite.gold)
    records.write_text("".join(json.dumps(p.to_dict()) + "\n" for p in reversed(predictions)), "utf-8")
    saved = run_one(PredictedFile("saved", records), suite, tmp_path / "saved@own.json")
    direct = run_one(_Fixed(predictions), suite, tmp_path / "direct@own.json")
    assert saved["figures"] | {"average_precision": 0} == direct["figures"] | {"average_precision": 0}
    assert saved["calibration"] is None and saved["cost"]["sentences_per_second"] is None

    coder = tmp_path / "coder.csv"
    coder.write_text("id,types\n" + "".join(f"{id},{code}\n" for id, code, _ in NOTES), "utf-8")
    columns = ("--codes", "acled", "--id-field", "event", "--text-field", "notes", "--types-field", "code")
    done = run("run", "--predictions", f"coder={coder}", "--suite", acled, *columns, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert result_of(tmp_path / "out" / "coder@acled.json")["figures"]["event_micro_f1"] == 1.0
    coder.write_text("id,types\nA1,arrest;Peaceful protest\n", "utf-8")
    done = run("run", "--predictions", f"coder={coder}", "--suite", acled, *columns, "-o", tmp_path / "out")
    assert done.exit_code == 1 and "'A2' has no prediction" in done.stderr
    names = tmp_path / "names.conll"
    names.write_text(CONLL)
    done = run("run", "--predictions", f"coder={coder}", "--suite", names, "-o", tmp_path / "out")
    assert done.exit_code == 0 and "no result" in done.stderr and not (tmp_path / "out/coder@names.json").exists()


def test_empty_cells_predict_nothing(own: Path, tmp_path: Path) -> None:
    path = tmp_path / "coder.csv"
    path.write_text("id,types,entities\na,arrest,\nb,none,\n3,none,\n", "utf-8")
    coder = PredictedFile("coder", path)
    assert coder.layers == {"types"}
    said = coder.predict(load_suite(str(own), None, Reading()))
    assert [prediction.primary for prediction in said] == ["arrest", None, None]
    path.write_text("id,types,entities\na,arrest,\nb,,\n3,none,\n", "utf-8")
    with pytest.raises(SuiteError, match=r"coder.csv:3: no types, which other rows have"):
        coder.predict(load_suite(str(own), None, Reading()))


def test_types_are_read_before_labels_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    path.write_text("id,text,types,labels\n1,Police arrested Ana.,arrest,aid\n", "utf-8")
    suite = load_suite(str(path), None, Reading())
    (said,) = PredictedFile("both", path).predict(suite)
    assert (suite.gold[0].types, said.primary) == (("arrest",), "arrest")


def test_predictions_with_scores_in_codes_of_others(tmp_path: Path) -> None:
    rows = [
        {"id": "1", "text": "Police arrested three men in Quito.", "types": ["COERCE"]},
        {"id": "2", "text": "Ministers met for talks in Doha.", "types": ["consult"], "lang": "en"},
        {"id": "3", "text": "The museum opens at nine.", "types": "none"},
        {"id": "4", "text": "Troops shelled the port.", "types": ["ASSAULT"],
         "annotated": {"types": ["assault", "AID"]}},
    ]  # fmt: skip
    suite = tmp_path / "coded.jsonl"
    suite.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    said = [
        {"id": "1", "types": [{"type": "arrest", "score": 0.9}], "scores": {"arrest": 0.9, "COERCE": 0.2, "aid": 0.1}},
        {"id": "2", "types": ["none"], "scores": {"CONSULT": 0.4, "leadership_change": 0.7}},  # which has no code
        {"id": "3", "types": ["none"], "scores": {}},
        {"id": "4", "types": ["COERCE", "ASSAULT"], "scores": {"COERCE": 0.8, "ASSAULT": 0.6}},
    ]
    predicted = tmp_path / "said.jsonl"
    predicted.write_text("".join(json.dumps(row) + "\n" for row in said), "utf-8")
    chosen = ("--suite", suite, "--codes", "plover", "--lang", "en", "-o", tmp_path / "out")
    done = run("run", "release", "--predictions", f"coder={predicted}", *chosen)
    assert done.exit_code == 0, done.output
    result = result_of(tmp_path / "out" / "coder@coded.json")
    figures = result["figures"]
    assert result["suite"]["codes"] == "plover" and set(figures["per_type"]) == {"ASSAULT", "COERCE", "CONSULT"}
    # COERCE of the fourth was not looked for: two of three gold codes are found, and nothing else is said.
    assert figures["event_micro_f1"] == 0.8 and figures["primary_accuracy"] == round(2 / 3, 4)
    assert figures["average_precision"] == 1.0  # where it is known whether a sentence has the code
    assert result["calibration"]["brier"] == pytest.approx((0.1**2 + 0.1**2 + 0.6**2) / 3, abs=1e-4)
    assert [point["risk"] for point in result["coverage"]][-1] == round(1 / 3, 4)
    released = result_of(tmp_path / "out" / f"tocsin-{RELEASED}@coded.json")
    assert released["figures"]["event_micro_f1"] > 0.5 and released["calibration"] is not None


class _Fixed:
    name, kind, layers, seed, revision = "direct", "predictions", frozenset({"types", "entities", "roles"}), 0, "1"

    def __init__(self, predictions: list[Prediction]):
        self.predictions = predictions

    made_with: ClassVar[dict[str, Any]] = {}

    def prepare(self) -> None: ...

    def predict(self, suite: Suite) -> list[Prediction]:
        return self.predictions

    def cost(self, suite: Suite) -> dict[str, float | None]:
        return {}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"id": "zz", "types": []}', "2: the suite has no sentence 'zz'"),
        ('{"types": []}', "2: no field 'id'"),
        ('{"id": "b", "types": ["war"]}', "2: field 'types': unknown label 'war'"),
        ('{"id": "b", "types": [{"type": "aid", "score": 2}]}', "2: field 'types': expected a probability, got 2"),
        ('{"id": "b", "text": "x", "types": []}', "2: another text"),
        (
            '{"id": "b", "types": [], "entities": [{"start": 0, "end": 999, "label": "person"}]}',
            "2: field 'entities': start 0 and end 999 are no place",
        ),
        ('{"id": "b"', "2: not valid JSON"),
        ('{"id": "b", "typs": ["aid"]}', "2: no types, which other rows have; write 'none'"),
        ('{"id": "b", "types": null}', "2: no types, which other rows have; write 'none'"),
        ('{"id": "a", "types": ["aid"]}', "2: the id 'a' is also that of line 1"),
    ],
)
def test_a_bad_prediction_is_named(row: str, message: str, own: Path, ontology: Ontology, tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    path.write_text('{"id": "a", "types": []}\n' + row + "\n", "utf-8")
    with pytest.raises((SuiteError, MismatchError), match=message):
        PredictedFile("x", path).predict(load_suite(str(own), None, Reading()))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "text,types\nA.,war\n", "x.csv:1: field 'types': unknown label 'war'"),
        ("x.csv", "text,types\nA.,\n", "x.csv:1: field 'types': is empty; write 'none'"),
        ("x.csv", "text,types\nA.,none;aid\n", "x.csv:1: field 'types': 'none' beside a label"),
        ("x.csv", "text,types,split\nA.,aid,tset\n", "x.csv:1: field 'split': expected train, dev, test or nothing"),
        ("x.csv", "text,types,lang\nA.,aid,english\n", "x.csv:1: field 'lang': unknown language"),
        ("x.csv", "text,kind\nA.,arrest\n", "x.csv:1: no field 'types' with labels"),
        ("x.csv", "text,types,id\nA.,aid,1\nB.,aid,1\n", "x.csv:2: the id '1' is also that of .*x.csv:1"),
        ("x.csv", "text,types,split\nA.,aid,train\n", "no sentences of the split test, 1 of others"),
        ("x.jsonl", '{"text": "Ana.", "entities": [{"start": 0, "end": 3, "label": "who"}]}', "label 'who'"),
        ("x.jsonl", '{"text": "Ana.", "entities": [{"start": 0, "end": 2, "label": "date", "text": "A"}]}', "'A'"),
        ("x.jsonl", '{"text": "Ana.", "types": 7}', "x.jsonl:1: field 'types': expected labels separated by .*, got 7"),
        ("x.jsonl", "[1]", "x.jsonl:1: expected a JSON object"),
        ("x.jsonl", '{"text": "A.", "types": [], "annotated": 1}', "x.jsonl:1: field 'annotated': expected labels by"),
        ("x.jsonl", '{"text": "A.", "types": [], "annotated": {"x": []}}', "field 'annotated': expected labels by lay"),
        ("x.jsonl", '{"text": "A.", "types": [], "annotated": {"types": 1}}', "field 'annotated': expected labels sep"),
        ("x.jsonl", '{"text": "A.", "types": [], "annotated": {"types": ["war"]}}', "'annotated': unknown label 'war'"),
        ("x.jsonl", '{"text": "A.", "types": [], "annotated": {"roles": ["who"]}}', "'annotated': unknown label 'who'"),
        ("x.jsonl", '{"text": "A.", "types": ["aid"], "annotated": {"types": ["arrest"]}}',
         "x.jsonl:1: field 'annotated': 'aid' is a label of the row, but not among the types that were looked for"),
        ("x.txt", "Ana.", "expected JSONL, CSV or Parquet with labels, or IOB2"),
        ("x.conll", "Ana PER\n", "x.conll:1: not a token with an IOB2 tag"),
        ("x.conll", "Ana B-MISC\n", "no entities that we know"),
    ],
)  # fmt: skip
def test_a_bad_suite_is_named(name: str, content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    with pytest.raises((SuiteError, DatasetError), match=message):
        load_suite(str(path), None, Reading())


def test_wrong_usage_is_told(own: Path, tmp_path: Path) -> None:
    for arguments, code, message in (
        (["release"], 2, "give --suite"),
        (["--suite", own], 2, "give a MODEL"),
        (["release", "--suite", tmp_path / "no.csv"], 1, "no such file"),
        (["release", "--suite", "real-news"], 1, "reads its texts from --datasets DIR"),
        (["release", "release", "--suite", own], 2, f"two systems are called 'tocsin-{RELEASED}'"),
        (["release", "--suite", own, "--suite", own], 2, "two suites are called 'own'"),
        (["peer:none", "--suite", own], 1, "unknown peer 'none'"),
        (["recipe:none.toml", "--suite", own], 2, "no such recipe"),
        ([tmp_path, "--suite", own], 1, "not a model folder"),
        (["--predictions", own, "--suite", own], 2, "expected NAME=FILE"),
        (["release", "--suite", own, "-o", own], 2, "is a file, expected a folder"),
        (["a b=release", "a-b=release", "--suite", own], 2, "systems would share their files: 'a b' and 'a-b'"),
        (["release", "--suite", f"x/={own}", "--suite", f"x={own}"], 2, "suites would share their files: 'x/' and 'x'"),
        (["release", "--suite", "written", "--codes", "acled"], 2, "are for a suite that is a file with labels"),
        (["release", "--suite", "x.conll", "--text-field", "notes"], 2, "are for a suite that is a file with labels"),
    ):
        done = run("run", "-o", tmp_path / "out", *arguments)
        assert (done.exit_code, message in done.stderr) == (code, True), (arguments, done.output)
    assert not list((tmp_path / "out").glob("*.json"))


def test_public_corpora_are_suites_with_what_they_annotate(tmp_path: Path) -> None:
    folder = tmp_path / "uner" / "English-EWT"
    folder.mkdir(parents=True)
    (folder / "en_ewt-ud-dev.iob2").write_text("1\tAna\tB-PER\t-\t-\n2\twon\tO\t-\t-\n\n", "utf-8")
    suite = load_suite("public/uner", tmp_path, Reading())  # it has no test part
    assert (suite.name, suite.layers, len(suite.gold)) == ("uner-dev", ["entities"], 1)
    assert load_suite("public/uner-dev", tmp_path, Reading()).revision == suite.revision
    with pytest.raises(DatasetError, match="no adapter"):
        load_suite("public/nothing", tmp_path, Reading())


def test_types_are_codes_by_the_crosswalk(ontology: Ontology, release: Pipeline) -> None:
    cameo = Codes("cameo")
    assert [cameo.read(code) for code in ("02", "1031", "112", "19", " 01 ")] == ["02/10", "02/10", "09/11", "19", "01"]
    assert Codes("acled").read("armed CLASH") == "Armed clash"
    assert Codes("plover").read_any("leadership_change") is None  # a type of ours without a code
    for scheme, wrong in (("cameo", "21"), ("cameo", "4"), ("acled", "war"), ("plover", ""), ("ours", "Armed clash")):
        with pytest.raises(CodeError, match=r"unknown label|is a label of the scheme"):
            Codes(scheme).read(wrong)
    sentence = LabelledSentence("1", "en", NOTES[2][2], (), (), ())
    (said,) = release.predict_labelled([sentence], all_scores=True)
    coded = Codes("plover").translate(said)
    assert coded.primary == "ASSAULT" and coded.scores is not None and said.scores is not None
    assaults = [said.scores[kind.name] for kind in ontology.types if kind.plover == "ASSAULT"]
    assert coded.scores["ASSAULT"] == max(assaults) and len(coded.scores) == 16
    assert Codes("ours").translate(said) is said


def test_annotated_labels_are_codes_too(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    row = {"text": "Ana was arrested.", "types": ["173"], "annotated": {"types": ["17", "112"], "entities": None}}
    path.write_text(json.dumps(row), "utf-8")
    (sentence,) = load_suite(str(path), None, Reading("cameo")).gold
    assert sentence.annotated.to_dict() == {"types": ["09/11", "17"], "entities": [], "roles": []}


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.conll"
    path.write_text("Ana B-PER\nwon O\n", "utf-8-sig")
    (sentence,) = load_suite(str(path), None, Reading(lang="en")).gold
    assert (sentence.text, sentence.entities) == ("Ana won", (Span(0, 3, "person", "Ana"),))


def test_tagged_files_keep_their_text(tmp_path: Path) -> None:
    path = tmp_path / "x.conll"
    path.write_text(CONLL, "utf-8")
    first, second = read_iob2(path)
    text, spans = tagged_spans(first, LABELS)
    assert text == "Angela Merkel met Oxfam in Zagreb ."
    assert [(span.label, span.text) for span in spans] == [
        ("person", "Angela Merkel"), ("organization", "Oxfam"), ("location", "Zagreb"),
    ]  # fmt: skip
    # A number sign is a token where a tag follows; MISC is none of ours; an I tag may begin a mention, as in IOB1.
    assert tagged_spans(second, LABELS) == ("# Volvo left Mali", (Span(13, 17, "location", "Mali"),))


def test_paired_difference_is_that_of_resampled_pairs() -> None:
    random = np.random.default_rng(3)
    gold = random.integers(0, 3, 300)
    one, other = (np.stack([random.binomial(gold, share), gold, gold], 1) for share in (0.6, 0.8))
    found = paired_difference("x", one, other, f1)
    drawn = []
    for _ in range(2000):
        rows = random.integers(0, 300, 300)
        drawn.append(other[rows, 0].sum() / gold[rows].sum() - one[rows, 0].sum() / gold[rows].sum())
    assert np.allclose(found.interval, np.percentile(drawn, [2.5, 97.5]), atol=0.01)
    difference = (other[:, 0].sum() - one[:, 0].sum()) / gold.sum()
    assert found.p < 0.001 and found.difference == pytest.approx(difference, abs=1e-4)
    same = paired_difference("x", one, one, f1)
    assert (same.difference, same.interval, same.p) == (0.0, (0.0, 0.0), 1.0)
    shuffled = paired_difference("x", one, one[random.permutation(300)][:, [0, 1, 2]], f1)
    assert shuffled.p > 0.9


def test_a_release_knows_itself_without_being_loaded() -> None:
    model = Release("x", RELEASED_DIR)
    assert model.revision and "pipeline" not in vars(model)
