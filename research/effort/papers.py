"""The papers of the table, and what is on them: made from the forms, so new versions count.

A field is filled in if the form requires it, if it says who, when or by whom, or by a share of the
others, unless its sheet says otherwise. What is written is invented; only its length and kind
matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from pipeline.domain.form.field import FieldSpec, Format, Kind, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.model import Value
from pipeline.domain.review.rules import asked_fields, is_grid_box

FILLED_SHARE, TICKED_SHARE = 0.5, 0.25
"""Assumptions: share of optional lines and digits that are filled in, and of boxes ticked."""
_LATER = {Meaning.WRITTEN_DATE, Meaning.WRITTEN_TIME}
"""Filled in only where a person writes later."""
NOTE_WORDS = (
    "Såret på vänster fot läker fint, omlagt enligt ordination. Ingen rodnad eller lukt. Patienten "
    "mår bra, äter och dricker som vanligt. Ny omläggning på torsdag, ringer om såret vätskar igen."
)
_VALUES_BY_FORMAT = {
    Format.DATE: "2021-12-18",
    Format.TIME: "09:40",
    Format.PERSONAL_NUMBER: "192502016773",
    Format.DOSE: "500 mg",
    Format.BLOOD_PRESSURE: "135/82",
    Format.AMOUNT: "1250",
    Format.PHONE: "0923-65000",
}
_VALUES_BY_MEANING = {Meaning.AUTHOR_TITLE: "ssk", Meaning.CLIENT_PRINTED: None}
"""A profession is written short; a later page repeats the client's name only if it is loose."""
_NUMBERED = re.compile(r"([a-z]+)(\d+)_(\w+)")
"""A field of a numbered block, such as `ord3_dos`."""
_CODE = "1"
"""A code in a grid: not given."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a paper: its form and how it is filled in.

    Attributes:
        rows: The rows that are written on.
        note: The words of its note.
        empty: Fields that nothing is in.
        filled: Fields that something always is in.
        deviating: Fields that something is in on a deviating row only.
        blocks: How many numbered blocks of a prefix are filled in, of those that have several.
        values: What is in a field, by its name or the last part of it.
        is_printed: Whether it was printed for its client.
        printed: How the names of further fields begin that were printed, if it was.
        is_attached_by_hand: Whether a person without the program attaches it and types its
            deviations only.
        has_target_fields: Whether the target has a field for each value, so that they are keyed in
            one by one; else the target takes a note.
    """

    form: str
    rows: int = 1
    note: str = NOTE_WORDS
    empty: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    deviating: tuple[str, ...] = ()
    blocks: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)
    is_printed: bool = False
    printed: tuple[str, ...] = ()
    is_attached_by_hand: bool = False
    has_target_fields: bool = False


@dataclass(frozen=True, slots=True)
class Paper:
    """A row of the table: its sheets and attachments, and the aim in minutes with a key-in list.

    Attributes:
        deviations: Rows or boxes of a list that say something else than "done".
    """

    name: str
    sheets: tuple[Sheet, ...]
    aim: float
    attachments: int = 0
    deviations: int = 0


_HOUSEHOLD = {"barn": 2}
PAPERS = (
    Paper(
        "HSL note",
        (
            Sheet(
                "hsl-anteckning",
                empty=("tillfalligt_id", "fortsattning_pa", "kva2", "underskrift_datum"),
            ),
        ),
        aim=2,
    ),
    Paper(
        "Nine visits",
        (
            Sheet(
                "besokslista",
                rows=9,
                empty=("avbojd",),
                filled=("slut",),
                deviating=("utebliven", "orsak"),
            ),
        ),
        aim=3,
        deviations=1,
    ),
    Paper(
        "Month signing list",
        (
            Sheet(
                "signeringslista",
                rows=10,
                blocks={"rad": 10, "ord": 10, "avv": 2, "sign": 4},
                values={"datum": "2021-12-01", "till": "2021-12-31", "ordinerat": "2021-11-02"},
                is_printed=True,
                printed=("datum", "till", "ord", "rad"),
                is_attached_by_hand=True,
            ),
        ),
        aim=1,
        deviations=2,
    ),
    Paper(
        "Aid case, eight attachments",
        (
            Sheet(
                "ansokan-ekonomiskt",
                note="Har inga pengar kvar till hyra och mat.",
                blocks=_HOUSEHOLD,
                is_attached_by_hand=True,
            ),
            Sheet(
                "normberakning",
                note="Enligt riksnorm.",
                blocks=_HOUSEHOLD,
                has_target_fields=True,
            ),
            Sheet("beslut-ekonomiskt", note="Beviljas enligt beräkning, utbetalas på konto."),
        ),
        aim=15,
        attachments=8,
    ),
)


