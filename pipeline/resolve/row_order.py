"""Times and days down the rows of a table, and pairs such as start and end: people write in the order in which things happen, mostly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise

import numpy as np

from pipeline.field_spec import FieldSpec, Format, Meaning, sibling_name
from pipeline.model import Reading, State, Value
from pipeline.resolve.chains import Floats, Link, Weight, smoothed
from pipeline.resolve.weighing import listed, normalised, with_reason
from pipeline.template import Form

KEPT_ORDER = 0.85
"""How many sheets are written from top to bottom as the day went."""
OUT_OF_ORDER = 0.1
"""Weight of a row that is earlier than the one above it, on a sheet written in order."""
CROSSED = 0.03
"""Weight of a pair whose first is more than its second: a visit over midnight, a slip."""
LONG_VISIT, LONG_VISIT_MINUTES = 0.3, 240
"""Weight of a visit longer than this."""
NUMERAL = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
"""Numbers as readers give them. `inf` and `1_0`, which Python takes for numbers too, are none: the first is an infusion."""


@dataclass(frozen=True, slots=True)
class _Node:
    """A field of a chain, its values as numbers, and what binds it to the next field: a pair, the next row, or nothing."""

    spec: FieldSpec
    values: tuple[Value, ...]
    link: Link


def in_order(specs: Sequence[FieldSpec], form: Form, fields: Mapping[str, Reading]) -> dict[str, Reading]:
    """The fields that order binds together, weighed: times, then days of the rows, then pairs of numbers."""
    found: dict[str, Reading] = {}
    for chain in _chains(specs, form, fields):
        nodes = [node for spec in chain if (node := _node(spec, fields[spec.name])) is not None]
        if len(nodes) > 1:
            found |= _weighed(nodes, fields)
    return found


def _chains(specs: Sequence[FieldSpec], form: Form, fields: Mapping[str, Reading]) -> list[list[FieldSpec]]:
    inner = {sibling_name(spec, spec.less_than) for spec in specs if spec.less_than}
    times = [
        spec for spec in specs if spec.format is Format.TIME and spec.row is not None and (spec.means is Meaning.EVENT_TIME or spec.name in inner)
    ]
    days = [spec for spec in specs if spec.means is Meaning.EVENT_DATE and spec.row is not None]
    by_day = [list(group) for _, group in groupby(times, key=lambda spec: _day(spec, form, fields))]
    bound = {spec.name for spec in times}
    named = {spec.name: spec for spec in specs}
    pairs = [
        [spec, named[other]] for spec in specs if spec.less_than and (other := sibling_name(spec, spec.less_than)) in named and spec.name not in bound
    ]
    return [*by_day, days, *pairs]


def _day(spec: FieldSpec, form: Form, fields: Mapping[str, Reading]) -> Value:
    dated = form.meaning(Meaning.EVENT_DATE, spec.row)
    return fields[dated.name].value if dated and dated.name in fields and dated.row is not None else None


def _node(spec: FieldSpec, reading: Reading) -> _Node | None:
    if not spec.traits.digits_only or reading.state is not State.READ:
        return None
    options = [(value, number, p) for value, p in listed(reading).items() if (number := as_number(spec, value)) is not None]
    if not options:
        return None
    values, numbers, p = zip(*options, strict=True)
    return _Node(spec, values, Link(numbers, p))


def as_number(spec: FieldSpec, value: Value) -> float | None:
    """A time in minutes, a date in days or a number; None for what is none."""
    try:
        if spec.format is Format.TIME and isinstance(value, str) and ":" in value:
            hour, minute = value.split(":")
            return float(int(hour) * 60 + int(minute))
        if spec.format is Format.DATE and isinstance(value, str):
            return float(date.fromisoformat(value).toordinal())
        return float(value) if spec.format is Format.NUMBER and isinstance(value, str) and NUMERAL.fullmatch(value) else None
    except ValueError:  # a reading that breaks its format
        return None


def _weighed(nodes: Sequence[_Node], fields: Mapping[str, Reading]) -> dict[str, Reading]:
    """Average over sheets written in order and others, by how well each explains what was read."""
    links = [node.link for node in nodes]
    (log_kept, kept), (log_free, free) = (smoothed(links, [_weight(a, b, kept=k) for a, b in pairwise(nodes)]) for k in (True, False))
    share = KEPT_ORDER / (KEPT_ORDER + (1 - KEPT_ORDER) * float(np.exp(min(50.0, log_free - log_kept))))
    found = {}
    for node, one, other in zip(nodes, kept, free, strict=True):
        reading = _applied(node, fields[node.spec.name], share * one + (1 - share) * other)
        found[node.spec.name] = with_reason(reading, "order_fits") if reading.value != fields[node.spec.name].value else reading
    return found


def _weight(one: _Node, other: _Node, *, kept: bool) -> Weight:
    if one.spec.row == other.spec.row:
        visit = one.spec.format is Format.TIME
        return lambda a, b: CROSSED if a > b else LONG_VISIT if visit and b - a > LONG_VISIT_MINUTES else 1.0
    return lambda a, b: OUT_OF_ORDER if kept and b < a else 1.0


def _applied(node: _Node, reading: Reading, p: Floats) -> Reading:
    """New probabilities for the values of the chain; those that are no number, and what was not listed, share the rest as before."""
    weights = dict(zip(node.values, p[:-1].tolist(), strict=True))
    others = {value: q for value, q in listed(reading).items() if value not in weights}
    before = max(1e-9, 1 - sum(node.link.p))
    weights |= {value: float(p[-1]) * q / before for value, q in others.items()}
    return normalised(reading, weights, max(0.0, 1 - sum(weights.values())))
