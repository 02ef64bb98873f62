"""Readings of one page → values that fit together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.clients import ClientRegister
from pipeline.confidence import CONTESTED_FROM, CONTESTED_MAX_P
from pipeline.field_spec import FieldSpec, Format, Meaning, sibling_name
from pipeline.issues import Issue, IssueCode
from pipeline.model import Reading, State
from pipeline.resolve.after_midnight import after_midnight
from pipeline.resolve.arithmetic import sums_fit
from pipeline.resolve.dates import Window, in_outage, judged_date
from pipeline.resolve.ditto import repeated
from pipeline.resolve.person import resolve_persons
from pipeline.resolve.printed_name import printed_names
from pipeline.resolve.ranges import in_range, judged_number
from pipeline.resolve.row_order import as_number, in_order
from pipeline.resolve.signers import signed
from pipeline.staff import StaffRegister
from pipeline.template import Form


@dataclass(frozen=True, slots=True)
class Context:
    """What is known apart from the page: the register of clients, the days of the outage (inclusive), and the staff who sign."""

    register: ClientRegister | None = None
    window: Window | None = None
    staff: StaffRegister | None = None


def resolve(specs: tuple[FieldSpec, ...], form: Form, readings: Mapping[str, Reading], context: Context) -> tuple[dict[str, Reading], list[Issue]]:
    """Readings of one page, weighed against each other; and their issues."""
    fields = dict(readings)
    judged: dict[str, list[Issue]] = {}
    for spec in specs:
        fields[spec.name], judged[spec.name] = _alone(spec, fields[spec.name], context)
    alone = dict(fields)
    fields |= in_order(specs, form, fields)
    fields |= {spec.name: _unsure_if_contested(fields[spec.name], readings[spec.name]) for spec in specs if spec.format is not Format.DATE}
    summed, odd = sums_fit(specs, fields)
    fields |= summed
    for spec in specs:
        if fields[spec.name].value != alone[spec.name].value:
            fields[spec.name], judged[spec.name] = _judged(spec, fields[spec.name], context)
    problems = [*(code for codes in judged.values() for code in codes), *odd]
    meant = repeated(specs, fields)
    if context.register is not None:
        persons, odd = resolve_persons(specs, form, fields, context.register)
        printed, foreign = printed_names(specs, fields, context.register)
        fields |= persons | printed
        problems += odd + foreign
    fields |= meant  # not before: whom a row is about is no less in doubt for what is meant by a ditto mark
    if context.staff is not None:
        fields |= signed(specs, form, fields, context.staff)
    return fields, problems + _out_of_order(specs, form, fields) + _missing(specs, form, fields)


def _unsure_if_contested(found: Reading, seen: Reading) -> Reading:
    """What is usual and in order ranks what the boxes may say and makes none of it sure: what is unusual is rare, but it is why people measure."""
    others = (p for value, p in ((seen.value, seen.p), *seen.alternatives) if value != found.value)
    if found.p <= max(seen.p, CONTESTED_MAX_P) or max(others, default=0.0) < CONTESTED_FROM:
        return found
    return replace(found, p=CONTESTED_MAX_P)


_OF_THE_OUTAGE = frozenset({Meaning.EVENT_DATE, Meaning.WRITTEN_DATE})
"""Dates that say what happened in it. Others, such as a deadline, the end of a period or the next meeting, lie after it as a rule."""


def _alone(spec: FieldSpec, reading: Reading, context: Context) -> tuple[Reading, list[Issue]]:
    if spec.format is Format.DATE and context.window and spec.means in _OF_THE_OUTAGE:
        return in_outage(spec, reading, context.window)
    return in_range(spec, reading)


def _judged(spec: FieldSpec, reading: Reading, context: Context) -> tuple[Reading, list[Issue]]:
    """What is said of a value alone, said of the one that other fields have made the likeliest."""
    if spec.format is Format.DATE and context.window and spec.means in _OF_THE_OUTAGE:
        return judged_date(spec, reading, context.window)
    return judged_number(spec, reading) if spec.format is Format.NUMBER else (reading, [])


def _out_of_order(specs: tuple[FieldSpec, ...], form: Form, fields: Mapping[str, Reading]) -> list[Issue]:
    """Written before it happened; and pairs whose first is more than their second (a visit over midnight is shown too: it is rare)."""
    problems = []
    written, event = form.meaning(Meaning.WRITTEN_DATE), form.meaning(Meaning.EVENT_DATE)
    if written and event and _is_more(event, written, fields):
        problems.append(Issue(IssueCode.WRITTEN_BEFORE_EVENT, written.name))
    for spec in specs:
        other = form.by_name.get(sibling_name(spec, spec.less_than)) if spec.less_than else None
        if other is not None and _is_more(spec, other, fields):
            problems.append(Issue(IssueCode.END_BEFORE_START if spec.format is Format.TIME else IssueCode.PAIR_CROSSED, spec.name))
    return problems + [Issue(IssueCode.AFTER_MIDNIGHT, name) for name in after_midnight(form, fields)]


def _is_more(one: FieldSpec, other: FieldSpec, fields: Mapping[str, Reading]) -> bool:
    if one.name not in fields or other.name not in fields:
        return False
    first, second = (as_number(spec, fields[spec.name].value) for spec in (one, other))
    return first is not None and second is not None and first > second


def _missing(specs: tuple[FieldSpec, ...], form: Form, fields: Mapping[str, Reading]) -> list[Issue]:
    """Required fields that are empty, in the sheet's own part and in each row that is used at all."""
    used = {row for row in form.rows() if any(_is_filled(spec, fields) for spec in specs if spec.row == row)}
    return [Issue(IssueCode.MISSING, s.name) for s in specs if s.required and s.row in used | {None} and fields[s.name].state is State.EMPTY]


def _is_filled(spec: FieldSpec, fields: Mapping[str, Reading]) -> bool:
    return spec.traits.filled_by_hand and fields[spec.name].state is not State.EMPTY
