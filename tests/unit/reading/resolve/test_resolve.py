"""Readings resolved by the register, the outage and each other."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import CELL_SYMBOLS, Client, Reading, State, Value
from pipeline.domain.settings import ROOT
from pipeline.reading.resolve.resolve import ReadingContext, resolve_page
from pipeline.registers.clients import ClientRegister, load_client_register

FORM = Forms.load(ROOT / "forms")["hsl-anteckning", 1]
VISITS = Forms.load(ROOT / "forms").latest("besokslista")
REGISTER = load_client_register(ROOT / "data" / "samples" / "klienter.csv")
KARIN, SVEN = REGISTER.clients[0], REGISTER.clients[1]
WINDOW = (date(2021, 12, 16), date(2022, 1, 10))


def _read(value: Value, p: float = 0.9, *alternatives: tuple[Value, float]) -> Reading:
    return Reading(value, p, State.READ, alternatives)


def _page(form: Form, **given: Reading) -> dict[str, Reading]:
    named = {name.replace("__", "."): reading for name, reading in given.items()}
    empty = {
        spec.name: Reading.empty(0.99, False if spec.kind is Kind.MARK else None)
        for spec in form.fields
    }
    return {**empty, **named}


def _resolved(
    form: Form, register: ClientRegister | None = REGISTER, **given: Reading
) -> tuple[dict[str, Reading], list[str]]:
    fields, issues = resolve_page(
        form.fields, form, _page(form, **given), ReadingContext(register, WINDOW)
    )
    return fields, [str(issue) for issue in issues]


def _misread(pid: str, place: int) -> str:
    return pid[:place] + str((int(pid[place]) + 1) % 10) + pid[place + 1 :]


def test_registered_client_raises_confidence_of_number() -> None:
    fields, problems = _resolved(FORM, personnummer=_read(KARIN.pid, 0.8), namn=_read(KARIN.name))
    assert fields["personnummer"].value == KARIN.pid
    assert fields["personnummer"].p > 0.98
    assert not [p for p in problems if p.startswith(("person", "name"))]


def test_misread_digit_is_corrected_by_register_and_name() -> None:
    wrong = _misread(KARIN.pid, 11)
    fields, _ = _resolved(
        FORM, personnummer=_read(wrong, 0.6, (KARIN.pid, 0.3)), namn=_read(KARIN.name)
    )
    assert fields["personnummer"].value == KARIN.pid
    assert wrong in [value for value, _ in fields["personnummer"].alternatives]


def test_other_persons_name_raises_issue_without_correction() -> None:
    fields, problems = _resolved(FORM, personnummer=_read(KARIN.pid, 0.97), namn=_read(SVEN.name))
    assert fields["personnummer"].value == KARIN.pid
    assert "name_differs:personnummer" in problems


def test_name_of_partner_raises_issue() -> None:
    wife, husband = (
        Client("189001019802", "Ulla Svensson", "Norr"),
        Client("189001029819", "Bo Svensson", "Norr"),
    )
    couple = ClientRegister([wife, husband])
    number, unit = _read(wife.pid, 0.97), _read("Norr")
    fields, problems = _resolved(
        FORM, couple, personnummer=number, enhet=unit, namn=_read(husband.name)
    )
    assert fields["personnummer"].value == wife.pid
    assert fields["personnummer"].p < 0.999
    assert "name_fits_other:personnummer" in problems
    _, problems = _resolved(FORM, couple, personnummer=number, enhet=unit, namn=_read(wife.name))
    assert not [one for one in problems if one.startswith("name")]


def test_abbreviated_name_raises_no_issue() -> None:
    long, short = (
        Client("189001019802", "Karin Andersson", "Norr"),
        Client("189001029819", "Karin Ek", "Norr"),
    )
    _, problems = _resolved(
        FORM,
        ClientRegister([long, short]),
        personnummer=_read(long.pid, 0.97),
        enhet=_read("Norr"),
        namn=_read("Karin"),
    )
    assert not [one for one in problems if one.startswith("name")]


def test_unregistered_person_is_kept_with_issue() -> None:
    fields, problems = _resolved(
        FORM, personnummer=_read("195605107194", 0.95), namn=_read("Okänd Person")
    )
    assert fields["personnummer"].value == "195605107194"
    assert "person_unknown:personnummer" in problems


def test_no_person_issue_without_register() -> None:
    fields, problems = _resolved(FORM, None, personnummer=_read("195605107194", 0.95))
    assert fields["personnummer"].p == 0.95
    assert problems == [p for p in problems if not p.startswith(("person", "name"))]


def test_date_within_outage_ranks_before_earlier_date() -> None:
    fields, problems = _resolved(FORM, handelsedatum=_read("2011-12-17", 0.55, ("2021-12-17", 0.4)))
    assert fields["handelsedatum"].value == "2021-12-17"
    assert "outside_outage:handelsedatum" not in problems


def test_clear_date_outside_outage_is_kept_with_issue() -> None:
    fields, problems = _resolved(FORM, handelsedatum=_read("2021-11-17", 0.999))
    assert fields["handelsedatum"].value == "2021-11-17"
    assert "outside_outage:handelsedatum" in problems


def test_written_time_before_event_raises_issue() -> None:
    _, problems = _resolved(
        FORM, handelsedatum=_read("2021-12-18"), skrivet_datum=_read("2021-12-17")
    )
    assert "written_before_event:skrivet_datum" in problems


def test_visit_ending_before_start_raises_issue() -> None:
    _, problems = _resolved(VISITS, rad01__start=_read("09:10"), rad01__slut=_read("08:30"))
    assert "end_before_start:rad01.start" in problems


def _visits(*times: tuple[str, str]) -> list[str]:
    given = {
        f"rad{i:02d}__{name}": _read(value)
        for i, row in enumerate(times, 1)
        for name, value in zip(("start", "slut"), row, strict=True)
    }
    _, issues = resolve_page(
        VISITS.fields,
        VISITS,
        _page(VISITS, datum=_read("2021-12-16"), **given),
        ReadingContext(None, WINDOW),
    )
    return [issue.field for issue in issues if issue.code is IssueCode.AFTER_MIDNIGHT]


def test_visits_after_midnight_on_dated_sheet_raise_issue() -> None:
    assert _visits(
        ("22:00", "22:30"), ("23:30", "23:50"), ("00:30", "00:50"), ("05:00", "05:20")
    ) == ["rad03.start", "rad04.start"]
    assert _visits(("15:40", "16:00"), ("23:30", "00:15"), ("02:10", "02:30")) == ["rad03.start"]
    assert (
        _visits(("07:00", "07:30"), ("09:00", "09:30"), ("08:10", "08:40"), ("21:00", "21:30"))
        == []
    )
    assert _visits(("05:00", "05:20"), ("07:10", "07:30"), ("23:00", "23:20")) == []


def test_unused_row_has_no_missing_fields() -> None:
    _, problems = _resolved(VISITS, rad01__personnummer=_read(KARIN.pid))
    assert not [p for p in problems if p.startswith("missing:rad02")]


@pytest.mark.parametrize("state", [State.CANCELLED, State.EMPTY, State.ILLEGIBLE])
def test_unread_fields_get_no_value(state: State) -> None:
    reading = Reading(None, 0.9, state)
    fields, _ = _resolved(FORM, personnummer=reading, handelsedatum=reading, namn=_read(KARIN.name))
    assert fields["personnummer"] == reading
    assert fields["handelsedatum"] == reading


@settings(deadline=None)
@given(
    p=st.floats(0.01, 0.99),
    other=st.floats(0, 1),
    place=st.integers(0, 11),
    client=st.sampled_from(REGISTER.clients),
)
def test_probabilities_are_between_0_and_1(
    p: float, other: float, place: int, client: Client
) -> None:
    reading = _read(_misread(client.pid, place), p, (client.pid, (1 - p) * other))
    fields, _ = _resolved(FORM, personnummer=reading, namn=_read(client.name))
    resolved = fields["personnummer"]
    assert 0 <= resolved.p <= 1
    assert resolved.p + sum(p for _, p in resolved.alternatives) <= 1 + 1e-9


@pytest.mark.parametrize("ten", ["3511276866", "3511286863"])
@pytest.mark.parametrize("row", ["  {}", "{}  "])
def test_ten_digit_number_with_differences_raises_issue(ten: str, row: str) -> None:
    assert KARIN.pid == "193511275863"
    rest = 0.005 / (len(CELL_SYMBOLS) - 1)
    boxes = tuple(
        tuple(0.995 if symbol == seen else rest for symbol in CELL_SYMBOLS)
        for seen in row.format(ten)
    )
    number = Reading(ten, 0.95, State.READ, cell_probabilities=boxes)
    fields, problems = resolve_page(
        FORM.fields,
        FORM,
        _page(FORM, personnummer=number, namn=_read(KARIN.name)),
        ReadingContext(REGISTER),
    )
    assert fields["personnummer"].value == KARIN.pid
    assert Issue(IssueCode.NUMBER_DIFFERS, "personnummer") in problems
    assert fields["personnummer"].p <= 0.997


def test_register_of_one_client_gives_no_confident_match_for_other_number() -> None:
    other = "193511285862"
    rest = 0.001 / (len(CELL_SYMBOLS) - 1)
    boxes = tuple(
        tuple(0.999 if symbol == seen else rest for symbol in CELL_SYMBOLS) for seen in other
    )
    number = Reading(other, 0.98, State.READ, cell_probabilities=boxes)
    fields, problems = resolve_page(
        FORM.fields, FORM, _page(FORM, personnummer=number), ReadingContext(ClientRegister([KARIN]))
    )
    assert Issue(IssueCode.NUMBER_DIFFERS, "personnummer") in problems
    assert fields["personnummer"].p <= 0.95
