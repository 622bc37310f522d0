"""A batch job: inputs in, predictions and error rows out, and nothing lost when it is killed.

Beside ``OUT`` lie ``OUT.errors.jsonl`` (what could not be read) and, while the job is not finished, ``OUT.job``: how
far it is, as inputs taken in and safe positions in both files. The same command goes on from there, and what it writes
is the same byte for byte as if it had never been stopped: work is cut into chunks where inputs end, always alike.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tocsin.data.documents import Document, ErrorRow
from tocsin.data.records import Prediction
from tocsin.data.writers import TextFile, json_line, make_writer
from tocsin.model.pipeline import Pipeline, Sentence

_CHUNK = 512  # sentences predicted and written at a time


class JobError(RuntimeError):
    """A job that cannot start or go on; the message says why and what to do. Nothing was overwritten."""


@dataclass
class Totals:
    """What became of the inputs so far. ``untested``: records by language that the model was not tested on."""

    documents: int = 0
    errors: int = 0
    records: int = 0
    untested: Counter[str] = field(default_factory=Counter)

    @property
    def inputs(self) -> int:
        """Documents and error rows: every input is one of the two."""
        return self.documents + self.errors


class InputStream:
    """Inputs that are counted and hashed as they pass, so that a job that goes on can tell that they are the same."""

    def __init__(self, items: Iterable[Document | ErrorRow]):
        self._items = iter(items)
        self._hash = hashlib.sha256()

    def __iter__(self) -> Iterator[Document | ErrorRow]:
        for item in self._items:
            self._hash.update(repr(item).encode("utf-8", "backslashreplace"))
            yield item

    @property
    def digest(self) -> str:
        """Of all inputs so far."""
        return self._hash.hexdigest()

    def skip(self, count: int) -> int:
        """Lets up to ``count`` inputs pass; returns how many there were."""
        return sum(1 for _ in zip(range(count), self))


def chunks(
    inputs: Iterable[Document | ErrorRow], pipeline: Pipeline, unit: str, lang: str | None
) -> Iterator[tuple[list[Sentence], list[ErrorRow], int]]:
    """Sentences, error rows and the number of documents of consecutive inputs; an input is never divided."""
    sentences: list[Sentence] = []
    errors: list[ErrorRow] = []
    documents = 0
    for item in inputs:
        if isinstance(item, ErrorRow):
            errors.append(item)
        else:
            documents += 1
            sentences.extend(pipeline.sentences(replace(item, lang=lang) if lang else item, unit))
        if len(sentences) >= _CHUNK or len(errors) >= _CHUNK:
            yield sentences, errors, documents
            sentences, errors, documents = [], [], 0
    if documents or errors:
        yield sentences, errors, documents


def side_file(output: Path) -> Path:
    """Where the error rows of a job go."""
    return output.with_name(output.name + ".errors.jsonl")


def state_file(output: Path) -> Path:
    """Where an unfinished job keeps how far it is."""
    return output.with_name(output.name + ".job")


class FileJob:
    """The files of a job. ``options``: all that decides what is written; a job goes on only with the same ones."""

    def __init__(self, output: Path, options: dict[str, Any]):
        self.output, self.options = output, options
        self.totals = Totals()
        self._state = state_file(output)
        # A device such as /dev/null keeps nothing that one could go on from, and has no place for files beside it.
        self._device = output.exists() and not output.is_file()
        self._writer = make_writer(output)
        self._side: TextFile | None = None

    def open(self, inputs: InputStream) -> None:
        """Starts, or goes on where an earlier run stopped, with ``inputs`` after what that run took in.

        Raises :class:`JobError` if the files are of another job or the inputs are not the same, :class:`OSError` if
        the files cannot be written.
        """
        if not self._state.exists():
            side_file(self.output).unlink(missing_ok=True)
            self._writer.open(0)
            return
        over = f"delete {self._state} to start over"
        try:
            state = json.loads(self._state.read_text(encoding="utf-8"))
            before, digest, position, side_position = (
                state[name] for name in ("options", "digest", "position", "side_position")
            )
            self.totals = Totals(**state["totals"])
            self.totals.untested = Counter(self.totals.untested)
        except (ValueError, KeyError, TypeError) as error:
            raise JobError(f"{self._state}: damaged ({error}); {over}") from None
        for name, value in self.options.items():
            if before.get(name) != value:
                raise JobError(
                    f"{self.output}: an unfinished job with another {name} ({before.get(name)!r}, now {value!r}); "
                    f"finish it with the command that began it, or {over}"
                )
        if inputs.skip(self.totals.inputs) < self.totals.inputs or inputs.digest != digest:
            raise JobError(f"{self.output}: the inputs are not those of the unfinished job; {over}")
        self._writer.open(position)
        if side_position:
            self._side = TextFile(side_file(self.output))
            self._side.open(side_position)
        else:
            side_file(self.output).unlink(missing_ok=True)

    def write(
        self,
        predictions: Sequence[Prediction],
        errors: Sequence[ErrorRow],
        documents: int,
        digest: str,
    ) -> None:
        """Writes a chunk and remembers it as done. ``digest``: of all inputs up to its end."""
        if errors and self._side is None and not self._device:
            self._side = TextFile(side_file(self.output))
            self._side.open(0)
        if self._side is not None:
            for row in errors:
                self._side.append(json_line(row.to_dict()))
        for prediction in predictions:
            self._writer.write(prediction)
        count(self.totals, predictions, errors, documents)
        position = self._writer.commit()
        if self._device:
            return
        state = {
            "options": self.options,
            "totals": vars(self.totals),
            "digest": digest,
            "position": position,
            "side_position": self._side.commit() if self._side else 0,
        }
        temporary = self._state.with_name(self._state.name + ".tmp")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._state)

    def finish(self) -> None:
        """Makes the output whole and leaves nothing to go on with; killed in the middle, it can be done again."""
        self._writer.finish()
        self._state.unlink(missing_ok=True)
        self._writer.clean()

    def close(self) -> None:
        """Lets go of the files, finished or not."""
        self._writer.close()
        if self._side is not None:
            self._side.close()


def count(
    totals: Totals,
    predictions: Sequence[Prediction],
    errors: Sequence[ErrorRow],
    documents: int,
) -> None:
    """Adds a chunk to the totals."""
    totals.documents += documents
    totals.errors += len(errors)
    totals.records += len(predictions)
    totals.untested.update(p.lang for p in predictions if not p.lang_tested)
