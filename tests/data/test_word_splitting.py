from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.data.words import split_words


def words_of(text: str, language: str | None = None) -> list[str]:
    return [text[start:end] for start, end in split_words(text, language)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  \n\t ", []),
        ("Hello, world!", "Hello , world !"),
        ("least-squares (SVM)", "least-squares ( SVM )"),
        ("- a -- b-", "- a - - b -"),
        ("don't O'Neil", "don't O'Neil"),
        ("London's Kids’ we'll", "London 's Kids ’ we 'll"),
        ("l'Italia dell’arte qu'il s'il", "l' Italia dell’ arte qu' il s' il"),
        ("3.14 and 1,000.", "3.14 and 1,000 ."),
        ("v2.x a.b", "v2 . x a . b"),
        ("@user #tag snake_case", "@ user # tag snake_case"),
        ("हिन्दी भाषा", "हिन्दी भाषा"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("é", "é"),
        ("我爱Python3。", "我 爱 Python3 。"),
        ("カタカナー", "カ タ カ ナ ー"),
        ("ไทย ที่", "ไ ท ย ที่"),
        ("한국어 문장", "한국어 문장"),
        ("👍🏽❤️ok", "👍🏽 ❤️ ok"),
        ("👨‍👩‍👧‍👦👨‍👩‍👧", "👨‍👩‍👧‍👦 👨‍👩‍👧"),
        ("🇩🇪🇫🇷🇩 1️⃣", "🇩🇪 🇫🇷 🇩 1️⃣"),
        ("中\u200d文", "中\u200d 文"),
        ("か\u3099き。\u0301", "か\u3099 き 。\u0301"),
        ("e\u0301cole", "e\u0301cole"),
        ("我住在北京。", "我 住 在 北 京 。"),
        ("東京タワーはAB-12にある", "東 京 タ ワ ー は AB-12 に あ る"),
        ("iPhone15手机3.5万𠮷野家", "iPhone15 手 机 3.5 万 𠮷 野 家"),
        ("ผมอยู่กรุงเทพฯ ครับ", "ผ ม อ ยู่ ก รุ ง เ ท พ ฯ ค รั บ"),
        ("يعيش محمد في القاهرة، مصر.", "يعيش محمد في القاهرة ، مصر ."),
        ("دَرَسَ ٱلطَّالِبُ مـحـمـد", "دَرَسَ ٱلطَّالِبُ مـحـمـد"),
        ("١٢٫٥ ١٬٠٠٠", "١٢٫٥ ١٬٠٠٠"),
        ("אני גר בתל-אביב.", "אני גר בתל-אביב ."),
        ("ב״הארץ״ ג׳ירפה", "ב ״ הארץ ״ ג׳ירפה"),
        ("\u200fשלום\u200e", "שלום"),
        ("abc\u202eשלום\u202cdef", "abc שלום def"),
        ("a\u200bb\ufeff", "a b"),
        ("Donau\u00addampf \u00ad", "Donau\u00addampf"),
    ],
)
def test_words_of_many_scripts(text: str, words: str | list[str]) -> None:
    assert words_of(text) == (words.split(" ") if isinstance(words, str) else words)


def test_the_language_decides_about_apostrophes() -> None:
    text = "l'Italia London's"
    assert words_of(text, "en") == ["l'Italia", "London", "'s"]
    assert words_of(text, "it") == ["l'", "Italia", "London's"]
    assert words_of(text, "de") == ["l'Italia", "London's"]


@given(st.text(max_size=60))
def test_words_are_ordered_disjoint_and_not_empty(text: str) -> None:
    position = 0
    for start, end in split_words(text):
        assert position <= start < end <= len(text)
        position = end


@given(st.text(max_size=60))
def test_nothing_visible_lies_outside_of_words(text: str) -> None:
    inside = {at for start, end in split_words(text) for at in range(start, end)}
    for at, character in enumerate(text):
        category = unicodedata.category(character)
        if at not in inside:
            assert category[0] in "ZC"
        elif category[0] == "Z":
            pytest.fail(f"a blank inside a word of {text!r}")
