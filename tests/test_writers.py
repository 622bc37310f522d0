"""What is written can be read back by others, whatever it holds."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from cheap import CheapModel

from tocsin.data import writers
from tocsin.data.records import Prediction
from tocsin.data.writers import json_line, make_writer
from tocsin.model.pipeline import Sentence


@pytest.fixture(scope="module")
def prediction() -> Prediction:
    return CheapModel().predict([Sentence("a", "a", 1, 0, 4, "fr", "Gao.", ((0, 4),))])[0]


def test_what_json_does_not_know_is_text() -> None:
    line = json_line({"x": [float("nan"), 1e999, 0.5], "y": "\ud800 z", "d": b"\xff"})
    row = json.loads(line.encode(), parse_constant=pytest.fail)
    assert row == {"x": ["nan", "inf", 0.5], "y": "\ud800 z", "d": "b'\\xff'"}


def test_csv_cells_keep_their_line_ends(prediction: Prediction, tmp_path: Path) -> None:
    texts = ["a\rb", "a\r\nb", "a\nb", '"a", b', "a\0b"]
    writer = make_writer(tmp_path / "a.csv")
    writer.open(0)
    for text in texts:
        writer.write(replace(prediction, text=text))
    writer.commit()
    writer.close()
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        assert [row["notes"] for row in csv.DictReader(file)] == texts


def test_csv_has_places_model_and_scores(prediction: Prediction, tmp_path: Path) -> None:
    writer = make_writer(tmp_path / "a.csv")
    writer.open(0)
    writer.write(replace(prediction, start=7, end=11, scores={"protest": 0.25}))
    writer.write(prediction)
    writer.commit()
    writer.close()
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert [first[name] for name in ("start", "end", "model")] == ["7", "11", prediction.model]
    assert json.loads(first["scores"]) == {"protest": 0.25}
    assert second["scores"] == ""


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.ZST", "a.gz"])
def test_a_name_of_a_compressed_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="is not written compressed"):
        make_writer(tmp_path / name).open(0)
    assert not list(tmp_path.iterdir())


def test_parquet_has_large_row_groups_whatever_the_commits(prediction: Prediction, tmp_path: Path) -> None:
    files = []
    for step in (700, 2500):
        writer = make_writer(tmp_path / f"{step}.parquet")
        writer.open(0)
        for number in range(10_000):
            writer.write(replace(prediction, id=str(number)))
            if number % step == 0:
                writer.commit()
        writer.commit()
        writer.finish()
        writer.clean()
        files.append(pq.ParquetFile(tmp_path / f"{step}.parquet"))
        assert files[-1].metadata.num_row_groups <= 3
    first, second = (file.read(columns=["id"]) for file in files)
    assert first == second and first.num_rows == 10_000


def test_parquet_parts_and_row_groups_of_long_texts_are_small(
    prediction: Prediction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "_PART_CHARACTERS", 1000)
    monkeypatch.setattr(writers, "_GROUP_BYTES", 10_000)
    writer = writers.ParquetWriter(tmp_path / "a.parquet")
    writer.open(0)
    for number in range(100):
        long = {"text": "x" * 500} if number % 2 else {"kept": {"x": "y" * 500}}
        writer.write(replace(prediction, id=str(number), **long))
    writer.commit()
    assert len(list(writer.parts.iterdir())) == 50
    writer.finish()
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert 4 <= file.metadata.num_row_groups <= 10
    assert file.read(columns=["id"]).column("id").to_pylist() == [str(number) for number in range(100)]
