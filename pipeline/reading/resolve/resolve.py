"""Resolve the readings of one page into values that fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import numpy as np

from pipeline.domain.form.confidence import CONTESTED_FROM, CONTESTED_MAX_P
from pipeline.domain.form.field import FieldSpec, Format, Meaning, sibling_name
from pipeline.domain.form.form import Form
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import UNSEEN_P, Reading, State, Value
from pipeline.domain.review.field_values import to_number
from pipeline.domain.review.recount import find_order_issues
from pipeline.reading.fields.handwriting.corrections import is_ditto_text, may_be_ditto_text
from pipeline.reading.resolve.client import resolve_clients, resolve_printed_names
from pipeline.reading.resolve.client_code import resolve_client_codes
from pipeline.reading.resolve.known_names import name_signers, weigh_client_names, weigh_staff
from pipeline.reading.resolve.number_likelihood import (
    ChainLink,
    Floats,
    PairWeight,
    add_evidence,
    list_values,
    normalize_reading,
    smooth_chain,
)
from pipeline.reading.resolve.values import (
    Window,
    check_date,
    check_near_date,
    check_number,
    complete_day,
    weigh_date,
    weigh_near_date,
    weigh_number,
    weigh_sums,
)
from pipeline.registers.clients import ClientRegister
from pipeline.registers.outages import OutagePeriod, find_system, outage_days
from pipeline.registers.staff import StaffRegister

# Resolve dependencies between the rows of a table: order of times and days, ditto marks, midnight.
#
# People mostly write in the order in which things happen. A ditto mark means what the row above
# says, never what the signs look like (a name `11`, a medicine `samma`). On a sheet with one date
# nothing says which day the rows after midnight belong to.

ORDERED_SHEET_P = 0.85
"""Share of sheets that are written from top to bottom as the day went."""
OUT_OF_ORDER_WEIGHT = 0.1
"""Weight of a row that is earlier than the one above, on a sheet written in order."""
CROSSED_PAIR_WEIGHT = 0.03
"""Weight of a pair whose first value is the greater: a visit over midnight, or a slip."""


LONG_VISIT_WEIGHT, LONG_VISIT_MINUTES = 0.3, 240
"""Weight of a visit that is longer than this."""
EVENING_MINUTE, MORNING_MINUTE = 18 * 60.0, 8 * 60.0
"""Minutes of the day: a time before the second, below a row after the first, is of the next day.

