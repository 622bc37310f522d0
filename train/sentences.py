"""The sentences of a training run: what a recipe asks for, gathered from the corpora."""

from __future__ import annotations

from pathlib import Path

from tocsin.data.corpus import CORPUS_DIR, CorpusError, load_split
from tocsin.data.realnews import load_real
from tocsin.data.records import LabelledSentence
from tocsin.data.sources import DatasetError, fixed_share
from tocsin.train.recipe import Recipe


def recipe_sentences(
    recipe: Recipe, corpus: Path = CORPUS_DIR, datasets: Path | None = None
) -> tuple[list[LabelledSentence], list[LabelledSentence]]:
    """(train, dev): training sentences of all of the recipe's languages, dev in the languages that it claims.

    ``datasets``: the folder of public datasets, which a recipe with ``real_news`` needs. Raises
    :class:`CorpusError` for a language that the corpus lacks, :class:`DatasetError` for a dataset that is missing.
    """
    languages = {*recipe.languages, *recipe.auxiliary_languages}
    train = [s for s in load_split("train", corpus) if s.lang in languages]
    dev = [s for s in load_split("dev", corpus) if s.lang in recipe.languages]
    for split, sentences, wanted in (("train", train, languages), ("dev", dev, {*recipe.languages})):
        if missing := sorted(wanted - {s.lang for s in sentences}):
            raise CorpusError(f"{corpus}: no {split} sentences in {', '.join(missing)}")
    train = [s for s in train if fixed_share(s.id) < recipe.written_share]
    if recipe.real_news:
        if datasets is None:
            raise DatasetError("the recipe trains on real news, whose texts are read from --datasets DIR")
        train += load_real(
            "train", datasets, names=recipe.real_news, languages=languages, translations=recipe.translations
        )
    return train, dev
