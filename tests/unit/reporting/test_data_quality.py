"""Who sees which numbers of whose work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.confidence import Share
from pipeline.domain.model import Person, Role
from pipeline.reporting.data_quality import (
    METRIC_DAYS,
    MIN_PEOPLE,
    measure_errors,
    measure_own_work,
    measure_reviewers_work,
    measure_unit_work,
)
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.quality.result_counts import MAX_VIEW_TIME, save_view_time
from pipeline.store.schema.review import control, look, plant
from tests.support.store.ward import (
    ADMIN,
    CHIEF,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOTE,
    NOW,
    SOFIA,
    SOUTH,
    Ward,
    later,
    person,
)

pytest_plugins = ("tests.support.store.databases",)
LEAST = 2
ULLA = person("ulla")
LOG, SYSTEM = person("logg", Role.LOG_REVIEWER), person("system", Role.SYSTEM_ADMINISTRATOR)


@pytest.fixture
def ward(store: Store) -> Ward:
    """Notes that Eva, Nils and Ulla have worked with: Eva has confirmed one wrong date, and missed
    one of two plants.
    """
    ward = Ward(store).begin()
    for number, who in enumerate((EVA, EVA, NILS, NILS, ULLA, ULLA, EVA)):
        entry_id = ward.note(f"A{number}")
        typed(ward, entry_id, "datum", who.login, "wrong" if number == 0 else "agreed")
        if who is not ULLA:
            caught(ward, entry_id, who.login, missed=number == 0)
        looked(ward, entry_id, who.login, 10.0 if who is EVA else 40.0)
    return ward


def typed(ward: Ward, entry_id: str, field: str, login: str, outcome: str | None) -> None:
    row = {
        "entry": entry_id,
        "field": field,
        "drawn_at": NOW,
        "confirmed_by": login,
        "typed_by": "x",
        "typed_at": NOW,
        "outcome": outcome,
    }
    with ward.store.begin() as conn:
        conn.execute(insert(control).values(row))


def caught(ward: Ward, entry_id: str, login: str, *, missed: bool) -> None:
    row = {
        "entry": entry_id,
        "login": login,
        "field": "tid",
        "value": "x",
        "state": "read",
        "start": 0,
        "end": 0,
        "shown_at": NOW,
    }
    with ward.store.begin() as conn:
        conn.execute(
            insert(plant).values(
                row | {"outcome": "missed" if missed else "caught", "ended_at": NOW}
            )
        )


def looked(ward: Ward, entry_id: str, login: str, seconds: float) -> None:
    row = {
        "entry": entry_id,
        "revision": 0,
        "login": login,
        "at": NOW,
        "fields": 5,
        "seconds": seconds,
        "second": False,
    }
    with ward.store.begin() as conn:
        conn.execute(insert(look).values(row))


def test_the_manager_sees_each_form_and_kind(ward: Ward) -> None:
    with ward.store.read() as conn:
        figures = measure_errors(conn, FORMS, CHIEF, NOW, LEAST)
    assert [(one.form, one.kind, one.wrong, one.missed) for one in figures] == [
        (NOTE.id, "", Share(1, 7), Share(1, 5)),
        (NOTE.id, "digits", Share(1, 7), Share(1, 5)),
    ]
    assert figures[0].wrong is not None
    low, high = figures[0].wrong.interval
    assert (round(low, 4), round(high, 4)) == (
        0.0257,
        0.5131,
    )  # Wilson's interval for 1 of 7, as in published tables


def test_the_manager_of_the_unit_sees_each_person(ward: Ward) -> None:
    with ward.store.read() as conn:
        figures = {one.who: one for one in measure_reviewers_work(conn, CHIEF, NORTH, NOW, LEAST)}
    assert set(figures) == {EVA.name, NILS.name} | {"ulla"}
    eva, nils, ulla = figures[EVA.name], figures[NILS.name], figures["ulla"]
    assert (eva.fields, eva.wrong, eva.missed, eva.seconds) == (15, Share(1, 3), Share(1, 3), 2.0)
    assert (nils.wrong, nils.missed, nils.seconds) == (Share(0, 2), Share(0, 2), 8.0)
    assert ulla.missed is None


def test_each_person_sees_the_own_work_only(ward: Ward) -> None:
    with ward.store.read() as conn:
        assert measure_own_work(conn, EVA, NOW, LEAST).wrong == Share(1, 3)
        assert measure_own_work(conn, NILS, NOW, LEAST).missed == Share(0, 2)
        assert measure_own_work(conn, SOFIA, NOW, LEAST).fields == 0


@pytest.mark.parametrize(
    "who",
    [EVA, NILS, ADMIN, SOFIA, LOG, SYSTEM, person("reg", Role.REGISTRAR)],
    ids=lambda who: who.login,
)
def test_nobody_else_sees_figures_of_persons(ward: Ward, who: Person) -> None:
    with ward.store.read() as conn, pytest.raises(NotAllowedError):
        measure_reviewers_work(conn, who, NORTH, NOW, LEAST)


def test_the_manager_of_another_unit_sees_neither_persons_nor_the_unit(ward: Ward) -> None:
    other = person("annan", Role.MANAGER, (SOUTH,))
    with ward.store.read() as conn:
        for unit_only in (measure_reviewers_work, measure_unit_work):
            with pytest.raises(NotAllowedError):
                unit_only(conn, other, NORTH, NOW, LEAST)
        assert measure_errors(conn, FORMS, other, NOW, LEAST) == []
        assert measure_reviewers_work(conn, other, SOUTH, NOW, LEAST) == []


@pytest.mark.parametrize("who", [LOG, SYSTEM], ids=lambda who: who.login)
def test_who_neither_reviews_nor_manages_nor_counts_sees_nothing(ward: Ward, who: Person) -> None:
    with ward.store.read() as conn:
        with pytest.raises(NotAllowedError):
            measure_errors(conn, FORMS, who, NOW, LEAST)
        with pytest.raises(NotAllowedError):
            measure_unit_work(conn, who, NORTH, NOW, LEAST)
        with pytest.raises(NotAllowedError):
            measure_own_work(conn, who, NOW, LEAST)


@pytest.mark.parametrize("who", [EVA, ADMIN], ids=lambda who: who.login)
def test_others_see_the_unit_where_enough_people_are_in_it(ward: Ward, who: Person) -> None:
    """Three people have typed fields, but only two have had plants: these would tell about
    either.
    """
    assert MIN_PEOPLE == 3
    with ward.store.read() as conn:
        unit = measure_unit_work(conn, who, NORTH, NOW, LEAST)
        figures = measure_errors(conn, FORMS, who, NOW, LEAST)
    assert (unit.who, unit.wrong, unit.missed) == (NORTH, Share(1, 7), None)
    assert unit.seconds == 8.0
    assert [(one.kind, one.wrong, one.missed) for one in figures] == [
        ("", Share(1, 7), None),
        ("digits", Share(1, 7), None),
    ]


def test_a_total_does_not_give_away_what_is_hidden(ward: Ward) -> None:
    for number in range(3):
        typed(ward, f"A{number}-00", "namn", EVA.login, "wrong")
    with ward.store.read() as conn:
        seen = {one.kind: one.wrong for one in measure_errors(conn, FORMS, ADMIN, NOW, LEAST)}
        known = {one.kind: one.wrong for one in measure_errors(conn, FORMS, CHIEF, NOW, LEAST)}
    assert seen == {"": Share(1, 7), "digits": Share(1, 7)}
    assert known == {"": Share(4, 10), "digits": Share(1, 7), "text": Share(3, 3)}


def test_too_few_fields_are_no_figure(ward: Ward) -> None:
    with ward.store.read() as conn:
        assert measure_errors(conn, FORMS, CHIEF, NOW, least=8) == []
        own = measure_own_work(conn, EVA, NOW, least=30)
        assert (own.wrong, own.missed, own.seconds) == (None, None, None)
        assert all(
            one.wrong is None for one in measure_reviewers_work(conn, CHIEF, NORTH, NOW, least=30)
        )


def test_what_waits_for_a_third_person_is_not_counted(ward: Ward) -> None:
    typed(ward, ward.note("B1"), "datum", EVA.login, None)
    with ward.store.read() as conn:
        assert measure_own_work(conn, EVA, NOW, LEAST).wrong == Share(1, 3)


def test_old_work_is_forgotten(ward: Ward) -> None:
    with ward.store.read() as conn:
        assert (
            measure_own_work(conn, EVA, NOW + timedelta(days=METRIC_DAYS, minutes=1), LEAST).fields
            == 0
        )


def test_a_look_is_kept_once_and_not_if_the_person_was_away(ward: Ward) -> None:
    entry_id = ward.note("C1")
    with ward.store.begin() as conn:
        view = queue.open_claimed_entry(conn, FORMS, EVA, entry_id, queue.ClaimTerms(NOW))
        before = measure_own_work(conn, EVA, later(1), LEAST).fields
        save_view_time(conn, EVA, view, NOW, NOW + MAX_VIEW_TIME + timedelta(seconds=1))
        assert measure_own_work(conn, EVA, later(1), LEAST).fields == before
        for _ in range(2):
            save_view_time(conn, EVA, view, NOW, later(0.5))
        assert measure_own_work(conn, EVA, later(1), LEAST).fields == before + sum(
            field.is_open for field in view.fields
        )
