"""Pictures of results, as PNG (matplotlib)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tocsin.evaluate.learning_curve import SUITES


def heat_map(
    counts: Mapping[tuple[str, str], int], rows: Sequence[str], columns: Sequence[str], title: str, path: Path
) -> None:
    """Writes a table of counts (row, column) whose cells are shaded by their number."""
    values = np.array([[counts.get((row, column), 0) for column in columns] for row in rows])
    figure = Figure(figsize=(2.6 + 0.42 * len(columns), 1.2 + 0.22 * len(rows)), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    # A square root keeps the many small cells apart that a few large ones would make all pale.
    axes.imshow(np.sqrt(values), cmap="YlGnBu", aspect="auto")
    darkest = np.sqrt(values.max(initial=1))
    for (y, x), value in np.ndenumerate(values):
        colour = "white" if np.sqrt(value) > 0.6 * darkest else "black"
        axes.text(x, y, str(value), ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(len(columns)), columns, fontsize=8)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=10, loc="left")
    figure.savefig(path)


def curve_picture(results: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Writes the learning curve: figures against written training sentences, and what the real news adds."""
    figures = {"event micro-F1": "event_micro_f1", "entity F1": "entity_f1", "role F1": "role_f1"}
    picture = Figure(figsize=(9, 4), dpi=130, layout="constrained")
    written = [point for point in results.values() if not point["real_news"]]
    added = [point for point in results.values() if point["real_news"]]
    picture.supylabel("F1, percent", fontsize=9)
    for axes, (title, suite) in zip(picture.subplots(1, len(SUITES), sharey=True), SUITES.items()):
        for label, key in figures.items():
            x, y = [p["sentences"] for p in written], [100 * p[suite][key] for p in written]
            (line,) = axes.plot(x, y, marker="o", label=label)
            for point in added:
                # The way from all written sentences to the same with real news.
                place = [x[-1], point["sentences"]], [y[-1], 100 * point[suite][key]]
                axes.plot(*place, marker="D", markevery=[1], linestyle=":", color=line.get_color())
        axes.set_xscale("log", base=2)
        ticks = sorted({point["sentences"] for point in results.values()})
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], fontsize=8)
        axes.minorticks_off()
        axes.set_xlabel("training sentences (diamond: real news added)", fontsize=9)
        axes.set_title(f"scored on {title}", fontsize=10, loc="left")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    picture.savefig(path)


def reliability_picture(calibration: Mapping[str, Any], path: Path) -> None:
    """Writes a reliability diagram of :func:`tocsin.evaluate.calibration.calibration_figures`."""
    bins = calibration["reliability"]
    picture = Figure(figsize=(5, 4.6), dpi=130, layout="constrained")
    axes = picture.add_subplot()
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="perfect")
    axes.plot([b["confidence"] for b in bins], [b["frequency"] for b in bins], marker="o", label="most probable type")
    axes.set_xlabel(f"probability that the model states ({len(bins)} equally full bins)", fontsize=9)
    axes.set_ylabel("share of these sentences that have the type", fontsize=9)
    axes.set_title(f"Real-news test: calibration error {calibration['ece_top']:.3f}", fontsize=10, loc="left")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    picture.savefig(path)


def memory_picture(figures: Mapping[str, Any], path: Path) -> None:
    """Writes the memory of a long job over time (:func:`tocsin.evaluate.endurance.run_job`)."""
    picture = Figure(figsize=(8, 3.4), dpi=130, layout="constrained")
    axes = picture.add_subplot()
    minutes, held = zip(*((seconds / 60, megabytes) for seconds, megabytes in figures["memory"]))
    axes.plot(minutes, held, label="held")
    peak = figures["peak_megabytes"]
    axes.axhline(peak, linestyle=":", color="grey", label=f"peak {peak:.0f} MB")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("minutes", fontsize=9)
    axes.set_ylabel("memory, MB", fontsize=9)
    title = f"tocsin predict over {figures['records']:,} records, {figures['records_per_second']:g} a second"
    if "tokens_per_record" in figures:
        title += f", {figures['tokens_per_record']:g} tokens each"
    axes.set_title(title, fontsize=10, loc="left")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    picture.savefig(path)
