"""Counting again (kontrollräkning) what people have answered, by everything that the form says of its numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.errors import RecountError
from pipeline.national_norm import norm_findings, norm_tables
from pipeline.review import Answer
from pipeline.sums import Figures, Finding, sum_findings
from pipeline.template import Form

SAID_ONLY = frozenset({"norm_year"})
"""Findings that are told and need nobody's decision."""


def findings(form: Form, row: int | None, answers: Mapping[str, Answer]) -> tuple[Finding, ...]:
    """What does not add up in these answers, in the order of the form's fields.

    Raises:
        FormError: a table of the national norm cannot be used.
    """
    figures = Figures(answers)
    found = sum_findings(form, row, figures)
    if form.norm is not None:
        found += norm_findings(form.norm, figures, norm_tables())
    order = [spec.name for spec in form.entry_fields(row)]
    return tuple(sorted(found, key=lambda one: order.index(one.field)))


def doubted_figures(form: Form, row: int | None, answers: Mapping[str, Answer], *, ask: bool) -> set[str]:
    """The fields that another person has to look at, because the paper's own figures do not add up.

    Raises:
        RecountError: so it is, and the person wants to be told (`ask`).
    """
    fields = {one.field for one in findings(form, row, answers) if one.kind not in SAID_ONLY}
    if fields and ask:
        raise RecountError("figures_do_not_add_up", fields=tuple(sorted(fields)))
    return fields
