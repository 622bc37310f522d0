"""The pages in a real browser: what they show, filter and sort, in every script, and that no text can break them."""

from __future__ import annotations

import gzip
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from tocsin.cli import app
from tocsin.data.corpus import load_split
from tocsin.data.ontology import Ontology
from tocsin.data.records import LabelledSentence
from tocsin.data.writers import PARQUET_SCHEMA
from tocsin.evaluate.benchmark_page import benchmark_page
from tocsin.evaluate.leaderboard import read_results
from tocsin.evaluate.result_file import ResultError
from tocsin.page_view import PredictionsError, read_predictions, view_page

# Set where a browser must be there (by .ci/run): what would be skipped without one fails.
NEEDS_CHROMIUM = "TOCSIN_NEEDS_CHROMIUM" in os.environ
_SYNC = "playwright.sync_api"
sync_api: Any = importlib.import_module(_SYNC) if NEEDS_CHROMIUM else pytest.importorskip(_SYNC)
Page = Any  # playwright's, which is typed, but may be missing

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(CHROMIUM is None and not NEEDS_CHROMIUM, reason="no Chromium is installed")
ARTICLE = Path(__file__).resolve().parents[1] / "data" / "examples" / "port.fr.txt"
SWITCHES = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
HOSTILE = "</script><script>window.broken=1</script><img src=x onerror='window.broken=2'> <!-- {title} & ]]> \u2028 end"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    assert CHROMIUM, "TOCSIN_NEEDS_CHROMIUM is set, but no Chromium is installed"
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield chromium
        chromium.close()


class Opened:
    """A page opened from disk; it must neither complain nor ask for anything else."""

    def __init__(self, browser: Any, file: Path, **context: Any):
        self.context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}} | context)
        self.context.set_default_timeout(120_000)  # a busy machine is no failure
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.address = file.as_uri()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())

    def __enter__(self) -> Page:
        return self.page

    def __exit__(self, *_: object) -> None:
        self.context.close()
        assert self.complaints == []
        assert {request.split("#")[0] for request in self.requests} == {self.address}


def record(id: str, text: str, lang: str = "en", **layers: Any) -> dict[str, Any]:
    spans = {
        layer: [
            {"start": text.index(mention), "end": text.index(mention) + len(mention), "label": label, "text": mention}
            for mention, label in layers.get(layer, ())
        ]
        for layer in ("entities", "roles")
    }
    events = [{"type": name, "score": score} for name, score in layers.get("events", ())]
    return {"id": id, "doc_id": id, "lang": lang, "text": text, "events": events, **spans}


def labelled(sentence: LabelledSentence, id: str | None = None) -> dict[str, Any]:
    """A labelled sentence as a prediction of its own labels, the first with 0.9, others with 0.4."""
    entry = sentence.to_dict()
    events = [{"type": name, "score": 0.4 if i else 0.9} for i, name in enumerate(entry["types"])]
    return entry | {"id": id or entry["id"], "doc_id": id or entry["id"], "events": events}


@pytest.fixture(scope="module")
def sentences() -> list[LabelledSentence]:
    """Ten of each language."""
    test = load_split("test")
    return [s for lang in sorted({s.lang for s in test}) for s in [s for s in test if s.lang == lang][:10]]


def viewed(folder: Path, records: list[dict[str, Any]], ontology: Ontology, title: str = "Test") -> Path:
    path = folder / "view.html"
    path.write_text(view_page(records, title, ontology), encoding="utf-8")
    return path


# Text of a node without the labels that stand in it.
WITHOUT_LABELS = """node => {
    const copy = node.cloneNode(true);
    copy.querySelectorAll(".label").forEach(label => label.remove());
    return copy.textContent;
}"""
# [layer, label, marked text] of each mark, in order; marks in pieces are joined.
MARKS = """node => [...node.querySelectorAll(".entity, .role")].map(
    mark => [mark.className.split(" ")[0], mark.className.split(" ")[1], mark.textContent])"""


