"""Check the answers of an entry against all rules of its form (kontrollräkning).

Days and times are checked too: none is in the future or long before the outage, and an end is not
before its start.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime

from pipeline.domain.dates import SWEDEN
from pipeline.domain.errors import InvalidAnswerError, RecountError
from pipeline.domain.form.field import FieldSpec, Format, Meaning, sibling_name
from pipeline.domain.form.form import Form
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.law.duties import deadline_field
from pipeline.domain.model import State, Value
from pipeline.domain.review.benefit_norm import (
    check_norm,
    check_wages,
    load_norm_tables,
)
from pipeline.domain.review.field_values import normalize_value, to_number
from pipeline.domain.review.rules import (
    Answer,
    AnswerNumbers,
    check_sums,
    has_digit,
    is_grid_box,
    list_codes,
    unanswered_fields,
)

_DAYS_BEFORE_OUTAGE = 7
"""Days before the outage that an event may be of without a question: paper lies about."""
_TIME_OF_DATE = (
    (Meaning.EVENT_DATE, Meaning.EVENT_TIME),
    (Meaning.WRITTEN_DATE, Meaning.WRITTEN_TIME),
)


def recount_answers(
    form: Form,
    row: int | None,
    answers: Mapping[str, Answer],
    deviations: Collection[str] = (),
    now: datetime | None = None,
    *,
    outage_start: date | None = None,
) -> tuple[Issue, ...]:
    """Find what does not add up in these answers, in the order of the form's fields.

    Args:
        deviations: the boxes of a grid that are answered as deviations.
        now: the moment that no day and time may be after, if not the present one.
        outage_start: the first day of the outage, which no event is long before.

    Raises:
        FormError: a table of the national norm, or the rule about wages, cannot be used.
    """
    numbers = AnswerNumbers(answers)
    findings = check_sums(form, row, numbers)
    if form.norm is not None:
        findings += check_norm(form.norm, numbers, load_norm_tables())
        findings += check_wages(form.norm, numbers)
    findings += _check_boxes(form, answers, deviations)
    findings += _check_times(form, row, answers, now or datetime.now(UTC))
    findings += _check_outage(form, row, answers, outage_start)
    order = [spec.name for spec in form.entry_fields(row)]
    return tuple(sorted(findings, key=lambda finding: order.index(finding.field)))


def find_order_issues(
    specs: Sequence[FieldSpec], form: Form, values: Mapping[str, Value], row: int | None = None
) -> list[Issue]:
    """Find dates written before the event, and pairs whose first value is greater than the second.

    A visit over midnight is reported too: it is rare.
    """

    def exceeds(first: FieldSpec, second: FieldSpec) -> bool:
        numbers = [to_number(spec, values.get(spec.name)) for spec in (first, second)]
        return None not in numbers and numbers[0] > numbers[1]  # type: ignore[operator]

    # The date of writing is not before that of the event.
    issues = []
    written = form.meaning(Meaning.WRITTEN_DATE, row)
    event = form.meaning(Meaning.EVENT_DATE, row)
    if written and event and exceeds(event, written):
        issues.append(Issue(IssueCode.WRITTEN_BEFORE_EVENT, written.name))
    for spec in specs:
        # A pair whose first value has to be the smaller.
        other = form.by_name.get(sibling_name(spec, spec.less_than)) if spec.less_than else None
        if other is not None and exceeds(spec, other):
            is_time = spec.format is Format.TIME
            code = IssueCode.END_BEFORE_START if is_time else IssueCode.PAIR_CROSSED
            issues.append(Issue(code, spec.name))
    return issues


def _check_times(
    form: Form, row: int | None, answers: Mapping[str, Answer], now: datetime
) -> Iterator[Issue]:
    """Find days and times in the future, and what is before that which it comes after."""
    specs = form.entry_fields(row)
    values = {spec.name: _stored_value(spec, answers.get(spec.name)) for spec in specs}
    yield from find_order_issues(specs, form, values, row)
    here = now.astimezone(SWEDEN)
    for deadline in form.all_deadlines:
        # A duty is done on a day that has been
        if deadline.met is not None:
            spec = deadline_field(form, row, deadline.met)
            day = to_number(spec, values[spec.name])
            if spec.means is not Meaning.EVENT_DATE and day is not None and day > here.toordinal():
                yield Issue(IssueCode.IN_FUTURE, spec.name)
    for day_means, time_means in _TIME_OF_DATE:
        day_spec, time_spec = form.meaning(day_means, row), form.meaning(time_means, row)
        if day_spec is None or day_spec.format is not Format.DATE:
            continue
        day = to_number(day_spec, values[day_spec.name])
        if day is None or day < here.toordinal():
            continue
        time = to_number(time_spec, values[time_spec.name]) if time_spec is not None else None
        if day > here.toordinal():
            yield Issue(IssueCode.IN_FUTURE, day_spec.name)
        elif time_spec is not None and time is not None and time > here.hour * 60 + here.minute:
            yield Issue(IssueCode.IN_FUTURE, time_spec.name)


def _check_outage(
    form: Form, row: int | None, answers: Mapping[str, Answer], outage_start: date | None
) -> Iterator[Issue]:
    """Find the day of an event long before the outage: often last year's number in January."""
    spec = form.meaning(Meaning.EVENT_DATE, row)
    if spec is None or spec.format is not Format.DATE or outage_start is None:
        return
    day = to_number(spec, _stored_value(spec, answers.get(spec.name)))
    if day is not None and day < outage_start.toordinal() - _DAYS_BEFORE_OUTAGE:
        yield Issue(IssueCode.BEFORE_OUTAGE, spec.name, outage_start.isoformat())


