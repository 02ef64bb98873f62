"""Sums: a field that is the sum of others supports their readings, and they its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from pipeline.field_spec import FieldSpec, addends
from pipeline.issues import Issue, IssueCode
from pipeline.model import Reading, State, Value
from pipeline.resolve.row_order import NUMERAL
from pipeline.resolve.weighing import listed, normalised, unlisted, with_reason

WRONG_SUM = 0.03
"""How often people add up wrongly."""
_SUMS_KEPT = 400
_Sums = dict[Decimal, float]


def sums_fit(specs: Sequence[FieldSpec], fields: Mapping[str, Reading]) -> tuple[dict[str, Reading], list[Issue]]:
    """The fields of each sum, weighed together, and `SUM_DIFFERS` where the likeliest values do not add up.

    A sum that is a part of another, such as a subtotal, is weighed with one after the other; whether they add up is said at the end.
    """
    found: dict[str, Reading] = {}
    sums: list[tuple[str, tuple[str, ...]]] = []
    for spec in specs:
        names, so_far = addends(spec, specs), {**fields, **found}
        parts = [so_far[name] for name in names if name in fields]
        total = so_far[spec.name]
        if not names or len(parts) < len(names) or total.state is not State.READ or any(p.state not in (State.READ, State.EMPTY) for p in parts):
            continue
        found |= _weighed(spec.name, total, dict(zip(names, parts, strict=True)))
        sums.append((spec.name, names))
    problems = []
    for name, names in sums:
        if _number(found[name].value) != sum(_number(found[part].value) or Decimal(0) for part in names):
            problems.append(Issue(IssueCode.SUM_DIFFERS, name))
        else:
            found[name] = with_reason(found[name], "sum_fits")
    return found, problems


def _weighed(name: str, total: Reading, parts: Mapping[str, Reading]) -> dict[str, Reading]:
    options = {part: _options(reading) for part, reading in parts.items()}
    totals = _options(total)
    found = {name: _fitted(total, totals, _sums(list(options.values())))}
    for part, reading in parts.items():
        others = _sums([other for key, other in options.items() if key != part])
        wanted: _Sums = defaultdict(float)
        for t, p in totals.items():
            for s, q in others.items():
                wanted[t - s] += p * q
        found[part] = _fitted(reading, options[part], wanted) if reading.state is State.READ else reading
    return found


def _fitted(reading: Reading, options: _Sums, expected: _Sums) -> Reading:
    """Each value times how likely the rest of the sum comes to it; a wrong sum may come to anything."""
    ground = WRONG_SUM / max(len(options), 1)

    def weight(value: Value) -> float:
        number = _number(value)
        return ground + (1 - WRONG_SUM) * expected.get(number, 0.0) if number is not None else ground

    weights = {value: p * weight(value) for value, p in listed(reading).items()}
    return normalised(reading, weights, unlisted(reading) * ground)


def _options(reading: Reading) -> _Sums:
    """The numbers that a field may hold; an empty one adds nothing."""
    if reading.state is State.EMPTY:
        return {Decimal(0): 1.0}
    found: _Sums = defaultdict(float)
    for value, p in listed(reading).items():
        if (number := _number(value)) is not None:
            found[number] += p
    return found


def _sums(parts: Sequence[_Sums]) -> _Sums:
    total: _Sums = {Decimal(0): 1.0}
    for options in parts:
        longer: _Sums = defaultdict(float)
        for s, p in total.items():
            for number, q in options.items():
                longer[s + number] += p * q
        total = dict(sorted(longer.items(), key=lambda pair: -pair[1])[:_SUMS_KEPT])
    return total


def _number(value: Value) -> Decimal | None:
    return Decimal(value) if isinstance(value, str) and NUMERAL.fullmatch(value) else None
