"""Resolve the readings of one page into values that fit together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.domain.confidence import CONTESTED_FROM, CONTESTED_MAX_P
from pipeline.domain.form.field import FieldSpec, Format, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Reading, State
from pipeline.domain.review.recount import find_order_issues
from pipeline.reading.resolve.client import resolve_clients, resolve_printed_names
from pipeline.reading.resolve.client_code import resolve_client_codes
from pipeline.reading.resolve.known_names import name_signers, weigh_client_names, weigh_staff
from pipeline.reading.resolve.rows import (
    find_after_midnight,
    resolve_ditto_marks,
    weigh_row_order,
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
        if any(_is_filled(spec, fields) for spec in specs if spec.row == row)
    }
    return [
        Issue(IssueCode.MISSING, spec.name)
        for spec in specs
        if spec.required
        and spec.row in used_rows | {None}
        and fields[spec.name].state is State.EMPTY
    ]


def _is_filled(spec: FieldSpec, fields: Mapping[str, Reading]) -> bool:
    return spec.traits.filled_by_hand and fields[spec.name].state is not State.EMPTY
