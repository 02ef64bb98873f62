"""From a line's probabilities to its reading: the language model affects words, never numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.domain.model import State
from pipeline.domain.settings import ROOT
from pipeline.reading.fields.handwriting.network import ALPHABET
from pipeline.reading.fields.handwriting.transcription import find_transcripts, transcribe_line
from pipeline.reading.fields.handwriting.word_boxes import RunKind, split_runs
from pipeline.reading.language.language_model import Lexicon, load_swedish
from tests.support.pages.written_steps import Sign, steps_of, with_doubt

SWEDISH = load_swedish(ROOT / "data" / "models")


def test_known_word_is_read_before_similar_nonword() -> None:
    signs = with_doubt("hjärna", {2: {"å": 0.6, "ä": 0.4}})
    assert transcribe_line(steps_of(signs)).value == "hjårna"
    assert transcribe_line(steps_of(signs), SWEDISH).value == "hjärna"
    either = with_doubt("läsa", {1: {"å": 0.5, "ä": 0.5}})
    found = transcribe_line(steps_of(either), SWEDISH)
    assert {found.value, found.alternatives[0][0]} == {"läsa", "låsa"}


@pytest.mark.parametrize(
    ("text", "doubts", "name"),
    [
        ("Anna svensson", {5: {"s": 0.6, "S": 0.4}}, "Anna Svensson"),
        ("anna Olofsson", {0: {"a": 0.6, "A": 0.4}, 5: {"o": 0.6, "O": 0.4}}, "Anna Olofsson"),
        ("Karl-olof Ek", {5: {"o": 0.6, "O": 0.4}}, "Karl-Olof Ek"),
        ("Olle von Essen", {0: {"O": 0.5, "o": 0.5}}, "Olle von Essen"),
    ],
)
def test_words_of_a_name_begin_with_a_capital(
    text: str, doubts: dict[int, dict[str, float]], name: str
) -> None:
    """`Anna svensson` was read where o, s and v look alike in both cases."""
    steps = steps_of(with_doubt(text, doubts))
    assert transcribe_line(steps, replace(SWEDISH, person=True)).value == name
    assert transcribe_line(steps_of("ringde dottern"), replace(SWEDISH, person=True)).value == (
        "ringde dottern"
    ), "what is clear stays"


def test_image_only_probability_is_kept() -> None:
    signs = with_doubt("hjärna", {2: {"å": 0.6, "ä": 0.4}})
    aided, alone = (
        transcribe_line(steps_of(signs), SWEDISH),
        transcribe_line(steps_of("hjärna"), SWEDISH),
    )
    assert aided.p > aided.image_only_p == pytest.approx(0.4, abs=0.1)
    assert alone.image_only_p > 0.9


def test_unknown_words_are_counted() -> None:
    note = "Zoviraxin 2 ggr till Gerhardsz"
    counted = {
        text: transcribe_line(steps_of(text), SWEDISH).unknown_words
        for text in ("Duschad i dag", note, "37,5")
    }
    assert counted == {"Duschad i dag": 0, note: 2, "37,5": 0}
    assert (
        transcribe_line(
            steps_of(note), replace(SWEDISH, names=Lexicon.of_names(["Ida Gerhardsz"]))
        ).unknown_words
        == 1
    )
    assert transcribe_line(steps_of(note)).unknown_words == 0


def test_compound_is_read_before_similar_nonword() -> None:
    signs = with_doubt("Stomipåsbyte", {6: {"ä": 0.55, "å": 0.45}, 10: {"f": 0.5, "t": 0.45}})
    assert transcribe_line(steps_of(signs), SWEDISH).value == "Stomipåsbyte"


def test_clear_unknown_word_is_kept() -> None:
    signs = with_doubt("Zoviraxin", {4: {"r": 0.9, "v": 0.1}, 8: {"n": 0.85, "h": 0.15}})
    assert transcribe_line(steps_of(signs), SWEDISH).value == "Zoviraxin"


@pytest.mark.parametrize(
    ("before", "expected"),
    [("DUSCHAD OCH ", "DUSCHAD OCH HÅRET"), ("Duschad och ", "Duschad och håret")],
)
def test_ambiguous_letter_in_line_of_capitals_is_capital(before: str, expected: str) -> None:
    signs = [*before, *[{letter: 0.55, letter.upper(): 0.45} for letter in "håret"]]
    assert transcribe_line(steps_of(signs), SWEDISH).value == expected


def test_a_name_of_the_register_is_read() -> None:
    signs = with_doubt("Qvickström", {1: {"u": 0.6, "v": 0.4}, 4: {"h": 0.6, "k": 0.4}})
    assert (
        transcribe_line(
            steps_of(signs), replace(SWEDISH, names=Lexicon.of_names(["Ida Qvickström"]))
        ).value
        == "Qvickström"
    )


def test_wrong_space_within_word_is_removed() -> None:
    signs: list[Sign] = [*"åsido", {" ": 0.6}, *with_doubt("satt", {1: {"n": 0.5, "a": 0.5}})]
    assert transcribe_line(steps_of(signs), SWEDISH).value == "åsidosatt"


@pytest.mark.parametrize(
    "number", ["740", "10", "0", "I2", "2026", "37,5", "135/82", "1x3", "B12", "HbA1c"]
)
@pytest.mark.parametrize("before", ["", "Puls ", "fick "])
def test_language_model_does_not_change_numbers(before: str, number: str) -> None:
    rng = np.random.default_rng(5)
    alike = {
        "0": "O",
        "1": "l",
        "7": "1",
        "2": "Z",
        "5": "S",
        "3": "8",
        "6": "b",
        "8": "B",
        "4": "9",
        "c": "e",
        "H": "N",
        "I": "l",
    }
    for _ in range(20):
        signs: list[Sign] = [
            {s: 0.52, alike[s]: 0.46} if s in alike and rng.random() < 0.5 else s for s in number
        ]
        plain = transcribe_line(steps_of(signs))
        aided = transcribe_line(steps_of([*before, *signs]), SWEDISH)
        assert aided.value == before + str(plain.value)


def test_digits_and_letters_are_not_interchanged() -> None:
    for seen, other in (("ll", "1"), ("O", "0"), ("S", "5")):
        for share in (0.5, 0.6, 0.9):
            signs: list[Sign] = [{sign: share, other: 0.98 - share} for sign in seen]
            assert transcribe_line(steps_of([*"ca ", *signs]), SWEDISH).value == "ca " + str(
                transcribe_line(steps_of(signs)).value
            )


def test_line_is_split_into_numbers_certain_words_and_words() -> None:
    signs: list[Sign] = [
        *"Puls 72 ",
        *with_doubt("lugn", {1: {"u": 0.6, "a": 0.4}}),
        " ",
        *with_doubt("natt", {0: {"n": 0.5, "h": 0.4}}),
    ]
    cut = split_runs(steps_of(signs), ALPHABET, SWEDISH.knows)
    assert [run.kind for run in cut] == [RunKind.CERTAIN, RunKind.NUMBER, RunKind.WORDS]
    assert cut[2].end == 2 * len(signs)


def test_characters_and_alternatives_match_text() -> None:
    signs: list[Sign] = [*"BT 13", {"5": 0.6, "6": 0.4}, *"/82 hj", {"å": 0.5, "ä": 0.5}, *"rna"]
    found = transcribe_line(steps_of(signs), SWEDISH)
    assert found.value == "BT 135/82 hjärna"
    assert len(found.characters) == len("BT 135/82 hjärna")
    assert all(0 <= p <= 1 for p in found.characters)
    assert min(range(len(found.characters)), key=lambda i: found.characters[i]) == 5
    others = dict(found.alternatives)
    assert "BT 136/82 hjärna" in others
    assert all(isinstance(p, float) and 0 <= p <= found.p for p in others.values())
    assert [p for _, p in found.alternatives] == sorted(others.values(), reverse=True)


def test_alternatives_have_image_probabilities() -> None:
    best, other = find_transcripts(steps_of([{"7": 0.7, "1": 0.3}]), SWEDISH)[:2]
    assert (best.text, other.text) == ("7", "1")
    assert best.p == pytest.approx(0.7, abs=0.01)
    assert other.p == pytest.approx(0.3, abs=0.01)


def test_dashes_are_empty_and_no_steps_are_illegible() -> None:
    assert transcribe_line(steps_of("--"), SWEDISH).state is State.EMPTY
    assert transcribe_line(steps_of([]), SWEDISH).state is State.ILLEGIBLE
