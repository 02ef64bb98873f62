"""Which days of which unit have no paper: by the day that paper is of, against what was planned."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Forms
from pipeline.domain.model import IssuedSheet, Outcome, PageReading, Person, PrintedRow, Role
from pipeline.domain.settings import ROOT
from pipeline.forms.fiducials import SERIAL_ALPHABET, is_serial, new_serial
from pipeline.registers.planned_visits import PlanKind, count_planned
from pipeline.reporting.csv_files import missing_sheets_csv, paper_days_csv
from pipeline.review.corrections import Corrections
from pipeline.review.decisions import Decision, decide_entry
from pipeline.review.rejections import Rejection, reject_entry
from pipeline.store.database.store import Store
from pipeline.store.registers import packs
from pipeline.store.registers.client_register import save_units
from pipeline.store.registers.planning import save_planned
from pipeline.store.reports.paper_days import (
    DayCount,
    DaySheet,
    PaperDays,
    PaperStatus,
    list_day_sheets,
    load_paper_days,
    paper_date_range,
)
from pipeline.store.reports.sheet_accounting import MissingSheet, list_missing_sheets
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    CHIEF,
    EVA,
    FORMS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    SAID,
    SOUTH,
    VISITS,
    Ward,
    answers,
    page_reading,
    person,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)
FIRST, LAST = date(2026, 2, 16), date(2026, 2, 20)
BOTH = person("chefen", Role.MANAGER, (NORTH, SOUTH))


@pytest.fixture
def ward(store: Store) -> Ward:
    """The north: two notes of the 17th, one of the 19th, a visit list of the 19th with two rows,
    and a page that nobody knows.
    """
    ward = Ward(store).begin()
    for serial, day in (("AAAA", "2026-02-17"), ("BBBB", "2026-02-17"), ("CCCC", "2026-02-19")):
        ward.issue(IssuedSheet(serial, NOTE.id, 1, NORTH))
        ward.note(serial, {**SAID, "datum": day}, PLAN)
    ward.issue(IssuedSheet("DDDD", VISITS.id, 1, NORTH))
    rows = {"datum": "2026-02-19", "rad01.pnr": ASTA.pid, "rad02.pnr": ASTA.pid}
    ward.read(ward.scan(), page_reading(VISITS, "DDDD", rows))
    ward.read(ward.scan(), PageReading(Outcome.UNIDENTIFIED))
    return ward


def look(ward: Ward, who: Person = BOTH, forms: Forms = FORMS) -> PaperDays:
    with ward.store.read() as conn:
        return load_paper_days(conn, forms, who, FIRST, LAST)


def plan(
    ward: Ward, kind: PlanKind, counts: Mapping[tuple[str, str], int], who: Person = BOTH
) -> int:
    with ward.store.begin() as conn:
        return save_planned(conn, who, kind, counts)


def north(found: PaperDays) -> dict[str, PaperStatus]:
    return {day[-2:]: found.counts[NORTH, day].paper_status for day in found.days}


def test_days_are_those_that_the_paper_speaks_of(ward: Ward) -> None:
    found = look(ward)
    assert found.counts[NORTH, "2026-02-17"] == DayCount(NORTH, "2026-02-17", 2, 2, 2)
    assert found.counts[NORTH, "2026-02-19"] == DayCount(NORTH, "2026-02-19", 2, 3, 3)
    assert found.without_paper(NORTH) == ["2026-02-16", "2026-02-18", "2026-02-20"]
    assert found.without_paper(SOUTH) == [f"2026-02-{day}" for day in range(16, 21)]
    assert found.undated == {NORTH: 1}
    with ward.store.read() as conn:
        assert paper_date_range(conn, BOTH) == (date(2026, 2, 17), date(2026, 2, 19))
        assert list_day_sheets(conn, BOTH, NORTH, "2026-02-19") == [
            DaySheet("CCCC", NOTE.id, 1, 1),
            DaySheet("DDDD", VISITS.id, 2, 2),
        ]
        assert list_day_sheets(conn, BOTH, NORTH, "2026-02-18") == []


def test_planned_visits_tell_a_thin_day_from_a_full_one_and_a_gap_from_a_day_off(
    ward: Ward,
) -> None:
    assert (
        plan(
            ward,
            PlanKind.VISITS,
            {
                (NORTH, "2026-02-17"): 2,
                (NORTH, "2026-02-18"): 0,
                (NORTH, "2026-02-19"): 4,
                (NORTH, "2026-02-20"): 1,
            },
        )
        == 4
    )
    assert north(look(ward)) == {
        "16": PaperStatus.NONE,
        "17": PaperStatus.THERE,
        "18": PaperStatus.IDLE,
        "19": PaperStatus.SHORT,
        "20": PaperStatus.NONE,
    }
    assert look(ward).counts[SOUTH, "2026-02-17"].planned_visits is None


def test_a_day_with_shifts_is_no_day_off_even_if_no_visit_was_planned(ward: Ward) -> None:
    plan(ward, PlanKind.VISITS, {(NORTH, "2026-02-18"): 0})
    plan(ward, PlanKind.SHIFTS, {(NORTH, "2026-02-18"): 3})
    assert north(look(ward))["18"] is PaperStatus.NONE


def test_a_day_that_a_plan_jumps_over_had_nothing_planned_and_a_new_plan_replaces_the_old(
    ward: Ward,
) -> None:
    plan(ward, PlanKind.VISITS, {(NORTH, "2026-02-16"): 1, (NORTH, "2026-02-20"): 1})
    assert north(look(ward)) == {
        "16": PaperStatus.NONE,
        "17": PaperStatus.THERE,
        "18": PaperStatus.IDLE,
        "19": PaperStatus.THERE,
        "20": PaperStatus.NONE,
    }
    plan(ward, PlanKind.VISITS, {(NORTH, "2026-02-18"): 5})
    assert north(look(ward))["18"] is PaperStatus.NONE


def test_of_the_days_between_two_plans_nothing_is_known(ward: Ward) -> None:
    plan(
        ward,
        PlanKind.VISITS,
        {(NORTH, "2026-02-01"): 1, (NORTH, "2026-02-16"): 1, (SOUTH, "2026-02-20"): 1},
    )
    plan(ward, PlanKind.VISITS, {(NORTH, "2026-02-18"): 0, (NORTH, "2026-02-20"): 0})
    found = look(ward)
    assert [found.counts[NORTH, day].planned_visits for day in found.days] == [1, None, 0, 0, 0]
    plan(ward, PlanKind.VISITS, {(NORTH, "2026-02-16"): 0, (NORTH, "2026-02-28"): 3})
    assert look(ward).counts[NORTH, "2026-02-17"].planned_visits == 0
    plan(
        ward, PlanKind.VISITS, {(NORTH, "2026-02-01"): 2, (NORTH, "2026-03-28"): 3}
    )  # of days between them an earlier file has said more
    assert [look(ward).counts[NORTH, day].planned_visits for day in found.days] == [0, 0, 0, 0, 0]
    plan(ward, PlanKind.VISITS, {(NORTH, "2026-02-18"): 4})
    plan(ward, PlanKind.VISITS, {(NORTH, "2026-02-17"): 1, (NORTH, "2026-02-19"): 1})
    assert [look(ward).counts[NORTH, day].planned_visits for day in found.days] == [0, 1, 4, 1, 0]
    assert look(ward).counts[SOUTH, "2026-02-19"].planned_visits is None


def test_a_plan_with_a_mistyped_year_is_told_of_and_not_kept(ward: Ward) -> None:
    with pytest.raises(UsageError, match="2026-02-16 to 2062-02-17"):
        plan(ward, PlanKind.VISITS, {(NORTH, "2026-02-16"): 1, (NORTH, "2062-02-17"): 1})


@pytest.mark.parametrize(
    ("form_id", "own_id"), [("besokslista", "besokslista"), ("korlista", "egen-korlista")]
)
def test_in_home_care_only_the_rows_of_visit_lists_are_visits_also_of_the_municipalitys_own(
    ward: Ward, form_id: str, own_id: str
) -> None:
    home, visits = (
        "Hemtjänsten",
        Forms.load(ROOT / "forms").latest(form_id).model_copy(update={"id": own_id}),
    )
    with ward.store.begin() as conn:
        save_units(conn, {home: "SoL"})
    ward.issue(IssuedSheet("VVVV", visits.id, 1, home), IssuedSheet("NNNN", NOTE.id, 1, home))
    ward.read(
        ward.scan(),
        page_reading(
            visits, "VVVV", {"datum": "2026-02-17", "rad01.start": "08:00", "rad02.start": "09:00"}
        ),
        visits,
    )
    ward.note("NNNN", SAID, PLAN)
    there_are = Forms({**FORMS, (visits.id, visits.version): visits})
    found = look(ward, person("hemma", Role.MANAGER, (home,)), there_are).counts[home, "2026-02-17"]
    assert (found.sheets, found.entries, found.visits) == (2, 3, 2)


def test_paper_that_was_put_aside_fills_no_gap(ward: Ward) -> None:
    with ward.store.begin() as conn:
        reject_entry(conn, EVA, Rejection("AAAA-00", 0, "fel person"), NOW)
        reject_entry(conn, EVA, Rejection("BBBB-00", 0, "fel person"), NOW)
    assert north(look(ward))["17"] is PaperStatus.NONE


def test_a_staff_schedule_fills_no_gap_except_in_the_administration(ward: Ward) -> None:
    office, forms = "Kansliet", Forms.load(ROOT / "forms")
    form = forms.latest("schemaavvikelse")
    with ward.store.begin() as conn:
        save_units(conn, {office: "ADM"})
    day = form.meaning(Meaning.EVENT_DATE, 1)
    assert day is not None
    for serial, unit in (("SSSS", NORTH), ("TTTT", office)):
        ward.issue(IssuedSheet(serial, form.id, 1, unit))
        names = {day.name: "2026-02-18"} | {
            spec.name: "x" for spec in form.entry_fields(1) if spec.means is Meaning.AUTHOR_NAME
        }
        ward.read(ward.scan(), page_reading(form, serial, names), form)
    found = look(ward, person("kansli", Role.MANAGER, (NORTH, office)))
    assert found.counts[NORTH, "2026-02-18"].paper_status is PaperStatus.NONE
    assert found.counts[office, "2026-02-18"].sheets == 1


def test_serials_stand_in_the_file_as_they_are_printed_so_that_none_is_a_number() -> None:
    serial = next(f"12E4019{sign}" for sign in SERIAL_ALPHABET if is_serial(f"12E4019{sign}"))
    (line,) = (
        missing_sheets_csv([MissingSheet(serial, "", NOTE.id, NOW, prefilled=False)])
        .decode("utf-8-sig")
        .splitlines()[1:]
    )
    assert line == f"okänd enhet;{NOTE.id};12E4-{serial[4:]};2026-03-02;nej"


def test_nobody_sees_or_plans_for_other_units(ward: Ward) -> None:
    assert look(ward, CHIEF).units == (NORTH,)
    with pytest.raises(NotAllowedError):
        plan(ward, PlanKind.VISITS, {(SOUTH, "2026-02-17"): 1}, CHIEF)
    with pytest.raises(UsageError, match="Okänd"):
        plan(ward, PlanKind.VISITS, {("Okänd", "2026-02-17"): 1})
    with ward.store.read() as conn, pytest.raises(NotAllowedError):
        list_day_sheets(conn, CHIEF, SOUTH, "2026-02-17")


def test_the_file_says_in_words_what_each_day_is(ward: Ward) -> None:
    plan(ward, PlanKind.VISITS, {(NORTH, "2026-02-18"): 0, (NORTH, "2026-02-19"): 9})
    lines = paper_days_csv(look(ward)).decode("utf-8-sig").splitlines()
    assert (
        lines[0] == "enhet;dag;ark;poster;besök på papper;planerade besök;planerade pass;bedömning"
    )
    assert f"{NORTH};2026-02-18;0;0;0;0;;inget planerat" in lines
    assert f"{NORTH};2026-02-19;2;3;3;9;;färre än planerat" in lines
    assert f"{SOUTH};2026-02-19;0;0;0;;;inget papper" in lines
    assert len(lines) == 1 + 2 * 5


def test_a_planning_file_is_counted_whether_it_has_a_row_a_visit_or_a_number() -> None:
    assert count_planned(
        b"enhet;datum;klient\nNorr;2026-02-17 08:00;x\nNorr;2026-02-17;y\nNorr;2026-02-18;\n",
        "p.csv",
    ) == {
        ("Norr", "2026-02-17"): 2,
        ("Norr", "2026-02-18"): 1,
    }
    assert count_planned(b"enhet,datum,antal\nNorr,2026-02-17,12\n", "p.csv") == {
        ("Norr", "2026-02-17"): 12
    }
    for wrong in (
        b"enhet;datum\nNorr;17/2\n",
        b"enhet;datum;antal\nNorr;2026-02-17;x\n",
        b"enhet;antal\nNorr;1\n",
    ):
        with pytest.raises(UsageError, match=r"p\.csv"):
            count_planned(wrong, "p.csv")


def test_missing_sheets_are_listed_by_serial_those_with_a_name_first(ward: Ward) -> None:
    plain, named, tour = new_serial(), new_serial(), new_serial()
    ward.issue(
        IssuedSheet(plain, NOTE.id, 1, NORTH),
        IssuedSheet(named, NOTE.id, 1, NORTH, ASTA.pid),
        IssuedSheet(new_serial(), NOTE.id, 1, SOUTH),
    )
    ward.issue(IssuedSheet(tour, VISITS.id, 1, NORTH, rows=(PrintedRow(1, ASTA.pid),)))
    with ward.store.begin() as conn:
        for pack in packs.list_packs(conn, ADMIN, {NORTH}):
            packs.open_pack(conn, ADMIN, pack.id, NOW.date(), NOW)
    with ward.store.read() as conn:
        found = list_missing_sheets(conn, CHIEF)
    assert [(one.serial, one.prefilled) for one in found] == [
        (named, True),
        (tour, True),
        (plain, False),
    ]


@pytest.mark.parametrize("exported", [False, True])
def test_paper_that_was_made_void_fills_no_gap(ward: Ward, exported: bool) -> None:
    plan(ward, PlanKind.VISITS, {(NORTH, "2026-02-17"): 2})
    with ward.store.begin() as conn:
        decide_entry(conn, FORMS, EVA, Decision("AAAA-00", 0, answers({**SAID, **PLAN})), NOW)
    if exported:
        ward.export("AAAA-00")
    with ward.store.begin() as conn:
        (
            work(Corrections, conn, EVA).void("AAAA-00", 1, "Fel klient.")
            if exported
            else reject_entry(conn, EVA, Rejection("AAAA-00", 1, "fel person"), NOW)
        )
    assert north(look(ward))["17"] is PaperStatus.SHORT