@needs_browser
def test_texts_of_all_languages_are_shown_whole_with_their_mentions(
    browser: Any, tmp_path: Path, ontology: Ontology, sentences: list[LabelledSentence]
) -> None:
    with Opened(browser, viewed(tmp_path, [labelled(s) for s in sentences], ontology)) as page:
        seen = []
        while True:  # page by page
            look = f"p => [({WITHOUT_LABELS})(p), getComputedStyle(p).direction, ({MARKS})(p)]"
            seen += page.evaluate(f"() => [...document.querySelectorAll('.text')].map({look})")
            following = page.get_by_role("button", name="Next")
            if following.is_disabled():
                break
            following.click()
    assert [text for text, _, _ in seen] == [s.text for s in sentences]
    for sentence, (_, direction, marks) in zip(sentences, seen, strict=True):
        for layer, spans in (("entity", sentence.entities), ("role", sentence.roles)):
            whole = "".join(text for kind, _, text in marks if kind == layer)
            assert whole == "".join(span.text for span in sorted(spans, key=lambda span: span.start)), sentence.id
        if sentence.lang in ("ar", "fa") and not sentence.text[0].isascii():
            assert direction == "rtl"
        if sentence.lang in ("fr", "zh", "hi"):
            assert direction == "ltr"


@needs_browser
def test_offsets_are_code_points(browser: Any, tmp_path: Path, ontology: Ontology) -> None:
    text = "🚀🚀 👩‍🚒 rescued 👨‍👩‍👧 near 𝒢ao 🇫🇷."
    entry = record("1", text, entities=[("𝒢ao", "location")], roles=[("👩‍🚒", "actor"), ("👨‍👩‍👧", "target")])
    with Opened(browser, viewed(tmp_path, [entry], ontology)) as page:
        assert page.locator(".text").evaluate(WITHOUT_LABELS) == text
        assert page.locator(".text").evaluate(MARKS) == [
            ["role", "actor", "👩‍🚒"], ["role", "target", "👨‍👩‍👧"], ["entity", "location", "𝒢ao"],
        ]  # fmt: skip


@needs_browser
def test_nested_and_overlapping_spans_all_have_their_mark_and_label(
    browser: Any, tmp_path: Path, ontology: Ontology
) -> None:
    entry = record(
        "1",
        "The Gao city police arrested two men",
        entities=[("Gao city", "location"), ("Gao city police", "organization")],
        roles=[("city police arrested", "trigger"), ("The Gao city police", "actor")],
    )
    with Opened(browser, viewed(tmp_path, [entry], ontology)) as page:
        text = page.locator(".text")
        assert text.evaluate(WITHOUT_LABELS) == entry["text"]
        assert sorted(text.locator(".label").all_text_contents()) == ["actor", "location", "organization", "trigger"]
        for span in [*entry["entities"], *entry["roles"]]:
            assert "".join(text.locator(f".{span['label']}:not(.label)").all_text_contents()) == span["text"]
        labels = text.locator(".label:visible")
        assert labels.count() == 4
        page.get_by_label("Roles").uncheck()
        assert sorted(labels.all_text_contents()) == ["location", "organization"]
        page.get_by_label("Entities").uncheck()
        assert labels.count() == 0


@needs_browser
def test_marks_neither_part_joined_letters_nor_change_their_shapes(
    browser: Any, tmp_path: Path, ontology: Ontology
) -> None:
    text = "وانسحبت القوات من المدينة بالدبابات"
    entry = record("1", text, "ar", entities=[("دباب", "vehicle")], roles=[("انسحب", "trigger"), ("قوات", "actor")])
    with Opened(browser, viewed(tmp_path, [entry], ontology)) as page:
        # The label of a span that ends within a word waits for the word's end.
        paragraph = page.locator(".text")
        parts = paragraph.evaluate(
            "p => [...p.childNodes].map(n => n.className?.includes('label') ? '|' : n.textContent)"
        )
        assert "".join(parts) == "وانسحبت| القوات| من المدينة بالدبابات|"
        widths = paragraph.evaluate("""p => {
            p.querySelectorAll(".label").forEach(label => label.remove());
            const plain = p.cloneNode();
            plain.append(p.textContent);
            p.after(plain);
            return [p, plain].map(node => {
                node.style.width = "max-content";
                return node.getBoundingClientRect().width;
            });
        }""")
        assert widths[0] == pytest.approx(widths[1], abs=0.1)


