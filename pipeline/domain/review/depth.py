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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from pipeline.domain.form.confidence import ROW_CONFIRMED_FROM
from pipeline.domain.form.field import FieldSpec, Format, Meaning
from pipeline.domain.form.form import Depth, EntriesPer, Form
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.rules import (
    Answer,
    asked_fields,
    is_grid_box,
    is_unlikely,
    list_codes,
    prefill_from,
    says_something_else,
)

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


def is_left_in_image(spec: FieldSpec) -> bool:
    """Whether a field of a list need not be typed: it repeats the client, or may be left unsigned.

    The client's number says already whose the row is.
    """
    traits = spec.traits
    is_sheet_signature = traits.is_signature and not traits.names_signer and not spec.required
    return is_sheet_signature or spec.means in (Meaning.CLIENT_NAME, Meaning.CLIENT_ADDRESS)


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
    is_empty = reading.state is State.EMPTY
    if spec.traits.is_multiline and not is_empty:
        return False
    # Needs the probability that an entry asks for: a faint mark looks empty.
    is_strict = spec.critical and not is_empty
    return reading.p >= (ROW_CONFIRMED_FROM if is_strict else prefill_from(spec))


# "Rad 2: Dag 24: 4" says nothing without the paper: in words it is "Alvedon (500 mg, 1 tablett)
# 14.00, dag 24" and "borta eller på sjukhus".


def name_boxes(
    form: Form, values: Mapping[str, Value], month: date | None = None
) -> dict[str, str]:
    """Return for each box of a grid among `values` what it is about: "Alvedon 14.00, dag 22".

    What is on its line is taken from `values` too, by field name, and what was ordered where the
    line names its prescription; where nothing is known, the line has its number.

    Args:
        month: a day of the list's month. A box then has its date, which is known without the paper.
    """
    names = {}
    for line in _lines(form):
        words = _line_words(form, line, values)
        for spec in line:
            if spec.day is not None and spec.name in values:
                names[spec.name] = f"{words or spec.group}, {_day_words(spec, spec.day, month)}"
    return names


def _day_words(spec: FieldSpec, day: int, month: date | None) -> str:
    if month is None or day > monthrange(month.year, month.month)[1]:
        return f"{spec.day_label.lower()} {spec.label}"
    return f"{month.replace(day=day):%Y-%m-%d}"


def explain_values(form: Form, values: Mapping[str, Value]) -> dict[str, str]:
    """Return the meaning of each value that is a code of a grid, or the number of one of its lines.

    A box has its own codes. A number on the same form is a code if it goes from the first code to
    the last, and a line's number if it has the label of the lines: by it people tell, in words,
    about a box.
    """
    meanings: dict[str, str] = {}
    for spec in form.fields:
        value = values.get(spec.name)
        if not isinstance(value, str):
            continue
        codes = {code.value: code.label for code in list_codes(form, spec)}
        if words := codes.get(value) or _words_of_line_number(form, spec, value, values):
            meanings[spec.name] = words
    return meanings


def is_box_planned(form: Form, spec: FieldSpec, answered: Mapping[str, Value]) -> bool:
    """Whether an answered box was to be filled in: nobody has said that nothing was planned."""
    plan = spec.planned_by or ""
    return is_grid_box(form, spec) and (plan not in answered or answered[plan] is not None)


def _lines(form: Form) -> Iterator[list[FieldSpec]]:
    """Yield the fields of each line of a grid, on each side of the paper."""
    for page in form.pages:
        lines: dict[str, list[FieldSpec]] = {}
        for spec in (spec for grid in page.grids for spec in grid.unfold()):
            lines.setdefault(spec.group, []).append(spec)
        yield from lines.values()


def _line_words(form: Form, line: Sequence[FieldSpec], values: Mapping[str, Value]) -> str:
    """Join the texts of a line; its group stands for a first text that is not known."""
    specs = [spec for spec in line if spec.day is None]
    words = [_text(spec, values.get(spec.name)) for spec in specs]
    if not any(words):
        return ""
    name = words[0] or specs[0].group
    if ordered := find_ordered_fields(form, specs[0], values):
        # The whole name of the drug, and its strength and dose
        name, *rest = [_text(spec, values.get(spec.name)) for spec in ordered]
        name += f" ({', '.join(filter(None, rest))})" if any(rest) else ""
    return " ".join([name, *filter(None, words[1:])])


def _words_of_line_number(
    form: Form, spec: FieldSpec, value: str, values: Mapping[str, Value]
) -> str:
    """Return what is on the line whose number is a field's value; empty if not known."""
    labels = {grid.label for page in form.pages for grid in page.grids}
    if spec.format is not Format.NUMBER or spec.label not in labels:
        return ""
    words = (
        _line_words(form, line, values)
        for line in _lines(form)
        if line[0].group == f"{spec.label} {value}"
    )
    return next(filter(None, words), "")


def _text(spec: FieldSpec, value: Value) -> str:
    text = value if isinstance(value, str) else ""
    return text.replace(":", ".") if spec.format is Format.TIME else text
