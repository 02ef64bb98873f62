"""Batches at the workbench: field images that were read alike are confirmed together.

They are due between two entries. The user marks the odd ones and confirms the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import EfterskriftError, StaleDecisionError
from pipeline.domain.model import Person, State
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.review.batches import BatchItem, BatchResult, BatchReview, ReviewBatch
from pipeline.store.entries import queue
from ui.i18n import t
from ui.screens.review import current_entry
from ui.screens.review.current_entry import UNDO_BATCH_KEY
from ui.screens.review.field_input import describe_answer
from ui.screens.review.workbench.mode import mode_card, page_crop, tick_field
from ui.screens.review.workbench_state import Card, HeldEntry, bench_state
from ui.widgets.images import crop_images, find_covered_for
from ui.widgets.messages import error_text
from ui.widgets.views import VIEW_KEY_PREFIX
from ui.workspace import AppContext

ENTRIES_BETWEEN_BATCHES = 5
"""Entries reviewed before the queue is asked for a batch again; twice as many after a skip."""
_BATCH_VIEWED_KEY = f"{VIEW_KEY_PREFIX}group"
"""Session-state key of the batch whose views are recorded for this showing."""


def claim_batch(context: AppContext, person: Person) -> BatchMode | None:
    """Claim a batch for the user if one is due, and log the views of its pages; None if not."""
    state = bench_state()
    if state.batch_pause:
        return None

    def log_view(conn: Connection, batch: ReviewBatch) -> None:
        if st.session_state.get(_BATCH_VIEWED_KEY) != batch.id:
            for page_id in dict.fromkeys(item.page.id for item in batch.items):
                queue.record_page_view(conn, person, page_id)

    batch = context.work(BatchReview, person).claim(log_view)
    # Without a batch the queue is asked again after some entries.
    if batch is None:
        state.batch_pause = ENTRIES_BETWEEN_BATCHES
        return None
    st.session_state[_BATCH_VIEWED_KEY] = batch.id
    return BatchMode(context, person, batch, f"batch:{batch.id}")


def undo_batch(context: AppContext, person: Person) -> int:
    """Undo the last batch; the batch on the screen is released, so that the same comes again."""
    batches = context.work(BatchReview, person)
    # Left alone for so long that the claim has expired: nothing to release.
    with suppress(StaleDecisionError):
        batches.release(str(st.session_state.get(_BATCH_VIEWED_KEY)))
    bench_state().batch_pause = 0
    return batches.undo()


@dataclass(frozen=True, slots=True)
class BatchMode:
    """A batch at the workbench: a tile for each field image, ticked if it is odd."""

    context: AppContext
    person: Person
    batch: ReviewBatch
    key: str
    area: str = ""

    def card(self, held: HeldEntry) -> tuple[Card, list[bytes]]:
        """Return the card, and the images of the fields."""
        batch, images = self.batch, self._images()
        # What differs from this is what the user has changed in this window.
        held.values = {str(item.id): item.marked for item in batch.items}
        field = batch.spec.full_label
        title = (
            t("group.what_empty", field=field)
            if batch.answer.state is State.EMPTY
            else t("group.what", field=field, value=describe_answer(batch.spec, batch.answer))
        )
        card = mode_card(
            self,
            held,
            title,
            origin=f"{batch.title} · {t('way.group', count=len(batch.items))}",
            notices=[t("group.how")],
            fields=[_tile(item, images[item.id]) for item in batch.items],
            mustSee=True,
            layout="tiles",
            words={
                "save": t("group.all"),
                "rest": t("group.rest"),
                "more": t("group.more"),
                "skip": t("group.skip"),
                "count": t("group.count", count="#", of=len(batch.items)),
                "unseen": t("group.unseen", number="#"),
            },
        )
        return card, list(images.values())

    def act(self, held: HeldEntry, message: Mapping[str, Any]) -> bool:
        """Keep the marks, confirm the other images, or give the batch back."""
        kind, batches = message["kind"], self.context.work(BatchReview, self.person)
        marks = {
            int(name): bool(is_odd)
            for name, is_odd in message["values"].items()
            if name in held.values and held.values[name] != is_odd
        }
        try:
            if kind == "save":
                return self._confirm(marks, held, message)
            if marks:
                batches.mark(self.batch.id, marks)
                held.values |= {str(item): is_odd for item, is_odd in marks.items()}
            if kind == "skip":
                batches.release(self.batch.id)
                bench_state().batch_pause = 2 * ENTRIES_BETWEEN_BATCHES
        except EfterskriftError as error:
            current_entry.set_warning(error_text(error))
            return True
        return bool(kind == "skip")

    def _confirm(
        self, marks: Mapping[int, bool], held: HeldEntry, message: Mapping[str, Any]
    ) -> bool:
        """Confirm the images that are not marked; one that was not shown for long is ignored."""
        result = self.context.work(BatchReview, self.person).confirm(
            self.batch.id, marks, held.shown_since(message)
        )
        if result is not None:
            st.session_state[UNDO_BATCH_KEY] = True
            _report(result)
        return result is not None

    def _images(self) -> dict[int, bytes]:
        """Return the image of each item, decoding each page once.

        An item without an image is shown grey, and so as odd.
        """
        images: dict[int, bytes] = {}
        for page in {item.page.id: item.page for item in self.batch.items}.values():
            items = [item for item in self.batch.items if item.page.id == page.id]
            covered = find_covered_for(self.context, self.person, page)
            crops = crop_images(self.context, page, [item.spec.box for item in items], covered)
            images |= {item.id: crop for item, crop in zip(items, crops, strict=True)}
        return images


def _tile(item: BatchItem, image: bytes) -> dict[str, Any]:
    return tick_field(
        str(item.id),
        _origin(item),
        is_ticked=item.marked,
        needs=True,
        text=t("group.odd"),
        crop=page_crop(image, _origin(item)),
    )


def _origin(item: BatchItem) -> str:
    sheet = format_serial_or_id(item.page.serial)
    return f"{sheet}, {t('review.row', row=item.spec.row)}" if item.spec.row else sheet


def _report(result: BatchResult) -> None:
    if result.missed:
        where = "; ".join(map(_origin, result.missed))
        current_entry.set_warning(t("group.missed", where=where))
    texts = [
        t("group.kept", count=result.confirmed),
        *([t("group.sent_back", count=result.marked_odd)] if result.marked_odd else []),
    ]
    current_entry.set_toast(" ".join(texts))
