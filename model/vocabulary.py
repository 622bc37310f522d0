"""Trims a Unigram vocabulary to what the supported languages need.

multilingual-e5-small knows a hundred languages; four fifths of its weights are word embeddings. What a
language needs is told by the words it uses most (wordfreq, Speer 2022), not by our corpus alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import islice, takewhile

import regex
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from wordfreq import available_languages, iter_wordlist

# Frequent words per language: as many as fit. With 40,000 NTREX news keeps 99.6 % or more of its tokens in each of our
# first six languages.
_WORDS = (2_000, 3_000, 5_000, 7_000, 10_000, 14_000, 20_000, 28_000, 40_000)
_UPPERCASE_WORDS = 5_000  # acronyms and headlines
_WORD_LISTS = {"hr": "sh", "sr": "sh"}  # wordfreq has one list, in Latin letters; Cyrillic comes with the texts
# Written without spaces or in inexhaustible combinations: every piece of the script is kept.
_WHOLE_SCRIPTS = {"zh": r"\p{Han}", "ja": r"\p{Han}\p{Hiragana}\p{Katakana}"}


def needed_ids(
    tokenizer: Tokenizer,
    languages: Sequence[str],
    texts: Iterable[str],
    others: Sequence[str] = (),
    max_pieces: int | None = None,
) -> list[int]:
    """Sorted ids of the pieces to keep.

    Those of the frequent words of ``languages`` and ``others`` (with and without a space in front, capitalised, in
    capitals) and of ``texts``; all single characters, all pieces without letters, and all special tokens. If they are
    more than ``max_pieces``, fewer words of the ``others`` count, then fewer of ``languages``; if nothing helps, all
    stay. A language without a word list keeps what ``texts`` use of it.
    """
    pieces: dict[str, int] = tokenizer.get_vocab()
    ids = {id for piece, id in pieces.items() if len(piece.lstrip("▁")) <= 1 or not any(c.isalpha() for c in piece)}
    ids |= _special_ids(tokenizer) | _used(tokenizer, list(texts))
    for language in _WHOLE_SCRIPTS.keys() & {*languages, *others}:
        script = regex.compile(rf"▁?[{_WHOLE_SCRIPTS[language]}\p{{Common}}]+")
        ids.update(id for piece, id in pieces.items() if script.fullmatch(piece))

    @cache
    def of_words(language: str, count: int) -> set[int]:
        used = _used(tokenizer, _words(language, count))
        names = [tokenizer.id_to_token(id) or "" for id in used]
        twins = (name[1:] if name.startswith("▁") else f"▁{name}" for name in names)
        return used | {pieces[twin] for twin in twins if twin in pieces}

    def with_words(count: int, others_count: int) -> set[int]:
        kept = set(ids)
        for group, number in ((languages, count), (others, others_count)):
            lists = {_WORD_LISTS.get(language, language) for language in group} - _WHOLE_SCRIPTS.keys()
            for language in sorted(lists & available_languages().keys()):
                kept |= of_words(language, number)
        return kept

    # The more words the better while they fit, first of the tested languages, then of the others.
    count = others_count = _WORDS[-1]
    if max_pieces is not None and len(with_words(_WORDS[0], 0)) <= max_pieces:
        count = [*takewhile(lambda number: len(with_words(number, 0)) <= max_pieces, _WORDS)][-1]
        others_count = [*takewhile(lambda number: len(with_words(count, number)) <= max_pieces, (0, *_WORDS))][-1]
    return sorted(with_words(count, others_count))


def _words(language: str, count: int) -> list[str]:
    words = list(islice(iter_wordlist(language, "best"), count))
    return words + [word.capitalize() for word in words] + [word.upper() for word in words[:_UPPERCASE_WORDS]]


def _special_ids(tokenizer: Tokenizer) -> set[int]:
    state = json.loads(tokenizer.to_str())
    surrounding = (state.get("post_processor") or {}).get("special_tokens", {}).values()
    return {
        state["model"]["unk_id"],
        *tokenizer.get_added_tokens_decoder(),
        *(i for t in surrounding for i in t["ids"]),
    }


def _used(tokenizer: Tokenizer, texts: list[str]) -> set[int]:
    return {id for encoding in tokenizer.encode_batch(texts) for id in encoding.ids}


def is_unigram(tokenizer: Tokenizer) -> bool:
    """Whether :func:`trim` applies: pieces of a Unigram model can be dropped one by one, merges of a BPE cannot."""
    return isinstance(tokenizer.model, Unigram)


def trim(tokenizer: Tokenizer, ids: Sequence[int]) -> Tokenizer:
    """A tokenizer whose piece ``i`` is the old piece ``ids[i]``. Text in dropped pieces falls back to shorter ones."""
    state = json.loads(tokenizer.to_str())
    new_id = {old: new for new, old in enumerate(ids)}
    model = state["model"]
    kept = (model["vocab"][old] for old in ids if old < len(model["vocab"]))
    model["vocab"] = [[piece, round(score, 4)] for piece, score in kept]  # log probabilities: a megabyte less
    model["unk_id"] = new_id[model["unk_id"]]
    state["added_tokens"] = [token | {"id": new_id[token["id"]]} for token in state["added_tokens"]]
    processor = state.get("post_processor") or {}
    for token in processor.get("special_tokens", {}).values():
        token["ids"] = [new_id[old] for old in token["ids"]]
    return Tokenizer.from_str(json.dumps(state, ensure_ascii=False))
