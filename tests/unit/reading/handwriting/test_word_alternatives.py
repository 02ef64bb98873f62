"""What else may be written where a word was read: by the search, the vocabulary, and the rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.model import Reading, State, WordBox
from pipeline.domain.settings import ROOT
from pipeline.reading.fields.handwriting.transcription import find_transcripts, transcribe_line
from pipeline.reading.fields.handwriting.word_boxes import place_words, shift_words
from pipeline.reading.language.language_model import NO_NAMES, Lexicon, load_swedish
from pipeline.reading.language.vocabulary import bare_word, may_be_offered
from tests.support.pages.written_steps import steps_of, with_doubt

SWEDISH = load_swedish(ROOT / "data" / "models")


def offered(
    text: str, others: dict[int, tuple[str, ...]], names: Lexicon = NO_NAMES, p: float = 0.4
) -> list[tuple[str, ...]]:
    """The alternatives of each word of a line that is read with this probability."""
    other_words = tuple(others.get(i, ()) for i in range(len(text.split())))
    reading = Reading(text, p, State.READ, characters=(p,) * len(text), other_words=other_words)
    placed = place_words(reading, steps_of(text), (48, 400), names)
    return [box.alternatives for box in placed]


def test_other_texts_of_a_run_are_taken_apart_word_by_word() -> None:
    signs = with_doubt("vill läsa", {1: {"i": 0.6, "å": 0.4}, 6: {"ä": 0.6, "å": 0.4}})
    line = find_transcripts(steps_of(signs), SWEDISH)[0]
    assert line.text == "vill läsa"
    assert line.other_words == (("våll",), ("låsa",))
    assert transcribe_line(steps_of(signs), SWEDISH).other_words == line.other_words


def test_the_likeliest_other_word_comes_first_without_its_marks() -> None:
    doubt = {0: {"h": 0.5, "b": 0.3, "l": 0.2}, 6: {".": 0.6, ",": 0.4}}
    line = find_transcripts(steps_of(with_doubt("hjärna.", doubt)), SWEDISH)[0]
    assert line.text == "hjärna."
    (others,) = line.other_words
    assert set(others) <= {"bjärna", "ljärna"}
    assert others[0] == "bjärna"


def test_numbers_and_certain_words_have_no_other_words() -> None:
    line = find_transcripts(steps_of(with_doubt("Puls 72", {5: {"7": 0.6, "1": 0.4}})), SWEDISH)[0]
    assert line.other_words == ((), ())


def test_words_of_low_confidence_are_offered_others_of_search_and_vocabulary() -> None:
    (first, second) = offered("Såret omläggming.", {0: ("säret", "såren")})
    assert first[:2] == ("säret", "såren")
    assert second[0] == "omläggning"
    assert max(len(first), len(second)) <= 4
    assert offered("Såret rent", {0: ("säret",)}, p=0.9) == [(), ()]


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("Alvedom", ("alvedon",)),
        ("alvedon", ("alredon",)),
        ("furosemit", ("furosemil",)),
        ("insulinct", ("insulinet",)),
        ("3st", ("bst",)),
        ("två", ("tvä",)),
        ("tva", ("två",)),
        ("mg", ("my",)),
        ("10-12", ("to-tz",)),
        ("anna", ("ana",)),
        ("Aina", ("anna",)),
    ],
)
def test_no_number_dose_drug_or_name_is_offered(text: str, others: tuple[str, ...]) -> None:
    assert offered(text, {0: others}, Lexicon.of_names(["Anna Ek"])) == [()]


def test_what_follows_a_number_or_begins_like_a_name_is_not_offered() -> None:
    assert offered("500 milligrom", {1: ("milligram",)})[1] == ()
    assert offered("ringde Modig", {1: ("modig", "moder")})[1] == ()
    assert offered("Sov. Vakem", {1: ("vaken",)})[1][0] == "vaken"


def test_alternatives_stay_with_their_word_when_the_text_before_it_grows() -> None:
    box = WordBox(0, 3, (0.0, 0.0, 1.0, 1.0), ("vill",))
    assert shift_words((box,), 4) == (replace(box, start=4, end=7),)


def test_a_text_that_the_search_has_not_kept_has_words_of_the_vocabulary() -> None:
    reading = transcribe_line(steps_of(with_doubt("omläggming", {7: {"m": 0.6, "n": 0.4}})))
    (box,) = place_words(reading, steps_of("omläggming"), (48, 400), NO_NAMES)
    assert box.alternatives[0] == "omläggning"
    assert (box.start, box.end, box.box[3]) == (0, 10, 48.0)


def test_marks_around_a_word_are_no_part_of_it() -> None:
    assert [bare_word(text) for text in ("(Pigg,", "b/c", "3:e", "röntgen-remiss.", "--")] == [
        *("pigg", "", "", "röntgen-remiss", "")
    ]
    assert may_be_offered("smärta", "")
