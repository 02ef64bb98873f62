"""Which fields are typed at which depth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.domain.form.form import Depth, Form, Forms
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Reading, State
from pipeline.domain.review.depth import (
    fields_at_depth,
    find_days_in_use,
    find_deviations,
    list_line_fields,
)
from pipeline.domain.settings import ROOT


def field(name: str, kind: str = "text", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"name": name, "label": name, "kind": kind, "box": [20, 20, 60, 8], **more}


def signing_list() -> Form:
    """A month of one drug a line, two lines, three days, and a place for what went wrong."""
    lines = [
        spec
        for line in (1, 2)
        for spec in (
            field(f"rad{line}_insats", group=f"Rad {line}"),
            field(f"rad{line}_tid", format="time", group=f"Rad {line}"),
            *(
                field(
                    f"rad{line}_dag{day}",
                    "initials",
                    planned_by=f"rad{line}_tid",
                    group=f"Rad {line}",
                )
                for day in (1, 2, 3)
            ),
        )
    ]
    fields = [
        field("pnr", "digits", format="personnummer", critical=True, means="client_pid"),
        field("datum", "digits", format="date", critical=True, means="event_date"),
        field("skribent", means="author_name"),
        field("ord1_dos", critical=True, group="1"),
        field("ord1_ordinerat", format="date", critical=True, group="1"),
        field("avv1_kod", "digits", format="number", cells=1, critical=True, group="1"),
        field("avv1_varfor", group="1"),
        field("avv1_signatur", "initials", group="1"),
        field("sign1_namn", group="2"),
        *lines,
    ]
    head = {"id": "lista", "version": 1, "title": "Lista", "area": "HSL", "criticality": "A"}
    law = [{"ref": "PDL", "source": "SFS"}]
    return Form.model_validate(
        head
        | {"law": law, "entries": "sheet", "depth": "deviations", "pages": [{"fields": fields}]}
    )


FORM = signing_list()
SIGNED = Reading("ab", 0.95, State.READ)
EMPTY = Reading.empty(0.99)


def readings(**other: Reading) -> dict[str, Reading]:
    """Line 1 is planned and signed on all days, line 2 is empty; `other` differs."""
    read = {spec.name: EMPTY for spec in FORM.fields}
    read |= {"rad1_insats": SIGNED, "rad1_tid": Reading("08:00", 0.9, State.READ)}
    return read | {f"rad1_dag{day}": SIGNED for day in (1, 2, 3)} | other


def asked(depth: Depth, **other: Reading) -> list[str]:
    return [spec.name for spec in fields_at_depth(FORM, None, depth, readings(**other))]


HEAD = ["pnr", "datum", "skribent"]


def test_a_list_without_deviations_asks_for_its_head_only() -> None:
    assert asked(Depth.DEVIATIONS) == HEAD
    assert len(asked(Depth.FULL)) == len(FORM.fields)


@pytest.mark.parametrize(
    "reading",
    [EMPTY, Reading("1", 0.99, State.READ), Reading("ab", 0.5, State.READ)],
    ids=["empty", "a code", "not certain"],
)
def test_a_box_that_says_something_else_is_asked_with_its_line(reading: Reading) -> None:
    assert asked(Depth.DEVIATIONS, rad1_dag2=reading) == [
        *HEAD,
        "rad1_insats",
        "rad1_tid",
        "rad1_dag2",
    ]


def test_a_line_that_nothing_is_planned_on_has_no_deviations() -> None:
    assert find_deviations(FORM, readings()) == frozenset()


def test_days_before_and_after_the_use_of_a_list_are_not_asked() -> None:
    """A list of a whole month, in an outage from the 16th to the 19th."""
    form = Forms.load(ROOT / "forms").latest("signeringslista")
    read = {spec.name: EMPTY for spec in form.fields}
    read["rad1_tid"] = SIGNED
    read |= {f"rad1_dag{one}": SIGNED for one in (16, 17, 19)}
    assert find_days_in_use(form, read) == (16, 19)
    assert find_deviations(form, read) == {"rad1_dag18"}


def test_what_somebody_wrote_about_a_deviation_is_asked_and_the_key_of_signatures_is_not() -> None:
    written = {"avv1_kod": Reading("1", 0.9, State.READ), "sign1_namn": SIGNED}
    line = ["avv1_kod", "avv1_varfor", "avv1_signatur"]
    assert asked(Depth.DEVIATIONS, **written) == [*HEAD, *line]


DAY = Reading("2021-12-01", 0.95, State.READ)
DOSE = Reading("500 mg", 0.7, State.READ)


@pytest.mark.parametrize(
    ("prescribed", "dose", "is_asked"),
    [
        ("2021-11-30", DOSE, False),
        ("2021-12-01", DOSE, True),
        ("", DOSE, True),
        ("2021-11-30", replace(DOSE, issues=(IssueCode.STRUCK_OUT,)), True),
    ],
    ids=["before", "new", "no day", "struck out"],
)
def test_a_prescription_is_typed_if_it_is_new_or_changed(
    prescribed: str, dose: Reading, is_asked: bool
) -> None:
    day = Reading(prescribed, 0.6, State.READ) if prescribed else EMPTY
    names = asked(Depth.DEVIATIONS, datum=DAY, ord1_dos=dose, ord1_ordinerat=day)
    assert names == [*HEAD, *(["ord1_dos", "ord1_ordinerat"] if is_asked else [])]


def test_only_the_side_of_a_deviating_box_is_typed() -> None:
    form = Forms.load(ROOT / "forms").latest("signeringslista")
    assert list_line_fields(form, ["rad3_dag20"]) == {"rad3_insats_bak", "rad3_tid_bak"}


def test_an_attachment_asks_whose_it_is_and_its_day() -> None:
    assert asked(Depth.ATTACHMENT) == ["pnr", "datum"]


def test_without_a_reading_nothing_deviates() -> None:
    assert find_deviations(FORM, {}) == frozenset()


@pytest.mark.parametrize(("day", "asked_days"), [("2021-02-01", []), ("2021-12-01", [29, 30])])
def test_a_day_that_the_month_does_not_have_is_not_asked_for(
    day: str, asked_days: list[int]
) -> None:
    form = Forms.load(ROOT / "forms").latest("signeringslista")
    read = {spec.name: EMPTY for spec in form.fields}
    read |= {f"rad1_dag{one}": SIGNED for one in (*range(1, 29), 31)}
    read |= {"rad1_tid": SIGNED, "datum": Reading(day, 0.99, State.READ)}
    assert find_deviations(form, read) == {f"rad1_dag{one}" for one in asked_days}


@pytest.mark.parametrize("name", ["overkanslighet", "till"])
def test_what_is_written_above_the_list_is_asked_and_an_empty_place_is_not(name: str) -> None:
    """An allergy puts a sheet first, and comes along with it."""
    form = Forms.load(ROOT / "forms").latest("signeringslista")
    empty = {spec.name: EMPTY for spec in form.fields}

    def is_asked(reading: Reading) -> bool:
        fields = fields_at_depth(form, None, Depth.DEVIATIONS, empty | {name: reading})
        return name in {spec.name for spec in fields}

    assert is_asked(Reading("x", 0.4, State.READ))
    assert not is_asked(EMPTY)
