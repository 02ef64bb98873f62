"""The unit's own documents in its pack: PDF files in named slots, each with its date.

The slots are `data/pack/slots.yaml`. A file is `<slot>-YYYY-MM-DD.pdf` in the unit's folder of the
workspace. It is a foreign file: its pages are opened by another process and printed as pictures.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import yaml
from PIL import Image as Pillow
from pydantic import Field

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import Name, StrictModel
from pipeline.domain.form.form import Area
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.domain.settings import ROOT, Settings
from pipeline.files.atomic import write_private
from pipeline.files.sandbox_pages import ForeignPages
from pipeline.files.sandbox_process import SandboxProcess
from pipeline.forms.drawing import Colour, PaperDocument, TextStyle
from pipeline.preparation import PAPER_LANGUAGE
from pipeline.preparation.outage_pack.pages import (
    LEFT_MM,
    RIGHT_MM,
    SMALL_STYLE,
    PackInfo,
    begin_page,
    pack_text,
)
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import record

SLOTS_FILE = ROOT / "data" / "pack" / "slots.yaml"
MAX_DOCUMENT_BYTES, MAX_DOCUMENT_PAGES = 20_000_000, 200
_PAGE_WIDTH_PX = 1500
"""Width that a page is printed with: about 200 dots per inch."""
_FILE_NAME = re.compile(r"([a-z][a-z0-9_]*)-(\d{4}-\d{2}-\d{2})\.pdf")


class DocumentSlot(StrictModel):
    """A place for a document in the pack; the file documents its keys."""

    slot: Name
    title: Mapping[str, str]
    about: Mapping[str, str]
    days: Annotated[int, Field(ge=1)]
    areas: tuple[Area, ...] = ()
    table: Literal["chain"] | None = None


class PackLimits(StrictModel):
    """The file of slots; a pack printed more than `pack_days` ago is old."""

    version: int
    pack_days: Annotated[int, Field(ge=1)]
    slots: tuple[DocumentSlot, ...]


@cache
def load_limits(path: Path = SLOTS_FILE) -> PackLimits:
    """Load the slots and limits."""
    return PackLimits.model_validate(yaml.safe_load(path.read_text("utf-8")))


@dataclass(frozen=True, slots=True)
class SlotContent:
    """A slot with what is in it: the file and its date; without a file it is empty."""

    slot: DocumentSlot
    file: Path | None = None
    dated: date | None = None

    def age(self, day: date) -> int | None:
        """Return the age of the document in days; None if the slot is empty."""
        return (day - self.dated).days if self.dated else None

    def is_old(self, day: date) -> bool:
        """Whether the document is older than its limit."""
        age = self.age(day)
        return age is not None and age > self.slot.days


def list_slots(area: Area | None) -> list[DocumentSlot]:
    """Return the slots of a unit's area of law; all if the area is not known."""
    return [
        slot for slot in load_limits().slots if not slot.areas or area is None or area in slot.areas
    ]


def unit_folder(settings: Settings, unit: str) -> Path:
    """Return the folder of a unit's documents; its name shows no other unit's."""
    return settings.workspace / "pack-documents" / hashlib.sha256(unit.encode()).hexdigest()[:16]


def find_documents(folder: Path, slots: Sequence[DocumentSlot]) -> list[SlotContent]:
    """Return each slot with the newest document of a folder, in the order of the slots."""
    newest: dict[str, tuple[date, Path]] = {}
    for path in sorted(folder.glob("*.pdf")) if folder.is_dir() else ():
        if (found := _parse_name(path)) is not None:
            name, dated = found
            newest[name] = max(newest.get(name, (dated, path)), (dated, path))
    contents = []
    for slot in slots:
        latest, file = newest.get(slot.slot, (None, None))
        contents.append(SlotContent(slot, file, latest))
    return contents


def find_given_documents(folder: Path, slots: Sequence[DocumentSlot]) -> list[SlotContent]:
    """Return as `find_documents` those of a folder that a person has filled by hand.

    Raises:
        UsageError: a file would be left out, or is dated in the future.
    """
    names = {slot.slot for slot in slots}
    for path in sorted(folder.iterdir()):
        # Files of the system, such as .DS_Store, are nobody's documents.
        if path.name.startswith("."):
            continue
        found = _parse_name(path)
        if found is None or found[0] not in names:
            raise UsageError(
                "document_without_slot", file=path.name, slots=", ".join(sorted(names))
            )
        if found[1] > today_in_sweden():
            raise UsageError("document_in_future", day=found[1].isoformat())
    return find_documents(folder, slots)


def _parse_name(path: Path) -> tuple[str, date] | None:
    if (match := _FILE_NAME.fullmatch(path.name)) is None:
        return None
    try:
        return match[1], date.fromisoformat(match[2])
    except ValueError:
        return None


def save_document(
    store: Store,
    settings: Settings,
    person: Person,
    unit: str,
    slot: str,
    dated: date,
    data: bytes,
) -> int:
    """Put a document into a slot of a unit in place of the one before; return its pages.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
        UsageError: there is no such slot, the date is in the future, or the file is no PDF whose
            pages can be opened.
    """
    store.require_permission(person, Action.PACK, unit)
    if slot not in {known.slot for known in load_limits().slots}:
        raise UsageError("no_such_slot", slot=slot)
    if dated > today_in_sweden():
        raise UsageError("document_in_future", day=dated.isoformat())
    if len(data) > MAX_DOCUMENT_BYTES or not data.startswith(b"%PDF"):
        raise UsageError("document_not_pdf", most=MAX_DOCUMENT_BYTES // 1_000_000)
    folder = unit_folder(settings, unit)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="efterskrift-pack-") as trial:
        path = Path(trial, "document.pdf")
        path.write_bytes(data)
        pages = len(load_document_pages(path))
    file = folder / f"{slot}-{dated.isoformat()}.pdf"
    write_private(file, data)
    # Only the newest is kept: it is a copy of what another system has.
    for earlier in folder.glob(f"{slot}-*.pdf"):
        if earlier != file:
            earlier.unlink(missing_ok=True)
    store.change(
        record, person.login, "save_pack_document", unit, unit=unit, slot=slot, pages=pages
    )
    return pages


