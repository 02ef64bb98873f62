"""Notes whose fields were confirmed and all typed again, so that Kvalitet and Mitt arbete have
numbers to show.
"""

from __future__ import annotations

from datetime import timedelta

from pipeline.domain.settings import Settings
from pipeline.review.rekeying import Rekeying
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries import queue
from pipeline.store.quality import checked_work, result_counts
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import COLLEAGUE, NOTE, NURSE
from tests.support.store.work import work

_MINUTES = 30
_LOOKED = timedelta(seconds=75)


def add_typed_again(store: Store, notes: int) -> None:
    """Notes that the nurse has confirmed and signed, and every field of which that is ever drawn a
    colleague has typed again and found right.
    """
    own = Settings(workspace=seeding.settings(store).workspace, control_share=1.0, plant_share=0.0)
    drawing = open_store(own)
    for entry_id in seeding.add_notes(drawing, notes):
        with drawing.begin() as conn:
            view = queue.open_claimed_entry(
                conn, seeding.forms(), NURSE, entry_id, queue.ClaimTerms(utc_now())
            )
            result_counts.save_view_time(conn, NURSE, view, utc_now() - _LOOKED, utc_now())
        seeding.confirm(drawing, NURSE, entry_id, sign=True)
    while _type_next(drawing):
        pass
    drawing.close()


def _type_next(store: Store) -> bool:
    now = utc_now()
    with store.begin() as conn:
        task = checked_work.claim_next_rekeying(conn, seeding.forms(), COLLEAGUE, now, _MINUTES)
        if task is not None:
            work(Rekeying, conn, COLLEAGUE, now).save_answer(task, seeding.answer(task.spec, NOTE))
    return task is not None
