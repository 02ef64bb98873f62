"""Drift: where people change more of what the machine read than they used to, beyond chance.

A dirty glass of a scanner, a new version of a blank, a new pen: reading gets worse before anybody
counts. What people change is compared by form, scanner, kind of field and author's hand, each with
its own past (`rises.py`). The result has counts only; an author is named on Kvalitet, for the
manager of the unit.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import exp, lgamma
from typing import TypeVar

from pipeline.domain.dates import swedish_day
from pipeline.domain.form.confidence import Share
from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import Person
from pipeline.domain.review.rules import agrees_with_reading
from pipeline.store.database.store import Store
from pipeline.store.quality.result_counts import FirstAnswer, list_first_answers

# Whether a share has risen beyond chance: the latest fields of a group against its own past.
#
# Fields of one hand on one day are alike, so they are no independent samples. Their number is
# divided by the design effect of a ratio of clusters (Rao and Scott 1992, "A simple method for the
# analysis of clustered binary data", Biometrics 48, 577-585); what is left is compared by Fisher's
# exact test, one-sided (Fisher 1935, "The logic of inductive inference", J. R. Stat. Soc. 98,
# 39-82). Many groups are compared at once: Holm's procedure keeps the probability of any false
# alarm (Holm 1979, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6,
# 65-70). No I/O.

_Key = TypeVar("_Key", bound=Hashable)
RECENT_SAMPLES, PAST_SAMPLES = 400, 6000
"""How many samples count as the latest, and how many before them at most as the past."""
_LEAST_PAST, _LEAST_PAST_CLUSTERS, _LEAST_HIT_CLUSTERS = 800, 30, 4
"""The past that a comparison needs, and in how many clusters a rise must be seen at least."""
_LEAST_RATIO, _LEAST_DIFFERENCE = 1.5, 0.01
"""A smaller rise is not worth anybody's time, however certain."""
_FALSE_ALARM = 0.05
"""The probability that any of the groups compared at once is reported although nothing changed.

With repeated looks at sliding samples that is 0.3 false alarms a month (tests simulate it)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The latest samples of a group and those before them, and how likely it is by chance."""

    recent: Share
    past: Share
    p: float


def compare_with_past(clusters: Sequence[Share]) -> Comparison | None:
    """Compare the latest clusters with earlier ones; None where too little is known.

    Args:
        clusters: of samples that are alike, newest first; each `wrong` of `of`.
    """
    recent = _take(clusters, RECENT_SAMPLES)
    past = _take(clusters[len(recent) :], PAST_SAMPLES)
    now, before = _sum(recent), _sum(past)
    if now.of < RECENT_SAMPLES or before.of < _LEAST_PAST or len(past) < _LEAST_PAST_CLUSTERS:
        return None
    if (
        sum(bool(cluster.wrong) for cluster in recent) < _LEAST_HIT_CLUSTERS
        or now.wrong / now.of < _LEAST_RATIO * before.wrong / before.of
        or now.wrong / now.of < before.wrong / before.of + _LEAST_DIFFERENCE
    ):
        return Comparison(now, before, 1.0)
    # The past alone tells how alike samples are; without hits there, all samples do.
    effect = max(_design_effect(past), _design_effect([*recent, *past]))
    return Comparison(now, before, _fisher_p(_shrink(now, effect), _shrink(before, effect)))


def find_rises(compared: Mapping[_Key, Comparison]) -> set[_Key]:
    """Return the groups whose share has risen, by Holm's procedure over all that were compared."""
    found = set[_Key]()
    for number, key in enumerate(sorted(compared, key=lambda each: compared[each].p)):
        if compared[key].p > _FALSE_ALARM / (len(compared) - number):
            break
        found.add(key)
    return found


def _take(clusters: Sequence[Share], samples: int) -> Sequence[Share]:
    """Return the first clusters that hold so many samples."""
    total = 0
    for number, cluster in enumerate(clusters):
        if total >= samples:
            return clusters[:number]
        total += cluster.of
    return clusters


def _sum(clusters: Sequence[Share]) -> Share:
    return Share(sum(each.wrong for each in clusters), sum(each.of for each in clusters))


def _design_effect(clusters: Sequence[Share]) -> float:
    """Return the variance of the share of clusters, as a multiple of that of single samples."""
    total, number = _sum(clusters), len(clusters)
    share = total.wrong / total.of
    if number < 2 or not 0 < share < 1:
        return 1.0
    spread = sum((each.wrong - share * each.of) ** 2 for each in clusters)
    return max(1.0, number / (number - 1) * spread / (total.of * share * (1 - share)))


def _shrink(share: Share, effect: float) -> Share:
    """Return a share of as many independent samples as these are worth."""
    return Share(int(share.wrong / effect), round(share.of / effect))


def _fisher_p(recent: Share, past: Share) -> float:
    """Return how likely so many hits or more are among the recent ones, if all are alike."""
    hits, everything = recent.wrong + past.wrong, recent.of + past.of
    most = min(hits, recent.of)
    logs = (
        _log_choose(hits, number)
        + _log_choose(everything - hits, recent.of - number)
        - _log_choose(everything, recent.of)
        for number in range(max(recent.wrong, recent.of - everything + hits), most + 1)
    )
    return min(1.0, sum(exp(log) for log in logs))


def _log_choose(of: int, number: int) -> float:
    return lgamma(of + 1) - lgamma(number + 1) - lgamma(of - number + 1)


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
    answers = store.query(list_first_answers, units, _ANSWERS_LOOKED_AT)
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
