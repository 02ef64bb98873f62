"""The list of questions for one author, as a PDF of the size of a phone's screen.

It can be read out in a call, or printed and written on. It names no client: the author knows a
sheet by form, day and the number printed on it. What is asked may still be secret, so the foot
says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fpdf.enums import XPos, YPos

from pipeline.domain.form.form import Forms
from pipeline.export.exporter import data_text
from pipeline.export.record_text import format_minute
from pipeline.files.pdf_output import Document
from pipeline.store.review.author_questions import Question

PAGE_WIDTH, PAGE_HEIGHT, PAGE_MARGIN = 90.0, 160.0, 7.0
"""mm"""
_LINE = 0.46
"""Line height in mm for a point of type size."""
_ANSWER_LINES = 3
_ANSWER_HEIGHT_MM = 62
"""Height of a question with its lines: it is never broken over two pages."""
_TEXT_COLOUR = (0, 0, 0)


class _QuestionDocument(Document):
    def __init__(self, title: str, made_at: datetime) -> None:
        super().__init__(title, size=(PAGE_WIDTH, PAGE_HEIGHT), made_at=made_at)
        self.set_margins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        self.set_auto_page_break(True, 14)

    def footer(self) -> None:
        self.set_xy(PAGE_MARGIN, PAGE_HEIGHT - 12)
        self.write_paragraph(data_text("question_list.secrecy"), 6.5)

    def write_paragraph(self, text: str, size: float, *, bold: bool = False) -> None:
        """Write a paragraph from margin to margin."""
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
    author: str, asked: Sequence[Question], forms: Forms, *, made_by: str, made_at: datetime
) -> bytes:
    """Return the PDF: each question with its paper and lines to write the answer on."""
    with _QuestionDocument(data_text("question_list.title"), made_at) as pages:
        pages.add_page()
        pages.write_paragraph(data_text("question_list.title"), 14, bold=True)
        pages.write_paragraph(author or data_text("question_list.unknown_author"), 11, bold=True)
        time = format_minute(made_at)
        pages.write_paragraph(
            data_text("question_list.asked", count=len(asked), person=made_by, time=time), 8
        )
        for number, question in enumerate(asked, 1):
            _draw_question(pages, number, question, forms)
        return bytes(pages.output())


def _draw_question(pages: _QuestionDocument, number: int, question: Question, forms: Forms) -> None:
    if pages.get_y() > PAGE_HEIGHT - _ANSWER_HEIGHT_MM:
        pages.add_page()
    # What the author knows the paper by.
    entry = question.entry
    form = forms.get((entry.form, entry.version))
    paper = (
        entry.event_on or "",
        data_text("question_list.sheet", serial=entry.serial) if entry.serial else "",
        data_text("question_list.row", row=entry.row) if entry.row else "",
    )
    pages.ln(4)
    pages.write_paragraph(f"{number}. {form.title if form else entry.form}", 11, bold=True)
    pages.write_paragraph(", ".join(filter(None, paper)) or data_text("question_list.no_serial"), 9)
    pages.ln(1)
    pages.write_paragraph(question.text, 11)
    pages.ln(2)
    # Lines to write on.
    for label in (
        data_text("question_list.answer"),
        *[""] * (_ANSWER_LINES - 1),
        data_text("question_list.answered_by"),
    ):
        pages.write_paragraph(label, 8)
        y = pages.get_y() + 3.5
        pages.line(PAGE_MARGIN, y, PAGE_WIDTH - PAGE_MARGIN, y)
        pages.set_y(y + 1)
