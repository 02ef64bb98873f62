"""Dates, times and numbers resolved by the outage, other rows and sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.form.form import Form
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Reading, State
from pipeline.reading.fields.digits.decoding import decode_digits
from pipeline.reading.resolve.number_likelihood import ChainLink, smooth_chain
from pipeline.reading.resolve.values import (
    complete_day,
    weigh_date,
    weigh_near_date,
    weigh_number,
    weigh_sums,
)
from tests.support.form_rules import form_problem_texts
from tests.unit.reading.resolve.weighed_values import (
    FORMS,
    NOTE,
    VALUES,
    VISITS,
    WINDOW,
    read,
    resolved,
    seen,
)

DAY = FieldSpec(name="day", label="day", kind=Kind.TEXT, box=(0, 0, 30, 8), format=Format.DATE)


def test_day_of_outage_is_found_box_by_box_without_being_listed() -> None:
    spec = NOTE.by_name["handelsedatum"]
    reading = Reading(
        "2027-12-18", 0.9, State.READ, cell_probabilities=seen("20271218", b3=("1", 0.1))
    )
    found, problems = weigh_date(spec, reading, WINDOW)
    assert (found.value, problems) == ("2021-12-18", [])
    assert "in_outage" in found.evidence


def test_written_date_may_be_after_outage() -> None:
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
def test_field_of_later_day_is_not_drawn_into_outage(form: str, field: str) -> None:
    reading = Reading(
        "2022-01-18", 0.9, State.READ, cell_probabilities=seen("20220118", b6=("0", 0.1))
    )
    found, problems = resolved(FORMS[form, 1], {field: reading})
    assert found[field].value == "2022-01-18"
    assert [problem for problem in problems if problem.endswith(f":{field}")] == []


def test_order_of_rows_decides_between_times() -> None:
    rows = {
        f"rad0{row}.start": read(f"{hour:02d}:15", 0.97) for row, hour in ((1, 8), (2, 9), (4, 11))
    }
    fields, _ = resolved(VISITS, rows | {"rad03.start": read("01:10", 0.55, ("10:10", 0.4))})
    assert fields["rad03.start"].value == "10:10"
    assert "order_fits" in fields["rad03.start"].evidence


def test_start_is_likelier_before_end() -> None:
    fields, problems = resolved(
        VISITS,
        {"rad01.start": read("09:10", 0.5, ("07:10", 0.45)), "rad01.slut": read("07:40", 0.98)},
    )
    assert fields["rad01.start"].value == "07:10"
    assert "end_before_start:rad01.start" not in problems


def test_clear_time_out_of_order_is_kept() -> None:
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


def test_likely_unusual_value_lowers_confidence_of_usual_value() -> None:
    """A first digit read as an empty box with p = ½, in a blood pressure that is too high."""
    fields, _ = resolved(
        VALUES, {"rad01.bt_sys": read("210", 0.99), "rad01.bt_dia": read("41", 0.6, ("141", 0.35))}
    )
    assert fields["rad01.bt_dia"].p < 0.99
    fields, _ = resolved(
        VALUES, {"rad01.bt_sys": read("188", 0.99), "rad01.bt_dia": read("91", 0.55, ("191", 0.43))}
    )
    assert (fields["rad01.bt_dia"].value, fields["rad01.bt_dia"].p < 0.99) == ("91", True)


@pytest.mark.parametrize(("value", "other"), [("7", "70"), ("740", "74")])
def test_plausible_pulse_ranks_first_if_boxes_allow_it(value: str, other: str) -> None:
    spec = VALUES.by_name["rad01.puls"]
    found, problems = weigh_number(spec, read(value, 0.7, (other, 0.2)))
    assert (found.value, problems) == (other, [])
    found, problems = weigh_number(spec, read(value, 0.999))
    assert (found.value, problems) == (value, [Issue(IssueCode.OUT_OF_RANGE, spec.name)])


@pytest.mark.parametrize("p", [0.5, 0.6, 0.85, 0.9])
def test_plausible_value_is_not_confident_for_plausibility_alone(p: float) -> None:
    """One misread digit mostly gives another plausible pulse, and in one case of four a day of the
    outage.
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


def test_unusual_number_raises_issue() -> None:
    found, problems = weigh_number(VALUES.by_name["rad01.puls"], read("210", 0.999))
    assert found.value == "210"
    assert problems == [Issue(IssueCode.IMPLAUSIBLE, "rad01.puls")]


def test_number_implausible_beside_other_fields_raises_issue() -> None:
    """The lower pressure of a patient in shock: 72 is usual, but higher than the upper one."""
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


def test_day_moved_out_of_outage_by_other_rows_raises_issue() -> None:
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
def test_chain_equals_exhaustive_sum(rows: list[list[float]]) -> None:
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
def test_times_are_parsed_in_usual_notations(row: str, value: str) -> None:
    found = decode_digits(np.array(seen(row), np.float32), VISITS.by_name["rad01.start"])
    assert found.value == value
    assert len(found.cell_probabilities) == 4


def test_comparison_with_missing_field_is_rejected() -> None:
    changed = VISITS.model_dump()
    for spec in changed["pages"][0]["table"]["fields"]:
        spec["less_than"] = "slutet" if spec["less_than"] else None
    assert any("slutet" in problem for problem in form_problem_texts(Form.model_validate(changed)))
    assert form_problem_texts(VISITS) == []


def test_inf_is_not_a_number() -> None:
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


def test_sum_that_is_also_an_addend_is_resolved_with_both() -> None:
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


@pytest.mark.parametrize(
    ("written", "day", "is_limited"),
    [
        ("16/12", "2021-12-16", False),
        ("3/1", "2022-01-03", False),
        ("15/12", "2021-12-15", True),
        ("20/6", "2022-06-20", True),
        ("31/4", "31/4", True),
    ],
)
def test_day_without_a_year_is_nearest_the_outage(written: str, day: str, is_limited: bool) -> None:
    completed = complete_day(DAY, read(written, 0.9, ("4/1", 0.05)), WINDOW)
    assert (completed.value, completed.p) == (day, 0.3 if is_limited else 0.9)
    assert completed.alternatives == (("2022-01-04", 0.05),)


def test_both_ways_of_writing_a_day_support_each_other() -> None:
    completed = complete_day(DAY, read("3/1", 0.6, ("2022-01-03", 0.3)), WINDOW)
    assert completed.p == pytest.approx(0.9)


def test_day_without_a_year_has_low_confidence_if_no_outage_is_known() -> None:
    completed = complete_day(DAY, read("3/1", 0.9), None)
    assert (completed.value, completed.p) == ("3/1", 0.3)


def test_misread_year_of_a_decision_gives_way_to_one_near_the_outage() -> None:
    far = weigh_near_date(read("2021-12-21", 0.93, ("2024-12-21", 0.06)), WINDOW)
    assert (far.value, far.evidence) == ("2021-12-21", ("near_outage",))
    assert far.p > 0.98


def test_clear_date_far_from_the_outage_stays_without_an_issue() -> None:
    found = weigh_near_date(read("2019-03-04", 0.999), WINDOW)
    assert (found.value, found.evidence) == ("2019-03-04", ())
    assert found.p > 0.98


def test_near_date_is_not_confident_for_being_near_alone() -> None:
    assert weigh_near_date(read("2021-12-21", 0.6), WINDOW).p < 0.87
