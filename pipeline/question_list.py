"""The list of questions for one author, as a PDF of the size of a phone's screen: it can be read out in a call, or printed and written on.

It names nobody: a sheet is known to its author by form, day and the number printed on it. What is asked may still be secret, so the foot says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from fpdf.enums import XPos, YPos

from pipeline.document import Document
from pipeline.export.late_entry import minute
from pipeline.template import Forms

WIDTH, HEIGHT, MARGIN = 90.0, 160.0, 7.0
"""mm"""
_LINE = 0.46
"""Line height in mm for a point of type size."""
_ANSWER_LINES = 3
_INK = (0, 0, 0)
_SECRECY = "Sekretess. Nämn inga namn i sms eller e-post. Skriv in svaret i Efterskrift och förstör listan."


class Asked(Protocol):
    """A question, as `store.questions.Question` has it."""

    @property
    def text(self) -> str:
        """What is asked."""

    @property
    def entry(self) -> AskedEntry:
        """About which entry."""


class AskedEntry(Protocol):
    """Where the question's paper is known by."""

    @property
    def form(self) -> str:
        """Id of the form."""

    @property
    def version(self) -> int:
        """Of the form."""

    @property
    def serial(self) -> str | None:
        """Printed on the sheet."""

    @property
    def row(self) -> int | None:
        """In a table."""

    @property
    def event_on(self) -> str | None:
        """The day, if known."""


class _Pages(Document):
    def __init__(self, title: str, made_at: datetime) -> None:
        super().__init__(title, size=(WIDTH, HEIGHT), made_at=made_at)
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(True, 14)

    def footer(self) -> None:
        self.set_xy(MARGIN, HEIGHT - 12)
        self.say(_SECRECY, 6.5)

    def say(self, text: str, size: float, *, bold: bool = False) -> None:
        """A paragraph from margin to margin."""
        self.dress(size, _INK, bold=bold)
        self.multi_cell(WIDTH - 2 * MARGIN, size * _LINE, self.fit(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def question_list(author: str, asked: Sequence[Asked], forms: Forms, *, made_by: str, made_at: datetime) -> bytes:
    """The PDF: one question after another, each with its paper and lines to write the answer on."""
    with _Pages("Frågor till den som skrev", made_at) as pages:
        pages.add_page()
        pages.say("Frågor till den som skrev", 14, bold=True)
        pages.say(author or "Det framgår inte vem som skrev", 11, bold=True)
        many = "1 fråga. Ställd" if len(asked) == 1 else f"{len(asked)} frågor. Ställda"
        pages.say(f"{many} av {made_by}, {minute(made_at)}.", 8)
        for number, one in enumerate(asked, 1):
            _question(pages, number, one, forms)
        return bytes(pages.output())


def _question(pages: _Pages, number: int, one: Asked, forms: Forms) -> None:
    if pages.get_y() > HEIGHT - 62:
        pages.add_page()
    entry = one.entry
    form = forms.get((entry.form, entry.version))
    row = f"rad {entry.row}" if entry.row else ""
    pages.ln(4)
    pages.say(f"{number}. {form.title if form else entry.form}", 11, bold=True)
    pages.say(", ".join(filter(None, (entry.event_on or "", f"ark {entry.serial}" if entry.serial else "", row))) or "utan löpnummer", 9)
    pages.ln(1)
    pages.say(one.text, 11)
    pages.ln(2)
    for label in ("Svar:", *[""] * (_ANSWER_LINES - 1), "Svarat av, när:"):
        pages.say(label, 8)
        y = pages.get_y() + 3.5
        pages.line(MARGIN, y, WIDTH - MARGIN, y)
        pages.set_y(y + 1)