Or the rows are out of order.
"""


@dataclass(frozen=True, slots=True)
class _ChainNode:
    """A field of a chain, with its values and their numbers."""

    spec: FieldSpec
    values: tuple[Value, ...]
    link: ChainLink


def weigh_row_order(
    specs: Sequence[FieldSpec], form: Form, fields: Mapping[str, Reading]
) -> dict[str, Reading]:
    """Weigh the fields that order connects: times, days of the rows, and pairs of numbers."""
    weighed: dict[str, Reading] = {}
    for chain in _find_chains(specs, form, fields):
        nodes = [
            node for spec in chain if (node := _make_node(spec, fields[spec.name])) is not None
        ]
        if len(nodes) > 1:
            weighed |= _weigh_chain(nodes, fields)
    return weighed


def _find_chains(
    specs: Sequence[FieldSpec], form: Form, fields: Mapping[str, Reading]
) -> list[list[FieldSpec]]:
    """Return the chains of fields: times of one day, days, and pairs."""
    pair_ends = {sibling_name(spec, spec.less_than) for spec in specs if spec.less_than}
    times = [
        spec
        for spec in specs
        if spec.format is Format.TIME
        and spec.row is not None
        and (spec.means is Meaning.EVENT_TIME or spec.name in pair_ends)
    ]
    days = [spec for spec in specs if spec.means is Meaning.EVENT_DATE and spec.row is not None]
    # Times are in order only within one day.
    by_day = [
        list(group) for _, group in groupby(times, key=lambda spec: _row_day(spec, form, fields))
    ]
    time_names = {spec.name for spec in times}
    specs_by_name = {spec.name: spec for spec in specs}
    # Pairs that are not in a chain of times.
    pairs = [
        [spec, specs_by_name[other]]
        for spec in specs
        if spec.less_than
        and (other := sibling_name(spec, spec.less_than)) in specs_by_name
        and spec.name not in time_names
    ]
    return [*by_day, days, *pairs]


def _row_day(spec: FieldSpec, form: Form, fields: Mapping[str, Reading]) -> Value:
    # The row's own date; without one all rows are of one day.
    date_spec = form.meaning(Meaning.EVENT_DATE, spec.row)
    return (
        fields[date_spec.name].value
        if date_spec and date_spec.name in fields and date_spec.row is not None
        else None
    )


def _make_node(spec: FieldSpec, reading: Reading) -> _ChainNode | None:
    """Return a node of a chain; None if the field has no numbers to compare."""
    if not spec.traits.digits_only or reading.state is not State.READ:
        return None
    # Values that can be compared as numbers.
    options = [
        (value, number, p)
        for value, p in list_values(reading).items()
        if (number := to_number(spec, value)) is not None
    ]
    if not options:
        return None
    values, numbers, p = zip(*options, strict=True)
    return _ChainNode(spec, values, ChainLink(numbers, p))


def _weigh_chain(nodes: Sequence[_ChainNode], fields: Mapping[str, Reading]) -> dict[str, Reading]:
    """Average over sheets written in order and others, by how well each explains the readings."""
    # Solve the chain twice: with and without an order of rows.
    links = [node.link for node in nodes]
    (log_ordered, ordered), (log_free, free) = (
        smooth_chain(links, [_pair_weight(a, b, ordered=is_ordered) for a, b in pairwise(nodes)])
        for is_ordered in (True, False)
    )
    # Posterior probability that the sheet is written in order.
    ordered_share = ORDERED_SHEET_P / (
        ORDERED_SHEET_P + (1 - ORDERED_SHEET_P) * float(np.exp(min(50.0, log_free - log_ordered)))
    )
    weighed = {}
    for node, ordered_p, free_p in zip(nodes, ordered, free, strict=True):
        reading = _apply_probabilities(
            node, fields[node.spec.name], ordered_share * ordered_p + (1 - ordered_share) * free_p
        )
        weighed[node.spec.name] = (
            add_evidence(reading, "order_fits")
            if reading.value != fields[node.spec.name].value
            else reading
        )
    return weighed


def _pair_weight(node: _ChainNode, next_node: _ChainNode, *, ordered: bool) -> PairWeight:
    """Return the weights of two neighbours in a chain; `ordered` sheets go down in time."""
    # A pair in the same row, such as start and end.
    if node.spec.row == next_node.spec.row:
        is_time = node.spec.format is Format.TIME

        def weigh_pair(first: float, second: float) -> float:
            if first > second:
                return CROSSED_PAIR_WEIGHT
            is_long = is_time and second - first > LONG_VISIT_MINUTES
            return LONG_VISIT_WEIGHT if is_long else 1.0

        return weigh_pair
    # Neighbouring rows.
    return lambda first, second: OUT_OF_ORDER_WEIGHT if ordered and second < first else 1.0


def _apply_probabilities(node: _ChainNode, reading: Reading, p: Floats) -> Reading:
    """Give the chain's values new probabilities.

    Values that are no number, and what was not listed, share the rest as before.
    """
    # New weights for numbers; everything else shares the weight of "not listed".
    weights = dict(zip(node.values, p[:-1].tolist(), strict=True))
    other_values = {
        value: value_p for value, value_p in list_values(reading).items() if value not in weights
    }
    unlisted_before = max(1e-9, 1 - sum(node.link.p))
    weights |= {
        value: float(p[-1]) * value_p / unlisted_before for value, value_p in other_values.items()
    }
    return normalize_reading(reading, weights, max(0.0, 1 - sum(weights.values())))


def resolve_ditto_marks(
    specs: tuple[FieldSpec, ...], fields: Mapping[str, Reading]
) -> dict[str, Reading]:
    """Replace ditto marks, and words for them, by the text of the row above, with low confidence.

    If the strokes may also be a number, as in a column with numbers, the reading stays and the
    text above is its alternative.
    """
    resolved: dict[str, Reading] = {}
    column: dict[str, Reading] = {}
    for spec in specs:
        if spec.row is None or not spec.traits.is_handwriting:
            continue
        # The name after the row is the column's.
        name, reading = spec.name.rpartition(".")[2], fields[spec.name]
        above = _ditto_text(column.get(name))
        if is_ditto_text(_ditto_text(reading)) or (
            above and may_be_ditto_text(_ditto_text(reading))
        ):
            resolved[spec.name] = reading = _repeat_above(reading, above, column.get(name))
        column[name] = reading
    return resolved


def _ditto_text(reading: Reading | None) -> str:
    return (
        reading.value
        if reading is not None and isinstance(reading.value, str) and reading.state is State.READ
        else ""
    )


def _repeat_above(reading: Reading, above: str, above_reading: Reading | None) -> Reading:
    """Return the reading of a ditto mark, with the text above as value or alternative."""
    p, issues = min(reading.p, UNSEEN_P), (*reading.issues, IssueCode.DITTO)
    if above_reading is None or not above:
        return replace(reading, p=p, issues=issues)
    # The text cannot be more certain than the one it repeats.
    p = min(p, above_reading.p)
    text = _ditto_text(reading)
    if may_be_ditto_text(text) and any(character.isdigit() for character in above):
        return replace(reading, p=p, alternatives=((above, p),), issues=issues)
    return replace(
        reading,
        value=above,
        p=p,
        alternatives=((text, p),),
        characters=(),
        words=(),
        issues=issues,
    )


def find_after_midnight(form: Form, fields: Mapping[str, Reading]) -> list[str]:
    """Return the fields of times that seem to be on the day after the sheet's only date.

    They are below an evening, or below a visit over midnight.
    """
    names, is_night, latest = [], False, 0.0
    for row in form.rows():
        start, day = form.meaning(Meaning.EVENT_TIME, row), form.meaning(Meaning.EVENT_DATE, row)
        start_minute = _minutes_of_day(start, fields)
        if (
            row is None
            or start is None
            or start_minute is None
            or day is None
            or day.row is not None
        ):
            continue
        # Early times follow the evening or other times of the night.
        is_night = start_minute < MORNING_MINUTE and (is_night or latest >= EVENING_MINUTE)
        if is_night:
            names.append(start.name)
        # A visit over midnight begins the night for the rows below.
        end_minute = _minutes_of_day(
            form.by_name.get(sibling_name(start, start.less_than)) if start.less_than else None,
            fields,
        )
        is_night |= end_minute is not None and end_minute < start_minute
        latest = max(latest, start_minute) if not is_night else latest
    return names


def _minutes_of_day(spec: FieldSpec | None, fields: Mapping[str, Reading]) -> float | None:
    return (
        to_number(spec, fields[spec.name].value)
        if spec is not None and spec.name in fields
        else None
    )


_OUTAGE_DATES = frozenset({Meaning.EVENT_DATE, Meaning.WRITTEN_DATE})
"""Meanings of dates during the outage.

