"""Check the answers of an entry against all arithmetic rules of its form (kontrollräkning)."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.domain.errors import RecountError
from pipeline.domain.form.form import Form
from pipeline.domain.law.benefit_norm import check_norm, load_norm_tables
from pipeline.domain.law.work_incentive import check_wages
from pipeline.domain.review.rules import Answer
from pipeline.domain.review.sums import AnswerNumbers, ArithmeticFinding, check_sums

INFORMATIONAL_KINDS = frozenset({"norm_year", "norm_month", "norm_unknown"})
"""Findings that are shown and need no decision."""


def recount_answers(
    form: Form, row: int | None, answers: Mapping[str, Answer]
) -> tuple[ArithmeticFinding, ...]:
    """Find what does not add up in these answers, in the order of the form's fields.

    Raises:
        FormError: a table of the national norm, or the rule about wages, cannot be used.
    """
    numbers = AnswerNumbers(answers)
    findings = check_sums(form, row, numbers)
    if form.norm is not None:
        findings += check_norm(form.norm, numbers, load_norm_tables())
        findings += check_wages(form.norm, numbers)
    order = [spec.name for spec in form.entry_fields(row)]
    return tuple(sorted(findings, key=lambda finding: order.index(finding.field)))


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
        for finding in recount_answers(form, row, answers)
        if finding.kind not in INFORMATIONAL_KINDS
    }
    if fields and ask:
        raise RecountError("figures_do_not_add_up", fields=tuple(sorted(fields)))
    return fields
