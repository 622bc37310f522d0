"""The systems of the speed benchmark, each timed in a process of its own: ``python -m tocsin.evaluate.speed_systems``.

A task comes as JSON on standard input (see :func:`_main`), its figures go as JSON to standard output.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Text = tuple[str, str]  # language, text
System = Callable[[Sequence[Text]], None]

CHUNK = 512  # sentences that `tocsin predict` predicts at a time
_WARM_UP = 32
_FEWEST = 64  # sentences a pass


def evenly(count: int, among: int) -> list[int]:
    """``count`` indices below ``among``, or as many as there are, evenly spread."""
    count = min(count, among)
    return [i * among // count for i in range(count)]


def release(folder: Path, threads: int) -> System:
    """Our int8 release, from a text to its JSON line as `tocsin predict` makes it, language detection included."""
    from tocsin.data.documents import Document
    from tocsin.data.writers import json_line
    from tocsin.model.runtime import load_release

    pipeline = load_release(folder, threads)

    def run(texts: Sequence[Text]) -> None:
        for start in range(0, len(texts), CHUNK):
            documents = [Document(str(i), text, "") for i, (_, text) in enumerate(texts[start : start + CHUNK])]
            sentences = [sentence for document in documents for sentence in pipeline.sentences(document)]
            for prediction in pipeline.predict(sentences):
                json_line(prediction.to_dict())

    return run


def trained_run(folder: Path, threads: int) -> System:
    """Our float32 model in torch, through the same pipeline; the language is given."""
    import torch

    from tocsin.evaluate.measure import open_model
    from tocsin.model.pipeline import sentences_of_texts

    torch.set_num_threads(threads)
    pipeline = open_model(folder)

    def run(texts: Sequence[Text]) -> None:
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            pipeline.predict(sentences_of_texts((str(i), lang, text) for i, (lang, text) in enumerate(chunk)))

    return run


def two_pipelines(folder: Path, threads: int, batch: int = 1) -> System:
    """`transformers` pipelines for text and token classification, one after the other; their default ``batch`` is 1."""
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    torch.set_num_threads(threads)
    classify = transformers.pipeline("text-classification", str(folder / "classifier"), top_k=None, batch_size=batch)
    tag = transformers.pipeline(
        "token-classification", str(folder / "tagger"), aggregation_strategy="simple", batch_size=batch
    )

    def run(texts: Sequence[Text]) -> None:
        plain = [text for _, text in texts]
        list(classify(plain, truncation=True))
        list(tag(plain))

    return run


def two_pipelines_by_32(folder: Path, threads: int) -> System:
    """The same with batches of 32."""
    return two_pipelines(folder, threads, 32)


def spacy_pipeline(folder: Path, threads: int) -> System:
    """spaCy's ``textcat_multilabel`` and ``ner`` over one stream of documents."""
    import spacy

    nlp = spacy.load(folder / "spacy")

    def run(texts: Sequence[Text]) -> None:
        for doc in nlp.pipe(text for _, text in texts):
            assert doc.cats

    return run


SYSTEMS: dict[str, Callable[[Path, int], System]] = {
    "release": release,
    "trained_run": trained_run,
    "two_pipelines": two_pipelines,
    "two_pipelines_by_32": two_pipelines_by_32,
    "spacy": spacy_pipeline,
}


def prepare_pipelines(release: Path, folder: Path) -> None:
    """Writes the two models of :func:`two_pipelines`: the release's encoder in float32, its tokenizer, and our labels.
    Weights are random, which takes as long as any others."""
    from transformers import (
        AutoConfig,
        AutoModelForSequenceClassification,
        AutoModelForTokenClassification,
        PreTrainedTokenizerFast,
    )

    config = json.loads((release / "config.json").read_text(encoding="utf-8"))
    backbone = dict(config["backbone"])
    kind = backbone.pop("model_type")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(release / "tokenizer.json"),
        pad_token="<pad>",
        model_max_length=config["max_tokens"],
    )
    tokenizer.pad_token_id = backbone.get("pad_token_id") or 0
    for name, auto, labels, options in (
        ("classifier", AutoModelForSequenceClassification, "id2label", {"problem_type": "multi_label_classification"}),
        ("tagger", AutoModelForTokenClassification, "entity_id2label", {}),
    ):
        names = {int(i): label for i, label in config[labels].items()}
        shape = AutoConfig.for_model(
            kind, **backbone | options | {"id2label": names, "label2id": {label: i for i, label in names.items()}}
        )
        auto.from_config(shape).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)


def prepare_spacy(folder: Path, sentences: int = 1500) -> None:
    """Writes a multilingual pipeline with spaCy's default models, trained for one pass over some written sentences:
    enough for it to find spans, as a trained one does."""
    import spacy
    from spacy.training import Example
    from spacy.util import filter_spans, minibatch

    from tocsin.data.corpus import load_split
    from tocsin.data.ontology import load_ontology

    nlp = spacy.blank("xx")
    nlp.add_pipe("textcat_multilabel")
    nlp.add_pipe("ner")
    names = load_ontology().type_names
    train = load_split("train")
    examples = []
    for sentence in (train[i] for i in evenly(sentences, len(train))):
        doc = nlp.make_doc(sentence.text)
        spans = [doc.char_span(s.start, s.end, s.label, alignment_mode="expand") for s in sentence.entities]
        kept = filter_spans(span for span in spans if span is not None)
        entities = [(span.start_char, span.end_char, span.label_) for span in kept]
        cats = {name: float(name in sentence.types) for name in names}
        examples.append(Example.from_dict(doc, {"cats": cats, "entities": entities}))
    optimizer = nlp.initialize(lambda: examples)
    for batch in minibatch(examples, 32):
        nlp.update(batch, sgd=optimizer)
    nlp.to_disk(folder / "spacy")


def timed(system: System, texts: Sequence[Text], repeats: int, seconds: float) -> dict[str, Any]:
    """ "seconds" of every pass over "sentences" texts: all, or as many, evenly spread, as a pass of about ``seconds``
    has time for."""
    start = time.perf_counter()
    system([texts[i] for i in evenly(_WARM_UP, len(texts))])
    rate = min(_WARM_UP, len(texts)) / (time.perf_counter() - start)
    chosen = [texts[i] for i in evenly(max(_FEWEST, round(rate * seconds)), len(texts))]
    passes = []
    for _ in range(repeats):
        start = time.perf_counter()
        system(chosen)
        passes.append(time.perf_counter() - start)
    return {"sentences": len(chosen), "seconds": [round(value, 4) for value in passes]}


def _main() -> None:
    """Task: "system", "folder", "threads", "texts", "repeats", "seconds" as :func:`timed`, "begun" (Unix time)."""
    task = json.load(sys.stdin)
    if hasattr(os, "sched_setaffinity"):  # so many threads, whatever a library starts
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: task["threads"]])
    system = SYSTEMS[task["system"]](Path(task["folder"]), task["threads"])
    texts = [(lang, text) for lang, text in task["texts"]]
    system(texts[:1])
    started = time.time() - task["begun"]
    from tocsin.evaluate.measure import peak_megabytes

    figures = timed(system, texts, task["repeats"], task["seconds"])
    print(json.dumps(figures | {"start_seconds": round(started, 2), "peak_megabytes": peak_megabytes()}))


if __name__ == "__main__":
    _main()
