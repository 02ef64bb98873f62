"""How deep an entry is typed: which of its fields a person answers at which depth.

What is not typed is kept as an image and goes with the entry. In a grid of a sheet (a signing list)
the boxes that say "as planned" are not typed; a person looks at the sheet and answers those that
say something else. Prescriptions from before the sheet's first day are not typed, new and changed
ones are. Rows of a table are entries of their own, each with its own client: at the depth
of deviations they are answered as usual, or confirmed together (`list_row_deviations`).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from pipeline.domain.form.confidence import ROW_CONFIRMED_FROM, prefill_from
from pipeline.domain.form.field import FieldSpec, Format, Meaning
from pipeline.domain.form.form import Depth, EntriesPer, Form
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.rules import Answer, asked_fields, is_unlikely, says_something_else

ATTACHMENT_MEANINGS: Final = frozenset(
    {Meaning.CLIENT_PID, Meaning.EVENT_DATE, Meaning.DOCUMENT_TITLE}
)
"""What is answered of an attachment: whose it is, its day, and its title."""
HEAD_MEANINGS: Final = frozenset(
    {Meaning.CLIENT_PID, Meaning.CLIENT_NAME, Meaning.EVENT_DATE, Meaning.AUTHOR_NAME}
)
"""What is answered of every sheet of which only the deviations are."""
_NUMBERED = re.compile(r"(\d{1,2})[.)]?\s+(\S+)")
"""What a line of a grid is about: the number of its block, and the first word of its name."""


def is_grid_box(form: Form, spec: FieldSpec) -> bool:
    """Whether a field is a box of a grid: initials, wanted only where something is planned.

    Such a box says "as planned" with initials and a deviation with a code, or by being empty.
    """
    return form.entries is EntriesPer.SHEET and spec.takes_code


def find_deviations(form: Form, readings: Mapping[str, Reading]) -> frozenset[str]:
    """Return the boxes of a grid that seem to say something else than "as planned".

    Those are planned boxes that are empty, hold a digit (a code), are struck out, or could not be
    read for certain. A page without readings has none: the person looks at the picture. Neither
    have days before and after those on which the list was used: a list that is printed for a
    whole month begins with the outage, and may end with it.
    """
    used = find_days_in_use(form, readings)
    return frozenset(
        spec.name
        for spec in form.fields
        if is_grid_box(form, spec)
        and _is_planned(spec, readings)
        and _is_in_month(form, spec, readings)
        and (spec.day is None or used is None or used[0] <= spec.day <= used[1])
        and says_something_else(readings.get(spec.name))
    )


def find_days_in_use(form: Form, readings: Mapping[str, Reading]) -> tuple[int, int] | None:
    """Return the first and the last day on which something is written in a grid of days.

    None if nothing is, or the form has no such grid.
    """
    days = [
        spec.day
        for spec in form.fields
        if spec.day is not None
        and is_grid_box(form, spec)
        and _is_planned(spec, readings)
        and (reading := readings.get(spec.name)) is not None
        and reading.state is not State.EMPTY
    ]
    return (min(days), max(days)) if days else None


def fields_at_depth(
    form: Form,
    row: int | None,
    depth: Depth,
    readings: Mapping[str, Reading],
    printed: Mapping[str, Answer] | None = None,
) -> list[FieldSpec]:
    """Return the fields of an entry that a person answers at this depth.

    Other fields of a shallow entry may be answered all the same. `printed` is what was filled in
    before the sheet went out, and is as it was printed.
    """
    asked = asked_fields(form, row)
    if depth is Depth.FULL or (depth is Depth.DEVIATIONS and form.entries is EntriesPer.ROW):
        return asked
    if depth is Depth.ATTACHMENT:
        head = _fields_with_meaning(form, row, ATTACHMENT_MEANINGS)
        return [spec for spec in asked if spec.name in head]
    return _fields_of_deviations(form, asked, readings, printed or {})


def unanswered_fields(form: Form, row: int | None, answered: Iterable[str]) -> list[FieldSpec]:
    """Return the fields of an entry that its paper has and nobody has typed."""
    known = set(answered)
    return [spec for spec in asked_fields(form, row) if spec.name not in known]


def list_row_deviations(
    specs: Sequence[FieldSpec], readings: Mapping[str, Reading], known: Iterable[str]
) -> list[str]:
    """Return the fields because of which a row cannot be confirmed together with others.

    Args:
        specs: the fields of the row's entry.
        readings: what was read in them.
        known: fields whose value is known otherwise: printed for this client, or confirmed in
            another row of the sheet.
    """
    sure = set(known)
    return [
        spec.name
        for spec in specs
        if spec.name not in sure and not _is_sure(spec, readings.get(spec.name))
    ]


def _fields_with_meaning(form: Form, row: int | None, meanings: Iterable[Meaning]) -> set[str]:
    """Return the field of each meaning; a later page may repeat the client's name, for people."""
    return {spec.name for means in meanings if (spec := form.meaning(means, row)) is not None}


def is_struck_out(reading: Reading | None) -> bool:
    """Whether something in a field is struck out."""
    return reading is not None and (
        IssueCode.STRUCK_OUT in reading.issues or reading.state is State.CANCELLED
    )


