"""Dela sidan: the parts of a loose page are marked in its picture, each for one client.

A page whose lines begin with the names of several clients, as a whiteboard, comes up so. Each part
becomes an entry with its cut-out; the cut-outs are made here, so that a person who sees one part is
never sent the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.model import Person
from pipeline.review.attachments import MIN_SIDE, Attachments, cut_area
from pipeline.store.entries.attached_pages import list_parts
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.paper.pages import Page, load_page
from ui.i18n import t
from ui.screens.review import current_entry
from ui.screens.review.entry_actions import is_loose_note, is_untouched
from ui.screens.review.in_place import opened_screen
from ui.screens.review.sheet_images import page_caption, record_views
from ui.screens.review.workbench.mode import mode_card, page_card, page_crop, tick_field
from ui.screens.review.workbench_state import FOCUS_LOOK, Card, HeldEntry, bench_state
from ui.widgets.images import find_covered_for, page_image
from ui.widgets.messages import error_text
from ui.workspace import AppContext

NAME = "split"
_FOCUS_SHEET = ":sheet"
PartBox = tuple[float, float, float, float]
"""x, y, width and height, as shares of the page."""


def split_due(context: AppContext, person: Person, view: EntryView) -> str:
    """Return the page that is split before its entry is answered; empty if none is."""
    is_due = (
        is_untouched(view)
        and is_loose_note(view)
        and context.work(Attachments, person).is_shared(view.pages[0])
    )
    return view.pages[0].id if is_due else ""


def load_split(context: AppContext, person: Person, page_id: str) -> SplitMode:
    """Load a page with the number of the parts that it has already."""
    with context.store.read() as conn:
        page, parts = load_page(conn, page_id), len(list_parts(conn, page_id))
    return SplitMode(context, person, page, parts, f"{NAME}:{page_id}")


@dataclass(frozen=True, slots=True)
class SplitMode:
    """A page whose parts are marked; `split_before` are how many it has."""

    context: AppContext
    person: Person
    page: Page
    split_before: int
    key: str
    area: str = ""

    def card(self, held: HeldEntry) -> tuple[Card, list[bytes]]:
        """Return the card, and the image of the page; what is covered cannot be split."""
        with self.context.store.begin() as conn:
            record_views(self.person, self.key, conn, [self.page])
        covered = find_covered_for(self.context, self.person, self.page)
        image = page_image(self.context, self.page, covered)
        images = [image] if image is not None else []
        boxes = _parts_of(held)
        skip = "attachments.back" if opened_screen() == NAME else "split.not_now"
        card = mode_card(
            self,
            held,
            t("split.title"),
            origin=self.page.unit,
            notices=[t("split.how")],
            fields=[
                self._field(place, number, boxes[number], image)
                for image in images
                for place, number in enumerate(boxes, self.split_before + 1)
            ],
            focus=held.focus or _FOCUS_SHEET,
            pages=[page_card(image, page_caption(self.page)) for image in images],
            parts=[
                {"area": [0, *box], "text": str(place)}
                for place, box in enumerate(boxes.values(), self.split_before + 1)
            ],
            draws=bool(images) and not covered,
            look={"text": t("split.rest")},
            words={"save": t("split.save"), "skip": t(skip)},
        )
        return card, images

    def act(self, held: HeldEntry, message: Mapping[str, Any]) -> bool:
        """Mark a part, remove those that are unticked, or split the page."""
        parts, kind = _parts_of(held), message["kind"]
        for number in [each for each in parts if message["values"].get(f"part-{each}") is False]:
            del parts[number]
        if kind == "draw" and (box := _read_box(message.get("box"))) is not None:
            parts[int(message["n"])] = box
        if kind != "draft":
            held.warning = ""
        if kind == "skip":
            bench_state().left_faces |= {self.key}
            return True
        return kind == "save" and self._split(held, list(parts.values()), message)

    def _split(self, held: HeldEntry, boxes: Sequence[PartBox], message: Mapping[str, Any]) -> bool:
        """Make an entry of each part, and open the first; say what is missing."""
        attachments = self.context.work(Attachments, self.person)
        if not held.attempts and not attachments.has_been_seen(held.shown_since(message)):
            return False
        if not boxes:
            held.stop(t("split.none"), _FOCUS_SHEET)
            return False
        if not message.get("looked"):
            held.stop(t("split.rest_first"), FOCUS_LOOK)
            return False
        try:
            # The images come first, outside of the transaction: a row never names a missing one
            areas = [cut_area(self.context.store.images, self.page, box) for box in boxes]
            entries = attachments.split(self.page.id, areas)
        except EfterskriftError as error:
            held.stop(error_text(error), _FOCUS_SHEET)
            return False
        current_entry.open_entry(entries[0])
        current_entry.set_toast(t("split.saved", count=len(entries)))
        return True

    def _field(self, place: int, number: int, box: PartBox, image: bytes) -> dict[str, Any]:
        """Return a part with its piece of the page; who unticks it removes it."""
        label = t("split.part", number=place)
        return tick_field(
            f"part-{number}",
            label,
            is_ticked=True,
            text=t("split.becomes"),
            crop=page_crop(image, label, box),
            area=[0, *box],
        )


def _parts_of(held: HeldEntry) -> dict[int, PartBox]:
    """Return the parts in the order in which they were marked, by the number of that act."""
    held.memo = held.memo or {}
    parts: dict[int, PartBox] = held.memo
    return parts


def _read_box(drawn: object) -> PartBox | None:
    """Return what was drawn as a box inside the page; None if it is none, or too small."""
    if not isinstance(drawn, list) or len(drawn) != 4:
        return None
    x, y, w, h = (min(1.0, max(0.0, float(side))) for side in drawn)
    w, h = min(w, 1.0 - x), min(h, 1.0 - y)
    return (x, y, w, h) if min(w, h) >= MIN_SIDE else None
