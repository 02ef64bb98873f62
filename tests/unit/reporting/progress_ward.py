"""The ward whose numbers the tests count."""

from __future__ import annotations

from datetime import datetime

from pipeline.domain.form.form import Forms
from pipeline.domain.model import IssuedSheet, Outcome, PageReading
from pipeline.reporting.progress import (
    ProgressReport,
    make_progress_report,
)
from pipeline.review.decisions import Decision, decide_entry
from pipeline.review.rejections import Rejection, reject_entry
from pipeline.store.database.store import Store
from pipeline.store.paper.pages import NewPage, add_page, create_batch
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    EVA,
    FORMS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    SAID,
    SOUTH,
    VISITS,
    Ward,
    answers,
    page_reading,
)


def seen(
    ward: Ward, who: object = ADMIN, now: datetime = NOW, forms: Forms = FORMS
) -> ProgressReport:
    with ward.store.read() as conn:
        return make_progress_report(conn, forms, who, now)  # type: ignore[arg-type]


def make_counted_ward(store: Store) -> Ward:
    """Notes of two units in many states, a blank page, one that failed, and one that nobody has
    read.
    """
    ward = Ward(store).begin()
    ward.issue(
        IssuedSheet("SSS1", VISITS.id, 1, SOUTH),
        *(IssuedSheet(f"NNN{n}", NOTE.id, 1, NORTH) for n in range(4)),
    )
    for n in range(4):
        ward.note(f"NNN{n}")
    ward.read(
        ward.scan(), page_reading(VISITS, "SSS1", {"datum": "2026-02-10", "rad01.pnr": ASTA.pid})
    )
    ward.read(ward.scan(), PageReading(Outcome.BLANK))
    ward.read(ward.scan(), PageReading(Outcome.UNIDENTIFIED))
    ward.scan()
    with store.begin() as conn:
        batch = create_batch(conn, SOUTH, "", "admin")
        add_page(
            conn, NewPage(batch, 1, "x.pdf", 1, None, None, None, "broken_file: damaged"), "admin"
        )
        decide_entry(conn, FORMS, EVA, Decision("NNN0-00", 0, answers({**SAID, **PLAN})), NOW)
        reject_entry(conn, EVA, Rejection("NNN1-00", 0, "dubblett"), NOW)
    return ward
