"""Times and days down the rows of a table, and pairs such as start and end: people write in the
order in which things happen, mostly.

Ditto marks in a table: what stands in the row above is meant, never what the signs look like (a
name `11`, a medicine `samma`).

Rows of a sheet with one date that were written after midnight: which day they are of stands
nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby, pairwise

import numpy as np

from pipeline.domain.form.field import FieldSpec, Format, Meaning, sibling_name
from pipeline.domain.form.form import Form
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import UNSEEN_P, Reading, State, Value
from pipeline.domain.review.field_values import NUMBER_PATTERN
from pipeline.reading.fields.handwriting.corrections import is_ditto_text, may_be_ditto_text
from pipeline.reading.resolve.bayes import (
    ChainLink,
    Floats,
    PairWeight,
    add_evidence,
    list_values,
    normalize_reading,
    smooth_chain,
)

ORDERED_SHEET_P = 0.85
"""How many sheets are written from top to bottom as the day went."""
OUT_OF_ORDER_WEIGHT = 0.1
"""Weight of a row that is earlier than the one above it, on a sheet written in order."""
CROSSED_PAIR_WEIGHT = 0.03
"""Weight of a pair whose first is more than its second: a visit over midnight, a slip."""


LONG_VISIT_WEIGHT, LONG_VISIT_MINUTES = 0.3, 240
"""Weight of a visit longer than this."""


@dataclass(frozen=True, slots=True)
class _ChainNode:
    """A field of a chain, its values as numbers, and what binds it to the next field: a pair, the
    next row, or nothing.
    """

    spec: FieldSpec
    values: tuple[Value, ...]
    link: ChainLink


def weigh_row_order(
    specs: Sequence[FieldSpec], form: Form, fields: Mapping[str, Reading]
) -> dict[str, Reading]:
    """The fields that order binds together, weighed: times, then days of the rows, then pairs of
    numbers.
    """
    found: dict[str, Reading] = {}
    for chain in _find_chains(specs, form, fields):
        nodes = [
            node for spec in chain if (node := _make_node(spec, fields[spec.name])) is not None
        ]
        if len(nodes) > 1:
            found |= _weigh_chain(nodes, fields)
    return found


def _find_chains(
    specs: Sequence[FieldSpec], form: Form, fields: Mapping[str, Reading]
) -> list[list[FieldSpec]]:
    inner = {sibling_name(spec, spec.less_than) for spec in specs if spec.less_than}
    times = [
        spec
        for spec in specs
        if spec.format is Format.TIME
        and spec.row is not None
        and (spec.means is Meaning.EVENT_TIME or spec.name in inner)
    ]
    days = [spec for spec in specs if spec.means is Meaning.EVENT_DATE and spec.row is not None]
    by_day = [
        list(group) for _, group in groupby(times, key=lambda spec: _row_day(spec, form, fields))
    ]
    bound = {spec.name for spec in times}
    named = {spec.name: spec for spec in specs}
    pairs = [
        [spec, named[other]]
        for spec in specs
        if spec.less_than
        and (other := sibling_name(spec, spec.less_than)) in named
        and spec.name not in bound
    ]
    return [*by_day, days, *pairs]


def _row_day(spec: FieldSpec, form: Form, fields: Mapping[str, Reading]) -> Value:
    dated = form.meaning(Meaning.EVENT_DATE, spec.row)
    return (
        fields[dated.name].value
        if dated and dated.name in fields and dated.row is not None
        else None
    )


def _make_node(spec: FieldSpec, reading: Reading) -> _ChainNode | None:
    if not spec.traits.digits_only or reading.state is not State.READ:
        return None
    options = [
        (value, number, p)
        for value, p in list_values(reading).items()
        if (number := to_number(spec, value)) is not None
    ]
    if not options:
        return None
    values, numbers, p = zip(*options, strict=True)
    return _ChainNode(spec, values, ChainLink(numbers, p))


def to_number(spec: FieldSpec, value: Value) -> float | None:
    """A time in minutes, a date in days or a number; None for what is none."""
    try:
        if spec.format is Format.TIME and isinstance(value, str) and ":" in value:
            hour, minute = value.split(":")
            return float(int(hour) * 60 + int(minute))
        if spec.format is Format.DATE and isinstance(value, str):
            return float(date.fromisoformat(value).toordinal())
        return (
            float(value)
            if spec.format is Format.NUMBER
            and isinstance(value, str)
            and NUMBER_PATTERN.fullmatch(value)
            else None
        )
    except ValueError:  # a reading that breaks its format
        return None


def _weigh_chain(nodes: Sequence[_ChainNode], fields: Mapping[str, Reading]) -> dict[str, Reading]:
    """Average over sheets written in order and others, by how well each explains what was read."""
    links = [node.link for node in nodes]
    (log_kept, kept), (log_free, free) = (
        smooth_chain(links, [_pair_weight(a, b, kept=k) for a, b in pairwise(nodes)])
        for k in (True, False)
    )
    share = ORDERED_SHEET_P / (
        ORDERED_SHEET_P + (1 - ORDERED_SHEET_P) * float(np.exp(min(50.0, log_free - log_kept)))
    )
    found = {}
    for node, one, other in zip(nodes, kept, free, strict=True):
        reading = _apply_probabilities(
            node, fields[node.spec.name], share * one + (1 - share) * other
        )
        found[node.spec.name] = (
            add_evidence(reading, "order_fits")
            if reading.value != fields[node.spec.name].value
            else reading
        )
    return found


def _pair_weight(one: _ChainNode, other: _ChainNode, *, kept: bool) -> PairWeight:
    if one.spec.row == other.spec.row:
        visit = one.spec.format is Format.TIME
        return lambda a, b: (
            CROSSED_PAIR_WEIGHT
            if a > b
            else LONG_VISIT_WEIGHT
            if visit and b - a > LONG_VISIT_MINUTES
            else 1.0
        )
    return lambda a, b: OUT_OF_ORDER_WEIGHT if kept and b < a else 1.0


def _apply_probabilities(node: _ChainNode, reading: Reading, p: Floats) -> Reading:
    """New probabilities for the values of the chain; those that are no number, and what was not
    listed, share the rest as before.
    """
    weights = dict(zip(node.values, p[:-1].tolist(), strict=True))
    others = {value: q for value, q in list_values(reading).items() if value not in weights}
    before = max(1e-9, 1 - sum(node.link.p))
    weights |= {value: float(p[-1]) * q / before for value, q in others.items()}
    return normalize_reading(reading, weights, max(0.0, 1 - sum(weights.values())))


def resolve_ditto_marks(
    specs: tuple[FieldSpec, ...], fields: Mapping[str, Reading]
) -> dict[str, Reading]:
    """The texts of table rows that are ditto marks, or words that stand for one, each with what the
    row above says, for a person to look at.

    Where the strokes may also be a number, as in a column that has numbers, the reading stays as
    it is and what stands above is its alternative.
    """
    found: dict[str, Reading] = {}
    column: dict[str, Reading] = {}
    for spec in specs:
        if spec.row is None or not spec.traits.is_handwriting:
            continue
        name, reading = spec.name.rpartition(".")[2], fields[spec.name]
        above = _ditto_text(column.get(name))
        if is_ditto_text(_ditto_text(reading)) or (
            above and may_be_ditto_text(_ditto_text(reading))
        ):
            found[spec.name] = reading = _repeat_above(reading, above, column.get(name))
        column[name] = reading
    return found


def _ditto_text(reading: Reading | None) -> str:
    return (
        reading.value
        if reading is not None and isinstance(reading.value, str) and reading.state is State.READ
        else ""
    )


def _repeat_above(reading: Reading, above: str, its: Reading | None) -> Reading:
    p, remarks = min(reading.p, UNSEEN_P), (*reading.issues, IssueCode.DITTO)
    if its is None or not above:
        return replace(reading, p=p, issues=remarks)
    p = min(p, its.p)
    text = _ditto_text(reading)
    if may_be_ditto_text(text) and any(sign.isdigit() for sign in above):
        return replace(reading, p=p, alternatives=((above, p),), issues=remarks)
    return replace(
        reading,
        value=above,
        p=p,
        alternatives=((text, p),),
        characters=(),
        words=(),
        issues=remarks,
    )


EVENING_MINUTE, MORNING_MINUTE = 18 * 60.0, 8 * 60.0
"""Minutes of the day: a time before the second on a row below one after the first is of the next
day, or out of order.
"""


def find_after_midnight(form: Form, fields: Mapping[str, Reading]) -> list[str]:
    """The fields of times that seem to be of the day after the sheet's only date: those below an
    evening, or below a visit over midnight.
    """
    found, is_night, latest = [], False, 0.0
    for row in form.rows():
        start, day = form.meaning(Meaning.EVENT_TIME, row), form.meaning(Meaning.EVENT_DATE, row)
        began = _minutes_of_day(start, fields)
        if row is None or start is None or began is None or day is None or day.row is not None:
            continue
        is_night = began < MORNING_MINUTE and (is_night or latest >= EVENING_MINUTE)
        if is_night:
            found.append(start.name)
        ended = _minutes_of_day(
            form.by_name.get(sibling_name(start, start.less_than)) if start.less_than else None,
            fields,
        )
        is_night |= ended is not None and ended < began
        latest = max(latest, began) if not is_night else latest
    return found


def _minutes_of_day(spec: FieldSpec | None, fields: Mapping[str, Reading]) -> float | None:
    return (
        to_number(spec, fields[spec.name].value)
        if spec is not None and spec.name in fields
        else None
    )
