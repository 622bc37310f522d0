"""The sentences of a training run: what a recipe asks for, gathered from the corpora."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from tocsin.data.adapters import load_public
from tocsin.data.corpus import CORPUS_DIR, CorpusError, load_split
from tocsin.data.realnews import load_real
from tocsin.data.records import Annotated, LabelledSentence
from tocsin.data.sentences import sentence_offsets
from tocsin.data.sources import ORIGINS, DatasetError, fixed_share, read_passages, split_of_document
from tocsin.train.recipe import Recipe


def recipe_sentences(
    recipe: Recipe,
    corpus: Path = CORPUS_DIR,
    datasets: Path | None = None,
    own: Mapping[str, Sequence[LabelledSentence]] | None = None,
) -> tuple[dict[str, list[LabelledSentence]], list[LabelledSentence]]:
    """(train, dev): training sentences of all of the recipe's languages by source, dev in the languages that it claims.

    The sources are "written", "own", "real/NAME", "public/NAME" and "unlabelled/NAME". ``datasets``: the folder of
    public datasets, which all but the first two need; with ``real_news`` dev holds the real-news dev part too.
    ``own``: a user's sentences by split, whatever their language; dev is theirs first then, and of the written one the
    share that the recipe takes, so that what is forgotten shows without outvoting them. Raises :class:`CorpusError` for
    a language that the corpus lacks, :class:`DatasetError` for a dataset that is missing.
    """
    languages = {*recipe.languages, *recipe.auxiliary_languages}
    train = [s for s in load_split("train", corpus) if s.lang in languages]
    dev = [s for s in load_split("dev", corpus) if s.lang in recipe.languages]
    known = {s.lang for s in train}
    for split, missing in (
        ("train", {*recipe.languages} - known),
        ("dev", {*recipe.languages} - {s.lang for s in dev}),
    ):
        if missing:
            raise CorpusError(f"{corpus}: no {split} sentences in {', '.join(sorted(missing))}")
    sources = {"written": [s for s in train if fixed_share(s.id) < recipe.written_share]}
    if own is not None:
        sources["own"] = list(own["train"])
        dev = [*own["dev"], *(s for s in dev if fixed_share(s.id) < recipe.written_share)]
    if not (recipe.real_news or recipe.corpora or recipe.unlabelled):
        return sources, dev
    if datasets is None:
        raise DatasetError("the recipe trains on public datasets, whose texts are read from --datasets DIR")
    for name in (*recipe.real_news, *recipe.unlabelled):
        if name not in ORIGINS:
            raise DatasetError(f"no dataset of real news {name!r} (there are: {', '.join(ORIGINS)})")
    for name in recipe.real_news:
        real = load_real("train", datasets, names=[name], languages=languages, translations=recipe.translations)
        sources[f"real/{name}"] = real
    if recipe.real_news:
        dev += load_real("dev", datasets, languages=recipe.languages)
    for name in recipe.corpora:
        sources[f"public/{name}"] = [s for s in load_public(name, "train", datasets) if s.lang in languages]
    for name in recipe.unlabelled:
        sources[f"unlabelled/{name}"] = list(unlabelled(name, datasets, languages))
    return sources, dev


def unlabelled(name: str, datasets: Path, languages: Collection[str]) -> Iterator[LabelledSentence]:
    """Training sentences of a dataset in these languages, of which nothing is known; raises :class:`DatasetError`."""
    nothing = Annotated(frozenset(), frozenset(), frozenset())
    for passage in read_passages(name, datasets):
        if passage.lang not in languages or split_of_document(name, passage.document) != "train":
            continue
        whole = [(0, len(passage.text))]  # a line of NTREX is one sentence
        for start, end in whole if name == "ntrex" else sentence_offsets(passage.text, passage.lang):
            id = f"{name}/{passage.file}/{passage.line}/{start}"
            text = passage.text[start:end]
            yield LabelledSentence(id, passage.lang, text, (), (), (), source=id, annotated=nothing)
