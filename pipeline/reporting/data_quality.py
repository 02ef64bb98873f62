"""Metrics of data quality: error rates by rekeying and seeded errors, and time on the screen.

The metrics of one person are seen by that person and the manager of the unit only. All others who
may see metrics see the unit's, and only where they hold the work of several people, so that
no one's can be derived from them. No metric is of few fields.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import Connection

from pipeline.domain.form.confidence import Share
from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action, is_allowed, permitted_units, require_permission
from pipeline.domain.model import Person
from pipeline.store.accounts.people import names_by_login
from pipeline.store.quality.result_counts import (
    ViewTime,
    WorkResult,
    count_rekeyed,
    count_seeded,
    list_view_times,
)

METRIC_DAYS = 90
"""How many days back metrics go."""
MIN_FIELDS = 30
"""How many fields a metric needs."""
MIN_PEOPLE = 3
"""How many people's work a metric needs that others than their manager see."""
_METRIC_ACTIONS = (Action.QUALITY, Action.REVIEW, Action.PROGRESS)
"""Each of them lets a person see the metrics of a unit."""


@dataclass(frozen=True, slots=True)
class ErrorMetric:
    """The error rates of a form's fields of one kind; `kind` is empty for all kinds together.

    `wrong` are confirmed values that were wrong, `missed` seeded errors that were confirmed. None
    where too little is known to be shown.
    """

    form: str
    kind: str
    wrong: Share | None
    missed: Share | None


@dataclass(frozen=True, slots=True)
class WorkMetric:
    """What is measured of the work of a person or a unit (`who`).

    `seconds` is the median time on the screen a field of an entry.
    """

    who: str
    fields: int
    wrong: Share | None
    missed: Share | None
    seconds: float | None


def measure_errors(
    conn: Connection, forms: Forms, person: Person, now: datetime, least: int = MIN_FIELDS
) -> list[ErrorMetric]:
    """Return the error rates of the person's units by form and kind, each form's total first.

    Raises:
        NotAllowedError: the person may see no metrics.
    """
    _require_any_role(person)
    since, shown_rate = now - timedelta(days=METRIC_DAYS), _sharing_filter(person, least)
    units = frozenset().union(*(permitted_units(person, each) for each in _METRIC_ACTIONS))
    wrong = _error_rates(forms, count_rekeyed(conn, units, since), shown_rate)
    missed = _error_rates(forms, count_seeded(conn, units, since), shown_rate)
    return [
        ErrorMetric(form, kind, wrong.get((form, kind)), missed.get((form, kind)))
        for form, kind in sorted(wrong.keys() | missed.keys())
    ]


def measure_unit_work(
    conn: Connection, person: Person, unit: str, now: datetime, least: int = MIN_FIELDS
) -> WorkMetric:
    """Return the metrics of a whole unit.

    Raises:
        NotAllowedError: the person may see no metrics, or not of this unit.
    """
    _require_any_role(person, unit)
    since, shown_rate = now - timedelta(days=METRIC_DAYS), _sharing_filter(person, least, unit)
    view_times = list_view_times(conn, {unit}, since)
    people = {view_time.login for view_time in view_times}
    seconds = (
        _median_seconds(view_times, least)
        if _may_see_persons(person, unit) or len(people) >= MIN_PEOPLE
        else None
    )
    return WorkMetric(
        unit,
        sum(view_time.fields for view_time in view_times),
        shown_rate(count_rekeyed(conn, {unit}, since)),
        shown_rate(count_seeded(conn, {unit}, since)),
        seconds,
    )


def measure_own_work(
    conn: Connection, person: Person, now: datetime, least: int = MIN_FIELDS
) -> WorkMetric:
    """Return the metrics of the person's own work.

    Raises:
        NotAllowedError: the person does not review.
    """
    require_permission(person, Action.REVIEW)
    metrics = _measure_work(conn, permitted_units(person, Action.REVIEW), now, least, person.login)
    return metrics.get(person.login, WorkMetric(person.login, 0, None, None, None))


def measure_reviewers_work(
    conn: Connection, person: Person, unit: str, now: datetime, least: int = MIN_FIELDS
) -> list[WorkMetric]:
    """Return the metrics of a unit person by person, by name, for the manager of the unit.

    Raises:
        NotAllowedError: the person is not the manager of this unit.
    """
    require_permission(person, Action.QUALITY, unit)
    names = names_by_login(conn)
    metrics = [
        replace(metric, who=names.get(login, login))
        for login, metric in _measure_work(conn, {unit}, now, least).items()
    ]
    return sorted(metrics, key=lambda metric: metric.who)


