"""What the rules for forms say about one."""

from __future__ import annotations

from pipeline.domain.form.form import Form
from pipeline.preparation.form_check.rules import find_form_problems


def form_problem_texts(form: Form) -> list[str]:
    """Describe every rule that the form breaks, in English; empty if none."""
    return [problem.what("en") for problem in find_form_problems(form)]
