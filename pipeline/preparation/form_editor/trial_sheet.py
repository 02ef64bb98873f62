"""The trial sheet of an unpublished form: printed like the form, under an id of no form in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.form.page import Text
from pipeline.forms.letterhead import Letterhead
from pipeline.forms.printing import make_blank_sheets, print_sheets
from pipeline.preparation.form_editor.drafts import LOCAL_FORM_PREFIX, form_text
from pipeline.preparation.form_editor.uploads import load_pages
from pipeline.reading.read_page import PageReader, PageResult

TRIAL_ID_PREFIX = "prov-"
"""Begins the id of a trial sheet, instead of `LOCAL_FORM_PREFIX`.

No form in use has such an id, so a trial sheet is never imported as a page of one.
"""
_NOTICE_AT_MM, _NOTICE_WIDTH_MM, _NOTICE_PT = (40.0, 22.4), 112, 11


def make_trial_form(form: Form) -> Form:
    """Return the form as a trial sheet has it; a form printed elsewhere is unchanged."""
    if form.printed_elsewhere:
        return form
    notice = Text(
        text=form_text("form_content.trial_notice"),
        at=_NOTICE_AT_MM,
        width=_NOTICE_WIDTH_MM,
        size=_NOTICE_PT,
        bold=True,
    )
    # Every page has a notice that it is a trial.
    pages = tuple(page.model_copy(update={"texts": (*page.texts, notice)}) for page in form.pages)
    return form.model_copy(
        update={"id": TRIAL_ID_PREFIX + form.id.removeprefix(LOCAL_FORM_PREFIX), "pages": pages}
    )


def print_trial_sheet(form: Form, organisation: str = "") -> bytes:
    """Print a trial sheet; its serial is not registered, since it need not be accounted for.

    Raises:
        FormError: the form is printed elsewhere.
    """
    letterhead = Letterhead(organisation)
    return print_sheets(make_trial_form(form), make_blank_sheets(1), letterhead=letterhead)


def read_trial_pages(form: Form, data: bytes, name: str) -> list[PageResult]:
    """Read the pages of a scanned trial sheet; nothing of them is kept.

    Raises:
        FormError: a page cannot be opened.
    """
    trial_form = make_trial_form(form)
    # A reader that knows no other form rejects all other pages.
    reader = PageReader.of_forms(Forms({(trial_form.id, trial_form.version): trial_form}))
    return [reader.read(page.data or b"", page.media_type) for page in load_pages(data, name)]


def number_fields(form: Form) -> Mapping[str, int]:
    """Number the fields that are filled in by hand, in reading order; a column counts once."""
    # The first occurrence of each column fixes the order.
    columns = dict.fromkeys(spec.column for spec in form.fields if spec.traits.filled_by_hand)
    return {column: number for number, column in enumerate(columns, start=1)}


def list_written_fields(form: Form, page_no: int) -> Sequence[FieldSpec]:
    """Return the fields of a page that are filled in by hand."""
    return [spec for spec in form.pages[page_no - 1].all_fields if spec.traits.filled_by_hand]