def _measure_work(
    conn: Connection, units: Collection[str], now: datetime, least: int, login: str | None = None
) -> dict[str, WorkMetric]:
    """Return the metrics by login, of one person or of all."""
    since = now - timedelta(days=METRIC_DAYS)
    rekeyed = _group_by_login(count_rekeyed(conn, units, since))
    seeded = _group_by_login(count_seeded(conn, units, since))
    view_times: dict[str, list[ViewTime]] = defaultdict(list)
    for view_time in list_view_times(conn, units, since, login):
        view_times[view_time.login].append(view_time)
    logins = {login} if login else rekeyed.keys() | seeded.keys() | view_times.keys()
    return {
        each: WorkMetric(
            each,
            sum(view_time.fields for view_time in view_times[each]),
            _error_rate(rekeyed[each], least),
            _error_rate(seeded[each], least),
            _median_seconds(view_times[each], least),
        )
        for each in logins
    }


def _require_any_role(person: Person, unit: str | None = None) -> None:
    """Check that the person works with a unit's paper, counts it or answers for it."""
    if not any(is_allowed(person, action, unit) for action in _METRIC_ACTIONS[:2]):
        require_permission(person, Action.PROGRESS, unit)


def _may_see_persons(person: Person, unit: str | None = None) -> bool:
    """Whether the person manages the unit; without one, every unit that the metrics are of."""
    if unit is not None:
        return is_allowed(person, Action.QUALITY, unit)
    managed = permitted_units(person, Action.QUALITY)
    return bool(managed) and all(
        permitted_units(person, each) <= managed for each in _METRIC_ACTIONS
    )


def _sharing_filter(
    person: Person, least: int, unit: str | None = None
) -> Callable[[Iterable[WorkResult]], Share | None]:
    """Return a function that gives an error rate if the person may see it.

    That takes enough fields and, for those who may not see persons, enough people.
    """
    min_people = 1 if _may_see_persons(person, unit) else MIN_PEOPLE

    def shown_rate(results: Iterable[WorkResult]) -> Share | None:
        counted = list(results)
        people = {result.login for result in counted}
        return _error_rate(counted, least) if len(people) >= min_people else None

    return shown_rate


def _error_rate(results: Iterable[WorkResult], least: int) -> Share | None:
    counted = list(results)
    total = Share(sum(result.hits for result in counted), sum(result.total for result in counted))
    return total if total.of >= least else None


def _median_seconds(view_times: list[ViewTime], least: int) -> float | None:
    """Return the median seconds a field of an entry; None of fewer than `least` fields."""
    if sum(view_time.fields for view_time in view_times) < least:
        return None
    return median(view_time.seconds / view_time.fields for view_time in view_times)


def _group_by_login(results: Iterable[WorkResult]) -> dict[str, list[WorkResult]]:
    by_login: dict[str, list[WorkResult]] = defaultdict(list)
    for result in results:
        by_login[result.login].append(result)
    return by_login


def _error_rates(
    forms: Forms,
    results: Iterable[WorkResult],
    shown_rate: Callable[[Iterable[WorkResult]], Share | None],
) -> dict[tuple[str, str], Share]:
    """Return error rates by form and kind of field; under the empty kind each form's total.

    A total is of the kinds shown: a total of all kinds would give away those that are not.
    """
    by_kind: dict[tuple[str, str], list[WorkResult]] = defaultdict(list)
    for result in results:
        form = forms.get((result.form, result.version))
        spec = form.by_name.get(result.field) if form else None
        by_kind[result.form, spec.kind.value if spec else "?"].append(result)
    rates = {
        key: rate for key, counted in by_kind.items() if (rate := shown_rate(counted)) is not None
    }
    # The totals, over what is shown.
    rates_by_form: dict[str, list[Share]] = defaultdict(list)
    for (form_id, _), rate in rates.items():
        rates_by_form[form_id].append(rate)
    return rates | {
        (form_id, ""): Share(sum(rate.wrong for rate in shares), sum(rate.of for rate in shares))
        for form_id, shares in rates_by_form.items()
    }