@needs_browser
def test_hostile_text_is_only_text(browser: Any, tmp_path: Path, ontology: Ontology) -> None:
    entry = record(HOSTILE, HOSTILE, HOSTILE, events=[(HOSTILE, 0.9)], entities=[("<script>", HOSTILE)])
    entry |= {"doc_id": HOSTILE, "model": HOSTILE, "lang_tested": False}
    entry["events"][0]["group"] = HOSTILE
    with Opened(browser, viewed(tmp_path, [entry, entry], ontology, title=HOSTILE)) as page:
        assert page.locator(".text").first.evaluate(WITHOUT_LABELS) == HOSTILE
        assert page.evaluate("document.querySelector('title').textContent") == HOSTILE
        assert page.locator("h1").text_content() == HOSTILE
        assert page.evaluate("window.broken === undefined && !document.images.length && document.scripts.length === 2")
        page.locator(".record .meta a").first.click()
        assert page.locator(".record.linked").count() == 1


@needs_browser
def test_filters_and_counts(
    browser: Any, tmp_path: Path, ontology: Ontology, sentences: list[LabelledSentence]
) -> None:
    def headline() -> list[str]:
        texts: list[str] = page.locator("#headline dd").all_text_contents()
        return texts

    with Opened(browser, viewed(tmp_path, [labelled(s) for s in sentences], ontology)) as page:
        events = [s for s in sentences if s.types]
        assert headline()[:2] == [str(len(sentences)), str(len(events))]
        assert headline()[4] == "16"
        name = events[0].types[0]
        page.select_option("#type", name)
        having = [s for s in sentences if name in s.types]
        assert headline()[0] == str(len(having))
        assert page.locator("#records-title").text_content() == f"{len(having)} of {len(sentences)} records"
        page.select_option("#lang", having[0].lang)
        shown = [s.id for s in having if s.lang == having[0].lang]
        assert page.locator(".record .meta a").all_text_contents() == shown
        page.get_by_role("button", name="Clear filters").click()
        assert headline()[0] == str(len(sentences))
        page.fill("#score", "50")  # only first types have more
        assert headline()[1] == str(len(events))
        assert page.locator("#score-shown").text_content() == "50 %"
        assert page.locator(".record .chips").first.locator("li").count() == 1
        page.get_by_role("button", name="Clear filters").click()
        page.fill("#words", sentences[37].text[3:20].upper())
        page.locator("#records-title").filter(has_text="1 of ").wait_for()
        assert page.locator(".record .meta a").all_text_contents() == [sentences[37].id]
        page.get_by_role("button", name="Clear filters").click()
        place = page.locator("#by-place .bar").first
        number = place.locator(".number").text_content()
        place.press("Enter")
        assert headline()[0] == number
        assert page.locator("#by-place [aria-pressed=true]").evaluate("bar => bar === document.activeElement")
        page.locator("#chosen button").click()
        assert headline()[0] == str(len(sentences))


@needs_browser
def test_a_link_leads_to_its_record(browser: Any, tmp_path: Path, ontology: Ontology) -> None:
    records = [record(f"a/b {n}#é%", f"Sentence {n}.") for n in range(140)]
    with Opened(browser, viewed(tmp_path, records, ontology)) as page:
        page.select_option("#type", "any")  # nothing is left of it
        assert page.locator(".record").count() == 0
        page.evaluate("location.hash = encodeURIComponent('a/b 123#é%')")
        page.locator(".record.linked").wait_for()
        assert page.evaluate("document.activeElement.querySelector('.text').textContent") == "Sentence 123."
        link = page.locator(".record.linked a").get_attribute("href")
        page.goto(page.url.split("#")[0] + link)
        page.reload()
        assert page.locator(".record.linked .text").text_content() == "Sentence 123."


