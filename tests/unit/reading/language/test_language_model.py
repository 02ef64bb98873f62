"""The language model of decoding: words, compounds, names, and letters."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.settings import ROOT
from pipeline.reading.language.language_model import (
    LOWERCASE_LETTERS,
    NO_NAMES,
    LanguageModel,
    Lexicon,
    TextState,
    load_swedish,
    split_letter_words,
)
from research.training.language_model.build import (
    known_phrases,
    letter_log_probabilities,
    load_trade_words,
    unknown_phrases,
)

SWEDISH = load_swedish(ROOT / "data" / "models")
VOCABULARY = ROOT / "data" / "vocabulary"


def test_prefix_probability_is_sum_of_its_continuations() -> None:
    lexicon = Lexicon.of({"sår": 3.0, "såret": 1.0, "så": 4.0, "öga": 2.0})
    assert lexicon.p("sår") == pytest.approx(0.3)
    assert lexicon.p("s") == 0.0
    assert lexicon.prefix_p("så") == pytest.approx(0.8)
    assert lexicon.prefix_p("sår") == pytest.approx(0.4)
    assert lexicon.prefix_p("x") == 0.0
    assert (
        NO_NAMES.p("sår") == NO_NAMES.prefix_p("s") == NO_NAMES.compound_p("såromläggning") == 0.0
    )


@pytest.mark.parametrize(
    "word", ["såromläggning", "läkemedelslista", "flickskola", "kvinnojour", "hemtjänstgruppsmöte"]
)
def test_compounds_of_known_words_are_known(word: str) -> None:
    parts = (
        "sår",
        "omläggning",
        "läkemedel",
        "lista",
        "flicka",
        "skola",
        "kvinna",
        "jour",
        "hemtjänst",
        "grupp",
        "möte",
    )
    lexicon = Lexicon.of(dict.fromkeys(parts, 1.0))
    assert lexicon.p(word) == 0.0
    assert lexicon.compound_p(word) > 0.0
    assert lexicon.compound_p(word[:-1] + "q") == 0.0


def test_known_word_is_likelier_than_similar_nonword() -> None:
    for right, wrong in (
        ("blodtryck", "blodtrvck"),
        ("hjärna", "hjårna"),
        ("Såromläggning", "Säromläggning"),
        ("Läkemedel", "Iäkemedel"),
    ):
        assert _value(right) > _value(wrong) + 1, right


def test_unknown_word_is_penalized_but_possible() -> None:
    assert not SWEDISH.knows("Xylofrenq")
    assert -60 < _value("Xylofrenq") < _value("Xylofon")


@pytest.mark.parametrize("filler", ["wv" * 100, "mn" * 150, "qx" * 100])
def test_very_long_filler_word_is_penalized_without_error(filler: str) -> None:
    """Beyond some seventy unlikely letters the probability was 0, without logarithm, and the page
    failed.
    """
    assert math.isfinite(_value(filler))


def test_names_of_the_registers_are_expected() -> None:
    names = Lexicon.of_names(["Zarathustra Öhqvistsson", "Storgatan 12 Kalix"])
    expecting = replace(SWEDISH, names=names)
    assert expecting.knows("Öhqvistsson")
    assert _value("Öhqvistsson", expecting) > _value("Öhqvistsson") + 1
    assert names.p("12") == 0.0


def test_capitals_are_likelier_at_usual_positions() -> None:
    assert _value("Sover") > _value("soVer")
    assert _value("BT") > _value("bT")
    assert _value("såret är rent") > _value("såret Är rent")


def test_letter_probabilities_sum_to_one() -> None:
    table = letter_log_probabilities({"sår": 0.5, "såret": 0.25, "hår": 0.25})
    shares = np.exp(-0.08 * table.astype(float)).sum(-1)
    assert table.shape == (len(LOWERCASE_LETTERS) + 1,) * 4
    assert shares == pytest.approx(1.0, abs=0.1)
    s, a, r = (LOWERCASE_LETTERS.index(c) + 1 for c in "sår")
    assert table[0, s, a, r] < table[0, s, a, s]


def test_vocabulary_contains_words_and_comments() -> None:
    assert len(list(VOCABULARY.glob("*.txt"))) >= 5
    words = load_trade_words(VOCABULARY, ["Rent {datum} och torrt"])
    assert len(words) > 1500
    assert {"såromläggning", "trycksår", "alvedon", "orosanmälan", "rent", "torrt"} <= words.keys()
    assert "datum" not in words
    assert sum(words.values()) == pytest.approx(1.0)
    assert all(SWEDISH.general.p(word) > 0 for word in words if word != "torrt")


def test_evaluation_phrases_are_excluded_from_model() -> None:
    assert set(known_phrases()).isdisjoint(unknown_phrases())
    assert len(known_phrases()) > 3 * len(unknown_phrases()) > 100


def test_letter_words_omit_other_characters() -> None:
    assert split_letter_words("B-glukos 7,5 före Frukost") == ["b", "glukos", "före", "frukost"]


@pytest.mark.parametrize("content", [None, b"not a zip"])
def test_missing_or_damaged_file_error_has_remedy(tmp_path: Path, content: bytes | None) -> None:
    if content:
        (tmp_path / "swedish.npz").write_bytes(content)
    with pytest.raises(MissingProgramError, match="missing or damaged") as caught:
        load_swedish(tmp_path)
    assert "git checkout" in str(caught.value.remedy)


def _value(text: str, language: LanguageModel = SWEDISH) -> float:
    written = TextState()
    for sign in text:
        written = language.extended(written, sign)
    found = language.closed(written)
    assert math.isfinite(found)
    return found
