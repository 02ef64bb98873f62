"""Calibration on disk: curves with what they were fitted to, and the card that says how good they are."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.calibration_fit import FOLDS, Evidence, Score, fit, fold_of, foretold, judged, own_p
from pipeline.recognize.curves import Curve, Curves, read_curves
from pipeline.whole_file import write_whole

DIGITS_KEPT = 4


@dataclass(frozen=True, slots=True)
class Fitted:
    """A curve with what it rests on: `score` is how it foretells readings that it was not fitted to, `before` how their own p does.

    `apart` are curves of the same kind, each fitted to all hands but those of one fold (see `calibration_fit.fold_of`): they judge those.
    """

    key: str
    network: str
    curve: Curve
    readings: int
    parts: int
    before: Score | None = None
    score: Score | None = None
    apart: tuple[Curve, ...] = ()


def fit_keys(known: Sequence[Evidence], unseen: Sequence[Evidence], network: Mapping[str, str], surest: Mapping[str, float]) -> list[Fitted]:
    """A curve for each key of `known`, judged on the same key of `unseen`. `network` and `surest` are by key."""
    seen, others = by_key(known), by_key(unseen)
    return [_fitted(key, own, others.get(key, []), network[key], surest.get(key, 1.0)) for key, own in sorted(seen.items())]


def _fitted(key: str, own: Sequence[Evidence], others: Sequence[Evidence], network: str, surest: float) -> Fitted:
    curve = fit(own, surest)
    parts = len({e.part for e in own})
    if not others:
        return Fitted(key, network, curve, len(own), parts)
    return Fitted(key, network, curve, len(own), parts, judged(others, own_p(others)), judged(others, foretold(others, curve)))


def fit_crossed(evidence: Sequence[Evidence], network: Mapping[str, str], surest: Mapping[str, float]) -> list[Fitted]:
    """A curve for each key fitted to all hands, and judged fold by fold with curves that were not fitted to the hands that they judge."""
    return [_crossed(key, own, network[key], surest.get(key, 1.0)) for key, own in sorted(by_key(evidence).items())]


def _crossed(key: str, own: Sequence[Evidence], network: str, surest: float) -> Fitted:
    folds = [[e for e in own if fold_of(e.part) == fold] for fold in range(FOLDS)]
    others = [[e for e in own if fold_of(e.part) != fold] for fold in range(FOLDS)]
    apart = tuple(fit(some or own, surest) for some in others)
    p = np.concatenate([foretold(some, curve) for some, curve in zip(folds, apart, strict=True)])
    readings = [e for some in folds for e in some]
    parts = len({e.part for e in own})
    return Fitted(key, network, fit(own, surest), len(own), parts, judged(readings, own_p(readings)), judged(readings, p), apart)


def by_key(evidence: Iterable[Evidence]) -> dict[str, list[Evidence]]:
    """Evidence of each curve."""
    found: dict[str, list[Evidence]] = defaultdict(list)
    for one in evidence:
        found[one.key].append(one)
    return dict(found)


def write_apart(file: Path, fitted: Sequence[Fitted], note: str, keep: Iterable[str] = ()) -> None:
    """Write the curves that judge hands which they were not fitted to: only for measuring, never for reading."""
    folds = [Fitted(apart_key(one.key, fold), one.network, curve, 0, 0) for one in fitted for fold, curve in enumerate(one.apart)]
    write(file, folds, note, keep)


def apart_key(key: str, fold: int) -> str:
    """The key of the curve that was fitted without a fold."""
    return f"{key}/{fold}"


def write(file: Path, fitted: Sequence[Fitted], note: str, keep: Iterable[str] = ()) -> None:
    """Write the curves. Of a file that is there, curves of networks in `keep` stay, unless there are new ones of the same key and network."""
    kept: Curves = read_curves(file) if file.is_file() else {}
    networks = set(keep)
    curves = {place: curve for place, curve in kept.items() if place[1] in networks} | {(f.key, f.network): f.curve for f in fitted}
    stored = [_stored(key, network, curve) for (key, network), curve in sorted(curves.items(), key=lambda item: item[0])]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in stored)
    write_whole(file, f'{{"note": {json.dumps(note, ensure_ascii=False)},\n"curves": [\n{lines}\n]}}\n')


def _stored(key: str, network: str, curve: Curve) -> dict[str, object]:
    numbers = {name: [round(x, DIGITS_KEPT + 1) for x in getattr(curve, name)] for name in ("weights", "scores", "shares")}
    return {"key": key, "network": network, **numbers}


def card_table(fitted: Iterable[Fitted]) -> str:
    """What each curve rests on and how it foretells others' readings, as Markdown."""
    head = (
        "curve",
        "network",
        "fitted to",
        "of hands or pages",
        "judged on",
        "ECE",
        "by chance",
        "before",
        "log loss",
        "before",
        "wrong of p ≥ 0.999 (95 % at most)",
    )
    rows = ["| " + " | ".join(head) + " |", "|---|---|" + "--:|" * (len(head) - 2)]
    return "\n".join([*rows, *(_card_row(one) for one in fitted)])


def shown_network(network: str) -> str:
    """A network's fingerprint as cards show it."""
    return network[:8]


def _card_row(one: Fitted) -> str:
    start = f"| {one.key} | {shown_network(one.network)} | {one.readings} | {one.parts} |"
    if one.score is None or one.before is None:
        return f"{start} 0 | | | | | | |"
    after, before, sure = one.score, one.before, one.score.surest
    share = f"{sure.wrong}/{sure.of} ({sure.interval[1]:.2%})" if sure.of else "none"
    errors = f"{after.calibration:.3f} | {after.chance:.3f} | {before.calibration:.3f}"
    return f"{start} {after.values} | {errors} | {after.log_loss:.3f} | {before.log_loss:.3f} | {share} |"
