"""Read and judge a scanned trial sheet; only the remarks are kept.

It is no page of the queue and nobody's record.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.domain.errors import FormEditorError
from pipeline.domain.form.form import Form
from pipeline.domain.model import Outcome, Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.files.images import decode_image
from pipeline.files.page_files import JPEG
from pipeline.preparation.form_editor.draft_form import require_complete_form
from pipeline.preparation.form_editor.drafts import Draft
from pipeline.preparation.form_editor.trial_judging import TrialFieldResult, judge_page
from pipeline.preparation.form_editor.trial_results import save_trial
from pipeline.preparation.form_editor.trial_sheet import make_trial_form, read_trial_pages
from pipeline.reading.imaging.grayscale import to_ink_grayscale
from pipeline.reading.read_page import PageResult
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import record


@dataclass(frozen=True, slots=True)
class TrialPage:
    """A page of a trial sheet: the registered image (JPEG, 8 px/mm) and a result for each field."""

    page_no: int
    upright: bytes
    fields: tuple[TrialFieldResult, ...]


def run_trial(
    store: Store, person: Person, draft: Draft, data: bytes, name: str
) -> list[TrialPage]:
    """Read and judge a scanned trial sheet, and keep the remarks.

    Raises:
        NotAllowedError: the person may not make forms.
        FormError: the draft gives no form, or the file is no trial sheet of it.
    """
    with store.recording_denials():
        require_permission(person, Action.MAKE_FORMS)
    form = require_complete_form(draft)
    pages = [_judge_page(form, page) for page in read_trial_pages(form, data, name)]
    for page in pages:
        save_trial(draft, form, page.page_no, page.fields, person.login, utc_now())
    with store.begin() as conn:
        record(conn, person.login, "try_form", draft.id, version=draft.version, pages=len(pages))
    return pages


def _judge_page(form: Form, page: PageResult) -> TrialPage:
    """Judge a page that was read.

    Raises:
        FormEditorError: the page is blank, or no page of this form's trial sheet.
    """
    code, sheet = page.reading.code, make_trial_form(form)
    if page.reading.outcome is Outcome.BLANK:
        raise FormEditorError("trial_blank")
    # Only a page of this draft's trial form, in this version, is judged.
    if (
        page.reading.outcome is not Outcome.READ
        or page.upright is None
        or code is None
        or (code.form, code.version) != (sheet.id, sheet.version)
    ):
        raise FormEditorError("trial_other")
    fields = judge_page(
        sheet,
        code.page_no,
        to_ink_grayscale(decode_image(page.upright, JPEG)),
        page.reading.fields,
        page.reading.issues,
    )
    return TrialPage(code.page_no, page.upright, tuple(fields))
