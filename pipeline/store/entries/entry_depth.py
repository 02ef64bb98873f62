"""How deep an entry is typed: by its form, unless its unit or the sheet's reviewer says otherwise.

Depths are only added; the latest one counts. What was printed in the fields of a sheet before it
went out, such as a month's prescriptions, nobody types again: it is shown, and settled unless the
paper says something else now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from pipeline.domain.errors import AnswerError, ReviewError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import INTERNAL_FORMS, Depth, EntriesPer, Form, Forms
from pipeline.domain.law.permissions import (
    Action,
    permitted_units,
    require_permission,
    reserved_forms,
)
from pipeline.domain.model import SHEET_ROW, EntryState, Person, Reading
from pipeline.domain.review.depth import fields_at_depth, is_struck_out
from pipeline.domain.review.rules import (
    Answer,
    agrees_with_reading,
    asked_fields,
    is_grid_box,
    normalize_answer,
    prefill_from,
)
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.entry import Entry, load_entry_as_seen
from pipeline.store.event_log.events import record
from pipeline.store.registers.client_register import find_issued_sheet
from pipeline.store.schema.review import sheet_depth, unit_depth


def printed_answers(
    conn: Connection, entry: Entry, form: Form, readings: Mapping[str, Reading]
) -> dict[str, Answer]:
    """Return what was printed on a sheet that is one entry, without what was changed by hand."""
    issued = find_issued_sheet(conn, entry.serial)
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


def list_allowed_depths(forms: Forms, form: Form) -> tuple[Depth, ...]:
    """Return the depths that a unit or a reviewer may choose for a form, deepest first.

    What two people have to see, what is reserved, and what is money or staff lists of this program
    is always typed as a whole.
    """
    is_always_whole = (
        form.id in forms.double_check
        or form.id in reserved_forms()
        or form.id in INTERNAL_FORMS
        or form.norm is not None
        or bool(form.all_deadlines)
    )
    if is_always_whole:
        return (Depth.FULL,)
    has_deviations = form.entries is EntriesPer.ROW or any(
        is_grid_box(form, spec) for spec in form.fields
    )
    return (
        Depth.FULL,
        *((Depth.DEVIATIONS,) if has_deviations else ()),
        Depth.ATTACHMENT,
    )


def find_depth(conn: Connection, form: Form, entry: Entry) -> Depth:
    """Return how deep an entry is typed."""
    return find_depths(conn, {entry.id: form}, [entry])[entry.id]


def find_depths(
    conn: Connection, forms_by_entry: Mapping[str, Form], entries: Sequence[Entry]
) -> dict[str, Depth]:
    """Return how deep each of these entries is typed, by entry id."""
    # In the order of their ids, so that later choices replace earlier ones
    chosen = select(sheet_depth.c.sheet, sheet_depth.c.depth).where(
        sheet_depth.c.sheet.in_({entry.sheet for entry in entries})
    )
    by_sheet = {row.sheet: row.depth for row in conn.execute(chosen.order_by(sheet_depth.c.id))}
    by_units = select(unit_depth.c.unit, unit_depth.c.form, unit_depth.c.depth).where(
        unit_depth.c.unit.in_({entry.unit for entry in entries})
    )
    by_unit = {
        (row.unit, row.form): row.depth for row in conn.execute(by_units.order_by(unit_depth.c.id))
    }
    # What was chosen for the sheet comes before what its unit has chosen for the form
    return {
        entry.id: Depth(
            by_sheet.get(entry.sheet)
            or by_unit.get((entry.unit, entry.form))
            or forms_by_entry[entry.id].depth
        )
        for entry in entries
    }


def needed_fields(
    conn: Connection,
    form: Form,
    entry: Entry,
    readings: Mapping[str, Reading],
    answers: Collection[str],
) -> list[FieldSpec]:
    """Return the fields that need an answer at the entry's depth, and those that have one."""
    depth, asked = find_depth(conn, form, entry), asked_fields(form, entry.row)
    if depth is Depth.FULL:
        return asked
    needed = {*list_asked_names(conn, form, entry, readings, depth), *answers}
    return [spec for spec in asked if spec.name in needed]


def list_asked_names(
    conn: Connection, form: Form, entry: Entry, readings: Mapping[str, Reading], depth: Depth
) -> set[str]:
    """Return the fields that are asked at this depth.

    A row that was confirmed with others, and was taken back, is asked for what it was asked for
    before: not for text that only repeats who the client is.
    """
    printed = printed_answers(conn, entry, form, readings)
    asked = fields_at_depth(form, entry.row, depth, readings, printed)
    decided: Collection[str] = ()
    if depth is Depth.DEVIATIONS and form.entries is EntriesPer.ROW and entry.revision:
        decided = decided_answers(conn, entry.id)
    return {spec.name for spec in asked if not decided or spec.required or spec.name in decided}


def list_unit_depths(conn: Connection, person: Person) -> dict[tuple[str, str], Depth]:
    """Return the depths that the person's units have chosen, by unit and form.

    Raises:
        NotAllowedError: the person does not lead a unit.
    """
    require_permission(person, Action.PULL)
    latest = select(func.max(unit_depth.c.id)).group_by(unit_depth.c.unit, unit_depth.c.form)
    rows = conn.execute(
        select(unit_depth.c.unit, unit_depth.c.form, unit_depth.c.depth).where(
            unit_depth.c.id.in_(latest),
            unit_depth.c.depth != "",
            unit_depth.c.unit.in_(sorted(permitted_units(person, Action.PULL))),
        )
    )
    return {(row.unit, row.form): Depth(row.depth) for row in rows}


def set_unit_depth(
    conn: Connection,
    forms: Forms,
    person: Person,
    unit: str,
    form_id: str,
    depth: Depth | None,
    now: datetime,
) -> None:
    """Choose how deep a unit types a form; None is the form's own depth again.

    Raises:
        NotAllowedError: the person does not lead this unit.
        ReviewError: the form cannot be typed at this depth.
    """
    require_permission(person, Action.PULL, unit)
    form = forms.latest(form_id)
    if depth is not None and depth not in list_allowed_depths(forms, form):
        raise ReviewError("depth_not_for_form", form=form.title)
    row = {"unit": unit, "form": form_id, "depth": depth.value if depth else ""}
    conn.execute(insert(unit_depth).values(**row, by=person.login, at=now))
    record(conn, person.login, "set_unit_depth", form_id, unit=unit, depth=row["depth"])


def set_sheet_depth(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry_id: str,
    revision: int,
    depth: Depth,
    now: datetime,
) -> None:
    """Choose how deep one sheet is typed, while its entry is not decided.

    Raises:
        NotAllowedError: the person does not review this entry.
        StaleDecisionError: the entry has been decided since the person saw `revision`.
        ReviewError: the form cannot be typed at this depth.
    """
    entry = load_entry_as_seen(conn, person, (entry_id, revision), {EntryState.REVIEW})
    form = forms[(entry.form, entry.version)]
    if depth is not form.depth and depth not in list_allowed_depths(forms, form):
        raise ReviewError("depth_not_for_form", form=form.title)
    conn.execute(
        insert(sheet_depth).values(sheet=entry.sheet, depth=depth.value, by=person.login, at=now)
    )
    record(conn, person.login, "set_sheet_depth", entry_id, unit=entry.unit, depth=depth.value)
