"""The checks of a page: one function each, in one order."""

from __future__ import annotations

from pipeline.domain.issues import IssueCode, Scope, Severity
from pipeline.reading.page_checks.checks import PAGE_CHECKS


def test_every_check_is_one_function_of_a_module_of_checks() -> None:
    assert len(set(PAGE_CHECKS)) == len(PAGE_CHECKS)
    assert {check.__module__.rpartition(".")[0] for check in PAGE_CHECKS} == {
        "pipeline.reading.page_checks"
    }
    assert all(check.__name__.startswith("check") for check in PAGE_CHECKS)


def test_field_issues_of_checks_have_low_confidence_severity() -> None:
    """A reviewer who keys a field without seeing its value is shown such issues:
    `Severity.LOW_CONFIDENCE`.
    """
    found = {
        code
        for code in IssueCode
        if code.scope is Scope.FIELD and code.severity is Severity.LOW_CONFIDENCE
    }
    assert found == {
        IssueCode.COVERED,
        IssueCode.PLACE_UNSURE,
        IssueCode.OUTSIDE_BOXES,
        IssueCode.ODD_STROKES,
        IssueCode.STRAY_WRITING,
        IssueCode.RED_INK,
        IssueCode.PALE_WRITING,
        IssueCode.ENCIRCLED,
        IssueCode.LINE_ACROSS,
        IssueCode.BESIDE_BOX,
        IssueCode.DITTO,
        IssueCode.READERS_DIFFER,
    }
