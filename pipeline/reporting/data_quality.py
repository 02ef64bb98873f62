"""How good the confirmed fields are, measured: by typing again, by planted values, and by the time
that people look.

Figures are about the work. Those of one person are seen by that person and by the manager of the
unit, and by nobody else. Everybody else who may see figures sees the unit's, and only where
several people's work is in them, so that no one's can be told from them. No figure rests on few
fields.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import Connection

from pipeline.domain.confidence import Share
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, is_allowed, require_permission
from pipeline.store.quality.result_counts import (
    ViewTime,
    WorkResult,
    count_rekeyed,
    count_seeded,
    list_view_times,
    staff_names,
)

METRIC_DAYS = 90
"""How far back figures go."""
MIN_FIELDS = 30
MIN_PEOPLE = 3
"""So many people's work has to be in a figure that is shown to others than their manager."""


@dataclass(frozen=True, slots=True)
class ErrorMetric:
    """One form's fields of one kind; `kind` is empty for all together. `wrong` are confirmed values
    that were wrong, `missed` planted ones that were confirmed. None where too little is known to
    be shown.
    """

    form: str
    kind: str
    wrong: Share | None
    missed: Share | None


@dataclass(frozen=True, slots=True)
class WorkMetric:
    """What is measured of one person's, or one unit's, work. `seconds` is the median time on the
    screen a field of an entry.
    """

    who: str
    fields: int
    wrong: Share | None
    missed: Share | None
    seconds: float | None


def measure_errors(
    conn: Connection, forms: Forms, person: Person, now: datetime, least: int = MIN_FIELDS
) -> list[ErrorMetric]:
    """The figures of the person's units by form and kind of field, each form's total first.

    Raises:
        NotAllowedError: the person sees no figures.
    """
    _require_any_role(person)
    since, few = now - timedelta(days=METRIC_DAYS), _sharing_filter(person, least)
    wrong, missed = (
        _error_rates(forms, found, few)
        for found in (
            count_rekeyed(conn, person.units, since),
            count_seeded(conn, person.units, since),
        )
    )
    return [
        ErrorMetric(form, kind, wrong.get((form, kind)), missed.get((form, kind)))
        for form, kind in sorted(wrong.keys() | missed.keys())
    ]


def measure_unit_work(
    conn: Connection, person: Person, unit: str, now: datetime, least: int = MIN_FIELDS
) -> WorkMetric:
    """The work of a whole unit.

    Raises:
        NotAllowedError: the person sees no figures, or not of this unit.
    """
    _require_any_role(person, unit)
    since, few = now - timedelta(days=METRIC_DAYS), _sharing_filter(person, least)
    found = list_view_times(conn, {unit}, since)
    people = {one.login for one in found}
    seconds = (
        _median_seconds(found, least)
        if _may_see_persons(person) or len(people) >= MIN_PEOPLE
        else None
    )
    wrong, missed = few(count_rekeyed(conn, {unit}, since)), few(count_seeded(conn, {unit}, since))
    return WorkMetric(unit, sum(one.fields for one in found), wrong, missed, seconds)


def measure_own_work(
    conn: Connection, person: Person, now: datetime, least: int = MIN_FIELDS
) -> WorkMetric:
    """The person's own work.

    Raises:
        NotAllowedError: the person does not review.
    """
    require_permission(person, Action.REVIEW)
    found = _measure_work(conn, person.units, now, least, person.login)
    return found.get(person.login, WorkMetric(person.login, 0, None, None, None))


def measure_reviewers_work(
    conn: Connection, person: Person, unit: str, now: datetime, least: int = MIN_FIELDS
) -> list[WorkMetric]:
    """The work in a unit, person by person, by name; for the manager of the unit alone.

    Raises:
        NotAllowedError: the person is not the manager of this unit.
    """
    require_permission(person, Action.QUALITY, unit)
    called, found = staff_names(conn), _measure_work(conn, {unit}, now, least)
    figures = [
        WorkMetric(called.get(login, login), one.fields, one.wrong, one.missed, one.seconds)
        for login, one in found.items()
    ]
    return sorted(figures, key=lambda figure: figure.who)


def _measure_work(
    conn: Connection, units: Collection[str], now: datetime, least: int, login: str | None = None
) -> dict[str, WorkMetric]:
    since = now - timedelta(days=METRIC_DAYS)
    wrong, missed = (
        _group_by_login(found)
        for found in (count_rekeyed(conn, units, since), count_seeded(conn, units, since))
    )
    times: dict[str, list[ViewTime]] = defaultdict(list)
    for one in list_view_times(conn, units, since, login):
        times[one.login].append(one)
    logins = {login} if login else wrong.keys() | missed.keys() | times.keys()
    return {
        who: _make_work_metric(who, wrong[who], missed[who], times[who], least) for who in logins
    }


def _make_work_metric(
    who: str, wrong: list[WorkResult], missed: list[WorkResult], times: list[ViewTime], least: int
) -> WorkMetric:
    return WorkMetric(
        who,
        sum(one.fields for one in times),
        _error_rate(wrong, least),
        _error_rate(missed, least),
        _median_seconds(times, least),
    )


def _require_any_role(person: Person, unit: str | None = None) -> None:
    """Figures of a unit are for those who work with its paper, count it or answer for it."""
    if not any(is_allowed(person, action, unit) for action in (Action.QUALITY, Action.REVIEW)):
        require_permission(person, Action.PROGRESS, unit)


def _may_see_persons(person: Person) -> bool:
    return is_allowed(person, Action.QUALITY)


def _sharing_filter(person: Person, least: int) -> Callable[[Iterable[WorkResult]], Share | None]:
    """What may be shown of counts: enough fields and, for those who may not see persons, enough
    people.
    """
    people = 1 if _may_see_persons(person) else MIN_PEOPLE

    def shown(found: Iterable[WorkResult]) -> Share | None:
        counted = list(found)
        return (
            _error_rate(counted, least) if len({one.login for one in counted}) >= people else None
        )

    return shown


def _error_rate(found: Iterable[WorkResult], least: int) -> Share | None:
    counted = list(found)
    total = Share(sum(one.hits for one in counted), sum(one.total for one in counted))
    return total if total.of >= least else None


def _median_seconds(found: list[ViewTime], least: int) -> float | None:
    return (
        median(one.seconds / one.fields for one in found)
        if sum(one.fields for one in found) >= least
        else None
    )


def _group_by_login(found: Iterable[WorkResult]) -> dict[str, list[WorkResult]]:
    grouped: dict[str, list[WorkResult]] = defaultdict(list)
    for one in found:
        grouped[one.login].append(one)
    return grouped


def _error_rates(
    forms: Forms, found: Iterable[WorkResult], few: Callable[[Iterable[WorkResult]], Share | None]
) -> dict[tuple[str, str], Share]:
    """By form and kind of field, and under the empty kind each form's total of the kinds shown: a
    total of all would give away what is not.
    """
    grouped: dict[tuple[str, str], list[WorkResult]] = defaultdict(list)
    for one in found:
        form = forms.get((one.form, one.version))
        spec = form.by_name.get(one.field) if form else None
        grouped[one.form, spec.kind.value if spec else "?"].append(one)
    kinds = {key: share for key, counted in grouped.items() if (share := few(counted)) is not None}
    totals = {
        (form, ""): [share for (other, _), share in kinds.items() if other == form]
        for form, _ in kinds
    }
    return kinds | {
        key: Share(sum(one.wrong for one in shares), sum(one.of for one in shares))
        for key, shares in totals.items()
    }
