"""Trims a Unigram vocabulary to what the supported languages need.

multilingual-e5-small knows a hundred languages; four fifths of its weights are word embeddings. What a
language needs is told by the words it uses most (wordfreq, Speer 2022), not by our corpus alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import islice

import regex
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from wordfreq import available_languages, iter_wordlist

_WORDS = 40_000  # per language; NTREX news keeps 99.6 % or more of its tokens in each of our first six languages
_UPPERCASE_WORDS = 5_000  # acronyms and headlines
# Written without spaces or in inexhaustible combinations: every piece of the script is kept.
_WHOLE_SCRIPTS = {"zh": r"\p{Han}", "ja": r"\p{Han}\p{Hiragana}\p{Katakana}"}


def needed_ids(tokenizer: Tokenizer, languages: Sequence[str], texts: Iterable[str]) -> list[int]:
    """Sorted ids of the pieces to keep.

    Those of the languages' frequent words (with and without a space in front, capitalised, in capitals) and of
    ``texts``, all single characters, all pieces without letters, and all special tokens. A language without a
    word list keeps what ``texts`` use of it.
    """
    pieces: dict[str, int] = tokenizer.get_vocab()
    ids = {id for piece, id in pieces.items() if len(piece.lstrip("▁")) <= 1 or not any(c.isalpha() for c in piece)}
    ids |= _special_ids(tokenizer)
    for language in languages:
        if language in _WHOLE_SCRIPTS:
            script = regex.compile(rf"▁?[{_WHOLE_SCRIPTS[language]}\p{{Common}}]+")
            ids.update(id for piece, id in pieces.items() if script.fullmatch(piece))
        elif language in available_languages():
            words = list(islice(iter_wordlist(language, "best"), _WORDS))
            words += [word.capitalize() for word in words] + [word.upper() for word in words[:_UPPERCASE_WORDS]]
            used = _used(tokenizer, words)
            names = [tokenizer.id_to_token(id) or "" for id in used]
            twins = (name[1:] if name.startswith("▁") else f"▁{name}" for name in names)
            ids |= used | {pieces[twin] for twin in twins if twin in pieces}
    return sorted(ids | _used(tokenizer, list(texts)))


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
    model["vocab"] = [model["vocab"][old] for old in ids if old < len(model["vocab"])]
    model["unk_id"] = new_id[model["unk_id"]]
    state["added_tokens"] = [token | {"id": new_id[token["id"]]} for token in state["added_tokens"]]
    processor = state.get("post_processor") or {}
    for token in processor.get("special_tokens", {}).values():
        token["ids"] = [new_id[old] for old in token["ids"]]
    return Tokenizer.from_str(json.dumps(state, ensure_ascii=False))
