"""What was printed in the fields of a sheet before it went out, such as a month's prescriptions.

Nobody types print again: it is shown, and settled unless the paper says something else now.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from pipeline.domain.errors import AnswerError
from pipeline.domain.form.confidence import prefill_from
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import EntriesPer, Form
from pipeline.domain.model import SHEET_ROW, Reading
from pipeline.domain.review.depth import is_struck_out
from pipeline.domain.review.rules import (
    Answer,
    agrees_with_reading,
    asked_fields,
    normalize_answer,
)
from pipeline.store.entries.entry import Entry
from pipeline.store.registers.issued_sheets import find_issued_sheet


def printed_answers(
    conn: Connection, entry: Entry, form: Form, readings: Mapping[str, Reading]
) -> dict[str, Answer]:
    """Return what was printed on a sheet that is one entry, without what was changed by hand."""
    issued = find_issued_sheet(conn, entry.serial) if entry.serial else None
    if (
        form.entries is not EntriesPer.SHEET
        or issued is None
        or (issued.form, issued.version) != (form.id, form.version)
    ):
        return {}
    texts = {
        name: text for row in issued.rows if row.row == SHEET_ROW for name, text in row.printed
    }
    answers = {}
    for spec in asked_fields(form, None):
        if spec.name not in texts:
            continue
        value = True if spec.traits.is_check_box else texts[spec.name]
        try:
            answer = normalize_answer(spec, Answer(value))
        except AnswerError:
            continue
        if not _was_changed(spec, answer, readings.get(spec.name)):
            answers[spec.name] = answer
    return answers


def _was_changed(spec: FieldSpec, printed: Answer, reading: Reading | None) -> bool:
    """Whether the paper says something else now: struck out, or read for certain otherwise."""
    return is_struck_out(reading) or (
        reading is not None
        and reading.p >= prefill_from(spec)
        and not agrees_with_reading(spec, printed, reading)
    )
