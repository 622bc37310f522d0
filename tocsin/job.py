"""A batch job: inputs in, predictions and error rows out, and nothing lost when it is killed.

Beside ``OUT`` lie ``OUT.errors.jsonl`` (what could not be read) and, while the job is not finished, ``OUT.job``: how
far it is, as inputs taken in and safe positions in both files. The same command goes on from there, and what it writes
is the same byte for byte as if it had never been stopped: work is cut into chunks where inputs end, always alike.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tocsin.data.documents import Document, ErrorRow
from tocsin.data.errors import reason
from tocsin.data.records import Prediction
from tocsin.data.writers import TextFile, json_line, make_writer
from tocsin.model.pipeline import Pipeline, Sentence

_CHUNK = 512  # sentences predicted and written at a time
_CHARACTERS = 2**21  # as many of them close a chunk or a batch too: far more than 512 sentences of news have


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
        """Documents and error rows: every input is one of the two (a file that is damaged in the middle is both)."""
        return self.documents + self.errors

    def add(self, predictions: Sequence[Prediction]) -> None:
        """Counts records."""
        self.records += len(predictions)
        self.untested.update(p.lang for p in predictions if not p.lang_tested)

    def close(self, chunk: Chunk) -> None:
        """Counts the inputs of a chunk."""
        self.documents += chunk.documents
        self.errors += len(chunk.errors)

    def include(self, part: Totals) -> None:
        """Counts what a part of the job counted."""
        self.documents += part.documents
        self.errors += part.errors
        self.records += part.records
        self.untested.update(part.untested)

    def summary(self, output: Path | None) -> str:
        """What a user is told at the end; ``output``: the file or folder of a job, if it has one."""
        where = f" in {output}" if output else ""
        # A device has no side file.
        side = f" in {side_file(output)}" if output and self.errors and side_file(output).is_file() else ""
        return (
            f"{self.inputs} inputs: {self.documents} gave {self.records} records{where}, "
            f"{self.errors} are error rows{side}"
        )

    def untested_languages(self) -> str:
        """What a user is told of the languages that the model was not tested on; "" if there were none."""
        counts = ", ".join(f"{count} in {lang!r}" for lang, count in sorted(self.untested.items()))
        return counts and f"the model was not tested on the language of some sentences: {counts}"


class InputStream:
    """Inputs that are counted and hashed as they pass, so that a job that goes on can tell that they are the same.

    ``taken``: inputs so far, a piece of a document is one; ``sentence``: sentences so far of the document in hand.
    """

    def __init__(self, items: Iterable[Document | ErrorRow]):
        self._items = iter(items)
        self._hash = hashlib.sha256()
        self.taken = 0
        self.sentence = 0

    def __iter__(self) -> Iterator[Document | ErrorRow]:
        for item in self._items:
            self._hash.update(repr(item).encode("utf-8", "backslashreplace"))
            self.taken += 1
            yield item

    def mark(self) -> dict[str, Any]:
        """Where the stream is, for :meth:`go_to`."""
        return {"taken": self.taken, "sentence": self.sentence, "digest": self._hash.hexdigest()}

    def go_to(self, mark: dict[str, Any]) -> bool:
        """Lets what came before ``mark`` pass; returns whether it was the same then."""
        for _ in zip(range(mark["taken"]), self):
            pass
        self.sentence = mark["sentence"]
        return self.mark() == mark


@dataclass
class Chunk:
    """Consecutive inputs that are predicted and remembered together; an input is never divided. ``documents`` counts
    those that begin in it, ``mark`` is where the inputs are at its end, ``last``: it ended because they did."""

    sentences: list[Sentence] = field(default_factory=list)
    errors: list[ErrorRow] = field(default_factory=list)
    documents: int = 0
    mark: dict[str, Any] = field(default_factory=dict)
    last: bool = False

    def batches(self) -> Iterator[list[Sentence]]:
        """The sentences, so many at a time that a long document needs no more memory than short ones."""
        batch: list[Sentence] = []
        characters = 0
        for sentence in self.sentences:
            batch.append(sentence)
            characters += len(sentence.text)
            if len(batch) >= _CHUNK or characters >= _CHARACTERS:
                yield batch
                batch, characters = [], 0
        if batch:
            yield batch


def chunks(inputs: InputStream, pipeline: Pipeline, unit: str, lang: str | None) -> Iterator[Chunk]:
    """The work, in pieces that depend on nothing but the inputs: whole inputs, until there are enough sentences, error
    rows or characters."""
    chunk = Chunk()
    characters = 0
    for item in inputs:
        characters += _characters(item)
        if isinstance(item, ErrorRow):
            chunk.errors.append(item)
        else:
            if not item.continued:
                chunk.documents += 1
                inputs.sentence = 0
            found = pipeline.sentences(replace(item, lang=lang) if lang else item, unit, inputs.sentence)
            chunk.sentences += found
            inputs.sentence += len(found)
        if len(chunk.sentences) >= _CHUNK or len(chunk.errors) >= _CHUNK or characters >= _CHARACTERS:
            chunk.mark = inputs.mark()
            yield chunk
            chunk, characters = Chunk(), 0
    if chunk.documents or chunk.sentences or chunk.errors:
        chunk.mark = inputs.mark()
        chunk.last = True
        yield chunk


def _characters(item: Document | ErrorRow) -> int:
    """What of an input takes memory that it alone decides on, in characters."""
    if isinstance(item, ErrorRow):
        return len(item.reason)
    return len(item.text) + (len(str(item.kept)) if item.kept else 0)


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

        Raises :class:`JobError` if the files are of another job or no longer whole, or if the inputs are not the same,
        :class:`OSError` if the files cannot be written.
        """
        if not self._state.exists():
            self._writer.open(0)
            if not self._device:
                side_file(self.output).unlink(missing_ok=True)
            return
        over = f"delete {self._state} to start over"
        try:
            state = json.loads(self._state.read_text(encoding="utf-8"))
            options, mark = dict(state["options"]), dict(state["inputs"])
            mark = {"taken": int(mark["taken"]), "sentence": int(mark["sentence"]), "digest": str(mark["digest"])}
            position, side_position = int(state["position"]), int(state["side_position"])
            self.totals = Totals(**state["totals"])
            self.totals.untested = Counter(self.totals.untested)
        except (ValueError, KeyError, TypeError) as error:
            raise JobError(f"{self._state}: damaged ({error}); {over}") from None
        for name, value in self.options.items():
            if options.get(name) != value:
                raise JobError(
                    f"{self.output}: an unfinished job with another {name} ({options.get(name)!r}, now {value!r}); "
                    f"finish it with the command that began it, or {over}"
                )
        if not inputs.go_to(mark):
            raise JobError(f"{self.output}: the inputs are not those of the unfinished job; {over}")
        side = side_file(self.output)
        files = [(self.output, self._writer.open, position)]
        if side_position:
            self._side = TextFile(side)
            files.append((side, self._side.open, side_position))
        for path, reopen, before in files:
            try:
                reopen(before)
            except OSError as error:
                # What is gone or too short (no error of the system's) does not come back by trying again.
                if error.errno not in (None, errno.ENOENT):
                    raise
                raise JobError(f"{path}: {reason(error)}; {over}") from None
        if not side_position:
            side.unlink(missing_ok=True)

    def write(self, predictions: Sequence[Prediction]) -> None:
        """Writes predictions of a chunk."""
        for prediction in predictions:
            self._writer.write(prediction)
        self.totals.add(predictions)

    def commit(self, chunk: Chunk) -> None:
        """Writes the error rows of a chunk and remembers it as done."""
        if chunk.errors and self._side is None and not self._device:
            self._side = TextFile(side_file(self.output))
            self._side.open(0)
        if self._side is not None:
            for row in chunk.errors:
                self._side.append(json_line(row.to_dict()))
        self.totals.close(chunk)
        position = self._writer.commit()
        if self._device:
            return
        state = {
            "options": self.options,
            "totals": vars(self.totals),
            "inputs": chunk.mark,
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
