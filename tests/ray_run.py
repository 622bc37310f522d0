"""A job on a local Ray cluster of two machines, one of which is lost in the middle, beside the same job run locally.

``python tests/ray_run.py evaluate/results/ray.md`` runs it and writes the page.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tocsin import ray_engine
from tocsin.data.corpus import load_split
from tocsin.job import Totals, side_file
from tocsin.model.runtime import load_release
from tocsin.ray_engine import RayJob

ROWS = 280
CHARACTERS = 2000  # of a part here: small, so that there are many
LOCAL = ["predict", "in", "--keep", "--all-scores", "-o", "local.parquet"]


def write_inputs(folder: Path) -> int:
    """Real sentences as a folder of four files of several formats, two of one name; every ninth row is broken.
    Returns the number of rows."""
    rows: list[dict[str, Any]] = [
        {"id": s.id, "text": s.text if i % 9 else "", "day": f"2026-01-{i % 28 + 1:02}", "place": {"x": i}}
        for i, s in enumerate([s for s in load_split("dev") if s.lang in ("fr", "en", "zh", "ar", "es")][:ROWS])
    ]
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows[:100]]
    (folder / "a" / "news.jsonl").write_text("".join(lines) + "{broken\n", encoding="utf-8")
    unnamed = [{key: row[key] for key in ("text", "day")} for row in rows[100:]]
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in unnamed[:60]]
    (folder / "b" / "news.jsonl").write_text("".join(lines), encoding="utf-8")  # known by their place in the file
    table = io.StringIO()
    writer = csv.DictWriter(table, ["text", "day"])
    writer.writeheader()
    writer.writerows(unnamed[60:120])
    (folder / "c.csv.gz").write_bytes(gzip.compress(table.getvalue().encode()))
    pq.write_table(pa.Table.from_pylist(unnamed[120:]), folder / "d.parquet")
    return len(rows) + 1


@contextmanager
def two_machines() -> Iterator[Any]:
    """A Ray cluster of two nodes of one CPU, which this process is connected to; gives the one that can be lost."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    # A lost machine is noticed in seconds; by default in a minute or so.
    health = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 1000, "health_check_failure_threshold": 4}
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "no_monitor": True, "_system_config": health},
    )
    second = cluster.add_node(num_cpus=1)
    second.lose = lambda: cluster.remove_node(second, allow_graceful=False)  # SIGKILL to all its processes
    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        yield second
    finally:
        ray.shutdown()
        cluster.shutdown()


@dataclass
class RayRun:
    """What happened. ``before``, ``after``: parts by node until the loss and from then on; ``orphans``: parts that
    the lost node had begun and that were written all the same."""

    rows: int
    totals: Totals
    lost: str
    before: Counter[str]
    after: Counter[str]
    orphans: set[str]
    log: list[str]


def run(folder: Path, second: Any) -> RayRun:
    """Predicts ``folder/in`` locally and on the cluster into ``folder/out``; ``second`` is lost while it works."""
    rows = write_inputs(folder / "in")
    subprocess.run([sys.executable, "-m", "tocsin", *LOCAL], cwd=folder, stderr=subprocess.DEVNULL, check=False)
    settings = load_release().settings
    reading = {"format": None, "text_field": "text", "id_field": None, "keep": True, "whole": False}
    job = RayJob(None, settings.fingerprint, settings.thresholds, 1, True, reading, "sentence", None, True)
    out, begun = folder / "out", time.monotonic()
    log: list[str] = []
    result = RayRun(rows, Totals(), "", Counter(), Counter(), set(), log)
    for part in ray_engine.predict_files(["in"], out, job):
        result.totals.include(part.totals)
        (result.after if result.lost else result.before)[part.node] += 1
        if not result.lost and len(result.before) == 2:
            # Each actor has one part in hand: two unfinished files, so the node is lost in the middle of a part.
            while len(list(out.glob(".*"))) < 2:
                assert time.monotonic() < begun + 300, "the cluster stands still"
            second.lose()
            result.lost = second.node_id
            log.append(f"{len(list(out.glob('[0-9]*')))} parts written, the second machine is killed with its workers")
        if result.lost:
            begun_twice = {path.name.split(".")[1][:13] for path in out.glob(".*")}
            result.orphans |= {name for name in begun_twice if (out / f"{name}.parquet").exists()}
    log.append(f"{len(list(out.glob('*.parquet')))} parts at the end")
    return result