@needs_browser
def test_ten_thousand_records(browser: Any, tmp_path: Path, ontology: Ontology) -> None:
    train = load_split("train")
    records = [labelled(train[n % len(train)], id=f"r{n}") for n in range(10_000)]
    with Opened(browser, viewed(tmp_path, records, ontology)) as page:
        assert page.locator("#records-title").text_content() == "10,000 records"
        assert page.locator(".record").count() == 50
        page.select_option("#lang", "fa")
        page.get_by_role("button", name="Next").click()
        assert page.locator(".record .meta").first.text_content().startswith("Persian")


# Contrast (WCAG 2.2) of all texts that have a colour of their own against what is behind them.
LOW_CONTRAST = """() => {
    const rgb = colour => colour.match(/[\\d.]+/g).map(Number);
    const luminance = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
    const behind = node => {
        for (; node; node = node.parentElement) {
            const colour = getComputedStyle(node).backgroundColor;
            if (/^rgb\\(/.test(colour)) return rgb(colour);
        }
    };
    const low = [];
    const texts = "h1, p, li, th, dt, dd, label, button, summary, .chip, .label, .entity, .name, .meta";
    for (const node of document.querySelectorAll(texts)) {
        if (!node.checkVisibility() || node.disabled) continue;
        const [a, b] = [luminance(rgb(getComputedStyle(node).color)), luminance(behind(node))];
        const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (contrast < 4.5) low.push([node.className, node.textContent.slice(0, 20), contrast]);
    }
    return low;
}"""