def write_entry(
    form: Form, row: int | None, sheet: Sheet, deviations: int, chance: Random
) -> Mapping[str, Value]:
    """Return what is in the fields of an entry; None is an empty field.

    A row with `deviations` deviates; in a grid so many boxes do.
    """
    values: dict[str, Value] = {}
    notes, left = [sheet.note], deviations
    for spec in asked_fields(form, row):
        # The first field of several lines has the note, others are short.
        if spec.traits.is_multiline:
            values[spec.name] = notes.pop() if notes else None
        elif is_grid_box(form, spec):
            values[spec.name] = _write_box(spec, sheet, left)
            left -= values[spec.name] == _CODE
        else:
            values[spec.name] = _write_field(spec, sheet, chance, is_deviating=deviations > 0)
    # A client who has a code is not named by the number too.
    pid, code = (form.meaning(means, row) for means in (Meaning.CLIENT_PID, Meaning.CLIENT_CODE))
    if pid is not None and code is not None:
        values[pid.name] = None
    return values


def _write_box(spec: FieldSpec, sheet: Sheet, deviations: int) -> Value:
    """Return initials in each planned box of a grid, a code in the first ones."""
    match = _NUMBERED.fullmatch(spec.column)
    if match is None or int(match[2]) > sheet.blocks.get(match[1], 0):
        return None
    return _CODE if deviations > 0 else True


def _write_field(spec: FieldSpec, sheet: Sheet, chance: Random, *, is_deviating: bool) -> Value:
    match = _NUMBERED.fullmatch(spec.column)
    count = sheet.blocks.get(match[1]) if match else None
    name = match[3] if match else spec.column
    if spec.means in _LATER or spec.column in sheet.empty:
        return None
    if spec.column in sheet.deviating and not is_deviating:
        return None
    if match and count is not None and int(match[2]) > count:
        return None
    # On a sheet printed for a client nobody writes the name again.
    if sheet.is_printed and spec.means is Meaning.CLIENT_NAME:
        return None
    if spec.means in _VALUES_BY_MEANING:
        return _VALUES_BY_MEANING[spec.means]
    is_wanted = (
        spec.required
        or spec.means is not None
        or (count is not None and spec.kind is not Kind.MARK)
        or spec.column in (*sheet.filled, *sheet.deviating)
        or name in sheet.values
    )
    return _write_value(spec, sheet.values.get(name), chance, is_wanted=is_wanted)


def _write_value(spec: FieldSpec, given: Value, chance: Random, *, is_wanted: bool) -> Value:
    if spec.kind is Kind.MARK:
        return True if is_wanted or chance.random() < TICKED_SHARE else None
    if not is_wanted and chance.random() >= FILLED_SHARE:
        return None
    if given is not None:
        return given
    if spec.kind is Kind.CHOICE:
        return spec.options[0].value
    if spec.kind in (Kind.SIGNATURE, Kind.INITIALS):
        return "VL" if spec.kind is Kind.INITIALS else True
    if spec.format is Format.NUMBER:
        low, high = spec.plausible or (spec.minimum or 1, spec.maximum or 10**spec.cell_count - 1)
        return f"{(low + high) / 2:.{spec.decimals}f}"
    if spec.format is Format.CODE:
        return "1" * spec.cell_count
    if spec.format is not None:
        return _VALUES_BY_FORMAT[spec.format]
    return "Vera Lind" if spec.means is not None else "Kort text här"
