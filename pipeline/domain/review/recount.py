"""Counting again (kontrollräkning) what people have answered, by everything that the form says of
its numbers. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.domain.errors import RecountError
from pipeline.domain.form.form import Form
from pipeline.domain.law.benefit_norm import check_norm, load_norm_tables
from pipeline.domain.review.rules import Answer
from pipeline.domain.review.sums import AnswerNumbers, ArithmeticFinding, check_sums

INFORMATIONAL_KINDS = frozenset({"norm_year"})
"""Findings that are told and need nobody's decision."""


def recount_answers(
    form: Form, row: int | None, answers: Mapping[str, Answer]
) -> tuple[ArithmeticFinding, ...]:
    """What does not add up in these answers, in the order of the form's fields.

    Raises:
        FormError: a table of the national norm cannot be used.
    """
    figures = AnswerNumbers(answers)
    found = check_sums(form, row, figures)
    if form.norm is not None:
        found += check_norm(form.norm, figures, load_norm_tables())
    order = [spec.name for spec in form.entry_fields(row)]
    return tuple(sorted(found, key=lambda one: order.index(one.field)))


def fields_to_recheck(
    form: Form, row: int | None, answers: Mapping[str, Answer], *, ask: bool
) -> set[str]:
    """The fields that another person has to look at, because the paper's own figures do not add up.

    Raises:
        RecountError: so it is, and the person wants to be told (`ask`).
    """
    fields = {
        one.field
        for one in recount_answers(form, row, answers)
        if one.kind not in INFORMATIONAL_KINDS
    }
    if fields and ask:
        raise RecountError("figures_do_not_add_up", fields=tuple(sorted(fields)))
    return fields
