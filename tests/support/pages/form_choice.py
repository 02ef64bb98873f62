"""Which forms stand for all of them: most tests of every form try these few, and the others at
night.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from _pytest.mark import ParameterSet

from pipeline.domain.form.form import Form

FEW = ("hsl-anteckning", "besokslista", "utbetalningslista")
"""A note and a list of rows placed by hand, and account numbers with sums."""


def by_form(forms: Iterable[Form] | Iterable[str]) -> list[ParameterSet]:
    """Make a test's parameters of forms or of their ids; all but a few are marked as nightly."""
    ids = [(form, form if isinstance(form, str) else form.id) for form in forms]
    return [
        pytest.param(form, id=form_id, marks=_marks(is_one_of_few=form_id in FEW))
        for form, form_id in ids
    ]


def cases_by_form(cases: Iterable[tuple[object, ...]]) -> list[ParameterSet]:
    """Make a test's parameters of cases that begin with the id of a form; all but a few are marked
    as nightly.
    """
    return [pytest.param(*case, marks=_marks(is_one_of_few=case[0] in FEW)) for case in cases]


def _marks(*, is_one_of_few: bool) -> tuple[pytest.MarkDecorator, ...]:
    return () if is_one_of_few else (pytest.mark.nightly,)
