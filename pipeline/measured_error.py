"""How good the confirmed fields are, measured: by typing again, by planted values, and by the time that people look.

Figures are about the work. Those of one person are seen by that person and by the manager of the unit, and by nobody else. Everybody else who
may see figures sees the unit's, and only where several people's work is in them, so that no one's can be told from them. No figure rests on few
fields.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import Connection

from pipeline.access import Action, allowed, require
from pipeline.confidence import Share
from pipeline.model import Person
from pipeline.store.work_counts import Counted, Looked, controlled, looks, names, planted_values
from pipeline.template import Forms

DAYS = 90
"""How far back figures go."""
LEAST_FIELDS = 30
LEAST_PEOPLE = 3
"""So many people's work has to be in a figure that is shown to others than their manager."""


@dataclass(frozen=True, slots=True)
class ErrorFigure:
    """One form's fields of one kind; `kind` is empty for all together. `wrong` are confirmed values that were wrong, `missed` planted ones that were
    confirmed. None where too little is known to be shown."""

    form: str
    kind: str
    wrong: Share | None
    missed: Share | None


@dataclass(frozen=True, slots=True)
class WorkFigure:
    """What is measured of one person's, or one unit's, work. `seconds` is the median time on the screen a field of an entry."""

    who: str
    fields: int
    wrong: Share | None
    missed: Share | None
    seconds: float | None


def measured_errors(conn: Connection, forms: Forms, person: Person, now: datetime, least: int = LEAST_FIELDS) -> list[ErrorFigure]:
    """The figures of the person's units by form and kind of field, each form's total first.

    Raises:
        NotAllowedError: the person sees no figures.
    """
    _require_any(person)
    since, few = now - timedelta(days=DAYS), _few(person, least)
    wrong, missed = (_shares(forms, found, few) for found in (controlled(conn, person.units, since), planted_values(conn, person.units, since)))
    return [ErrorFigure(form, kind, wrong.get((form, kind)), missed.get((form, kind))) for form, kind in sorted(wrong.keys() | missed.keys())]


def unit_work(conn: Connection, person: Person, unit: str, now: datetime, least: int = LEAST_FIELDS) -> WorkFigure:
    """The work of a whole unit.

    Raises:
        NotAllowedError: the person sees no figures, or not of this unit.
    """
    _require_any(person, unit)
    since, few = now - timedelta(days=DAYS), _few(person, least)
    found = looks(conn, {unit}, since)
    people = {one.login for one in found}
    seconds = _seconds(found, least) if _sees_persons(person) or len(people) >= LEAST_PEOPLE else None
    wrong, missed = few(controlled(conn, {unit}, since)), few(planted_values(conn, {unit}, since))
    return WorkFigure(unit, sum(one.fields for one in found), wrong, missed, seconds)


def own_work(conn: Connection, person: Person, now: datetime, least: int = LEAST_FIELDS) -> WorkFigure:
    """The person's own work.

    Raises:
        NotAllowedError: the person does not review.
    """
    require(person, Action.REVIEW)
    found = _work(conn, person.units, now, least, person.login)
    return found.get(person.login, WorkFigure(person.login, 0, None, None, None))


def reviewers_work(conn: Connection, person: Person, unit: str, now: datetime, least: int = LEAST_FIELDS) -> list[WorkFigure]:
    """The work in a unit, person by person, by name; for the manager of the unit alone.

    Raises:
        NotAllowedError: the person is not the manager of this unit.
    """
    require(person, Action.QUALITY, unit)
    called, found = names(conn), _work(conn, {unit}, now, least)
    figures = [WorkFigure(called.get(login, login), one.fields, one.wrong, one.missed, one.seconds) for login, one in found.items()]
    return sorted(figures, key=lambda figure: figure.who)


def _work(conn: Connection, units: Collection[str], now: datetime, least: int, login: str | None = None) -> dict[str, WorkFigure]:
    since = now - timedelta(days=DAYS)
    wrong, missed = (_by_login(found) for found in (controlled(conn, units, since), planted_values(conn, units, since)))
    times: dict[str, list[Looked]] = defaultdict(list)
    for one in looks(conn, units, since, login):
        times[one.login].append(one)
    logins = {login} if login else wrong.keys() | missed.keys() | times.keys()
    return {who: _figure(who, wrong[who], missed[who], times[who], least) for who in logins}


def _figure(who: str, wrong: list[Counted], missed: list[Counted], times: list[Looked], least: int) -> WorkFigure:
    return WorkFigure(who, sum(one.fields for one in times), _share(wrong, least), _share(missed, least), _seconds(times, least))


def _require_any(person: Person, unit: str | None = None) -> None:
    """Figures of a unit are for those who work with its paper, count it or answer for it."""
    if not any(allowed(person, action, unit) for action in (Action.QUALITY, Action.REVIEW)):
        require(person, Action.PROGRESS, unit)


def _sees_persons(person: Person) -> bool:
    return allowed(person, Action.QUALITY)


def _few(person: Person, least: int) -> Callable[[Iterable[Counted]], Share | None]:
    """What may be shown of counts: enough fields and, for those who may not see persons, enough people."""
    people = 1 if _sees_persons(person) else LEAST_PEOPLE

    def shown(found: Iterable[Counted]) -> Share | None:
        counted = list(found)
        return _share(counted, least) if len({one.login for one in counted}) >= people else None

    return shown


def _share(found: Iterable[Counted], least: int) -> Share | None:
    counted = list(found)
    total = Share(sum(one.hits for one in counted), sum(one.of for one in counted))
    return total if total.of >= least else None


def _seconds(found: list[Looked], least: int) -> float | None:
    return median(one.seconds / one.fields for one in found) if sum(one.fields for one in found) >= least else None


def _by_login(found: Iterable[Counted]) -> dict[str, list[Counted]]:
    grouped: dict[str, list[Counted]] = defaultdict(list)
    for one in found:
        grouped[one.login].append(one)
    return grouped


def _shares(forms: Forms, found: Iterable[Counted], few: Callable[[Iterable[Counted]], Share | None]) -> dict[tuple[str, str], Share]:
    """By form and kind of field, and under the empty kind each form's total of the kinds shown: a total of all would give away what is not."""
    grouped: dict[tuple[str, str], list[Counted]] = defaultdict(list)
    for one in found:
        form = forms.get((one.form, one.version))
        spec = form.by_name.get(one.field) if form else None
        grouped[one.form, spec.kind.value if spec else "?"].append(one)
    kinds = {key: share for key, counted in grouped.items() if (share := few(counted)) is not None}
    totals = {(form, ""): [share for (other, _), share in kinds.items() if other == form] for form, _ in kinds}
    return kinds | {key: Share(sum(one.wrong for one in shares), sum(one.of for one in shares)) for key, shares in totals.items()}
