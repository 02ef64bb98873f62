"""A scanned trial sheet is read and judged. Only the remarks are kept: it is no page of the queue, and nobody's record."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.access import Action, require
from pipeline.digitize import Digitized
from pipeline.errors import FormMakingError
from pipeline.making.draft_form import whole_form
from pipeline.making.drafts import Draft
from pipeline.making.trial_judging import Judged, judge
from pipeline.making.trial_sheet import read_trial, trial_form
from pipeline.making.trials import note_trial
from pipeline.model import Outcome, Person
from pipeline.picture import decode
from pipeline.scan import JPEG
from pipeline.store.clock import utc_now
from pipeline.store.database import Store
from pipeline.store.events import record
from pipeline.template import Form


@dataclass(frozen=True, slots=True)
class TrialPage:
    """A page of a trial sheet: its picture laid on the form (JPEG, 8 px/mm), and what is said of each field."""

    page_no: int
    upright: bytes
    fields: tuple[Judged, ...]


def try_out(store: Store, person: Person, draft: Draft, data: bytes, name: str) -> list[TrialPage]:
    """Read and judge a scanned trial sheet. Only the remarks are kept: it is no page of the queue.

    Raises:
        NotAllowedError: the person makes no forms.
        FormError: the draft gives no form, or the file is no trial sheet of it.
    """
    with store.noting_denials():
        require(person, Action.MAKE_FORMS)
    form = whole_form(draft)
    pages = [_judged(form, page) for page in read_trial(form, data, name)]
    for page in pages:
        note_trial(draft, form, page.page_no, page.fields, person.login, utc_now())
    with store.begin() as conn:
        record(conn, person.login, "try_form", draft.id, version=draft.version, pages=len(pages))
    return pages


def _judged(form: Form, page: Digitized) -> TrialPage:
    code, sheet = page.reading.code, trial_form(form)
    if page.reading.outcome is Outcome.BLANK:
        raise FormMakingError("trial_blank")
    if page.reading.outcome is not Outcome.READ or page.upright is None or code is None or (code.form, code.version) != (sheet.id, sheet.version):
        raise FormMakingError("trial_other")
    fields = judge(sheet, code.page_no, decode(page.upright, JPEG), page.reading.fields, page.reading.problems)
    return TrialPage(code.page_no, page.upright, tuple(fields))
