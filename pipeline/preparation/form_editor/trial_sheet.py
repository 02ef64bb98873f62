"""The trial sheet of a form that is not published: printed as the form will be, but under a name
that no form can have in use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.form.page import Text
from pipeline.forms.printing import make_blank_sheets, print_sheets
from pipeline.preparation.form_editor.drafts import LOCAL_FORM_PREFIX
from pipeline.preparation.form_editor.uploads import load_pages
from pipeline.reading.read_page import PageReader, PageResult

TRIAL_ID_PREFIX = "prov-"
"""Before the id of a form that is tried. Forms that are made here begin with `OWN`, so a trial
sheet is never one of theirs, nor in the queue.
"""
_TRIAL_NOTICE = Text(
    text="PROVBLAD – fyll i alla fält med påhittade uppgifter",
    at=(40.0, 22.4),
    width=112,
    size=11,
    bold=True,
)


def make_trial_form(form: Form) -> Form:
    """The form as it stands on a trial sheet; of one printed elsewhere it is the form itself."""
    if form.printed_elsewhere:
        return form
    pages = tuple(
        page.model_copy(update={"texts": (*page.texts, _TRIAL_NOTICE)}) for page in form.pages
    )
    return form.model_copy(
        update={"id": TRIAL_ID_PREFIX + form.id.removeprefix(LOCAL_FORM_PREFIX), "pages": pages}
    )


def print_trial_sheet(form: Form, organisation: str = "") -> bytes:
    """A trial sheet to print. Its serial is registered nowhere: it is no sheet that somebody has to
    account for.

    Raises:
        FormError: the form is printed elsewhere.
    """
    return print_sheets(make_trial_form(form), make_blank_sheets(1), organisation=organisation)


def read_trial_pages(form: Form, data: bytes, name: str) -> list[PageResult]:
    """Read the pages of a scanned trial sheet. Nothing of them is kept.

    Raises:
        FormError: a page cannot be taken in, or is no trial sheet of this form.
    """
    tried = make_trial_form(form)
    reader = PageReader.of_forms(Forms({(tried.id, tried.version): tried}))
    return [reader.read(page.data or b"", page.media_type) for page in load_pages(data, name)]


def number_fields(form: Form) -> Mapping[str, int]:
    """The number by which a person knows a field: those that are written in, in reading order; each
    column of a table counts once.
    """
    columns = dict.fromkeys(spec.column for spec in form.fields if spec.traits.filled_by_hand)
    return {column: number for number, column in enumerate(columns, start=1)}


def list_written_fields(form: Form, page_no: int) -> Sequence[FieldSpec]:
    """The fields of a page that are written in."""
    return [spec for spec in form.pages[page_no - 1].all_fields if spec.traits.filled_by_hand]
