"""A user's own labelled sentences: what is read, what is refused and how it is named."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tocsin.cli import app
from tocsin.data.corpus import CORPUS_DIR
from tocsin.data.own import OwnDataError, read_labelled, read_splits
from tocsin.data.records import FULLY, LabelledSentence
from tocsin.data.schemes import types_of_codes
from tocsin.evaluate.leaderboard import read_results
from tocsin.model.calibration import Calibration
from tocsin.model.pipeline import Pipeline
from tocsin.model.runtime import RELEASED_DIR, load_release
from tocsin.model.settings import read_config

ROOT = Path(__file__).resolve().parents[1]
TEXT = "Vandals cut the main pipe at Orsk on Friday."


def table(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def problems(path: Path, codes: str = "ours") -> list[str]:
    with pytest.raises(OwnDataError) as error:
        read_labelled(path, codes)
    return error.value.problems


def test_csv_and_jsonl_say_the_same(tmp_path: Path) -> None:
    spans = [{"start": 29, "end": 33, "label": "location", "text": "Orsk"}, {"start": 37, "end": 43, "label": "date"}]
    rows: list[dict[str, object]] = [
        {"id": "a", "text": TEXT, "labels": ["property_destruction", "threat"], "lang": "en", "entities": spans},
        {"id": "b", "text": "L'eau est revenue lundi.", "labels": [], "lang": "fr", "split": "test"},
    ]
    cells = [
        {
            "id": "a",
            "text": TEXT,
            "labels": "property_destruction; threat",
            "lang": "en",
            "entities": json.dumps(spans),
        },
        {"id": "b", "text": "L'eau est revenue lundi.", "labels": "none", "lang": "fr", "split": "test"},
    ]
    from_jsonl, from_csv = (
        read_labelled(path) for path in (lines(tmp_path / "x.jsonl", rows), table(tmp_path / "x.csv", cells))
    )
    first, second = from_csv
    assert first.types == ("property_destruction", "threat")
    assert [(span.label, span.text) for span in first.entities] == [("location", "Orsk"), ("date", "Friday")]
    assert first.annotated.types is None and first.annotated.entities is None  # all labels were looked for
    assert first.annotated.roles == frozenset() == second.annotated.entities  # nothing was said of these
    assert (second.types, second.negative, second.lang) == ((), "none", "fr")
    assert [{**s.to_dict(), "source": ""} for s in from_csv] == [{**s.to_dict(), "source": ""} for s in from_jsonl]


def test_an_empty_list_of_spans_says_that_there_are_none(tmp_path: Path) -> None:
    (sentence,) = read_labelled(
        lines(tmp_path / "x.jsonl", [{"text": TEXT, "labels": [], "entities": [], "roles": []}])
    )
    assert sentence.annotated == FULLY and sentence.lang == "en"


def test_split_is_kept_or_drawn_by_the_text_alone(tmp_path: Path) -> None:
    rows = [{"text": f"The plant at kilometre {n} lost power.", "labels": "accident"} for n in range(200)]
    drawn = read_splits([table(tmp_path / "a.csv", rows)])
    assert 15 <= len(drawn["dev"]) <= 45 and len(drawn["train"]) == 200 - len(drawn["dev"]) and not drawn["test"]
    again = read_splits([table(tmp_path / "b.csv", rows[::-1])])
    assert {s.text for s in again["dev"]} == {s.text for s in drawn["dev"]}
    stated = table(tmp_path / "c.csv", [row | {"split": "test"} for row in rows])
    assert len(read_labelled(stated, split="test")) == 200 and not read_labelled(stated, split="dev")


def test_codes_of_one_type_are_types_and_codes_of_several_leave_them_unknown(tmp_path: Path) -> None:
    path = table(
        tmp_path / "x.csv",
        [
            {"text": "a b", "labels": "Looting/property destruction; Arrests"},
            {"text": "c d", "labels": "Change to group/activity; Arrests"},
            {"text": "e f", "labels": "none"},
            {"text": "g h", "labels": "Other"},
        ],
    )
    plain, several, none, other = read_labelled(path, "acled")
    assert plain.types == ("property_destruction", "arrest")
    covered = plain.annotated.types
    assert covered is not None and "air_drone_strike" in covered and "aid" not in covered  # ACLED has no aid
    assert several.types == ("arrest",)
    assert covered - (several.annotated.types or set()) == {"mobilization", "withdrawal", "group_change"}
    assert none.negative == "none" and none.annotated.types == covered
    assert (other.types, other.negative, other.annotated.types) == ((), "", covered)  # an event, but none of ours


def test_codes_of_others_are_read_in_any_case_and_events_of_cameo_by_their_root(tmp_path: Path) -> None:
    acled = table(tmp_path / "acled.csv", [{"text": TEXT, "labels": "armed CLASH"}])
    assert read_labelled(acled, "acled")[0].types == ("armed_clash",)
    cameo = table(tmp_path / "cameo.csv", [{"text": TEXT, "labels": "0912"}])
    assert read_labelled(cameo, "cameo")[0].types == ("accusation",)


@pytest.mark.parametrize(
    ("codes", "code", "types"),
    [
        ("acled", "Other", ()),
        ("plover", "CONSULT", ("consultation",)),
        ("plover", "ACCUSE", ("accusation", "attribution")),
        ("cameo", "09", ("accusation",)),
        ("cameo", "03", ()),
    ],
)
def test_the_crosswalk_backwards(codes: str, code: str, types: tuple[str, ...]) -> None:
    assert types_of_codes(codes)[code] == types


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": "property_destuction"}, "field 'labels': unknown label 'property_destuction'; near: property_des"),
        ({"labels": "Arrests"}, "field 'labels': 'Arrests' is a label of the scheme 'acled'"),
        ({"labels": " ; "}, "field 'labels': is empty; write 'none'"),
        ({"labels": "accident; none"}, "field 'labels': 'none' beside a label"),
        ({"labels": "[accident]"}, "field 'labels': not valid JSON"),
        ({"labels": "AID"}, "field 'labels': 'AID' is a label of the scheme 'plover'"),
        ({"lang": "english"}, "field 'lang': unknown language 'english'"),
        ({"split": "training"}, "field 'split': expected train, dev, test or nothing, got 'training'"),
        ({"text": " "}, "field 'text' is empty"),
        ({"entities": "{}"}, "field 'entities': expected a list of spans"),
        ({"entities": '[{"start": 40, "end": 50, "label": "date"}]'}, "field 'entities': start 40 and end 50 are no"),
        ({"entities": '[{"start": 29, "end": 34, "label": "location"}]'}, "field 'entities': 'Orsk ' begins or ends"),
        ({"entities": '[{"start": 29, "end": 33, "label": "place"}]'}, "field 'entities': unknown label 'place'"),
        ({"entities": '[{"start": 29, "end": 33, "label": "location", "text": "Omsk"}]'}, "'Omsk' is not what stands"),
        (
            {"roles": '[{"start": 0, "end": 7, "label": "actor"}, {"start": 0, "end": 11, "label": "trigger"}]'},
            "field 'roles': 'Vandals' and 'Vandals cut' overlap",
        ),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_with_its_row(change: dict[str, str], message: str, tmp_path: Path) -> None:
    rows = [{"text": "The dam holds.", "labels": "none"}, {"text": TEXT, "labels": "property_destruction"} | change]
    path = table(tmp_path / "x.csv", rows)
    (problem,) = problems(path)
    assert problem.startswith(f"{path}:2: ")
    assert message in problem


def test_all_problems_are_listed_and_the_message_ends_after_twenty(tmp_path: Path) -> None:
    rows = [{"text": f"Text {n}", "labels": "floods", "lang": "xx"} for n in range(15)]
    path = table(tmp_path / "x.csv", rows)
    assert len(problems(path)) == 30
    with pytest.raises(OwnDataError, match="and 10 more problems"):
        read_labelled(path)


def test_contradictions_between_rows_are_found(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "x.jsonl",
        [
            {"id": 1, "text": TEXT, "labels": ["threat"], "split": "train"},
            {"id": 1, "text": "Other", "labels": [], "split": "train"},
            {"id": 2, "text": TEXT, "labels": ["accident"], "split": "train"},
            {"id": 3, "text": TEXT, "labels": ["threat"], "split": "dev"},
        ],
    )
    same_id, labels, split = problems(path)
    assert f"{path}:2: field 'id'" in same_id and f"{path}:1" in same_id
    assert f"{path}:3: field 'labels': the same text has other labels in {path}:1" in labels
    assert f"{path}:4: field 'split': dev, but the same text is in train ({path}:1)" in split


def test_files_that_are_none_are_named(tmp_path: Path) -> None:
    assert "no such file" in problems(tmp_path / "missing.csv")[0]
    (tmp_path / "x.txt").write_text("Some text.")
    assert "read as plain text, expected .csv" in problems(tmp_path / "x.txt")[0]
    assert (
        "no field 'labels' (fields: text, label)"
        in problems(table(tmp_path / "x.csv", [{"text": TEXT, "label": "threat"}]))[0]
    )


def test_our_example_is_read() -> None:
    parts = read_splits([ROOT / "data" / "examples" / "mine.csv"])
    assert len(parts["train"]) + len(parts["dev"]) == 60 and len(parts["dev"]) >= 5


def test_train_says_what_is_wrong_with_the_file_and_starts_nothing(tmp_path: Path) -> None:
    path = table(tmp_path / "x.csv", [{"text": TEXT, "labels": "vandalism"}])
    result = CliRunner().invoke(app, ["train", "mine", "--data", str(path), "-o", str(tmp_path / "run")])
    assert result.exit_code == 2
    assert f"{path}:1: field 'labels': unknown label 'vandalism'" in result.output
    assert not (tmp_path / "run").exists()


def test_sentences_of_ones_own_need_no_recipe_to_be_named(tmp_path: Path) -> None:
    path = table(tmp_path / "x.csv", [{"text": TEXT, "labels": "vandalism"}])
    result = CliRunner().invoke(app, ["train", "--init", "release", "--data", str(path), "-o", str(tmp_path / "run")])
    assert result.exit_code == 2
    assert f"{path}:1: field 'labels': unknown label 'vandalism'" in result.output
    result = CliRunner().invoke(app, ["train", "--init", "release"])
    assert result.exit_code == 2 and "no recipe: name one, or give --data FILE" in result.output


@pytest.fixture(scope="module")
def outages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A user's file and what `tocsin train` made of it: a run of a few steps from the release."""
    folder = tmp_path_factory.mktemp("outages")
    # A convention of the user's own: here a planned outage is a restriction, to the release it is nothing.
    places = ["Orsk", "Brenn", "Kaldor", "Mirow", "Tessen", "Varga"]
    rows = [
        {
            "text": f"The utility will shut the taps in {place} from {hour} o'clock.",
            "labels": "restriction",
            "lang": "en",
        }
        for place in places
        for hour in ("six", "nine")
    ]
    path = table(folder / "outages.csv", rows)
    recipe = folder / "few-steps.toml"
    recipe.write_text(
        f"""
        extends = "{ROOT / "train" / "recipes" / "mine"}"
        name = "few-steps"
        languages = ["en", "fr"]
        auxiliary_languages = []
        written_share = 0.05
        epochs = 1
        batch_size = 8
        sampling = {{ own = 40, written = 16 }}
        """,
        encoding="utf-8",
    )
    run = folder / "run"
    command = ["train", str(recipe), "--init", "release", "--data", str(path), "-o", str(run)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "before" in result.output and "after" in result.output
    return path, run


def test_own_labels_are_learned_from_the_release_and_the_layers_they_say_nothing_of_stay(
    outages: tuple[Path, Path], release: Pipeline, dev: list[LabelledSentence]
) -> None:
    from tocsin.model.export import load_trained
    from tocsin.model.torch_engine import torch_pipeline

    path, run = outages
    model, tokenizer = load_trained(run)
    stated = model.config.training
    assert set(stated["sources"]) == {"own", "written"} and stated["continues"]["recipe"]["name"] == "settled"
    after = torch_pipeline(model, tokenizer)
    new = [sentence for sentence in read_labelled(path) if "nine" in sentence.text]
    scores = [
        [(p.scores or {})["restriction"] for p in pipeline.predict_labelled(new, all_scores=True)]
        for pipeline in (release, after)
    ]
    assert all(b > 0.5 and b > a for a, b in zip(*scores))
    others = [sentence for sentence in dev if sentence.lang in ("en", "fr")][::10]
    kept = [pipeline.predict_labelled(others) for pipeline in (release, after)]
    spans = [{(p.id, s.start, s.end, s.label) for p in predicted for s in p.entities} for predicted in kept]
    assert len(spans[0] & spans[1]) > 0.8 * len(spans[0])


def test_from_a_users_file_to_a_release_of_their_own_and_its_report(
    outages: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tocsin(*arguments: object) -> None:
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert done.exit_code == 0, done.output

    path, run = outages
    own, results = tmp_path / "my-release", tmp_path / "results"
    # Thirty sentences of ours a file are soon read, but on so few the gate would go by chance.
    for part in [path for lang in ("en", "fr") for path in (CORPUS_DIR / lang).glob("*.txt")]:
        copy = tmp_path / "corpus" / part.relative_to(CORPUS_DIR)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("\n".join(part.read_text(encoding="utf-8").splitlines()[:30]) + "\n", encoding="utf-8")
    monkeypatch.setattr("tocsin.evaluate.gate.MAX_DROP", 1.0)
    monkeypatch.setattr("tocsin.evaluate.gate.MAX_DROP_LANGUAGE", 1.0)
    tocsin("export", run, "-o", own, "--corpus", tmp_path / "corpus")
    tocsin("benchmark", "run", "release", own, "--suite", path, "-o", results)
    tocsin("benchmark", "report", results, "-o", tmp_path / "report.html")
    released = f"tocsin-{read_config(RELEASED_DIR)['model_name']}"
    found = {result["system"]["name"]: result["suite"]["sentences"] for result in read_results(results)}
    assert found == {released: 12, "my-release": 12}
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "my-release" in page and "shut the taps in Kaldor" in page
    tocsin("predict", path, "--model", own, "-o", tmp_path / "out.jsonl")
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [record["model"] for record in records] == ["few-steps"] * 12
    # A few steps move a weight by less than a step of its 8 bits; what they taught is there all the same.
    taught = [s for s in read_labelled(path) if "restriction" in s.types]
    logits = []
    for folder in (RELEASED_DIR, own):
        pipeline = load_release(folder)
        pipeline = pipeline.with_settings(calibration=Calibration.identity(len(pipeline.settings.ontology.types)))
        logits.append([(p.scores or {})["restriction"] for p in pipeline.predict_labelled(taught, all_scores=True)])
    assert min(logits[1]) > 0.5 > max(logits[0]), logits
