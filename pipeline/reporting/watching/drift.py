"""Drift: where people change more of what the machine read than they used to, beyond chance.

A dirty glass of a scanner, a new version of a blank, a new pen: reading gets worse before anybody
counts. What people change is compared by form, scanner, kind of field and author's hand, each with
its own past (`rises.py`). The result has counts only; an author is named on Kvalitet, for the
manager of the unit.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pipeline.domain.confidence import Share
from pipeline.domain.dates import swedish_day
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, permitted_units, require_permission
from pipeline.domain.review.rules import agrees_with_reading
from pipeline.reporting.watching.rises import Comparison, compare_with_past, find_rises
from pipeline.store.database.store import Store
from pipeline.store.quality.first_answers import FirstAnswer, list_first_answers

_ANSWERS_LOOKED_AT = 20_000
"""The latest answers of all units: under a second each ten minutes, however long the past."""
_STALE = timedelta(days=14)
"""A group without answers for so long is no longer compared: nobody can do anything about it."""
_KEPT_SECONDS = 600
"""The counts change slowly, and Läge asks every minute."""


class Dimension(StrEnum):
    """By what readings are grouped; also a part of keys of texts."""

    FORM = "form"
    SCANNER = "scanner"
    KIND = "kind"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class Drift:
    """How much people changed lately and before, of one group.

    `name` is the id of a form, the name of a watched folder, a kind of field, or an author's name.
    """

    dimension: Dimension
    name: str
    compared: Comparison
    is_rise: bool

    @property
    def recent(self) -> Share:
        """The share of the latest fields that people changed."""
        return self.compared.recent

    @property
    def past(self) -> Share:
        """The share of the fields before them."""
        return self.compared.past


_kept: dict[tuple[str, frozenset[str]], tuple[float, tuple[Drift, ...]]] = {}


def measure_drift(
    store: Store, forms: Forms, units: Collection[str], now: datetime
) -> tuple[Drift, ...]:
    """Return all groups of these units that can be compared, those that have risen first.

    They are at most ten minutes old.
    """
    key, clock = (store.name, frozenset(units)), time.monotonic()
    kept = _kept.get(key)
    if kept is not None and clock - kept[0] < _KEPT_SECONDS:
        return kept[1]
    with store.read() as conn:
        answers = list_first_answers(conn, units, _ANSWERS_LOOKED_AT)
    found = compare_answers(answers, forms, now)
    _kept[key] = clock, found
    return found


def list_drift(
    store: Store, forms: Forms, person: Person, now: datetime, least: int
) -> list[Drift]:
    """Return the groups of the units that a person manages, with authors by name.

    Args:
        store: the store.
        forms: all forms.
        person: a manager.
        now: in UTC.
        least: the number of fields from which on metrics may be shown.

    Raises:
        NotAllowedError: the person manages no unit.
    """
    require_permission(person, Action.QUALITY)
    units = permitted_units(person, Action.QUALITY)
    return [one for one in measure_drift(store, forms, units, now) if one.recent.of >= least]


def compare_answers(
    answers: Iterable[FirstAnswer], forms: Forms, now: datetime
) -> tuple[Drift, ...]:
    """Compare the latest answers of each group with those before them; newest first.

    What one writer wrote that was reviewed on one day counts as one cluster.
    """
    groups: dict[tuple[Dimension, str], dict[tuple[str, str], Share]] = defaultdict(dict)
    latest: dict[tuple[Dimension, str], datetime] = {}
    for one in answers:
        form = forms.get((one.form, one.version))
        spec = form.by_name.get(one.field) if form else None
        if spec is None or not spec.traits.filled_by_hand:
            continue
        is_same = (one.answer.value, one.answer.state) == (one.reading.value, one.reading.state)
        changed = not (is_same or agrees_with_reading(spec, one.answer, one.reading))
        cluster = (one.author.casefold() or one.entry, swedish_day(one.at).isoformat())
        for dimension, name in _list_groups(one, spec.kind.value).items():
            group = groups[dimension, name]
            seen = group.get(cluster, Share(0, 0))
            group[cluster] = Share(seen.wrong + changed, seen.of + 1)
            latest.setdefault((dimension, name), one.at)
    compared = {
        key: result
        for key, clusters in groups.items()
        if latest[key] > now - _STALE
        if (result := compare_with_past(list(clusters.values()))) is not None
    }
    rises = find_rises(compared)
    found = (Drift(*key, result, key in rises) for key, result in compared.items())
    order = list(Dimension)
    return tuple(
        sorted(found, key=lambda one: (not one.is_rise, order.index(one.dimension), one.name))
    )


def _list_groups(answer: FirstAnswer, kind: str) -> Mapping[Dimension, str]:
    """Return the groups that an answer belongs to."""
    groups = {
        Dimension.FORM: answer.form,
        Dimension.SCANNER: answer.scanner,
        Dimension.KIND: kind,
        Dimension.AUTHOR: answer.author,
    }
    return {dimension: name for dimension, name in groups.items() if name}