Others, such as a decision, a deadline or the next meeting, are usually near it.
"""


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """What is known apart from the page.

    The register of clients, the days of the outage (inclusive), the staff who sign, and the outages
    by unit and system, which go before the one outage of the settings.
    """

    register: ClientRegister | None = None
    window: Window | None = None
    staff: StaffRegister | None = None
    outages: tuple[OutagePeriod, ...] = ()

    def of_page(self, form: Form, unit: str) -> ReadingContext:
        """Return what is known of a page: the days of its unit's and system's outage."""
        days = outage_days(self.outages, unit, find_system(form.id, form.area.value))
        return replace(self, window=days) if days else self


def resolve_page(
    specs: tuple[FieldSpec, ...],
    form: Form,
    readings: Mapping[str, Reading],
    context: ReadingContext,
) -> tuple[dict[str, Reading], list[Issue]]:
    """Weigh the readings of one page against each other, and return their issues."""
    fields, issues = _resolve_values(specs, form, readings, context)
    ditto_readings = resolve_ditto_marks(specs, fields)
    # Clients, with the readings as they were before ditto marks.
    if context.register is not None:
        names = weigh_client_names(specs, form, fields, context.register)
        client_readings, client_issues = resolve_clients(specs, form, fields, context.register)
        name_readings, name_issues = resolve_printed_names(specs, fields, context.register)
        fields |= client_readings | name_readings
        code_readings, code_issues = resolve_client_codes(specs, form, fields, context.register)
        fields |= code_readings
        issues += client_issues + name_issues + code_issues
        # Only now: a name that its number has changed is no evidence of that number.
        fields |= names
    # Only now: the text that a ditto mark means is no evidence of a row's client.
    fields |= ditto_readings
    if context.staff is not None:
        fields |= name_signers(specs, form, fields, context.staff)
        fields |= weigh_staff(specs, form, fields, context.staff)
    values = {name: reading.value for name, reading in fields.items()}
    issues += find_order_issues(specs, form, values)
    issues += [Issue(IssueCode.AFTER_MIDNIGHT, name) for name in find_after_midnight(form, fields)]
    return fields, issues + _find_missing(specs, form, fields)


def _resolve_values(
    specs: tuple[FieldSpec, ...],
    form: Form,
    readings: Mapping[str, Reading],
    context: ReadingContext,
) -> tuple[dict[str, Reading], list[Issue]]:
    """Weigh dates, times, numbers and sums, each alone and then together."""
    fields = dict(readings)
    # Each field by itself, by its range or the outage.
    issues_by_field: dict[str, list[Issue]] = {}
    for spec in specs:
        fields[spec.name], issues_by_field[spec.name] = _resolve_alone(
            spec, fields[spec.name], context
        )
    # Fields that depend on each other: order of rows and pairs, then sums.
    resolved_alone = dict(fields)
    fields |= weigh_row_order(specs, form, fields)
    fields |= {
        spec.name: _cap_if_contested(fields[spec.name], readings[spec.name])
        for spec in specs
        if spec.format is not Format.DATE
    }
    sum_readings, sum_issues = weigh_sums(specs, fields)
    fields |= sum_readings
    # Check again what other fields have changed.
    for spec in specs:
        if fields[spec.name].value != resolved_alone[spec.name].value:
            fields[spec.name], issues_by_field[spec.name] = _check_value(
                spec, fields[spec.name], context
            )
    field_issues = [issue for issues in issues_by_field.values() for issue in issues]
    return fields, field_issues + sum_issues


def _cap_if_contested(resolved: Reading, reading: Reading) -> Reading:
    """Limit p of a value that order or plausibility has raised against the image.

    They rank what the boxes may say, but give no high confidence: the unusual is rare, but it
    is why people measure.
    """
    # Probabilities, by the image, of values other than the resolved one.
    others = (
        p
        for value, p in ((reading.value, reading.p), *reading.alternatives)
        if value != resolved.value
    )
    if resolved.p <= max(reading.p, CONTESTED_MAX_P) or max(others, default=0.0) < CONTESTED_FROM:
        return resolved
    return replace(resolved, p=CONTESTED_MAX_P)


def _resolve_alone(
    spec: FieldSpec, reading: Reading, context: ReadingContext
) -> tuple[Reading, list[Issue]]:
    if spec.format is Format.DATE:
        reading = complete_day(spec, reading, context.window)
    if spec.format is Format.DATE and context.window and spec.means in _OUTAGE_DATES:
        return weigh_date(spec, reading, context.window)
    if spec.format is Format.DATE and context.window and spec.traits.digits_only:
        return weigh_near_date(reading, context.window), []
    return weigh_number(spec, reading)


def _check_value(
    spec: FieldSpec, reading: Reading, context: ReadingContext
) -> tuple[Reading, list[Issue]]:
    """Judge a value that other fields have made the most likely, as if alone."""
    if spec.format is Format.DATE and context.window and spec.means in _OUTAGE_DATES:
        return check_date(spec, reading, context.window)
    if spec.format is Format.DATE and context.window and spec.traits.digits_only:
        return check_near_date(reading, context.window), []
    return check_number(spec, reading) if spec.format is Format.NUMBER else (reading, [])


def _find_missing(
    specs: tuple[FieldSpec, ...], form: Form, fields: Mapping[str, Reading]
) -> list[Issue]:
    """Find required fields that are empty, on the sheet itself and in each row that is used."""
    # A row is used if anything is filled in by hand.
    used_rows = {
        row
        for row in form.rows()
        if any(
            spec.traits.filled_by_hand and fields[spec.name].state is not State.EMPTY
            for spec in specs
            if spec.row == row
        )
    }
    return [
        Issue(IssueCode.MISSING, spec.name)
        for spec in specs
        if spec.required
        and spec.row in used_rows | {None}
        and fields[spec.name].state is State.EMPTY
    ]
