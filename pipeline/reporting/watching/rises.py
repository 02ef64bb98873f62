"""Whether a share has risen beyond chance: the latest fields of a group against its own past.

Fields of one writer on one day are alike, so they are no independent samples. Their number is
divided by the design effect of a ratio of clusters (Rao and Scott 1992, "A simple method for the
analysis of clustered binary data", Biometrics 48, 577-585); what is left is compared by Fisher's
exact test, one-sided (Fisher 1935, "The logic of inductive inference", J. R. Stat. Soc. 98,
39-82). Many groups are compared at once: Holm's procedure keeps the probability of any false alarm
(Holm 1979, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6, 65-70).
No I/O.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, lgamma
from typing import TypeVar

from pipeline.domain.confidence import Share

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
