"""What the problems of a page say to the person who looks at it."""

from __future__ import annotations

from pipeline.domain.form.form import Forms
from pipeline.domain.settings import ROOT
from ui.i18n import issue_texts, t

VISITS = Forms.load(ROOT / "forms").latest("besokslista")


def test_what_is_said_of_several_fields_is_said_once_with_their_labels() -> None:
    """A line through a row was described in six paragraphs, and the form began below the window."""
    codes = [
        "line_across:rad02.start",
        "line_across:rad02.slut",
        "covered:rad02.start",
        "line_across:rad02.dusch",
        "line_across:rad02.dusch",
    ]
    assert issue_texts(codes, VISITS) == [
        f"Start, Slut, Dusch: {t('issue.line_across')}",
        f"Start: {t('issue.covered')}",
    ]


def test_what_is_about_no_field_has_no_label() -> None:
    assert issue_texts(["shaded"], VISITS) == [t("issue.shaded")]
    assert issue_texts(["line_across:rad02.start"], None) == [t("issue.line_across")]
