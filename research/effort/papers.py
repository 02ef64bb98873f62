"""The papers of the table, and what stands on them: made from the forms, so new versions count.

A field is filled in if the form requires it, if it says who, when or by whom, or by a share of the
others. What is written is invented; only its length and kind matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from pipeline.domain.form.field import FieldSpec, Format, Kind, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.model import Value
from pipeline.domain.review.rules import asked_fields

FILLED_SHARE, TICKED_SHARE = 0.5, 0.25
"""Assumptions: share of optional lines and digits that are filled in, and of boxes ticked."""
_LATER = {Meaning.WRITTEN_DATE, Meaning.WRITTEN_TIME}
"""Filled in only where somebody writes later."""
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


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a paper: its form, the rows that are written on, and the words of its note."""

    form: str
    rows: int = 1
    note: str = NOTE_WORDS


@dataclass(frozen=True, slots=True)
class Paper:
    """A row of the table: its sheets and attachments, and the aim in minutes with a key-in list.

    Attributes:
        deviations: Boxes of a list that say something else than "done".
        is_attached_by_hand: Whether somebody without the program attaches the list and types its
            deviations only.
    """

    name: str
    sheets: tuple[Sheet, ...]
    aim: float
    attachments: int = 0
    deviations: int = 0
    is_attached_by_hand: bool = False


PAPERS = (
    Paper("HSL note", (Sheet("hsl-anteckning"),), aim=2),
    Paper("Nine visits", (Sheet("besokslista", rows=9),), aim=3, deviations=1),
    Paper(
        "Month signing list",
        (Sheet("signeringslista", rows=10),),
        aim=1,
        deviations=2,
        is_attached_by_hand=True,
    ),
    Paper(
        "Aid case, eight attachments",
        (
            Sheet("ansokan-ekonomiskt", note="Har inga pengar kvar till hyra och mat."),
            Sheet("normberakning", note="Enligt riksnorm."),
            Sheet("beslut-ekonomiskt", note="Beviljas enligt beräkning, utbetalas på konto."),
        ),
        aim=15,
        attachments=8,
    ),
)


def write_entry(form: Form, row: int | None, note: str, chance: Random) -> Mapping[str, Value]:
    """Return what stands in the fields of an entry; None is an empty field."""
    values: dict[str, Value] = {}
    notes = [note]
    for spec in asked_fields(form, row):
        # The first field of several lines has the note, others are short.
        if spec.traits.is_multiline:
            values[spec.name] = notes.pop() if notes else None
        else:
            values[spec.name] = _write_field(spec, chance)
    return values


def _write_field(spec: FieldSpec, chance: Random) -> Value:
    if spec.means in _LATER:
        return None
    is_wanted = spec.required or spec.means is not None
    if spec.kind is Kind.MARK:
        return True if is_wanted or chance.random() < TICKED_SHARE else None
    if not is_wanted and chance.random() >= FILLED_SHARE:
        return None
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