def read_both(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The records of the local engine and those of the cluster, each in the order they are written in."""
    parts = sorted((folder / "out").iterdir())
    return (
        pq.read_table(folder / "local.parquet").to_pylist(),
        [row for part in parts for row in pq.ParquetFile(part).read().to_pylist()],
    )


def difference(a: Any, b: Any) -> float:
    """The largest difference between two scores of two records that are else the same; infinite if they are not."""
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b)
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return max((difference(a[key], b[key]) for key in a), default=0.0)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        return max((difference(x, y) for x, y in zip(a, b, strict=True)), default=0.0)
    return 0.0 if a == b else float("inf")


def page(folder: Path, result: RayRun) -> str:
    """The run as Markdown."""
    import ray

    local, clustered = read_both(folder)
    differences = np.array([difference(a, b) for a, b in zip(local, clustered, strict=True)])
    sides = [side_file(folder / name).read_bytes() for name in ("local.parquet", "out")]
    nodes = {node: "second (killed)" if node == result.lost else "first" for node in result.before | result.after}
    table = [
        f"| {nodes[node]} | {result.before[node]} | {result.after[node]} |"
        for node in sorted(nodes, key=lambda node: nodes[node])
    ]
    return "\n".join([
        "# A job on a Ray cluster that loses a machine",
        "",
        "Written by `python tests/ray_run.py evaluate/results/ray.md`, which makes the inputs, runs both engines and",
        f"kills the machine. Ray {ray.__version__}, Python {platform.python_version()}; two Ray nodes of one CPU each,",
        "both on one computer. Parts are made small for this run, so that there are many.",
        "",
        "```sh",
        f"tocsin {' '.join(LOCAL)}",
        "tocsin predict in --keep --all-scores --engine ray -o out",
        "```",
        "",
        f"- inputs: {result.rows} rows in 4 files (two JSONL of one name, CSV with gzip, Parquet), every ninth broken",
        *(f"- {line}" for line in result.log),
        f"- begun by the killed machine, run again by the other: {', '.join(sorted(result.orphans)) or 'none'}",
        "",
        "| machine | parts read back before the loss | after it |",
        "| --- | ---: | ---: |",
        *table,
        "",
        "| | local engine | Ray |",
        "| --- | ---: | ---: |",
        f"| records | {len(local)} | {len(clustered)} |",
        f"| different ids | {len({r['id'] for r in local})} | {len({r['id'] for r in clustered})} |",
        f"| error rows | {sides[0].count(b'{')} | {sides[1].count(b'{')} |",
        "",
        f"Ids in the same order: {[r['id'] for r in local] == [r['id'] for r in clustered]}. Error rows the same, byte "
        f"for byte: {sides[0] == sides[1]}.",
        f"Records that are the same in all fields: {(differences == 0).sum()} of {len(differences)}; the largest "
        f"difference of a score in the others: {differences.max():.4f}.",
        f"Inputs that the summary counts: {result.totals.inputs} = {result.totals.documents} with records + "
        f"{result.totals.errors} error rows.",
        "",
    ])  # fmt: skip


def main() -> None:
    ray_engine.PART_CHARACTERS = CHARACTERS
    with tempfile.TemporaryDirectory() as name, two_machines() as second:
        os.chdir(name)
        written = page(Path(name), run(Path(name), second))
    Path(sys.argv[1]).write_text(written, encoding="utf-8")


if __name__ == "__main__":
    sys.argv[1] = str(Path(sys.argv[1]).resolve())
    main()
