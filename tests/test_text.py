"""Words, sentences and languages: offsets in many scripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.data.language import detect_language
from tocsin.data.sentences import sentence_offsets
from tocsin.data.words import word_offsets


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("L'Irak a 15 missiles.", ["L", "'", "Irak", "a", "15", "missiles", "."]),
        ("叙利亚Deir基地", ["叙", "利", "亚", "Deir", "基", "地"]),
        ("قُتل 3 مدنيين، وسوريا", ["قُتل", "3", "مدنيين", "،", "وسوريا"]),
        ("می‌خواهند", ["می‌خواهند"]),  # a zero-width non-joiner stands inside a Persian word
        ("सेना ने कब्ज़ा", ["सेना", "ने", "कब्ज़ा"]),  # vowel signs are marks, not letters
        ("กองทัพ", ["ก", "อ", "ง", "ทั", "พ"]),
        ("e\u0301tat", ["e\u0301tat"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert [text[a:b] for a, b in word_offsets(text)] == words


@given(st.text())
def test_words_hold_every_visible_character_once(text: str) -> None:
    covered = [i for a, b in word_offsets(text) for i in range(a, b)]
    assert covered == sorted(set(covered))
    assert all(text[i].isspace() or i in set(covered) for i in range(len(text)) if not text[i].isspace())


@pytest.mark.parametrize(
    ("lang", "text", "sentences"),
    [
        (
            "fr",
            "Il a dit : « Nous partons. Rien ne nous retient. » Puis le silence.",
            ["Il a dit : « Nous partons.", "Rien ne nous retient. »", "Puis le silence."],
        ),
        ("fr", "M. Kessab est parti. Le 3 mai, tout a changé.", ["M. Kessab est parti.", "Le 3 mai, tout a changé."]),
        ("fr", "Selon MM. Roy et J. Doe, c'est fini. M. K. se tait.",
         ["Selon MM. Roy et J. Doe, c'est fini.", "M. K. se tait."]),
        ("en", "The U.S. Army left. Dr. Roy stayed.", ["The U.S. Army left.", "Dr. Roy stayed."]),
        ("fr", "Bombardement\nDouze morts", ["Bombardement", "Douze morts"]),
        ("fr", "Le village a été\r\nrepris. Ses\nhabitants sont partis.",
         ["Le village a été\r\nrepris.", "Ses\nhabitants sont partis."]),
        ("en", 'Mr. Smith said: "We lost. We will be back." He left.',
         ['Mr. Smith said: "We lost.', 'We will be back."', "He left."]),
        ("en", "He left 😀. Then nothing.", ["He left 😀.", "Then nothing."]),
        ("zh", "总统周一访问了巴黎。会谈持续两小时。", ["总统周一访问了巴黎。", "会谈持续两小时。"]),
        ("ar", "قتل ثلاثة. هل وصل؟ نعم.", ["قتل ثلاثة.", "هل وصل؟", "نعم."]),
        ("ru", "Он уехал в г. Минск. Там тихо.", ["Он уехал в г. Минск.", "Там тихо."]),
    ],
)  # fmt: skip
def test_sentences(lang: str, text: str, sentences: list[str]) -> None:
    assert [text[a:b] for a, b in sentence_offsets(text, lang)] == sentences


@given(st.text(), st.sampled_from(["fr", "en", "zh", "ar", "und"]))
def test_sentences_hold_every_visible_character_once_in_order(text: str, lang: str) -> None:
    offsets = sentence_offsets(text, lang)
    assert all(a < b for a, b in offsets)
    assert all(left[1] <= right[0] for left, right in zip(offsets, offsets[1:], strict=False))
    inside = {i for a, b in offsets for i in range(a, b)}
    assert all(i in inside for i, character in enumerate(text) if not character.isspace())


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("L'armée a repris la ville dimanche matin.", "fr"),
        ("Войска покинули город в понедельник.", "ru"),
        ("军队周一夺回了该镇。", "zh"),
        ("قتل ثلاثة مدنيين في قصف على المدينة.", "ar"),
        ("12 + 30 = 42", "und"),
        ("", "und"),
    ],
)
def test_language(text: str, lang: str) -> None:
    assert detect_language(text) == lang
