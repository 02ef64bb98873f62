"""The list of questions for one author, as a PDF of the size of a phone's screen: it can be read
out in a call, or printed and written on.

It names nobody: a sheet is known to its author by form, day and the number printed on it. What
is asked may still be secret, so the foot says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from fpdf.enums import XPos, YPos

from pipeline.domain.form.form import Forms
from pipeline.export.record_text import format_minute
from pipeline.files.pdf_output import Document

PAGE_WIDTH, PAGE_HEIGHT, PAGE_MARGIN = 90.0, 160.0, 7.0
"""mm"""
_LINE = 0.46
"""Line height in mm for a point of type size."""
_ANSWER_LINES = 3
_TEXT_COLOUR = (0, 0, 0)
_SECRECY_NOTICE = "Sekretess. Nämn inga namn i sms eller e-post. Skriv in svaret i Efterskrift och förstör listan."


class AskedQuestion(Protocol):
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


class _QuestionDocument(Document):
    def __init__(self, title: str, made_at: datetime) -> None:
        super().__init__(title, size=(PAGE_WIDTH, PAGE_HEIGHT), made_at=made_at)
        self.set_margins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        self.set_auto_page_break(True, 14)

    def footer(self) -> None:
        self.set_xy(PAGE_MARGIN, PAGE_HEIGHT - 12)
        self.say(_SECRECY_NOTICE, 6.5)

    def say(self, text: str, size: float, *, bold: bool = False) -> None:
        """A paragraph from margin to margin."""
        self.set_style(size, _TEXT_COLOUR, bold=bold)
        self.multi_cell(
            PAGE_WIDTH - 2 * PAGE_MARGIN,
            size * _LINE,
            self.fit(text),
            align="L",
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
        )


def make_question_list(
    author: str, asked: Sequence[AskedQuestion], forms: Forms, *, made_by: str, made_at: datetime
) -> bytes:
    """The PDF: one question after another, each with its paper and lines to write the answer on."""
    with _QuestionDocument("Frågor till den som skrev", made_at) as pages:
        pages.add_page()
        pages.say("Frågor till den som skrev", 14, bold=True)
        pages.say(author or "Det framgår inte vem som skrev", 11, bold=True)
        many = "1 fråga. Ställd" if len(asked) == 1 else f"{len(asked)} frågor. Ställda"
        pages.say(f"{many} av {made_by}, {format_minute(made_at)}.", 8)
        for number, one in enumerate(asked, 1):
            _draw_question(pages, number, one, forms)
        return bytes(pages.output())


def _draw_question(pages: _QuestionDocument, number: int, one: AskedQuestion, forms: Forms) -> None:
    if pages.get_y() > PAGE_HEIGHT - 62:
        pages.add_page()
    entry = one.entry
    form = forms.get((entry.form, entry.version))
    row = f"rad {entry.row}" if entry.row else ""
    pages.ln(4)
    pages.say(f"{number}. {form.title if form else entry.form}", 11, bold=True)
    pages.say(
        ", ".join(
            filter(None, (entry.event_on or "", f"ark {entry.serial}" if entry.serial else "", row))
        )
        or "utan löpnummer",
        9,
    )
    pages.ln(1)
    pages.say(one.text, 11)
    pages.ln(2)
    for label in ("Svar:", *[""] * (_ANSWER_LINES - 1), "Svarat av, när:"):
        pages.say(label, 8)
        y = pages.get_y() + 3.5
        pages.line(PAGE_MARGIN, y, PAGE_WIDTH - PAGE_MARGIN, y)
        pages.set_y(y + 1)
