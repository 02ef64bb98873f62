"""Which months of statistics are whole, so that a file of paper alone may stand for them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from pipeline.domain.dates import SWEDEN
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import Person, Role
from pipeline.domain.record import OutageKind
from pipeline.export.authorities.month_checks import MonthScope, check_months
from pipeline.export.runs import ExportContext, load_export_options
from pipeline.registers.outages import OutagePeriod, covers
from pipeline.store.registers.planning import save_outage
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from tests.support.store.export_examples import ARNE
from tests.support.store.export_office import (
    ANNA,
    STIG,
    confirm,
    in_long_outage,
    scan,
)
from tests.support.store.route_steps import make_run, target_status
from tests.support.store.targets import STATISTICS
from tests.support.texts import in_swedish
from tests.unit.export.formats.statistics.statistics_files import LABEL, told

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}
ADMIN = Person("ada", "Ada Ek", "systemförvaltare", Role.ADMINISTRATOR, frozenset(), ALL_AREAS)
LIST = f"tillagg-KHSL1-2021-12-{LABEL.removesuffix('.txt')}.csv"
FILE = f"KHSL1-2021-12-{LABEL}"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SWEDEN)


def reasons(
    office: ExportContext,
    month: str = "2021-12",
    person: Person = ANNA,
    unit: str | None = None,
    target: str = "khsl",
    now: datetime | None = None,
) -> list[str]:
    """Why a month is not whole, the last word of each text's key."""
    exporter = STATISTICS[target]
    options = load_export_options(office, target, exporter)
    scope = MonthScope(person, unit, now or utc_now())
    with office.store.read() as conn:
        (found,) = check_months(conn, scope, exporter, options, [month]).values()
    return [reason.key.rpartition(".")[2] for reason in found]


def test_a_month_that_was_all_on_paper_and_is_all_settled_is_whole(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    assert reasons(in_long_outage(office)) == []


def test_a_month_of_which_the_care_system_has_a_part_is_not_whole(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    assert reasons(office) == ["outage"]


def test_a_month_that_is_not_over_is_not_whole(office: ExportContext) -> None:
    now = datetime(2021, 12, 31, 22, 59, tzinfo=UTC)
    assert reasons(in_long_outage(office), now=now) == ["not_over"]
    assert reasons(in_long_outage(office), now=datetime(2021, 12, 31, 23, tzinfo=UTC)) == []


@pytest.mark.parametrize(
    ("day", "months"),
    [("2021-12-17", ["2021-12"]), ("2022-01-03", ["2022-01"]), (None, ["2021-12", "2022-01"])],
    ids=["of december", "of january", "of no known month"],
)
def test_paper_that_waits_keeps_its_month_from_being_whole(
    office: ExportContext, day: str | None, months: list[str]
) -> None:
    office = in_long_outage(office)
    entry_id = scan(office, "hsl-anteckning", "AAAA02")
    with office.store.begin() as conn:
        is_entry = paper.entry.c.id == entry_id
        conn.execute(update(paper.entry).where(is_entry).values(event_on=day))
    assert [month for month in ("2021-12", "2022-01") if reasons(office, month)] == months


def test_a_decision_that_waits_may_be_for_any_month(office: ExportContext) -> None:
    office = in_long_outage(office)
    scan(office, "beslut-ekonomiskt", "AAAA02")
    assert reasons(office, "2022-01", target="ekonomiskt-bistand") == ["paper"]
    assert reasons(office, "2022-01") == [], "it is no health care"


def test_a_run_without_all_units_is_not_whole(office: ExportContext) -> None:
    office = in_long_outage(office)
    assert reasons(office, unit="Norr") == ["other_units"]
    assert reasons(office, person=STIG) == ["other_units"]


def test_an_outage_of_one_unit_leaves_the_others_out(office: ExportContext) -> None:
    start, end = moment("2021-11-30"), moment("2022-02-02")
    with office.store.begin() as conn:
        save_outage(conn, ADMIN, OutagePeriod("Norr", "", OutageKind.DOWN, start, end), utc_now())
    assert reasons(office) == ["outage"]
    with office.store.begin() as conn:
        save_outage(
            conn, ADMIN, OutagePeriod("Söder", "", OutageKind.READ_ONLY, start, end), utc_now()
        )
    assert reasons(office) == []


@pytest.mark.parametrize(
    ("days", "is_covered"),
    [
        ([("2021-12-01", "2022-01-01")], True),
        ([("2021-12-01", "2021-12-20"), ("2021-12-20", "2022-01-05")], True),
        ([("2021-12-01", "2021-12-20"), ("2021-12-21", "2022-01-05")], False),
        ([("2021-12-02", "2022-01-05")], False),
        ([("2021-11-20", None)], True),
        ([], False),
    ],
    ids=["exactly", "in two parts", "with a gap", "late start", "not over", "none"],
)
def test_outages_cover_a_month_without_a_gap(
    days: list[tuple[str, str | None]], is_covered: bool
) -> None:
    periods = [
        OutagePeriod("", "", OutageKind.DOWN, moment(start), moment(end) if end else None)
        for start, end in days
    ]
    assert (
        covers(periods, "Norr", "journal", moment("2021-12-01"), moment("2022-01-01")) is is_covered
    )


def test_the_screen_says_which_of_the_two_is_made_and_why(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)

    def said(context: ExportContext) -> str:
        return " ".join(map(in_swedish, target_status(context, ANNA, "khsl").notices))

    assert "2021-12 blir en tilläggslista" in said(office)
    assert "avbrottet inte täcker hela månaden" in said(office)
    assert "2021-12 blir en månadsfil" in said(in_long_outage(office))


def test_a_month_that_becomes_whole_gets_its_file_after_its_list(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    confirm(office, "hsl-anteckning", "AAAA02", personnummer=ARNE.pid, **NOTE)
    first = make_run(office, ANNA, "khsl", utc_now())
    assert first
    assert LIST in told(office, first)
    assert make_run(office, ANNA, "khsl", utc_now()) is None
    whole = in_long_outage(office)
    second = make_run(whole, ANNA, "khsl", utc_now())
    assert second
    assert told(whole, second)[FILE].count("\r\n") == 2
    assert make_run(whole, ANNA, "khsl", utc_now()) is None


def test_a_list_tells_new_rows_from_those_of_the_list_before(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    assert make_run(office, ANNA, "khsl", utc_now())
    confirm(office, "hsl-anteckning", "AAAA02", personnummer=ARNE.pid, **NOTE)
    again = make_run(office, ANNA, "khsl", utc_now())
    assert again
    lines = told(office, again)[LIST].splitlines()[1:]
    assert sorted(line.split(";")[0].split()[0] for line in lines) == ["Ingen", "Lägg"]
