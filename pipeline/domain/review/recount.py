"""Check the answers of an entry against all rules of its form (kontrollräkning)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pipeline.domain.errors import RecountError
from pipeline.domain.form.form import Form
from pipeline.domain.law.benefit_norm import check_norm, load_norm_tables
from pipeline.domain.law.work_incentive import check_wages
from pipeline.domain.model import State
from pipeline.domain.review.depth import is_grid_box, unanswered_fields
from pipeline.domain.review.grid_words import list_codes
from pipeline.domain.review.rules import Answer, has_digit
from pipeline.domain.review.sums import AnswerNumbers, ArithmeticFinding, check_sums

INFORMATIONAL_KINDS = frozenset({"norm_year", "norm_month", "norm_unknown"})
"""Findings that are shown and need no decision."""


def recount_answers(
    form: Form, row: int | None, answers: Mapping[str, Answer], deviations: Collection[str] = ()
) -> tuple[ArithmeticFinding, ...]:
    """Find what does not add up in these answers, in the order of the form's fields.

    Args:
        deviations: the boxes of a grid that are answered as deviations.

    Raises:
        FormError: a table of the national norm, or the rule about wages, cannot be used.
    """
    numbers = AnswerNumbers(answers)
    findings = check_sums(form, row, numbers)
    if form.norm is not None:
        findings += check_norm(form.norm, numbers, load_norm_tables())
        findings += check_wages(form.norm, numbers)
    findings += _check_boxes(form, answers, deviations)
    order = [spec.name for spec in form.entry_fields(row)]
    return tuple(sorted(findings, key=lambda finding: order.index(finding.field)))


def _check_boxes(
    form: Form, answers: Mapping[str, Answer], deviations: Collection[str]
) -> tuple[ArithmeticFinding, ...]:
    """Find deviations that say that the dose was given, and codes that the form does not print."""
    findings = []
    for name, answer in answers.items():
        if answer.state is not State.READ:
            continue
        codes = [code.value for code in list_codes(form, form.by_name[name])]
        if name in deviations and not has_digit(answer.value):
            findings.append(ArithmeticFinding("box_signed", name))
        elif codes and has_digit(answer.value) and answer.value not in codes:
            findings.append(ArithmeticFinding("box_code", name, f"{codes[0]}–{codes[-1]}"))
    return tuple(findings)


def _answered_deviations(form: Form, row: int | None, answers: Mapping[str, Answer]) -> list[str]:
    """Return the answered boxes of a grid; none where all are answered, as expected or not."""
    if not any(is_grid_box(form, spec) for spec in unanswered_fields(form, row, answers)):
        return []
    return [name for name in answers if is_grid_box(form, form.by_name[name])]


def fields_to_recheck(
    form: Form, row: int | None, answers: Mapping[str, Answer], *, ask: bool
) -> set[str]:
    """Return the fields that a second reviewer has to check, as the numbers do not add up.

    Args:
        ask: Whether the reviewer wants to be warned instead.

    Raises:
        RecountError: there are such fields, and `ask` is true.
    """
    fields = {
        finding.field
        for finding in recount_answers(form, row, answers, _answered_deviations(form, row, answers))
        if finding.kind not in INFORMATIONAL_KINDS
    }
    if fields and ask:
        raise RecountError("figures_do_not_add_up", fields=tuple(sorted(fields)))
    return fields
