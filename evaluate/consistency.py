"""The same sentence in many languages: does the model say the same of it? (NTREX-128, Federmann et al. 2022)"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from tocsin.data.sources import read_passages, split_of_document
from tocsin.model.pipeline import Pipeline, sentences_of_texts


def consistency(pipeline: Pipeline, datasets: Path) -> dict[str, Any]:
    """How often NTREX lines get the types of their English line.

    "per_language": language -> "same", of all lines, and "same_where_reported", of those that have a type in English;
    "lines" and "reported_in_english" are how many that are. Only lines of test documents are read. Raises
    ``DatasetError``.
    """
    texts: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for passage in read_passages("ntrex", datasets):
        if split_of_document("ntrex", passage.document) == "test":
            texts[passage.lang].append((str(passage.line), passage.lang, passage.text))
    types = {
        lang: [frozenset(e.type.name for e in p.events) for p in pipeline.predict(sentences_of_texts(lines))]
        for lang, lines in texts.items()
    }
    english = types.pop("en")
    reported = [i for i, names in enumerate(english) if names]
    per_language = {
        lang: {
            "same": round(sum(map(frozenset.__eq__, english, names)) / len(english), 4),
            "same_where_reported": round(sum(english[i] == names[i] for i in reported) / max(len(reported), 1), 4),
        }
        for lang, names in sorted(types.items())
    }
    return {"lines": len(english), "reported_in_english": len(reported), "per_language": per_language}
