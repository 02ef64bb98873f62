"""What is kept of the trials of a draft: when, by whom, and the remarks on each page. Never what was written, nor a picture of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline.errors import FormError
from pipeline.form_faults import Fault
from pipeline.making.drafts import Draft
from pipeline.making.trial_judging import Judged, is_serious
from pipeline.published import geometry_digest
from pipeline.template import Form

_FILE = "trial.json"


@dataclass(frozen=True, slots=True)
class Remark:
    """A fault that a trial has shown, and the label of the field."""

    label: str
    fault: Fault

    @property
    def serious(self) -> bool:
        """Whether the form should not be published with it."""
        return is_serious(self.fault)


@dataclass(frozen=True, slots=True)
class Tried:
    """The last trial of each page of a form as it is now. `missing` are pages (from 1) that were not tried."""

    at: datetime | None
    by: str
    remarks: tuple[Remark, ...]
    missing: tuple[int, ...]

    @property
    def serious(self) -> int:
        """How many remarks are serious."""
        return sum(remark.serious for remark in self.remarks)


def note_trial(draft: Draft, form: Form, page_no: int, judged: Sequence[Judged], by: str, at: datetime) -> None:
    """Keep the remarks on a page. A trial of the form as it was before does not count any more."""
    digest, kept = geometry_digest(form), _kept(draft)
    pages = kept.get("pages", {}) if kept.get("digest") == digest else {}
    remarks = [[one.spec.label, fault.code, dict(fault.values), fault.field] for one in judged for fault in one.remarks]
    pages = {**pages, str(page_no): {"at": at.isoformat(), "by": by, "remarks": remarks}}
    (draft.folder / _FILE).write_text(json.dumps({"digest": digest, "pages": pages}, ensure_ascii=False, indent=1), "utf-8")


def tried(draft: Draft, form: Form) -> Tried:
    """What trials of the form as it is now have shown."""
    kept = _kept(draft)
    pages = kept.get("pages", {}) if kept.get("digest") == geometry_digest(form) else {}
    missing = tuple(number for number in range(1, len(form.pages) + 1) if str(number) not in pages)
    remarks = [Remark(label, Fault(code, values, field=name)) for page in pages.values() for label, code, values, name in page["remarks"]]
    last = max(pages.values(), key=lambda page: str(page["at"]), default=None)
    return Tried(datetime.fromisoformat(last["at"]) if last else None, str(last["by"]) if last else "", tuple(remarks), missing)


def _kept(draft: Draft) -> dict[str, Any]:
    path = draft.folder / _FILE
    try:
        return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}
    except (ValueError, TypeError) as error:
        raise FormError("trial_broken", path=path) from error
