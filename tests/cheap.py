"""The command line with a model that costs nothing, for tests of the work around it: ``python -m tests.cheap …``.

Its sentences, records and files are the real ones; only what it says of a sentence is made up.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

from tocsin.data.records import Event, Prediction, Span
from tocsin.model import runtime
from tocsin.model.pipeline import Pipeline, Progress, Sentence
from tocsin.model.settings import Settings, read_config


class CheapModel(Pipeline):
    """Calls the first letter of every sentence a location, and reports an event of every second one."""

    def __init__(self, settings: Settings | None = None):
        self.settings = settings or Settings.from_config(read_config(runtime.RELEASED_DIR), "config.json")

    def predict(
        self, sentences: Sequence[Sentence], all_scores: bool = False, progress: Progress | None = None
    ) -> list[Prediction]:
        if progress is not None:
            progress(len(sentences))
        return [self._prediction(sentence, all_scores) for sentence in sentences]

    def with_settings(self, **changes: object) -> CheapModel:
        return CheapModel(replace(self.settings, **changes))  # type: ignore[arg-type]

    def _prediction(self, sentence: Sentence, all_scores: bool) -> Prediction:
        kind = self.settings.ontology.types[sentence.index % 40]
        return Prediction(
            sentence.id,
            sentence.doc_id,
            sentence.index,
            sentence.start,
            sentence.end,
            sentence.lang,
            sentence.text,
            (Event(kind, 0.75),) if sentence.index % 2 else (),
            (Span(0, 1, "location", sentence.text[:1], 0.5),),
            (),
            self.settings.name,
            sentence.lang in self.settings.languages,
            {kind.name: 0.75} if all_scores else None,
            sentence.kept,
        )


def cheap(*arguments: object, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
    """The command, run to its end."""
    done = subprocess.run(command(*arguments), input=stdin, capture_output=True, check=False)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def command(*arguments: object) -> list[str]:
    """The command as a list of words."""
    return [sys.executable, "-m", "tests.cheap", *map(str, arguments)]


if __name__ == "__main__":
    runtime.load_release = lambda name_or_path=None, threads=None: CheapModel()
    from tocsin.cli import main

    main()
