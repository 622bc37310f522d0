"""What an epoch draws: shares of the sources, languages within them, batches of alike length."""

from __future__ import annotations

from collections import Counter

import pytest

from tocsin.train.sampling import MixtureSampler

SOME = {"written": 100, "real/ntrex": 10}
SOURCES = ["written"] * 300 + ["real/ntrex"] * 60
LANGUAGES = ["en"] * 270 + ["fr"] * 30 + ["de"] * 60
LENGTHS = [5 + i * 37 % 90 for i in range(360)]


def sampler(sampling: dict[str, int], exponent: float = 1.0, seed: int = 1) -> MixtureSampler:
    return MixtureSampler(
        SOURCES, LANGUAGES, LENGTHS, sampling=sampling, language_exponent=exponent, batch_size=8, seed=seed
    )


def test_without_shares_every_sentence_comes_once() -> None:
    assert sorted(sampler({})) == list(range(360))


def test_each_source_has_its_share_and_a_small_one_repeats_itself() -> None:
    drawn = list(sampler({"written": 100, "real/ntrex": 150}))
    assert Counter(SOURCES[i] for i in drawn) == {"written": 100, "real/ntrex": 150} and len(drawn) == 250
    times = Counter(i for i in drawn if SOURCES[i] == "real/ntrex")
    assert set(times.values()) == {2, 3}  # no sentence is drawn again before all others were
    assert max(Counter(i for i in drawn if SOURCES[i] == "written").values()) == 1


def test_an_epoch_depends_on_seed_and_number_alone() -> None:
    first, again, other = (sampler(SOME, seed=seed) for seed in (1, 1, 2))
    assert list(first) == list(first) == list(again) != list(other)
    again.set_epoch(1)
    assert list(first) != list(again)


def test_small_languages_are_drawn_more_often_than_they_occur() -> None:
    french = [
        sum(LANGUAGES[i] == "fr" for i in sampler({"written": 60, "real/ntrex": 1}, exponent, seed))
        for exponent in (1.0, 0.0)
        for seed in range(20)
    ]
    assert 4 < sum(french[:20]) / 20 < 8  # a tenth, as they occur
    assert sum(french[20:]) / 20 > 18  # nearly half; there are but thirty to draw


def test_batches_hold_sentences_of_alike_length() -> None:
    drawn = list(sampler({}))
    spreads = [
        max(LENGTHS[i] for i in batch) - min(LENGTHS[i] for i in batch)
        for batch in (drawn[at : at + 8] for at in range(0, 360, 8))
    ]
    assert sum(spreads) / len(spreads) < 5


def test_a_source_without_sentences_is_named() -> None:
    with pytest.raises(ValueError, match="source 'public/uner' \\(there are: written, real/ntrex\\)"):
        sampler({"public/uner": 5})
    with pytest.raises(ValueError, match="does not say how many sentences of 'real/ntrex'"):
        sampler({"written": 5})