def list_line_fields(form: Form, boxes: Iterable[str]) -> set[str]:
    """Return the fields of the lines that boxes of a grid are on, on the box's own side."""
    pages = {
        spec.name: number for number, page in enumerate(form.pages) for spec in page.all_fields
    }
    lines = {(pages[name], _block_of(form.by_name[name])) for name in boxes}
    return {
        spec.name
        for spec in form.fields
        if spec.group
        and (pages[spec.name], _block_of(spec)) in lines
        and not is_grid_box(form, spec)
    }


def find_ordered_fields(
    form: Form, line: FieldSpec, values: Mapping[str, Value]
) -> list[FieldSpec]:
    """Return what was ordered on a line of a grid: drug, strength, dose; empty if unknown.

    A line names its prescription by the number before the drug, "5 Alvedon". The drug alone is not
    enough: two prescriptions of one drug differ by strength.

    Args:
        line: the line's first field.
        values: by field name.
    """
    said = _NUMBERED.match(str(values.get(line.name) or ""))
    if said is None:
        return []
    blocks = [specs for specs in list_blocks(form).values() if specs[0].label == line.label]
    if not 1 <= int(said[1]) <= len(blocks):
        return []
    block = blocks[int(said[1]) - 1]
    name = str(values.get(block[0].name) or "").split()
    if not name or name[0].casefold() != said[2].casefold():
        return []
    return [spec for spec in block if spec.critical and spec.format is not Format.DATE]


def list_blocks(form: Form) -> dict[str, list[FieldSpec]]:
    """Return the blocks of fields outside of the grid, such as prescriptions, by their name."""
    in_grid = {_block_of(spec) for spec in form.fields if is_grid_box(form, spec)}
    blocks: dict[str, list[FieldSpec]] = {}
    for spec in form.fields:
        if spec.group and _block_of(spec) not in in_grid:
            blocks.setdefault(_block_of(spec), []).append(spec)
    return blocks


def _block_of(spec: FieldSpec) -> str:
    """Return the block of a field, such as `ord3` of `ord3_dos`: labels of groups may be alike."""
    return spec.name.partition("_")[0]


def _fields_of_deviations(
    form: Form,
    asked: Sequence[FieldSpec],
    readings: Mapping[str, Reading],
    printed: Mapping[str, Answer],
) -> list[FieldSpec]:
    # The lines of the grid that deviate with the dose that was ordered, and what is critical where
    # a person wrote it: in the head, such as an allergy, and in other blocks
    head = _fields_with_meaning(form, None, HEAD_MEANINGS)
    head |= {
        spec.name
        for spec in asked
        if spec.critical
        and not spec.group
        and spec.means is None
        and _has_ink(readings.get(spec.name))
    }
    deviating = find_deviations(form, readings)
    lines = list_line_fields(form, deviating)
    known = {name: reading.value for name, reading in readings.items()}
    known |= {name: answer.value for name, answer in printed.items()}
    ordered = {
        spec.name for line in lines for spec in find_ordered_fields(form, form.by_name[line], known)
    }
    wanted = deviating | head | lines | ordered
    for specs in list_blocks(form).values():
        is_written = any(
            spec.critical and spec.name not in printed and _has_ink(readings.get(spec.name))
            for spec in specs
        )
        if is_written and not _was_known_before(form, specs, readings):
            wanted |= {spec.name for spec in specs}
    return [
        spec
        for spec in asked
        if spec.name in wanted or (spec.required and not is_grid_box(form, spec))
    ]


def _was_known_before(
    form: Form, specs: Sequence[FieldSpec], readings: Mapping[str, Reading]
) -> bool:
    """Whether a block is dated before the first day of the sheet, and nothing in it is struck out.

    So is a prescription that the list was made from; a new or changed one is not.
    """
    day_field = form.meaning(Meaning.EVENT_DATE)
    first = _read_day(readings.get(day_field.name)) if day_field else None
    days = [_read_day(readings.get(spec.name)) for spec in specs if spec.format is Format.DATE]
    return (
        first is not None
        and bool(days)
        and not any(is_struck_out(readings.get(spec.name)) for spec in specs)
        and all(day is not None and day < first for day in days)
    )


def _read_day(reading: Reading | None) -> date | None:
    try:
        return date.fromisoformat(str(reading.value)) if reading is not None else None
    except ValueError:
        return None


def _is_planned(spec: FieldSpec, readings: Mapping[str, Reading]) -> bool:
    return _has_ink(readings.get(spec.planned_by or ""))


def _is_in_month(form: Form, spec: FieldSpec, readings: Mapping[str, Reading]) -> bool:
    """Whether the month of the sheet has the day of a box; where the month is not read, it has."""
    day_field = form.meaning(Meaning.EVENT_DATE)
    first = _read_day(readings.get(day_field.name)) if day_field else None
    if spec.day is None or first is None:
        return True
    return spec.day <= monthrange(first.year, first.month)[1]


def _has_ink(reading: Reading | None) -> bool:
    return reading is not None and not reading.is_seen_empty


def _is_sure(spec: FieldSpec, reading: Reading | None) -> bool:
    if reading is None or is_unlikely(reading):
        return False
    if spec.required and reading.state is not State.READ:
        return False
    if spec.traits.is_multiline:
        return reading.is_seen_empty
    least = ROW_CONFIRMED_FROM if spec.critical else prefill_from(spec)
    return reading.p >= least or reading.is_seen_empty