def remove_document(store: Store, settings: Settings, person: Person, unit: str, slot: str) -> None:
    """Empty a slot of a unit.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
    """
    store.require_permission(person, Action.PACK, unit)
    for file in unit_folder(settings, unit).glob(f"{slot}-*.pdf"):
        file.unlink(missing_ok=True)
    store.change(record, person.login, "remove_pack_document", unit, unit=unit, slot=slot)


def load_document_pages(path: Path) -> list[bytes]:
    """Return the pages of a document as grey PNG pictures, opened by another process.

    Raises:
        UsageError: a page cannot be opened, or there are too many.
    """
    with SandboxProcess() as process:
        file = ForeignPages(process, path)
        if file.page_count > MAX_DOCUMENT_PAGES:
            raise UsageError("document_too_long", pages=file.page_count, most=MAX_DOCUMENT_PAGES)
        pages = [file.read(number, flatten=True) for number in range(1, file.page_count + 1)]
    if not pages or any(page.data is None for page in pages):
        raise UsageError("document_unreadable", file=path.name)
    return [_reduce_picture(page.data or b"") for page in pages]


def _reduce_picture(data: bytes) -> bytes:
    """Return a picture in grey, as wide as it is printed; a wide page is turned upright."""
    with Pillow.open(io.BytesIO(data)) as picture:
        grey = picture.convert("L")
    if grey.width > grey.height:
        grey = grey.transpose(Pillow.Transpose.ROTATE_90)
    grey.thumbnail((_PAGE_WIDTH_PX, _PAGE_WIDTH_PX * 3))
    out = io.BytesIO()
    grey.save(out, "PNG")
    return out.getvalue()


# The unit's own documents as parts of the pack, and what its first page says of their age.

_HEAD_STYLE = TextStyle(11, Colour.BLACK, bold=True)
_PICTURE_TOP_MM, _PICTURE_BOTTOM_MM = 20.0, 281.0


@dataclass(frozen=True, slots=True)
class UnitDocument:
    """A document to be printed: its slot and date, and the pictures of its pages."""

    content: SlotContent
    pages: tuple[bytes, ...]

    @property
    def title(self) -> str:
        """The title of the slot on paper."""
        return self.content.slot.title[PAPER_LANGUAGE]


def load_documents(contents: Sequence[SlotContent]) -> list[UnitDocument]:
    """Load the pages of the slots that are filled.

    One that cannot be opened has no pages and stops no pack: paper is needed all the same.
    """
    documents = []
    for content in contents:
        if content.file is None:
            continue
        try:
            pages = tuple(load_document_pages(content.file))
        except UsageError:
            pages = ()
        documents.append(UnitDocument(content, pages))
    return documents


def draw_document(paper: PaperDocument, about: PackInfo, document: UnitDocument) -> None:
    """Draw the pages, each with its slot, unit, date and number above the picture."""
    if not document.pages:
        begin_page(paper, about, document.title, pack_text("pack_paper.document.unreadable"))
    for number, picture in enumerate(document.pages, start=1):
        paper.add_page()
        paper.words(document.title, (LEFT_MM, 8), _HEAD_STYLE)
        line = pack_text(
            "pack_paper.document.page",
            unit=about.unit,
            day=document.content.dated,
            page=number,
            pages=len(document.pages),
        )
        paper.words(line, (LEFT_MM, 14), SMALL_STYLE)
        _draw_picture(paper, picture)
        paper.words(about.footer_text, (LEFT_MM, 284), SMALL_STYLE)


def _draw_picture(paper: PaperDocument, data: bytes) -> None:
    """Draw a page as large as there is room below its heading."""
    with Pillow.open(io.BytesIO(data)) as picture:
        width, height = picture.size
    room_width, room_height = RIGHT_MM - LEFT_MM, _PICTURE_BOTTOM_MM - _PICTURE_TOP_MM
    scale = min(room_width / width, room_height / height)
    left = LEFT_MM + (room_width - width * scale) / 2
    paper.image(io.BytesIO(data), left, _PICTURE_TOP_MM, width * scale, height * scale)


def describe_age(contents: Sequence[SlotContent], printed_on: date) -> list[str]:
    """Return what the first page says: how long the pack may lie, and which slots lack what."""
    last_days = [printed_on + timedelta(days=load_limits().pack_days)]
    for content in contents:
        if content.dated is not None:
            last_days.append(content.dated + timedelta(days=content.slot.days))
    # A pack is as old as the document that ages first.
    last = min(last_days)
    key = "pack_paper.document.renew" if last >= printed_on else "pack_paper.document.renew_now"
    return [
        pack_text(key, printed=printed_on, last=last),
        *describe_lacks(contents, printed_on),
    ]


def describe_lacks(contents: Sequence[SlotContent], printed_on: date) -> list[str]:
    """Return a line for each slot that is empty or whose document is too old."""
    lines = []
    for content in contents:
        title = content.slot.title[PAPER_LANGUAGE]
        if content.dated is None:
            lines.append(pack_text("pack_paper.document.empty", title=title))
        elif content.is_old(printed_on):
            lines.append(
                pack_text(
                    "pack_paper.document.old",
                    title=title,
                    day=content.dated,
                    age=content.age(printed_on),
                    days=content.slot.days,
                )
            )
    return lines
