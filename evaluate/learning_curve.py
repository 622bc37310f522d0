"""What more sentences bring: a recipe on growing shares of the written corpus, then with the real news added."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from tocsin.data.records import LabelledSentence
from tocsin.evaluate.report import FIGURES, percent
from tocsin.evaluate.scores import score
from tocsin.evaluate.thresholds import thresholds_from

SHARES = (0.125, 0.25, 0.5, 1.0)
REAL_NEWS = ["current_events_en", "ntrex", "wikinews_ner_fr"]
RESULTS = Path(__file__).resolve().parent / "results" / "learning-curve.json"
SUITES = {"written test": "written_test", "real-news dev": "real_news_dev"}

# A point: its name, and what it changes in the recipe. With real news there are more than twice as many sentences: half
# the epochs keep the number of steps about the same, so that what is measured is the sentences, not the training.
POINTS: list[tuple[str, dict[str, Any]]] = [
    *((f"written {share:g}", {"written_share": share, "real_news": [], "sampling": {}}) for share in SHARES),
    ("written 1 + real", {"written_share": 1.0, "real_news": REAL_NEWS, "sampling": {}, "epochs": 5}),
]


def score_run(
    run: Path, dev: Sequence[LabelledSentence], suites: Mapping[str, Sequence[LabelledSentence]]
) -> dict[str, Any]:
    """Suite -> figures of the trained model in ``run``, with the threshold that is best on ``dev``."""
    from tocsin.model.export import load_trained  # torch: who only draws the saved curve shall not need it
    from tocsin.model.torch_engine import torch_pipeline

    pipeline = torch_pipeline(*load_trained(run))
    pipeline = pipeline.with_settings(thresholds=thresholds_from(pipeline, dev))
    return {name: score(gold, pipeline.predict_labelled(gold)) for name, gold in suites.items()}


def learning_curve(
    train: Callable[[dict[str, Any], Path], tuple[int, Sequence[LabelledSentence]]],
    suites: Mapping[str, Sequence[LabelledSentence]],
    output: Path,
) -> dict[str, Any]:
    """Trains every point below ``output`` (a finished one is not repeated) and returns point -> results.

    ``train(changes, folder)`` trains the recipe with these changes and returns the number of its training sentences
    and its dev sentences; given from outside, because evaluation does not depend on training.
    """
    results: dict[str, Any] = {}
    for name, changes in POINTS:
        folder = output / name.replace(" ", "-")
        done = folder / "scores.json"
        if not done.exists():
            count, dev = train(changes, folder)
            scores = score_run(folder, dev, suites)
            done.write_text(json.dumps({"sentences": count} | changes | scores, indent=1) + "\n", encoding="utf-8")
        results[name] = json.loads(done.read_text(encoding="utf-8"))
    return results


def curve_table(results: Mapping[str, Any]) -> Table:
    """One row a point: training sentences and all figures on both suites, in percent."""
    table = Table(title="Learning curve", title_justify="left")
    table.add_column("trained on")
    table.add_column("sentences", justify="right")
    for row in curve_rows(results)[0][2:]:
        table.add_column(row, justify="right")
    for cells in curve_rows(results)[1:]:
        table.add_row(*cells)
    return table


def curve_rows(results: Mapping[str, Any]) -> list[list[str]]:
    """The table's cells, its header first."""
    header = ["trained on", "sentences", *(f"{suite}\n{figure}" for suite in SUITES for figure in FIGURES)]
    rows = [
        [
            name,
            str(point["sentences"]),
            *(percent(point[suite].get(key)) for suite in SUITES.values() for key in FIGURES.values()),
        ]
        for name, point in results.items()
    ]
    return [header, *rows]
