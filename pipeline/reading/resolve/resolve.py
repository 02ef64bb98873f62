"""Readings of one page → values that fit together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.domain.confidence import CONTESTED_FROM, CONTESTED_MAX_P
from pipeline.domain.form.field import FieldSpec, Format, Meaning, sibling_name
from pipeline.domain.form.form import Form
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Reading, State
from pipeline.reading.resolve.client import resolve_clients, resolve_printed_names
from pipeline.reading.resolve.rows import (
    find_after_midnight,
    resolve_ditto_marks,
    to_number,
    weigh_row_order,
)
from pipeline.reading.resolve.signers import name_signers
from pipeline.reading.resolve.values import (
    Window,
    check_date,
    check_number,
    weigh_date,
    weigh_number,
    weigh_sums,
)
from pipeline.registers.clients import ClientRegister
from pipeline.registers.staff import StaffRegister


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """What is known apart from the page: the register of clients, the days of the outage
    (inclusive), and the staff who sign.
    """

    register: ClientRegister | None = None
    window: Window | None = None
    staff: StaffRegister | None = None


def resolve_page(
    specs: tuple[FieldSpec, ...],
    form: Form,
    readings: Mapping[str, Reading],
    context: ReadingContext,
) -> tuple[dict[str, Reading], list[Issue]]:
    """Readings of one page, weighed against each other; and their issues."""
    fields = dict(readings)
    judged: dict[str, list[Issue]] = {}
    for spec in specs:
        fields[spec.name], judged[spec.name] = _resolve_alone(spec, fields[spec.name], context)
    alone = dict(fields)
    fields |= weigh_row_order(specs, form, fields)
    fields |= {
        spec.name: _cap_if_contested(fields[spec.name], readings[spec.name])
        for spec in specs
        if spec.format is not Format.DATE
    }
    summed, odd = weigh_sums(specs, fields)
    fields |= summed
    for spec in specs:
        if fields[spec.name].value != alone[spec.name].value:
            fields[spec.name], judged[spec.name] = _check_value(spec, fields[spec.name], context)
    problems = [*(code for codes in judged.values() for code in codes), *odd]
    meant = resolve_ditto_marks(specs, fields)
    if context.register is not None:
        persons, odd = resolve_clients(specs, form, fields, context.register)
        printed, foreign = resolve_printed_names(specs, fields, context.register)
        fields |= persons | printed
        problems += odd + foreign
    # not before: whom a row is about is no less in doubt for what is meant by a ditto mark
    fields |= meant
    if context.staff is not None:
        fields |= name_signers(specs, form, fields, context.staff)
    return fields, problems + _find_order_issues(specs, form, fields) + _find_missing(
        specs, form, fields
    )


def _cap_if_contested(found: Reading, seen: Reading) -> Reading:
    """What is usual and in order ranks what the boxes may say and makes none of it sure: what is
    unusual is rare, but it is why people measure.
    """
    others = (p for value, p in ((seen.value, seen.p), *seen.alternatives) if value != found.value)
    if found.p <= max(seen.p, CONTESTED_MAX_P) or max(others, default=0.0) < CONTESTED_FROM:
        return found
    return replace(found, p=CONTESTED_MAX_P)


_OUTAGE_DATES = frozenset({Meaning.EVENT_DATE, Meaning.WRITTEN_DATE})
"""Dates that say what happened in it. Others, such as a deadline, the end of a period or the next
meeting, lie after it as a rule.
"""


def _resolve_alone(
    spec: FieldSpec, reading: Reading, context: ReadingContext
) -> tuple[Reading, list[Issue]]:
    if spec.format is Format.DATE and context.window and spec.means in _OUTAGE_DATES:
        return weigh_date(spec, reading, context.window)
    return weigh_number(spec, reading)


def _check_value(
    spec: FieldSpec, reading: Reading, context: ReadingContext
) -> tuple[Reading, list[Issue]]:
    """What is said of a value alone, said of the one that other fields have made the likeliest."""
    if spec.format is Format.DATE and context.window and spec.means in _OUTAGE_DATES:
        return check_date(spec, reading, context.window)
    return check_number(spec, reading) if spec.format is Format.NUMBER else (reading, [])


def _find_order_issues(
    specs: tuple[FieldSpec, ...], form: Form, fields: Mapping[str, Reading]
) -> list[Issue]:
    """Written before it happened; and pairs whose first is more than their second (a visit over
    midnight is shown too: it is rare).
    """
    problems = []
    written, event = form.meaning(Meaning.WRITTEN_DATE), form.meaning(Meaning.EVENT_DATE)
    if written and event and _exceeds(event, written, fields):
        problems.append(Issue(IssueCode.WRITTEN_BEFORE_EVENT, written.name))
    for spec in specs:
        other = form.by_name.get(sibling_name(spec, spec.less_than)) if spec.less_than else None
        if other is not None and _exceeds(spec, other, fields):
            problems.append(
                Issue(
                    IssueCode.END_BEFORE_START
                    if spec.format is Format.TIME
                    else IssueCode.PAIR_CROSSED,
                    spec.name,
                )
            )
    return problems + [
        Issue(IssueCode.AFTER_MIDNIGHT, name) for name in find_after_midnight(form, fields)
    ]


def _exceeds(one: FieldSpec, other: FieldSpec, fields: Mapping[str, Reading]) -> bool:
    if one.name not in fields or other.name not in fields:
        return False
    first, second = (to_number(spec, fields[spec.name].value) for spec in (one, other))
    return first is not None and second is not None and first > second


def _find_missing(
    specs: tuple[FieldSpec, ...], form: Form, fields: Mapping[str, Reading]
) -> list[Issue]:
    """Required fields that are empty, in the sheet's own part and in each row that is used at all."""
    used = {
        row
        for row in form.rows()
        if any(_is_filled(spec, fields) for spec in specs if spec.row == row)
    }
    return [
        Issue(IssueCode.MISSING, s.name)
        for s in specs
        if s.required and s.row in used | {None} and fields[s.name].state is State.EMPTY
    ]


def _is_filled(spec: FieldSpec, fields: Mapping[str, Reading]) -> bool:
    return spec.traits.filled_by_hand and fields[spec.name].state is not State.EMPTY
