"""Save and load the results of trials: when, by whom, and the remarks on each page.

What was written on the trial sheet is never kept, nor an image of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.domain.errors import FormError
from pipeline.domain.form.form import Form
from pipeline.files.atomic import write_atomically
from pipeline.forms.library import geometry_digest
from pipeline.forms.problems import FormProblem
from pipeline.preparation.form_editor.drafts import Draft
from pipeline.preparation.form_editor.trial_judging import TrialFieldResult, is_serious

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
