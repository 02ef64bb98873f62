"""Formats of handwritten lines: patterns, values, and their effect on decoding."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.domain import dates
from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.model import State
from pipeline.reading.fields.handwriting.transcription import transcribe_line
from pipeline.reading.language.formats import (
    FORMAT_PATTERNS,
    format_guide,
    is_same_value,
    parse_values,
    weigh_value,
)
from tests.support.pages.written_steps import Sign, steps_of, with_doubt

GOOD = {
    Format.DATE: (
        "2026-11-24",
        "26-11-24",
        "20261124",
        "241124",
        "24/11 2026",
        "3.4.2026",
        "24/11-26",
        "3/12 26",
        "3/12/26",
        "24.11.26",
        "24/11",
    ),
    Format.TIME: ("08:30", "8.30", "0830", "kl 8.30", "kl. 14:05", "23:59", "24.00", "kl 2400"),
    Format.DOSE: (
        *(
            "500 mg",
            "1 tabl",
            "2,5 ml",
            "½ tabl",
            "1½ tabl",
            "1+0+1",
            "1x3",
            "12 E",
            "500mg x 3",
            "2 tabl vb",
        ),
        *(
            "0,125 mg",
            "0.0625 mg",
            "2,5-5 mg",
            "1–2 tabl vb",
            "½-1 tabl",
            "1/2 tabl",
            "1 1/2 tabl",
            "1 ½ tabl",
            "½+0+1",
            "12500 E",
            "10 000 E",
        ),
        *(
            "40 ml/h",
            "2 mg/ml",
            "1,5 l/min",
            "0,5 mg/kg",
            "5 mg s.c.",
            "2,5 mg iv vb",
            "1 mg/ml i.m.",
        ),
    ),
    Format.BLOOD_PRESSURE: ("135/82", "BT 135/82", "90/60 mmHg"),
    Format.AMOUNT: ("1 250 kr", "1250,50", "45:-", "1.250,00", "-50 kr", "12 345 678"),
    Format.NUMBER: ("37,5", "120", "-3", "1 250", "0.5"),
    Format.CODE: ("0041", "8327-9", "041 234 567-8", "041234567890"),
    Format.PHONE: ("070-174 06 05", "0701740605", "0923-123 45", "+46 70 174 06 05"),
    Format.PERSONAL_NUMBER: ("19121212-1212", "121212+1212", "1212121212"),
}
BAD = {
    Format.DATE: ("24.11", "2026-13-01", "24/13 2026", "nov"),
    Format.TIME: ("25:10", "24:10", "08:61", "8"),
    Format.DOSE: (
        "mg",
        "500 kg",
        "1+",
        "1.250 mg",
        "2,5- mg",
        "11/2 tabl",
        "/h",
        "40 ml/",
        "40/h",
        "5 mg iv vb po",
    ),
    Format.BLOOD_PRESSURE: ("135", "1/82", "135/8222", "135-82"),
    Format.AMOUNT: ("kr", "1 25", "1,5"),
    Format.NUMBER: ("a", "3,", "1.250,00"),
    Format.CODE: ("A12", "12-", "1,5"),
    Format.PHONE: ("12", "Anna"),
    Format.PERSONAL_NUMBER: ("12121212", "x"),
}


def test_every_format_has_a_pattern() -> None:
    assert set(FORMAT_PATTERNS) == set(Format) == set(GOOD) == set(BAD)


@pytest.mark.parametrize("form", Format)
def test_pattern_accepts_only_valid_ways_of_writing(form: Format) -> None:
    shape = format_guide(form)
    assert [text for text in GOOD[form] if not shape.fits(text)] == []
    assert [text for text in BAD[form] if shape.fits(text)] == []


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (Format.DATE, "24/11 2026", "2026-11-24"),
        (Format.DATE, "24/11-26", "2026-11-24"),
        (Format.DATE, "3/12 26", "2026-12-03"),
        (Format.DATE, "26-11-24", "2026-11-24"),
        (Format.DATE, "2026/11/24", "2026-11-24"),
        (Format.DATE, "241124", "2024-11-24"),
        (Format.DATE, "2026-06-31", None),
        (Format.DATE, "24/11", "24/11"),
        (Format.DATE, "31/6", None),
        (Format.TIME, "kl 8.30", "08:30"),
        (Format.TIME, "24.00", "24:00"),
        (Format.NUMBER, "1 250,5", "1250.5"),
        (Format.CODE, "0041 234-5", "00412345"),
        (Format.PERSONAL_NUMBER, "121212-1212", "1212121212"),
        (Format.PERSONAL_NUMBER, "121212+1212", "191212121212"),
        (Format.PERSONAL_NUMBER, "19121212+1212", "191212121212"),
        (Format.DOSE, "2,5 ml", "2,5 ml"),
    ],
)
def test_line_has_same_values_as_digit_boxes(form: Format, text: str, value: str | None) -> None:
    assert parse_values(form, text) == ((value,) if value else ())


@pytest.mark.parametrize(
    ("form", "text", "other", "same"),
    [
        (Format.PHONE, "070-174 06 05", "0701740605", True),
        (Format.PHONE, "070-174 06 05", "070-174 06 06", False),
        (Format.DOSE, "5mg", "5 mg", True),
        (Format.DOSE, "1 1/2 tabl", "11/2 tabl", False),
        (Format.DOSE, "1 1/2 tabl", "1 1/2tabl", True),
        (Format.TIME, "08:30", "08:30", True),
    ],
)
def test_grouping_does_not_change_a_value(form: Format, text: str, other: str, same: bool) -> None:
    assert is_same_value(form, text, other) is same


@pytest.mark.parametrize(
    ("number", "is_possible"),
    [
        ("070-174 06 05", True),
        ("08-123 456 71", True),
        ("0470-873 07", True),
        ("+46 70 174 06 05", True),
        ("+47 12 34 56 78", True),
        ("4471", True),
        ("070-174 06 0", False),
        ("00-174 06 05", False),
        ("020-174 06 05", False),
    ],
)
def test_telephone_number_out_of_the_plan_is_unlikely(number: str, is_possible: bool) -> None:
    assert (weigh_value(Format.PHONE, number) == 1.0) is is_possible
    assert weigh_value(Format.CODE, "00") == 1.0, "only telephone numbers have a plan"


def test_spellings_of_one_value_support_each_other() -> None:
    # The network wavers between a full stop and a colon, and is sure of each digit.
    steps = steps_of(with_doubt("13.05", {2: {".": 0.5, ":": 0.5}}))
    reading = transcribe_line(steps, value_format=Format.TIME)
    assert (reading.value, reading.alternatives) == ("13:05", ())
    assert reading.p > 0.8


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("16/12/21", ("2021-12-16", "2016-12-21")),
        ("03.01.22", ("2022-01-03", "2003-01-22")),
        ("3.1.22", ("2022-01-03",)),
        ("16/1/22", ("2022-01-16",)),
        ("16.1.22", ("2022-01-16",)),
        ("01/2/22", ("2022-02-01",)),
        ("21/12/21", ("2021-12-21",)),
        ("22/12/16", ("2016-12-22", "2022-12-16")),
        ("24.11-26", ("2026-11-24",)),
    ],
)
def test_two_digit_year_may_be_first_or_last(text: str, days: tuple[str, ...]) -> None:
    assert parse_values(Format.DATE, text) == days
    found = transcribe_line(steps_of(text), value_format=Format.DATE)
    assert found.value == days[0]
    assert found.p == pytest.approx(1 / len(days))
    assert tuple(value for value, _ in found.alternatives) == days[1:]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("430503", ("1943-05-03",)),
        ("43-05-03", ("1943-05-03",)),
        ("3/5-43", ("1943-05-03",)),
        ("3/5 2043", ("2043-05-03",)),
        ("271231", ("2027-12-31",)),
        ("350503", ("1935-05-03", "2035-05-03")),
        ("12/11/30", ("1930-11-12", "2030-11-12", "2012-11-30")),
        ("260503", ("2026-05-03",)),
    ],
)
def test_two_digit_year_is_not_far_in_future(
    monkeypatch: pytest.MonkeyPatch, text: str, days: tuple[str, ...]
) -> None:
    monkeypatch.setattr(dates, "today_in_sweden", lambda: date(2026, 11, 27))
    assert parse_values(Format.DATE, text) == days


def test_format_decides_between_similar_characters() -> None:
    signs = with_doubt("135/82", {0: {"l": 0.7, "1": 0.3}, 3: {"l": 0.6, "/": 0.4}})
    assert transcribe_line(steps_of(signs)).value == "l35l82"
    found = transcribe_line(steps_of(signs), value_format=Format.BLOOD_PRESSURE)
    assert (found.value, found.state) == ("135/82", State.READ)
    assert len(found.characters) == len("135/82")


def test_likelier_digit_is_kept_over_likelier_number() -> None:
    signs = with_doubt("740/82", {0: {"7": 0.6, "1": 0.4}})
    found = transcribe_line(steps_of(signs), value_format=Format.BLOOD_PRESSURE)
    assert found.value == "740/82"
    assert found.alternatives[0][0] == "140/82"


@pytest.mark.parametrize(
    ("dose", "place", "other"),
    [
        ("0,125 mg", 4, "6"),
        ("2,5-5 mg", 3, "."),
        ("1-2 tabl", 1, "+"),
        ("1/2 tabl", 1, "7"),
        ("12500 E", 4, "8"),
    ],
)
def test_dose_is_not_changed_to_fit_its_format(dose: str, place: int, other: str) -> None:
    """With p = 0.01 of another character, 0,12 mg, 2,55 mg and 12 tablets were changed."""
    found = transcribe_line(
        steps_of(with_doubt(dose, {place: {dose[place]: 0.97, other: 0.01}})),
        value_format=Format.DOSE,
    )
    assert found.value == dose
    assert found.p > 0.9


def test_24_00_is_not_changed_to_another_hour() -> None:
    found = transcribe_line(
        steps_of(with_doubt("24.00", {1: {"4": 0.95, "3": 0.05}})), value_format=Format.TIME
    )
    assert found.value == "24:00"
    assert found.alternatives[0][0] == "23:00"


def test_text_that_violates_format_is_kept_with_low_confidence() -> None:
    found = transcribe_line(steps_of("se baksidan"), value_format=Format.DOSE)
    assert (found.value, found.state) == ("se baksidan", State.READ)
    assert found.p <= 0.3
    june: list[Sign] = list("2026-06-31")
    assert transcribe_line(steps_of(june), value_format=Format.DATE).p <= 0.3


def test_formats_allowed_by_kind() -> None:
    box = (20.0, 40.0, 60.0, 9.0)
    assert (
        FieldSpec(name="dos", label="Dos", kind=Kind.TEXT, format=Format.DOSE, box=box).format
        is Format.DOSE
    )
    assert (
        FieldSpec(name="vikt", label="Vikt", kind=Kind.TEXT, format=Format.NUMBER, box=box).cells
        is None
    )
    with pytest.raises(ValueError, match="needs a handwritten line"):
        FieldSpec(name="dos", label="Dos", kind=Kind.DIGITS, format=Format.DOSE, box=box)
    with pytest.raises(ValueError, match="belongs to digits or text"):
        FieldSpec(name="kryss", label="Kryss", kind=Kind.MARK, format=Format.DATE, box=box)