def write_results(folder: Path, sentences: list[LabelledSentence], hostile: str = "") -> Path:
    """Three systems: one that is right, one that finds nothing, one that has only types and no speed."""
    folder.mkdir()
    for name, layers, micro_f1, speed in (
        ("right", ["types", "entities", "roles"], 1.0, 80.0),
        ("silent", ["types", "entities", "roles"], 0.0, 900.0),
        ("types-only", ["types"], 1.0, None),
    ):
        languages = dict.fromkeys(sorted({s.lang for s in sentences}), 1)
        cells = {
            s.types[0]: {"precision": 1.0, "recall": 0.5, "f1": micro_f1, "support": 1} for s in sentences if s.types
        }
        figures: dict[str, Any] = {"event_micro_f1": micro_f1, "event_macro_f1": micro_f1, "primary_accuracy": micro_f1}
        figures["per_language"] = {lang: figures.copy() for lang in languages}
        result = {
            "format": 1,
            "system": {"name": name + hostile.replace("/", ""), "kind": "peer", "revision": "1", "layers": layers},
            "suite": {"name": "own", "revision": "a", "sentences": len(sentences), "languages": languages,
                      "layers": ["types", "entities", "roles"]},
            "figures": figures | {"per_type": cells} | ({} if speed is None else {"entity_f1": micro_f1}),
            "intervals": {"event_micro_f1": [max(micro_f1 - 0.1, 0), micro_f1]},
            "calibration": None if name == "silent" else {
                "ece_top": 0.05, "reliability": [{"confidence": 0.2, "frequency": 0.3, "share": 0.5},
                                                 {"confidence": 0.9, "frequency": 0.8, "share": 0.5}]},
            "per_language_per_type": dict.fromkeys(languages, cells),
            "cost": {"sentences_per_second": speed, "peak_megabytes": 300, "megabytes": 48.8, "cores": 2},
            "environment": {"date": "2026-11-23"},
        }  # fmt: skip
        stem = result["system"]["name"] + "@own"  # type: ignore[index]
        (folder / f"{stem}.json").write_text(json.dumps(result), encoding="utf-8")
        with (folder / f"{stem}.predictions.jsonl").open("w", encoding="utf-8") as file:
            for sentence in sentences:
                gold = sentence.to_dict()
                found = [{"type": kind, "score": 0.8} for kind in sentence.types] if name != "silent" else []
                spans = {layer: gold[layer] if name == "right" else [] for layer in ("entities", "roles")}
                line = {key: gold[key] for key in ("id", "lang", "text")} | {
                    "text": gold["text"] + hostile,
                    "gold": {layer: gold[layer] for layer in ("types", "entities", "roles")},
                    "predicted": {"types": found, **spans},
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return folder


def reported(folder: Path, results: Path, ontology: Ontology) -> Path:
    path = folder / "benchmark.html"
    path.write_text(benchmark_page(read_results(results), results, ontology), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory, ontology: Ontology, sentences: list[LabelledSentence]) -> Path:
    folder = tmp_path_factory.mktemp("benchmark")
    return reported(folder, write_results(folder / "results", sentences), ontology)


@needs_browser
def test_the_leaderboard_sorts(browser: Any, benchmark: Path) -> None:
    with Opened(browser, benchmark) as page:

        def order() -> list[str]:
            names: list[str] = page.locator("#board tbody th").all_text_contents()
            return names

        speed = page.get_by_role("columnheader", name="sentences/s")
        speed.get_by_role("button").click()
        assert order() == ["silent", "right", "types-only"]  # the fastest first, what was not measured last
        assert speed.get_attribute("aria-sort") == "descending"
        page.keyboard.press("Enter")  # the focus stayed
        assert order() == ["right", "silent", "types-only"]
        assert speed.get_attribute("aria-sort") == "ascending"
        page.get_by_role("columnheader", name="System").get_by_role("button").click()
        assert order() == ["right", "silent", "types-only"]
        assert page.locator("[aria-sort=ascending], [aria-sort=descending]").count() == 1
        assert page.locator("#board tbody tr").first.locator("td").first.text_content() == "100.090.0–100.0"


@needs_browser
def test_plots_and_heat_maps_hold_every_measured_figure(
    browser: Any, benchmark: Path, sentences: list[LabelledSentence]
) -> None:
    with Opened(browser, benchmark) as page:
        assert page.locator("#speed svg").get_attribute("aria-label").endswith(
            "right 100.0 at 80 sentences a second; silent 0.0 at 900 sentences a second"
        )  # fmt: skip
        assert "1 system without" in page.locator("#speed-note").text_content()
        assert page.locator("#reliability svg").count() == 2
        assert page.locator("#languages tbody tr").count() == 16
        page.select_option("#language-figure", "entity_f1")
        assert set(page.locator("#languages tbody td:not(.support)").all_text_contents()) == {"–"}
        types = {s.types[0] for s in sentences if s.types}
        assert page.locator("#types tbody tr:not(.group)").count() == len(types)
        page.select_option("#type-figure", "recall")
        assert set(page.locator("#types tbody td:not(.support)").all_text_contents()) == {"50.0"}
        page.select_option("#type-columns", label="Languages, right")
        assert page.locator("#types tbody tr:not(.group)").first.locator("td:not(.support)").count() == 16


@needs_browser
def test_errors_are_found_by_kind_type_language_and_words(
    browser: Any, benchmark: Path, sentences: list[LabelledSentence]
) -> None:
    with Opened(browser, benchmark) as page:

        def choose(system: str, kind: str) -> str:
            page.select_option("#system", label=system)
            page.select_option("#kind", kind)
            return str(page.locator("#shown").text_content())

        assert choose("right", "any") == f"0 of {len(sentences)} sentences"
        assert choose("right", "none") == f"{len(sentences)} of {len(sentences)} sentences"
        assert choose("types-only", "any").startswith("0 of")  # no error in layers that it does not predict
        events = [s for s in sentences if s.types]
        assert choose("silent", "type missed").startswith(f"{len(events)} of")
        first = page.locator(".sentence").first
        assert "Arabic" in first.locator(".meta").text_content()
        gold, predicted = first.locator(".sides > div").all()
        assert gold.locator(".chip").first.text_content().endswith("✗ missed")
        assert gold.locator(".label.bad").count() == len(events[0].entities) + len(events[0].roles)
        assert predicted.locator(".chip, .label").count() == 0
        page.select_option("#lang", "zh")
        page.select_option("#type", events[-1].types[0])
        wanted = [s for s in events if s.lang == "zh" and events[-1].types[0] in s.types]
        assert page.locator("#shown").text_content().startswith(f"{len(wanted)} of")
        page.get_by_role("button", name="Clear filters").click()
        page.fill("#words", sentences[5].text[:25])
        page.locator("#shown").filter(has_text="1 of ").wait_for()


@needs_browser
def test_hostile_results_are_only_text(
    browser: Any, tmp_path: Path, ontology: Ontology, sentences: list[LabelledSentence]
) -> None:
    results = write_results(tmp_path / "results", sentences[:3], hostile="<img src=x onerror=window.broken=1></script>")
    with Opened(browser, reported(tmp_path, results, ontology)) as page:
        assert page.evaluate("window.broken === undefined && !document.images.length && document.scripts.length === 2")
        page.select_option("#kind", "")
        assert page.locator(".sentence .text").first.evaluate(WITHOUT_LABELS).endswith("</script>")


@needs_browser
@pytest.mark.parametrize("which", ["view", "benchmark"])
def test_themes_phones_and_print(
    which: str, browser: Any, tmp_path: Path, benchmark: Path, ontology: Ontology, sentences: list[LabelledSentence]
) -> None:
    records = [record("a" * 200, "b" * 500), *map(labelled, sentences)]
    file = benchmark if which == "benchmark" else viewed(tmp_path, records, ontology)
    background = "getComputedStyle(document.body).backgroundColor"
    with Opened(browser, file, color_scheme="dark") as page:
        dark = page.evaluate(background)
        assert page.evaluate(LOW_CONTRAST) == []
        page.get_by_role("button", name="Light mode").click()
        light = page.evaluate(background)
        assert light != dark
        assert page.evaluate(LOW_CONTRAST) == []
        page.get_by_role("button", name="Dark mode").click()
        assert page.evaluate(background) == dark
        page.emulate_media(media="print")
        assert page.evaluate(background) == "rgb(255, 255, 255)"
        assert not page.locator("#theme").is_visible()
    with Opened(browser, file, viewport={"width": 360, "height": 740}) as page:
        assert page.evaluate(background) == light
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_a_page_of_an_article_and_of_its_predictions(tmp_path: Path, ontology: Ontology) -> None:
    def tocsin(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tocsin", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert tocsin("view", ARTICLE, "-o", tmp_path / "article.html").returncode == 0
    assert tocsin("predict", ARTICLE, "-o", tmp_path / "out.jsonl").returncode == 0
    records = list(read_predictions(tmp_path / "out.jsonl"))
    assert (tmp_path / "article.html").read_text(encoding="utf-8") == view_page(records, ARTICLE.name, ontology)
    rows = [record | {"scores": None, "input": None} for record in records]
    pq.write_table(pa.Table.from_pylist(rows, PARQUET_SCHEMA), tmp_path / "out.parquet")
    assert view_page(read_predictions(tmp_path / "out.parquet"), "", ontology) == view_page(records, "", ontology)
    done = tocsin("view", tmp_path / "none.jsonl", "-o", tmp_path / "out.html")
    assert (done.returncode, "none.jsonl: not a file" in done.stderr) == (1, True)
    # More than a reader takes of a text at once.
    sentence, count = "Un drone a frappé le port de Sfax mardi.", 2000
    (tmp_path / "long.txt").write_text(" ".join([sentence] * count), encoding="utf-8")
    done = tocsin("view", tmp_path / "long.txt", "-o", tmp_path / "long.html")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "long.html").read_text(encoding="utf-8").count(sentence) == count


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": None}, ":2, field 'text': expected a string"),
        ({"events": [{"type": "aid"}]}, ":2, field 'events': expected a type and its score"),
        ({"events": [{"type": "aid", "score": float("nan")}]}, "expected a type and its score from 0 to 1, got .*nan"),
        ({"events": [{"type": "aid", "score": 1.5}]}, "expected a type and its score from 0 to 1"),
        ({"events": [{"type": "aid", "score": 1, "group": 7}]}, "field 'events': expected a group's name, got 7"),
        ({"model": 1.1}, "field 'model': expected a string, got 1.1"),
        ({"entities": [{"start": 0, "end": 2, "label": "person", "text": "no"}]}, r"text\[0:2\] is 'Un', not 'no'"),
        ({"roles": [{"start": 1, "end": 1, "label": "actor", "text": ""}]}, ":2, field 'roles': not a span"),
        ({"roles": [[0, 1]]}, ":2, field 'roles': expected start, end, label and text"),
    ],
)
def test_records_that_are_no_predictions_are_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "out.jsonl"
    good = record("1", "Un drone.")
    path.write_text("\n".join(map(json.dumps, (good, good | change))))
    with pytest.raises(PredictionsError, match=message):
        list(read_predictions(path))


