"""A rise is found, and chance is not taken for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from pipeline.domain.form.confidence import Share
from pipeline.reporting.watching.drift import (
    PAST_SAMPLES,
    RECENT_SAMPLES,
    Comparison,
    compare_with_past,
    find_rises,
)

_DAYS = 360
_MONTHS = _DAYS / 30
_FORMS, _SCANNERS, _KINDS, _AUTHORS = 6, 2, 8, 40


def evenly(share: float, samples: int, size: int = 20) -> list[Share]:
    """Clusters of this size with this share of hits, as even as whole numbers are."""
    hits = np.diff(np.round(share * size * np.arange(samples // size + 1))).astype(int)
    return [Share(int(number), size) for number in hits]


def test_a_share_that_rises_threefold_is_found() -> None:
    past = evenly(0.03, PAST_SAMPLES)
    result = compare_with_past([*evenly(0.09, RECENT_SAMPLES), *past])
    assert result is not None
    assert result.recent == Share(36, RECENT_SAMPLES)
    assert find_rises({"form": result}) == {"form"}


def test_the_same_share_is_no_rise() -> None:
    result = compare_with_past(evenly(0.03, RECENT_SAMPLES + PAST_SAMPLES))
    assert result is not None
    assert find_rises({"form": result}) == set()


def test_one_sheet_that_was_read_wrong_from_end_to_end_is_no_rise() -> None:
    clusters = evenly(0.0, RECENT_SAMPLES + PAST_SAMPLES)
    result = compare_with_past([Share(20, 20), *clusters])
    assert result is not None
    assert find_rises({"form": result}) == set()


def test_without_enough_of_a_past_nothing_is_compared() -> None:
    assert compare_with_past(evenly(0.03, RECENT_SAMPLES + 200)) is None
    assert compare_with_past([]) is None


def test_a_small_rise_is_not_worth_a_look_however_certain() -> None:
    result = compare_with_past([*evenly(0.3, RECENT_SAMPLES), *evenly(0.25, PAST_SAMPLES)])
    assert result is not None
    assert result.p == 1.0


def test_the_more_groups_are_compared_the_surer_a_rise_has_to_be() -> None:
    share = Share(1, 10)
    one, other = Comparison(share, share, 0.02), Comparison(share, share, 0.9)
    assert find_rises({"a": one}) == {"a"}
    assert find_rises({"a": one} | {str(number): other for number in range(9)}) == set()


def test_there_is_at_most_one_false_alarm_a_month() -> None:
    """Forms, scanners, kinds of field and hands are looked at every day, and nothing changes: but
    people write differently well, differ from sheet to sheet, and work on different days.
    """
    begun = sum(_false_alarms(seed) for seed in (1, 2, 3))
    assert begun / (3 * _MONTHS) <= 1


def _false_alarms(seed: int) -> int:
    rng = np.random.default_rng(seed)
    skill = rng.beta(2, 40, _AUTHORS)
    groups: dict[tuple[str, int], list[Share]] = defaultdict(list)
    alarms, begun = set[tuple[str, int]](), 0
    for _ in range(_DAYS):
        for key, shares in _one_day(rng, skill).items():
            groups[key] = [*shares, *groups[key]][:1500]
        compared = {
            key: result
            for key, shares in groups.items()
            if (result := compare_with_past(shares)) is not None
        }
        found = find_rises(compared)
        begun += len(found - alarms)
        alarms = found
    return begun


def _one_day(
    rng: np.random.Generator, skill: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> dict[tuple[str, int], list[Share]]:
    """The clusters of a day by group: twelve people write one to four sheets each."""
    day: dict[tuple[str, int], list[Share]] = defaultdict(list)
    for author in rng.choice(_AUTHORS, 12, replace=False):
        own: dict[tuple[str, int], list[bool]] = defaultdict(list)
        for _ in range(rng.integers(1, 5)):
            form, scanner = int(rng.integers(_FORMS)), int(rng.integers(_SCANNERS))
            rate = rng.beta(15 * skill[author], 15 * (1 - skill[author]))
            for kind in rng.integers(_KINDS, size=rng.integers(6, 14)):
                changed = bool(rng.random() < rate)
                for key in _keys(form, scanner, int(kind), int(author)):
                    own[key].append(changed)
        for key, changes in own.items():
            day[key].append(Share(sum(changes), len(changes)))
    return day


def _keys(form: int, scanner: int, kind: int, author: int) -> Iterable[tuple[str, int]]:
    return (("form", form), ("scanner", scanner), ("kind", kind), ("author", author))
