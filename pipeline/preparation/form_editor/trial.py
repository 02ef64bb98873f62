"""Print a trial sheet, and read and judge its scan; only the remarks are kept.

It is no page of the queue and nobody's record.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.domain.errors import FormEditorError, FormError
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.form.page import Text
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Outcome, Person
from pipeline.files.atomic import write_atomically
from pipeline.files.images import decode_image
from pipeline.files.page_files import JPEG
from pipeline.files.sandbox_pages import load_pages
from pipeline.forms.letterhead import Letterhead
from pipeline.forms.library import geometry_digest
from pipeline.forms.printing import make_blank_sheets, print_sheets
from pipeline.forms.problems import FormProblem
from pipeline.preparation.form_editor.draft_form import require_complete_form
from pipeline.preparation.form_editor.drafts import LOCAL_FORM_PREFIX, Draft, form_text
from pipeline.preparation.form_editor.trial_judging import TrialFieldResult, is_serious, judge_page
from pipeline.reading.imaging.pixels import to_ink_grayscale
from pipeline.reading.read_page import PageReader, PageResult
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import record
from pipeline.store.schema.clock import utc_now

# The trial sheet of an unpublished form: printed like the form, under an id of no form in use.

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


# Save and load the results of trials: when, by whom, and the remarks on each page.
#
# What was written on the trial sheet is never kept, nor an image of it.

_RESULTS_FILE = "trial.json"


@dataclass(frozen=True, slots=True)
class TrialRemark:
    """A problem that a trial has shown, and the label of the field."""

    label: str
    problem: FormProblem

    @property
    def is_serious(self) -> bool:
        """Whether the form should not be published with it."""
        return is_serious(self.problem)


@dataclass(frozen=True, slots=True)
class TrialResults:
    """The last trial of each page of a form as it is now.

    Missing pages, numbered from 1, are those that were not tried.
    """

    at: datetime | None
    by: str
    remarks: tuple[TrialRemark, ...]
    missing_pages: tuple[int, ...]

    @property
    def serious_count(self) -> int:
        """How many remarks are serious."""
        return sum(remark.is_serious for remark in self.remarks)


def save_trial(
    draft: Draft,
    form: Form,
    page_no: int,
    judged: Sequence[TrialFieldResult],
    by: str,
    at: datetime,
) -> None:
    """Save the remarks on a page, and drop those on the form as it was before it was changed."""
    digest, results = geometry_digest(form), _read_results(draft)
    # Results of another geometry are dropped.
    pages = results.get("pages", {}) if results.get("digest") == digest else {}
    remarks = [
        [result.spec.label, problem.code, dict(problem.values), problem.field]
        for result in judged
        for problem in result.remarks
    ]
    pages = {**pages, str(page_no): {"at": at.isoformat(), "by": by, "remarks": remarks}}
    write_atomically(
        draft.folder / _RESULTS_FILE,
        json.dumps({"digest": digest, "pages": pages}, ensure_ascii=False, indent=1),
    )


def load_trial_results(draft: Draft, form: Form) -> TrialResults:
    """Return what trials of the form as it is now have shown."""
    results = _read_results(draft)
    pages = results.get("pages", {}) if results.get("digest") == geometry_digest(form) else {}
    missing = tuple(number for number in range(1, len(form.pages) + 1) if str(number) not in pages)
    remarks = [
        TrialRemark(label, FormProblem(code, values, field=name))
        for page in pages.values()
        for label, code, values, name in page["remarks"]
    ]
    # Date and person of the latest trial.
    last = max(pages.values(), key=lambda page: str(page["at"]), default=None)
    return TrialResults(
        datetime.fromisoformat(last["at"]) if last else None,
        str(last["by"]) if last else "",
        tuple(remarks),
        missing,
    )


def _read_results(draft: Draft) -> dict[str, Any]:
    path = draft.folder / _RESULTS_FILE
    try:
        return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}
    except (ValueError, TypeError) as error:
        raise FormError("trial_broken", path=path) from error


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
    store.require_permission(person, Action.MAKE_FORMS)
    form = require_complete_form(draft)
    pages = [_judge_page(form, page) for page in read_trial_pages(form, data, name)]
    for page in pages:
        save_trial(draft, form, page.page_no, page.fields, person.login, utc_now())
    store.change(
        record, person.login, "try_form", draft.id, version=draft.version, pages=len(pages)
    )
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
