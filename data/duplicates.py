"""Near duplicates among sentences, by MinHash over character n-grams (datasketch)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tocsin.data.corpus import normalised

SIMILAR = 0.6  # Jaccard similarity from which two sentences count as the same one retold
_PERMUTATIONS = 64


def shingles(text: str) -> set[str]:
    """Overlapping character n-grams of the letters: 4 of them, 2 in scripts whose characters are words or syllables."""
    letters = normalised(text)
    n = 2 if letters and sum("\u2e80" <= c <= "\uffef" for c in letters) > len(letters) / 2 else 4
    return {letters[i : i + n] for i in range(max(len(letters) - n + 1, 1))}


def jaccard(first: set[str], second: set[str]) -> float:
    """Shared n-grams over all n-grams of the two."""
    return len(first & second) / len(first | second)


def near_duplicates(texts: Sequence[str], similar: float = SIMILAR) -> Iterator[tuple[int, int, float]]:
    """Pairs ``(i, j, similarity)`` with ``i < j`` of texts at least ``similar`` alike, in order of ``j``.

    Candidates come from locality-sensitive hashing (Broder 1997), their similarity is exact; a pair just above the
    limit may be missed. Needs datasketch (extra ``evaluate``).
    """
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=similar, num_perm=_PERMUTATIONS)
    sets = [shingles(text) for text in texts]
    hashes = MinHash.generator(([s.encode() for s in own] for own in sets), num_perm=_PERMUTATIONS)
    for j, (own, sketch) in enumerate(zip(sets, hashes, strict=True)):
        for i in sorted(index.query(sketch)):
            similarity = jaccard(sets[i], own)
            if similarity >= similar:
                yield i, j, similarity
        index.insert(j, sketch)