def _stored_value(spec: FieldSpec, answer: Answer | None) -> Value:
    """Return the value of an answer as it is stored; None if there is none, or it is half typed."""
    if answer is not None and answer.state is State.READ:
        with suppress(InvalidAnswerError):
            return normalize_value(spec, answer.value)
    return None


def _check_boxes(
    form: Form, answers: Mapping[str, Answer], deviations: Collection[str]
) -> tuple[Issue, ...]:
    """Find deviations that say that the dose was given, and codes that the form does not print."""
    findings = []
    for name, answer in answers.items():
        if answer.state is not State.READ:
            continue
        codes = [code.value for code in list_codes(form, form.by_name[name])]
        if name in deviations and not has_digit(answer.value):
            findings.append(Issue(IssueCode.BOX_SIGNED, name))
        elif codes and has_digit(answer.value) and answer.value not in codes:
            findings.append(Issue(IssueCode.BOX_CODE, name, f"{codes[0]}–{codes[-1]}"))
    return tuple(findings)


def _answered_deviations(form: Form, row: int | None, answers: Mapping[str, Answer]) -> list[str]:
    """Return the answered boxes of a grid; none where all are answered, as expected or not."""
    if not any(is_grid_box(form, spec) for spec in unanswered_fields(form, row, answers)):
        return []
    return [name for name in answers if is_grid_box(form, form.by_name[name])]


def fields_to_recheck(
    form: Form,
    row: int | None,
    answers: Mapping[str, Answer],
    now: datetime | None = None,
    *,
    ask: bool,
    outage_start: date | None = None,
) -> set[str]:
    """Return the fields that a second reviewer has to check, as the numbers do not add up.

    Args:
        now: as in `recount_answers`; so is `outage_start`.
        ask: Whether the reviewer wants to be warned instead.

    Raises:
        RecountError: something does not add up, and `ask` is true.
    """
    findings = _open_findings(form, row, answers, now, outage_start)
    if findings and ask:
        fields = {finding.field for finding in findings}
        raise RecountError("numbers_do_not_add_up", fields=tuple(sorted(fields)))
    return {finding.field for finding in findings if not finding.code.recount.is_order}


def require_norm_of_year(form: Form, answers: Mapping[str, Answer]) -> None:
    """Require that the amounts of a calculation are not the norm of another year than its month's.

    Raises:
        RecountError: they are, and a person has to say that the paper has it so.
    """
    if form.norm is None:
        return
    found = check_norm(form.norm, AnswerNumbers(answers), load_norm_tables())
    if fields := tuple(one.field for one in found if one.code is IssueCode.NORM_OTHER_YEAR):
        raise RecountError("norm_of_other_year", fields=fields)


def fields_to_look_at(form: Form, row: int | None, answers: Mapping[str, Answer]) -> set[str]:
    """Return the fields that a person has to look at, as something does not add up."""
    return {finding.field for finding in _open_findings(form, row, answers)}


def _open_findings(
    form: Form,
    row: int | None,
    answers: Mapping[str, Answer],
    now: datetime | None = None,
    outage_start: date | None = None,
) -> list[Issue]:
    deviations = _answered_deviations(form, row, answers)
    return [
        finding
        for finding in recount_answers(
            form, row, answers, deviations, now, outage_start=outage_start
        )
        if finding.code.recount.needs_decision
    ]
