"""Which sentences an epoch trains on, and in which batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from torch.utils.data import Sampler

_GROUP = 50  # batches: large enough that neighbours are alike in length, small enough that batches stay random


class MixtureSampler(Sampler[int]):
    """Indices of an epoch's sentences, so ordered that the sentences of a batch are of similar length.

    ``sources``, ``languages``, ``lengths``: of every sentence. ``sampling``: source -> sentences an epoch; a larger
    source gives others each epoch, a smaller one repeats itself; for 0, or if empty: every sentence once. What is not
    repeated whole is drawn without replacement, a sentence of a language that has n with the weight
    ``n ** (language_exponent - 1)`` (after Conneau et al. 2020). An epoch depends on ``seed`` and its number alone.
    Raises ``ValueError`` for a source without sentences, or one that ``sampling`` leaves out.
    """

    def __init__(
        self,
        sources: Sequence[str],
        languages: Sequence[str],
        lengths: Sequence[int],
        *,
        sampling: Mapping[str, int],
        language_exponent: float,
        batch_size: int,
        seed: int,
    ):
        self.lengths = np.array(lengths)
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0
        members: dict[str, list[int]] = defaultdict(list)
        for index, source in enumerate(sources):
            members[source].append(index)
        if missing := sorted(sampling.keys() - members.keys()):
            raise ValueError(f"no training sentences of the source {missing[0]!r} (there are: {', '.join(members)})")
        if sampling and (left_out := sorted(members.keys() - sampling.keys())):
            raise ValueError(f"'sampling' does not say how many sentences of {left_out[0]!r} to draw")
        self.sources = []
        for source, count in (sampling or {source: len(rows) for source, rows in members.items()}).items():
            rows = np.array(members[source])
            spoken = np.array([languages[row] for row in rows])
            counts = {lang: int((spoken == lang).sum()) for lang in set(spoken)}
            weights = np.array([counts[lang] ** (language_exponent - 1) for lang in spoken])
            self.sources.append((rows, weights / weights.sum(), count or len(rows)))

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return sum(count for _, _, count in self.sources)

    def __iter__(self) -> Iterator[int]:
        random = np.random.default_rng((self.seed, self.epoch))
        drawn = []
        for rows, weights, count in self.sources:
            whole, rest = divmod(count, len(rows))
            drawn += [rows] * whole + [random.choice(rows, rest, replace=False, p=weights)]
        order = random.permutation(np.concatenate(drawn))
        batches: list[list[int]] = []
        for start in range(0, len(order), _GROUP * self.batch_size):
            group = order[start : start + _GROUP * self.batch_size]
            group = group[np.argsort(self.lengths[group], kind="stable")]
            batches += [group[at : at + self.batch_size].tolist() for at in range(0, len(group), self.batch_size)]
        # A batch that is not full must come last: the loader cuts this sequence into batches again.
        batches.sort(key=len, reverse=True)
        full = sum(len(batch) == self.batch_size for batch in batches)
        for place in [*random.permutation(full), *range(full, len(batches))]:
            yield from batches[place]
