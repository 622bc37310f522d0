"""Words, sentences and languages: offsets in many scripts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.data import readers
from tocsin.data.documents import Document
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
        # Quotations
        ("en", "“We lost. We will be back,” he said. She left.",
         ["“We lost.", "We will be back,” he said.", "She left."]),
        ("de", "„Wir gehen. Wir kommen wieder.“ Dr. Roy blieb.",
         ["„Wir gehen.", "Wir kommen wieder.“", "Dr. Roy blieb."]),
        ("ja", "首相は「攻撃は終わった。もう来ない」と述べた。『はい。』",
         ["首相は「攻撃は終わった。", "もう来ない」と述べた。", "『はい。』"]),
        ("ja", "「本当か？」と記者。死者は３人。", ["「本当か？」と記者。", "死者は３人。"]),
        ("fa", "او گفت: «ما باختیم. برمی‌گردیم.» سپس رفت.", ["او گفت: «ما باختیم.", "برمی‌گردیم.»", "سپس رفت."]),
        ("hi", "उसने कहा, \"हम हारे। हम लौटेंगे।\" फिर चला गया।", ["उसने कहा, \"हम हारे।", "हम लौटेंगे।\"", "फिर चला गया।"]),
        # Abbreviations
        ("en", "Lt. Gen. A. B. Roy met Gov. Smith on Jan. 5. He left at 5 p.m. Monday. It cost $3.5 million.",
         ["Lt. Gen. A. B. Roy met Gov. Smith on Jan. 5.", "He left at 5 p.m. Monday.", "It cost $3.5 million."]),
        ("en", "He came at 5 p.m. The army left.", ["He came at 5 p.m.", "The army left."]),
        ("es", "El Sr. Roy y la Sra. Paz. EE. UU. atacó.", ["El Sr. Roy y la Sra. Paz.", "EE. UU. atacó."]),
        ("ru", "В 5 ч. утра, т. е. рано. Ул. Ленина, д. 5. Всё.",
         ["В 5 ч. утра, т. е. рано.", "Ул. Ленина, д. 5.", "Всё."]),
        ("ar", "قُتل د. سامي. ثم رحل.", ["قُتل د. سامي.", "ثم رحل."]),
        ("hi", "डॉ. रॉय रुके। सेना चली गई।", ["डॉ. रॉय रुके।", "सेना चली गई।"]),
        ("th", "เมื่อวันที่ 5 พ.ค. 2569", ["เมื่อวันที่ 5 พ.ค. 2569"]),
        # Lists
        ("en", "1. Two tanks were destroyed. 2. A bridge was hit. Nobody died.",
         ["1. Two tanks were destroyed.", "2. A bridge was hit.", "Nobody died."]),
        ("en", "The report lists:\n- Items burned.\n• More (a lot).\n(a) The army left.",
         ["The report lists:", "- Items burned.", "• More (a lot).", "(a) The army left."]),
        ("zh", "伤亡如下：\n一、三人死亡。\n二、五人受伤；两人失踪。",
         ["伤亡如下：", "一、三人死亡。", "二、五人受伤；两人失踪。"]),
        # Punctuation of other scripts
        ("zh", "“我们输了。我们会回来！”然后离开。谁？没人。",
         ["“我们输了。", "我们会回来！”", "然后离开。", "谁？", "没人。"]),
        ("ur", "فوج چلی گئی۔ کیا وہ واپس آئے گی؟ نہیں۔", ["فوج چلی گئی۔", "کیا وہ واپس آئے گی؟", "نہیں۔"]),
        ("hi", "सेना चली गई। क्या वह लौटेगी? नहीं॥ अंत।", ["सेना चली गई।", "क्या वह लौटेगी?", "नहीं॥", "अंत।"]),
        # Thai ends no sentence with a mark of its own; borrowed marks and lines do.
        ("th", "กองทัพออกจากเมืองแล้ว พวกเขาจะกลับมาไหม? ไม่\nทหาร 3 นายเสียชีวิต",
         ["กองทัพออกจากเมืองแล้ว พวกเขาจะกลับมาไหม?", "ไม่", "ทหาร 3 นายเสียชีวิต"]),
        ("am", "ሠራዊቱ ወጣ። አይ።", ["ሠራዊቱ ወጣ።", "አይ።"]),
    ],
)  # fmt: skip
def test_sentences(lang: str, text: str, sentences: list[str]) -> None:
    assert [text[a:b] for a, b in sentence_offsets(text, lang)] == sentences


@settings(deadline=None)
@given(st.text(st.sampled_from("aÉ。.?!\n\r \t「」“”«»1)é🔥\u0301")), st.sampled_from(["fr", "ja"]))
def test_a_text_file_in_pieces_has_the_sentences_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, text: str, lang: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "pieces.txt"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "_PIECE", 3)
        pieces = [item for item in readers.read_documents([str(path)]) if isinstance(item, Document)]
    assert [piece.continued for piece in pieces] == [False, *[True] * (len(pieces) - 1)][: len(pieces)]
    found = [(piece.start + a, piece.start + b) for piece in pieces for a, b in sentence_offsets(piece.text, lang)]
    assert found == sentence_offsets(text, lang)


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