def test_predictions_are_known_by_their_suffix_in_any_case_compressed_or_in_parts(
    tmp_path: Path, ontology: Ontology
) -> None:
    records = [record(str(number), f"Le drone numéro {number}.", "fr", events=[("aid", 0.5)]) for number in range(4)]
    lines = "\ufeff" + "\n\n".join(map(json.dumps, records)) + "\n\n"  # blank lines are no records
    (tmp_path / "P.JSONL").write_text(lines, encoding="utf-8")
    (tmp_path / "p.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "p.ndjson.ZST").write_bytes(pa.compress(lines.encode(), "zstd", asbytes=True))
    rows = [entry | {"scores": None, "input": None} for entry in records]
    parts = tmp_path / "parts"
    parts.mkdir()
    for number in (1, 0):  # the order of their names counts
        two = rows[2 * number : 2 * number + 2]
        pq.write_table(pa.Table.from_pylist(two, PARQUET_SCHEMA), parts / f"000000-00000{number}.parquet")
    (parts / ".unfinished.parquet").touch()
    packed = gzip.compress((parts / "000000-000000.parquet").read_bytes())
    (tmp_path / "half.Parquet.gz").write_bytes(packed)
    for name, expected in (
        ("P.JSONL", records), ("p.jsonl.gz", records), ("p.ndjson.ZST", records), ("parts", records),
        ("half.Parquet.gz", records[:2]),
    ):  # fmt: skip
        done = run("view", tmp_path / name, "-o", tmp_path / "out.html", "--title", "t")
        assert done.exit_code == 0, done.output
        assert (tmp_path / "out.html").read_text(encoding="utf-8") == view_page(expected, "t", ontology)


def test_what_view_does_not_read_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    (tmp_path / "P.CSV").write_text("id,text\n1,Un drone.\n")
    done = run("view", tmp_path / "P.CSV", "-o", page)
    assert done.exit_code == 2 and "view reads the JSONL or Parquet of `tocsin predict`" in done.stderr
    (tmp_path / "p.jsonl.gz").write_text(json.dumps(record("1", "Un drone.")))
    done = run("view", tmp_path / "p.jsonl.gz", "-o", page)
    assert done.exit_code == 1 and "p.jsonl.gz: cannot be read: " in done.stderr
    (tmp_path / "deep.jsonl").write_text("[" * 100_000)
    done = run("view", tmp_path / "deep.jsonl", "-o", page)
    assert done.exit_code == 1 and "deep.jsonl:1: not valid JSON" in done.stderr
    folder = tmp_path / "articles"
    folder.mkdir()
    for _ in range(2):  # empty, and with an article
        done = run("view", folder, "-o", page)
        assert done.exit_code == 1 and "expected JSONL or Parquet that `tocsin predict` wrote" in done.stderr
        shutil.copy(ARTICLE, folder)
    assert not page.exists()


@needs_browser
def test_half_a_character_is_shown_as_one(browser: Any, tmp_path: Path, ontology: Ontology) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text(json.dumps(record("\udc00", "Un \ud83d drone.", entities=[("drone", "weapon")])))
    done = run("view", path, "-o", tmp_path / "view.html", "--title", "caf\udce9")
    assert done.exit_code == 0, done.output
    with Opened(browser, tmp_path / "view.html") as page:
        assert page.locator(".text").evaluate(WITHOUT_LABELS) == "Un \ufffd drone."
        assert page.locator(".text").evaluate(MARKS) == [["entity", "weapon", "drone"]]


def test_no_page_takes_the_place_of_what_it_is_made_of(tmp_path: Path, sentences: list[LabelledSentence]) -> None:
    predictions = tmp_path / "out.jsonl"
    predictions.write_text(json.dumps(record("1", "Un drone.")))
    (tmp_path / "link.html").symlink_to(predictions)
    folder = tmp_path / "parts"
    folder.mkdir()
    results = write_results(tmp_path / "results", sentences[:3])
    readme = tmp_path / "report.md"
    readme.write_text("<!-- leaderboard -->\n<!-- /leaderboard -->\n")
    before = {path: path.read_bytes() for path in [predictions, readme, *results.iterdir()]}
    for arguments, message in (
        (["view", predictions, "-o", predictions], "would overwrite an input"),
        (["view", predictions, "-o", tmp_path / "link.html"], "would overwrite an input"),
        (["view", folder, "-o", folder / "page.html"], "lies in the input folder"),
        (["benchmark", "report", results, "-o", results / "silent@own.json"], "would overwrite an input"),
        (["benchmark", "report", results, "-o", results / "silent@own.predictions.jsonl"], "would overwrite an input"),
        (["benchmark", "report", results, "-o", tmp_path / "report.html", "--readme", readme], "would overwrite"),
        (["benchmark", "report", results, "-o", tmp_path / "page.md"], "a page is .html"),
    ):
        done = run(*arguments)
        assert (done.exit_code, message in done.stderr) == (2, True), (arguments, done.output)
    assert {path: path.read_bytes() for path in before} == before
    for _ in range(2):  # beside the results, and once more
        assert run("benchmark", "report", results, "-o", results / "report.html").exit_code == 0


@pytest.mark.parametrize("name", ["no.html/page.html", "x" * 300 + ".html"])
def test_a_page_that_cannot_be_written_is_told(name: str, tmp_path: Path, sentences: list[LabelledSentence]) -> None:
    predictions = tmp_path / "out.jsonl"
    predictions.write_text(json.dumps(record("1", "Un drone.")))
    (tmp_path / "no.html").touch()
    results = write_results(tmp_path / "results", sentences[:3])
    for arguments in (["view", predictions], ["benchmark", "report", results]):
        done = run(*arguments, "-o", tmp_path / name)
        assert done.exit_code in (1, 2) and isinstance(done.exception, SystemExit), done.output
        assert "written" in done.stderr
    if Path("/proc").is_dir():
        for arguments in (["view", predictions], ["benchmark", "report", results]):
            done = run(*arguments, "-o", "/proc/page.html")
            assert done.exit_code == 1 and "/proc/page.html: cannot be written: " in done.stderr


def test_a_result_with_a_number_that_is_none_is_refused(
    tmp_path: Path, ontology: Ontology, sentences: list[LabelledSentence]
) -> None:
    results = write_results(tmp_path / "results", sentences[:3])
    path = results / "right@own.json"
    path.write_text(path.read_text(encoding="utf-8").replace("0.05,", "NaN,"), encoding="utf-8")
    with pytest.raises(ResultError, match="results: a result holds a number that is none"):
        benchmark_page(read_results(results), results, ontology)


def test_predictions_that_do_not_fit_their_result_are_refused(
    tmp_path: Path, ontology: Ontology, sentences: list[LabelledSentence]
) -> None:
    results = write_results(tmp_path / "results", sentences[:3])
    path = results / "silent@own.predictions.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:2]), encoding="utf-8")
    with pytest.raises(ResultError, match="2 sentences, its result was scored on 3"):
        benchmark_page(read_results(results), results, ontology)
    path.write_text("".join(reversed(lines)), encoding="utf-8")
    with pytest.raises(ResultError, match="other sentences or other gold labels"):
        benchmark_page(read_results(results), results, ontology)
