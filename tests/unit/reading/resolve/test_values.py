"""Values weighed against each other: boxes of a number against the register, days of the outage,
rows in order, sums and plausible ranges.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import CELL_SYMBOLS, CellProbabilities, Client, Reading, State, Value
from pipeline.domain.settings import ROOT
from pipeline.reading.fields.digits.decoding import decode_digits
from pipeline.reading.resolve.bayes import ChainLink, smooth_chain
from pipeline.reading.resolve.resolve import ReadingContext, resolve_page
from pipeline.reading.resolve.values import weigh_date, weigh_number, weigh_sums
from pipeline.registers.clients import ClientRegister
from tests.support.form_rules import form_problem_texts

FORMS = Forms.load(ROOT / "forms")
NOTE, VISITS, VALUES = (
    FORMS.latest("hsl-anteckning"),
    FORMS.latest("besokslista"),
    FORMS.latest("matvarden"),
)
ASTRID = Client("192501019216", "Astrid Åkerström", "Hemtjänst Öst")
BIRGER = Client("195001182046", "Birger Näslund", "Hemtjänst Väst", address="Storgatan 3")
GUNHILD = Client("195004112354", "Gunhild Åkerström", "Hemtjänst Väst")
SON = Client("193511275863", "Astrid Åkerström", "Hemtjänst Öst")
REGISTER = ClientRegister([ASTRID, BIRGER, GUNHILD])
WINDOW = (date(2021, 12, 16), date(2022, 1, 10))


def seen(row: str, p: float = 0.9995, **unsure: tuple[str, float]) -> CellProbabilities:
    """What a reader saw of a row: each box as written with `p`; `b3=("7", 0.4)` makes the fourth
    box a 7 with that probability.
    """
    boxes = []
    for i, symbol in enumerate(row):
        box = np.full(len(CELL_SYMBOLS), (1 - p) / (len(CELL_SYMBOLS) - 1))
        box[CELL_SYMBOLS.index(symbol)] = p
        if other := unsure.get(f"b{i}"):
            box *= 1 - other[1]
            box[CELL_SYMBOLS.index(other[0])] += other[1]
        boxes.append(tuple(box.tolist()))
    return tuple(boxes)


def number(row: str, **unsure: tuple[str, float]) -> Reading:
    """A row of boxes that was read."""
    return Reading(
        row.replace(" ", ""), 0.9, State.READ, cell_probabilities=seen(row, 0.9995, **unsure)
    )


def read(value: Value, p: float = 0.9, *alternatives: tuple[Value, float]) -> Reading:
    """A field that was read."""
    return Reading(value, p, State.READ, alternatives)


def resolved(
    form: Form, given_: Mapping[str, Reading], register: ClientRegister | None = REGISTER
) -> tuple[dict[str, Reading], list[str]]:
    """A page on which only these fields are filled in."""
    fields = {spec.name: Reading.empty(0.99) for spec in form.fields} | dict(given_)
    found, issues = resolve_page(form.fields, form, fields, ReadingContext(register, WINDOW))
    return found, [str(issue) for issue in issues]


def person(
    reading: Reading, name: str = "", unit: str = "", register: ClientRegister = REGISTER
) -> tuple[Reading, list[str]]:
    """The person of a note."""
    more = {key: read(text) for key, text in (("namn", name), ("enhet", unit)) if text}
    fields, problems = resolved(NOTE, {"personnummer": reading, **more}, register)
    return fields["personnummer"], [p for p in problems if p.endswith(":personnummer")]


def test_number_name_and_unit_together_are_nearly_sure_and_say_why() -> None:
    found, problems = person(number(ASTRID.pid), ASTRID.name, ASTRID.unit)
    assert (found.value, problems) == (ASTRID.pid, [])
    assert found.p >= 0.999
    assert set(found.evidence) >= {
        "check_ok",
        "number_clear",
        "name_like:1.00",
        "unit_same",
        "alone_alike",
    }


def test_a_number_alone_is_never_as_good_as_two_kinds_of_evidence() -> None:
    found, _ = person(number(ASTRID.pid))
    assert found.value == ASTRID.pid
    assert 0.9 < found.p < 0.999
    assert "name_missing" in found.evidence


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("192501012916", "number_swapped"),
        ("19250101916 ", "number_left_out"),
        ("1925 1019216", "number_differs:1"),
        ("192550101921", "number_extra"),
        ("2501019216  ", "number_ten"),
        ("  2501019216", "number_ten"),
        ("250101?9216 ", "number_ten"),
    ],
)
def test_slips_of_the_pen_are_seen_through_with_a_name_and_named(row: str, reason: str) -> None:
    found, _ = person(number(row), "Astnd Akerstrom")
    assert found.value == ASTRID.pid
    assert reason in found.evidence


def test_a_box_that_nobody_can_read_is_filled_by_the_register() -> None:
    reading = Reading(None, 0.6, State.ILLEGIBLE, cell_probabilities=seen("192501#19216"))
    found, _ = person(reading, ASTRID.name)
    assert (found.value, found.state) == (ASTRID.pid, State.READ)


def test_an_unlisted_number_wins_where_the_boxes_allow_it() -> None:
    """The reader is sure of a wrong digit, and the right one has no chance in its list."""
    found, problems = person(number("192501079216", b7=("1", 0.01)), ASTRID.name)
    assert found.value == ASTRID.pid
    assert found.p < 0.999
    assert "number_differs:personnummer" in problems


def test_another_clients_number_beside_a_name_is_never_sure() -> None:
    found, problems = person(number(BIRGER.pid), GUNHILD.name, GUNHILD.unit)
    assert found.value == BIRGER.pid
    assert found.p < 0.99
    assert GUNHILD.pid in [value for value, _ in found.alternatives]
    assert "name_differs:personnummer" in problems


def test_a_namesake_keeps_a_number_from_being_sure() -> None:
    found, _ = person(
        number(ASTRID.pid), ASTRID.name, ASTRID.unit, ClientRegister([ASTRID, BIRGER, SON])
    )
    assert found.value == ASTRID.pid
    assert found.p < 0.9995


def test_somebody_outside_the_register_stays() -> None:
    found, problems = person(number("201501012390"), "Okänd Person")
    assert found.value == "201501012390"
    assert problems == ["person_unknown:personnummer"]
    assert "not_in_register" in found.evidence


@pytest.mark.parametrize("name", ["", "Karl Berg"])
@pytest.mark.parametrize("row", ["19640823    ", "19640823 234", "1964082?3234", "30640823???4"])
@pytest.mark.parametrize("register", [REGISTER, ClientRegister([BIRGER])])
def test_somebody_outside_the_register_is_no_client_because_the_number_is_not_whole(
    row: str, name: str, register: ClientRegister
) -> None:
    """Only the birth date, a digit left out, a spoilt box, a reserve number: none of the few
    clients is meant.
    """
    written = decode_digits(np.array(seen(row), np.float32), NOTE.by_name["personnummer"])
    found, problems = person(written, name, register=register)
    assert (found.value, found.state, found.p) == (written.value, written.state, written.p)
    assert all(p < 0.01 for _, p in found.alternatives)
    assert problems == ["person_unknown:personnummer"]


def test_a_birth_date_and_a_name_still_lead_to_a_client() -> None:
    found, problems = person(
        decode_digits(np.array(seen("19250101    "), np.float32), NOTE.by_name["personnummer"]),
        ASTRID.name,
    )
    assert (found.value, problems) == (ASTRID.pid, ["number_differs:personnummer"])


ALI = Client("50123456/1", "Ali Yusuf", "Hemtjänst Öst")
RESERVE = Client("30640823TF12", "Karl Berg", "Hemtjänst Öst")


@pytest.mark.parametrize("name", ["", ALI.name])
def test_a_local_number_that_fills_fewer_boxes_finds_its_client(name: str) -> None:
    written = decode_digits(
        np.array(seen("50123456?1  "), np.float32), NOTE.by_name["personnummer"]
    )
    found, problems = person(written, name, register=ClientRegister([ALI, RESERVE, ASTRID]))
    assert (found.value, found.state, problems) == (ALI.pid, State.READ, [])
    assert found.p > 0.9


@pytest.mark.parametrize(
    "row",
    [
        "?           ",
        "?????       ",
        "99999       ",
        "?????999    ",
        "19640823    ",
        "19640823 234",
    ],
)
def test_a_local_number_is_nobodys_whose_boxes_hold_something_else(row: str) -> None:
    short = Client("A2345", "Bo Ek", "Hemtjänst Öst")
    found, problems = person(
        decode_digits(np.array(seen(row), np.float32), NOTE.by_name["personnummer"]),
        register=ClientRegister([short, ALI]),
    )
    assert found.value not in (short.pid, ALI.pid)
    assert problems == ["person_unknown:personnummer"]


@pytest.mark.parametrize("text", ["okänd person", "121212-121", "se baksidan"])
def test_words_where_a_number_should_stand_are_nobodys_number(text: str) -> None:
    found, problems = person(read(text, 0.3), register=ClientRegister([ALI, RESERVE, ASTRID]))
    assert (found.value, found.p, problems) == (text, 0.3, [])


def test_the_other_rows_of_a_sheet_speak_for_a_client() -> None:
    unclear = number("195001182046", b4=("3", 0.5), b6=("7", 0.5), b9=("6", 0.45))
    alone, _ = resolved(VISITS, {"rad02.personnummer": unclear})
    beside, _ = resolved(
        VISITS,
        {
            "rad01.personnummer": number(BIRGER.pid),
            "rad01.namn": read(BIRGER.name),
            "rad02.personnummer": unclear,
        },
    )
    assert beside["rad02.personnummer"].p >= alone["rad02.personnummer"].p
    assert "on_sheet" in beside["rad02.personnummer"].evidence


@settings(deadline=None, max_examples=40)
@given(
    row=st.text("0123456789 #?", min_size=12, max_size=12),
    name=st.sampled_from(["", ASTRID.name, "Xyz"]),
    p=st.floats(0.3, 0.9999),
)
def test_whatever_was_seen_probabilities_stay_probabilities(row: str, name: str, p: float) -> None:
    reading = Reading(row.replace(" ", "") or "1", 0.5, State.READ, cell_probabilities=seen(row, p))
    found, _ = person(reading, name)
    assert 0 <= found.p <= 1
    assert found.p + sum(q for _, q in found.alternatives) <= 1 + 1e-6
    assert found.p < 0.999 or name


def test_whom_an_undecided_row_may_be_about_shares_what_its_own_answer_leaves() -> None:
    found, _ = person(
        Reading("9007?483?8?", 0.5, State.READ, cell_probabilities=seen(" 9007?483?8?", 0.313)),
        ASTRID.name,
    )
    assert (found.value, found.p) == ("9007?483?8?", 0.5)
    assert found.alternatives[0][0] == ASTRID.pid
    assert sum(q for _, q in found.alternatives) <= 0.5 + 1e-6


def test_a_day_of_the_outage_wins_box_by_box_though_no_reader_listed_it() -> None:
    spec = NOTE.by_name["handelsedatum"]
    reading = Reading(
        "2027-12-18", 0.9, State.READ, cell_probabilities=seen("20271218", b3=("1", 0.1))
    )
    found, problems = weigh_date(spec, reading, WINDOW)
    assert (found.value, problems) == ("2021-12-18", [])
    assert "in_outage" in found.evidence


def test_what_is_written_later_may_be_dated_after_the_outage() -> None:
    later = read("2022-01-20")
    assert weigh_date(NOTE.by_name["skrivet_datum"], later, WINDOW)[1] == []
    assert weigh_date(NOTE.by_name["handelsedatum"], later, WINDOW)[1] == [
        Issue(IssueCode.OUTSIDE_OUTAGE, "handelsedatum")
    ]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ("krisledningsmote", "nasta_datum"),
        ("forsandelse-ratten", "frist_datum"),
        ("bistandsbeslut", "period_tom"),
    ],
)
def test_a_day_that_lies_after_the_outage_by_nature_is_not_drawn_into_it(
    form: str, field: str
) -> None:
    reading = Reading(
        "2022-01-18", 0.9, State.READ, cell_probabilities=seen("20220118", b6=("0", 0.1))
    )
    found, problems = resolved(FORMS.latest(form), {field: reading})
    assert found[field].value == "2022-01-18"
    assert [problem for problem in problems if problem.endswith(f":{field}")] == []


def test_rows_in_order_choose_between_times() -> None:
    rows = {
        f"rad0{row}.start": read(f"{hour:02d}:15", 0.97) for row, hour in ((1, 8), (2, 9), (4, 11))
    }
    fields, _ = resolved(VISITS, rows | {"rad03.start": read("01:10", 0.55, ("10:10", 0.4))})
    assert fields["rad03.start"].value == "10:10"
    assert "order_fits" in fields["rad03.start"].evidence


def test_a_start_is_likelier_before_its_end() -> None:
    fields, problems = resolved(
        VISITS,
        {"rad01.start": read("09:10", 0.5, ("07:10", 0.45)), "rad01.slut": read("07:40", 0.98)},
    )
    assert fields["rad01.start"].value == "07:10"
    assert "end_before_start:rad01.start" not in problems


def test_a_clear_time_out_of_order_stays() -> None:
    fields, _ = resolved(
        VISITS, {"rad01.start": read("12:00", 0.999), "rad02.start": read("08:00", 0.999)}
    )
    assert fields["rad02.start"].value == "08:00"


def test_the_upper_blood_pressure_is_the_higher_one() -> None:
    fields, problems = resolved(
        VALUES, {"rad01.bt_sys": read("135", 0.99), "rad01.bt_dia": read("182", 0.5, ("82", 0.45))}
    )
    assert fields["rad01.bt_dia"].value == "82"
    _, problems = resolved(
        VALUES, {"rad01.bt_sys": read("80", 0.999), "rad01.bt_dia": read("120", 0.999)}
    )
    assert "pair_crossed:rad01.bt_dia" in problems


def test_what_is_unusual_but_may_be_what_the_boxes_say_keeps_the_usual_from_being_sure() -> None:
    """A first digit that the reader half took for an empty box, in a pressure that is too high."""
    fields, _ = resolved(
        VALUES, {"rad01.bt_sys": read("210", 0.99), "rad01.bt_dia": read("41", 0.6, ("141", 0.35))}
    )
    assert fields["rad01.bt_dia"].p < 0.99
    fields, _ = resolved(
        VALUES, {"rad01.bt_sys": read("188", 0.99), "rad01.bt_dia": read("91", 0.55, ("191", 0.43))}
    )
    assert (fields["rad01.bt_dia"].value, fields["rad01.bt_dia"].p < 0.99) == ("91", True)


@pytest.mark.parametrize(("value", "other"), [("7", "70"), ("740", "74")])
def test_a_pulse_that_a_heart_can_have_is_ranked_first_if_the_boxes_allow_it(
    value: str, other: str
) -> None:
    spec = VALUES.by_name["rad01.puls"]
    found, problems = weigh_number(spec, read(value, 0.7, (other, 0.2)))
    assert (found.value, problems) == (other, [])
    found, problems = weigh_number(spec, read(value, 0.999))
    assert (found.value, problems) == (value, [Issue(IssueCode.OUT_OF_RANGE, spec.name)])


@pytest.mark.parametrize("p", [0.5, 0.6, 0.85, 0.9])
def test_what_is_not_odd_is_not_sure_for_that(p: float) -> None:
    """A digit read as another mostly gives a number that a heart can have, and one time in four a
    day of the outage.
    """
    pulse, _ = weigh_number(VALUES.by_name["rad01.puls"], read("72", p))
    assert pulse.p <= p / (p + 0.65 * (1 - p))
    for lattice in ((), seen("20211218")):
        day, _ = weigh_date(
            VALUES.by_name["rad01.datum"],
            Reading("2021-12-18", p, State.READ, cell_probabilities=lattice),
            WINDOW,
        )
        assert day.p <= p / (p + 0.23 * (1 - p))


def test_an_unusual_number_is_pointed_out() -> None:
    found, problems = weigh_number(VALUES.by_name["rad01.puls"], read("210", 0.999))
    assert found.value == "210"
    assert problems == [Issue(IssueCode.IMPLAUSIBLE, "rad01.puls")]


def test_what_other_fields_make_of_a_number_is_pointed_out_too() -> None:
    """The lower pressure of somebody in shock: 72 is usual, but higher than the upper one."""
    fields, problems = resolved(
        VALUES, {"rad01.bt_sys": read("60", 0.999), "rad01.bt_dia": read("72", 0.55, ("22", 0.44))}
    )
    found = fields["rad01.bt_dia"]
    assert found.value == "22"
    assert {"plausible", "implausible"} & set(found.evidence) == {"implausible"}
    assert "implausible:rad01.bt_dia" in problems
    fields, problems = resolved(
        VALUES,
        {"rad01.bt_sys": read("160", 0.999), "rad01.bt_dia": read("182", 0.95, ("82", 0.04))},
    )
    found = fields["rad01.bt_dia"]
    assert found.value == "82"
    assert {"plausible", "implausible"} & set(found.evidence) == {"plausible"}
    assert "implausible:rad01.bt_dia" not in problems


def test_a_day_that_the_other_rows_draw_out_of_the_outage_is_pointed_out() -> None:
    days = {
        "rad01.datum": read("2022-01-13", 0.999),
        "rad02.datum": read("2022-01-13", 0.95, ("2022-01-10", 0.04)),
    }
    fields, problems = resolved(VALUES, days)
    found = fields["rad02.datum"]
    assert found.value == "2022-01-13"
    assert {"in_outage", "outside_outage"} & set(found.evidence) == {"outside_outage"}
    assert "outside_outage:rad02.datum" in problems


def test_a_sum_and_its_parts_support_each_other() -> None:
    box = (10.0, 10.0, 16.5, 8.0)
    plain = FieldSpec.model_validate(
        {"name": "a", "label": "A", "kind": "digits", "format": "number", "cells": 3, "box": box}
    )
    specs = [
        plain,
        plain.model_copy(update={"name": "b"}),
        plain.model_copy(update={"name": "total", "sum_of": ("a", "b")}),
    ]
    parts = {
        "a": read("120", 0.6, ("170", 0.35)),
        "b": read("30", 0.98),
        "total": read("200", 0.97),
    }
    found, problems = weigh_sums(specs, parts)
    assert (found["a"].value, problems) == ("170", [])
    assert "sum_fits" in found["total"].evidence
    found, problems = weigh_sums(specs, parts | {"a": read("120", 0.999)})
    assert problems == [Issue(IssueCode.SUM_DIFFERS, "total")]


def test_a_number_of_the_sheet_adds_up_a_column_of_its_table() -> None:
    box = (10.0, 10.0, 16.5, 8.0)
    plain = FieldSpec.model_validate(
        {
            "name": "total",
            "label": "T",
            "kind": "digits",
            "format": "number",
            "cells": 3,
            "box": box,
            "sum_of": ["b"],
        }
    )
    rows = [
        plain.model_copy(update={"name": f"rad0{row}.b", "row": row, "sum_of": ()})
        for row in (1, 2, 3)
    ]
    readings = {
        "total": read("150", 0.97),
        "rad01.b": read("120", 0.98),
        "rad02.b": read("80", 0.6, ("30", 0.35)),
        "rad03.b": Reading.empty(0.99),
    }
    found, problems = weigh_sums([plain, *rows], readings)
    assert (found["rad02.b"].value, problems) == ("30", [])
    assert weigh_sums([plain, *rows], readings | {"rad02.b": read("80", 0.999)})[1] == [
        Issue(IssueCode.SUM_DIFFERS, "total")
    ]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.floats(0.05, 1), min_size=1, max_size=4), min_size=1, max_size=4))
def test_a_chain_gives_what_adding_up_everything_gives(rows: list[list[float]]) -> None:
    links = [
        ChainLink(tuple(float(i) for i in range(len(row))), tuple(p / sum(row) * 0.9 for p in row))
        for row in rows
    ]
    _, found = smooth_chain(links, [lambda a, b: 0.1 if b < a else 1.0] * (len(links) - 1))
    shape = tuple(len(link.p) + 1 for link in links)
    joint = np.zeros(shape)
    for at in np.ndindex(shape):
        weight = float(np.prod([link.with_rest()[i] for link, i in zip(links, at, strict=True)]))
        for one, other, a, b in zip(links[:-1], links[1:], at[:-1], at[1:], strict=True):
            known = a < len(one.p) and b < len(other.p)
            weight *= (0.1 if b < a else 1.0) if known else 0.6
        joint[at] = weight
    joint /= joint.sum()
    for axis, p in enumerate(found):
        others = tuple(i for i in range(len(links)) if i != axis)
        assert np.allclose(p, joint.sum(axis=others), atol=1e-9)


@pytest.mark.parametrize(
    ("row", "value"), [("815 ", "08:15"), (" 815", "08:15"), ("2400", "24:00"), ("0815", "08:15")]
)
def test_times_are_read_as_people_write_them(row: str, value: str) -> None:
    found = decode_digits(np.array(seen(row), np.float32), VISITS.by_name["rad01.start"])
    assert found.value == value
    assert len(found.cell_probabilities) == 4


def test_a_form_may_only_compare_fields_that_it_has() -> None:
    changed = VISITS.model_dump()
    for spec in changed["pages"][0]["table"]["fields"]:
        spec["less_than"] = "slutet" if spec["less_than"] else None
    assert any("slutet" in problem for problem in form_problem_texts(Form.model_validate(changed)))
    assert form_problem_texts(VISITS) == []


def test_a_word_that_a_computer_takes_for_a_number_is_none() -> None:
    """`inf` is an infusion."""
    box = (10.0, 10.0, 16.5, 8.0)
    plain = FieldSpec.model_validate(
        {"name": "a", "label": "A", "kind": "text", "format": "number", "box": box}
    )
    specs = [
        plain,
        plain.model_copy(update={"name": "b"}),
        plain.model_copy(update={"name": "total", "sum_of": ("a", "b")}),
    ]
    found, problems = weigh_sums(
        specs, {"a": read("inf", 0.3), "b": read("inf", 0.3), "total": read("inf", 0.3)}
    )
    assert found["total"].value == "inf"
    assert problems == [Issue(IssueCode.SUM_DIFFERS, "total")]
    assert (
        weigh_number(plain, read("nan", 0.3))[1]
        == weigh_number(plain, read("1_0", 0.3))[1]
        == [Issue(IssueCode.NOT_A_NUMBER, "a")]
    )


def test_a_sum_that_is_itself_added_up_is_weighed_with_both() -> None:
    box = (10.0, 10.0, 16.5, 8.0)
    plain = FieldSpec.model_validate(
        {"name": "a", "label": "A", "kind": "digits", "format": "number", "cells": 3, "box": box}
    )
    part, total = (
        plain.model_copy(update={"name": "part", "sum_of": ("a", "b")}),
        plain.model_copy(update={"name": "total", "sum_of": ("part", "c")}),
    )
    specs = [
        plain,
        plain.model_copy(update={"name": "b"}),
        part,
        plain.model_copy(update={"name": "c"}),
        total,
    ]
    readings = {
        "a": read("50", 0.99),
        "b": read("30", 0.99),
        "part": read("80", 0.5, ("30", 0.45)),
        "c": read("20", 0.6, ("70", 0.35)),
        "total": read("100", 0.99),
    }
    found, problems = weigh_sums(specs, readings)
    assert [found[name].value for name in ("part", "c")] == ["80", "20"]
    assert problems == []
    assert found["part"].p > 0.95
    assert "sum_fits" in found["part"].evidence
    found, problems = weigh_sums(
        specs,
        readings
        | {"a": read("50", 0.55, ("20", 0.44)), "b": read("10", 0.99), "c": read("70", 0.99)},
    )
    fits = {name for name in ("part", "total") if "sum_fits" in found[name].evidence}
    assert fits | {issue.field for issue in problems} == {"part", "total"}
    for name, parts in (("part", "ab"), ("total", ("part", "c"))):
        adds_up = int(str(found[name].value)) == sum(int(str(found[one].value)) for one in parts)
        assert adds_up == (name in fits)
