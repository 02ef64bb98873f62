"""The three ways of a paper into the target system, step by step as a scripted user does them.

By hand: the paper lies beside the keyboard and is typed into the target. Key-in list and import:
the paper is scanned and reviewed by the rules of the program (`pipeline.domain.review.rules`), with
readings drawn from the curves of `data/models/calibration.json`; then it is keyed into the target
from the screen Skriv in, or imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean

from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Depth, EntriesPer, Form, Forms
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.depth import fields_at_depth, list_row_deviations
from pipeline.domain.review.rules import asked_fields, needs_blind_keying
from pipeline.domain.review.work_modes import is_routine
from research.effort.operators import (
    COPY_PAGE,
    NONE,
    OTHER_RESPONSE,
    RESPONSE,
    SCAN_PAGE,
    TURN_PAPER,
    Effort,
    clicking,
    homing,
    reading,
    thinking,
    typing,
    waiting,
)
from research.effort.papers import Paper, Sheet, write_entry
from research.simulation.people import FIND_WORD_KEYS, SAVE_KEYS, TAB_KEYS, count_keys
from research.simulation.readings import SimulatedReader, to_answer

SECOND_REVIEW_SHARE = 0.339
"""Share of first reviews that lead to a second (docs/review.md, simulated week)."""
MISREAD_WORD_SHARE = 0.299
"""Share of the words of notes that are misread (docs/review.md)."""
LATE_NOTE = "Inskrivet 2022-01-10 i efterhand från papper skrivet 2021-12-18 av Vera Lind."
"""What has to stand in the target where an entry is typed later (PDL 3 kap.)."""
_ENTRIES_OF_A_RUN, _RUN_SECONDS = 50, 90.0
"""Assumption: an import is started, downloaded, loaded and answered once for fifty entries."""
_COPY_KEYS = 8
"""Copy button, Alt+Tab, field, Ctrl+V, Alt+Tab: keys and clicks of copying one value."""
_TITLE_LENGTH = 15
"""Assumption: letters of the title of an attachment."""
_OPEN_KEYS = 12
"""A personal number, typed to open a client in the target."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The effort of a paper by each way."""

    by_hand: Effort
    key_in: Effort
    imported: Effort


@dataclass(frozen=True, slots=True)
class _WrittenEntry:
    """An entry of a sheet: its fields, what stands in them, and how the machine read them.

    `is_signed` says whether it has to be signed before it is exported.
    """

    form: Form
    specs: Sequence[FieldSpec]
    values: Mapping[str, Value]
    readings: Mapping[str, Reading]
    is_signed: bool

    @property
    def filled(self) -> list[FieldSpec]:
        """The fields that something stands in."""
        return [spec for spec in self.specs if self.values[spec.name] not in (None, False)]


def measure_paper(paper: Paper, forms: Forms, draws: int = 20) -> Ways:
    """Return the mean effort of a paper over several drawn fillings and readings."""
    drawn = [_measure_once(paper, forms, Random(f"{paper.name} {draw}")) for draw in range(draws)]
    return Ways(
        *(
            Effort(
                fmean(getattr(one, way).keys for one in drawn),
                fmean(getattr(one, way).seconds for one in drawn),
            )
            for way in ("by_hand", "key_in", "imported")
        )
    )


def _measure_once(paper: Paper, forms: Forms, chance: Random) -> Ways:
    by_hand = review = key_in = imported = NONE
    for sheet in paper.sheets:
        form = forms.latest(sheet.form)
        entries = _write_sheet(forms, sheet, chance)
        depth = form.depth
        by_hand += _sheet_by_hand(form, entries, paper)
        review += waiting(SCAN_PAGE * len(form.pages))
        review += _review_sheet(entries, sheet, depth, paper.deviations)
        key_in += _key_in_sheet(entries, depth, paper.deviations)
        count = 1 if depth is not Depth.FULL else len(entries)
        imported += waiting(_RUN_SECONDS / _ENTRIES_OF_A_RUN) * count
    by_hand += _attach_by_hand() * paper.attachments
    review += _review_attachments(paper.attachments)
    key_in += _key_in_attachment() * paper.attachments
    return Ways(by_hand, review + key_in, review + imported)


def _write_sheet(forms: Forms, sheet: Sheet, chance: Random) -> list[_WrittenEntry]:
    form, reader = forms.latest(sheet.form), SimulatedReader.shipped()
    entries: list[_WrittenEntry] = []
    is_signed = any(rule.requires_signature(form, form.area) for rule in forms.signing[-1:])
    for row in form.rows()[: sheet.rows]:
        specs = asked_fields(form, row)
        # What stands above a table is answered with its first row.
        if entries:
            specs = [spec for spec in specs if spec.row is not None]
        values = write_entry(form, row, sheet.note, chance)
        readings = {spec.name: reader.reading(spec, values[spec.name], chance) for spec in specs}
        entries.append(_WrittenEntry(form, specs, values, readings, is_signed))
    return entries


def _value_effort(spec: FieldSpec, value: Value) -> Effort:
    """Return typing a value, without finding it."""
    keys = count_keys(spec, to_answer(spec, value))
    return typing(keys, code=spec.format is not None or spec.traits.digits_only)


def _open_client() -> Effort:
    """Return finding a client and a new note in the target."""
    find = thinking() + homing() + clicking() + typing(_OPEN_KEYS, code=True) + typing(1)
    return find + waiting(OTHER_RESPONSE) + thinking() + clicking(2) + waiting(OTHER_RESPONSE)


def _save_in_target() -> Effort:
    """Return saving and signing there."""
    return (thinking() + clicking() + waiting(OTHER_RESPONSE)) * 2


def _sheet_by_hand(form: Form, entries: Sequence[_WrittenEntry], paper: Paper) -> Effort:
    """Type a sheet into the target, or attach a list of what was done and type its deviations."""
    total = waiting(TURN_PAPER * len(form.pages))
    if paper.is_attached_by_hand:
        return total + _open_client() + _attach_by_hand() + _type_deviations(paper.deviations)
    return sum((_entry_by_hand(entry) for entry in entries), total)


def _entry_by_hand(entry: _WrittenEntry) -> Effort:
    total = _open_client()
    for spec in _target_fields(entry):
        total += thinking() + typing(TAB_KEYS) + _value_effort(spec, entry.values[spec.name])
    return total + typing(len(LATE_NOTE)) + _save_in_target()


def _target_fields(entry: _WrittenEntry) -> list[FieldSpec]:
    """Return the filled fields that the target wants: not who the client is, nor a signature."""
    known = {Meaning.CLIENT_PID, Meaning.CLIENT_NAME, Meaning.AUTHOR_SIGNATURE}
    return [spec for spec in entry.filled if spec.means not in known]


def _type_deviations(deviations: int) -> Effort:
    """Find each deviation on the sheet, and type its day and what happened (30 characters)."""
    one = thinking(2) + typing(4, code=True) + typing(30 + TAB_KEYS)
    return one * deviations + _save_in_target()


def _attach_by_hand() -> Effort:
    """Scan one page, add it to the case in the target, and give it a title and a day."""
    add = thinking() + homing() + clicking(4) + waiting(OTHER_RESPONSE)
    name = thinking() + typing(_TITLE_LENGTH) + typing(6, code=True) + typing(2 * TAB_KEYS)
    return waiting(COPY_PAGE + TURN_PAPER) + add + name


def _review_sheet(
    entries: Sequence[_WrittenEntry], sheet: Sheet, depth: Depth, deviations: int
) -> Effort:
    """Review the entries of a sheet as deep as the form says, and sign them."""
    if depth is Depth.FULL:
        return sum((_review_entry(entry) for entry in entries), NONE)
    first = entries[0]
    if depth is Depth.DEVIATIONS and first.form.entries is EntriesPer.ROW:
        return _review_rows(entries)
    # Without readings no box deviates: these are the fields of the head.
    asked = fields_at_depth(first.form, first.form.rows()[0], depth, {})
    total = sum((_review_field(first, spec) for spec in asked), NONE) + _save_review()
    if depth is Depth.DEVIATIONS:
        # The eye goes over the boxes of each row, and what deviates is typed.
        total += reading(3 * sheet.rows) + (thinking() + typing(20)) * deviations
    return total + _sign(first)


def _review_rows(entries: Sequence[_WrittenEntry]) -> Effort:
    """Look at the rows that say nothing unusual, confirm them together, and type the others."""
    known = [spec.name for spec in entries[0].specs if spec.row is None]
    unusual = [one for one in entries if list_row_deviations(one.specs, one.readings, known)]
    total = sum((_review_entry(one) for one in unusual), NONE)
    if usual := len(entries) - len(unusual):
        total += reading(3 * usual) + _save_review() + _sign(entries[0])
    return total


def _review_entry(entry: _WrittenEntry) -> Effort:
    total = sum((_review_field(entry, spec) for spec in entry.specs), NONE)
    total += _save_review()
    # A second person sees what is disputed: one field, on average.
    second = thinking(2) + typing(8, code=True) + _save_review()
    return total + second * SECOND_REVIEW_SHARE + _sign(entry)


def _review_field(entry: _WrittenEntry, spec: FieldSpec) -> Effort:
    """Review one field: key it blind, look at it, or see that it is empty."""
    value, read = entry.values[spec.name], entry.readings[spec.name]
    if spec.traits.is_multiline and isinstance(value, str):
        return _review_note(value)
    if needs_blind_keying(spec, read):
        is_seen_empty = read.is_seen_empty and value is None and not spec.required
        # What the machine sees as empty is passed.
        if is_seen_empty:
            return reading(1)
        return thinking() + _value_effort(spec, value) + typing(TAB_KEYS)
    if is_routine(entry.form, spec, read):
        return reading(1)
    # Image and value are compared.
    return reading(4) + typing(TAB_KEYS)


def _review_note(text: str) -> Effort:
    """Read image and text, and correct the words that were misread."""
    words = text.split()
    length = fmean(len(word) for word in words) if words else 0
    correct = thinking() + typing(FIND_WORD_KEYS + length)
    return reading(2 * len(words)) + correct * (MISREAD_WORD_SHARE * len(words)) + typing(TAB_KEYS)


def _save_review() -> Effort:
    return thinking() + typing(SAVE_KEYS) + waiting(RESPONSE)


def _sign(entry: _WrittenEntry) -> Effort:
    """Sign in this program, where the rules demand it (`forms/signing.yaml`)."""
    if not entry.is_signed:
        return NONE
    return thinking() + reading(10) + typing(SAVE_KEYS) + waiting(RESPONSE)


def _key_in_sheet(entries: Sequence[_WrittenEntry], depth: Depth, deviations: int) -> Effort:
    """Key a sheet into the target from the screen Skriv in."""
    if depth is Depth.FULL:
        return sum((_key_in_entry(entry) for entry in entries), NONE)
    # One line about the sheet, and one of each deviation.
    lines = 1 + (deviations if depth is Depth.DEVIATIONS else 0)
    copied = _copy_value() * (lines + 1)
    return _open_by_copy() + copied + _save_in_target() + _tick()


def _key_in_entry(entry: _WrittenEntry) -> Effort:
    total = _open_by_copy()
    for spec in _target_fields(entry):
        typed = thinking() + typing(TAB_KEYS) + _value_effort(spec, entry.values[spec.name])
        # The person copies what is long and types what is short.
        total += min(typed, _copy_value(), key=lambda effort: effort.seconds)
    return total + _copy_value() + _save_in_target() + _tick()


def _open_by_copy() -> Effort:
    """Return opening a client in the target by the copied number, and a new note."""
    find = _copy_value() + typing(1) + waiting(OTHER_RESPONSE)
    return find + thinking() + clicking(2) + waiting(OTHER_RESPONSE)


def _copy_value() -> Effort:
    """Return copying a value with its button, and pasting it into the other window."""
    press = clicking(2) + typing(_COPY_KEYS - 2)
    return thinking() + press


def _tick() -> Effort:
    """Return saying that the entry is in the target."""
    return typing(2) + thinking() + typing(SAVE_KEYS) + waiting(RESPONSE)


def _review_attachments(count: int) -> Effort:
    """Look at each page of a stack, type its title, and attach all in one step.

    The day is proposed from printed text and looked at with the page.
    """
    if not count:
        return NONE
    title = thinking() + reading(4) + typing(_TITLE_LENGTH + TAB_KEYS)
    return (waiting(SCAN_PAGE) + title) * count + _save_review()


def _key_in_attachment() -> Effort:
    """Write "se bilaga" with its title; the picture stays in the archive."""
    return _copy_value()


def count_asked_fields(form: Form) -> int:
    """Return how many fields of the first entry a person may be asked."""
    return len(asked_fields(form, form.rows()[0]))


def count_blind_fields(form: Form) -> int:
    """Return how many fields of the first entry are always keyed blind."""
    sure = Reading(None, 1.0, State.READ)
    fields = asked_fields(form, form.rows()[0])
    return sum(needs_blind_keying(spec, sure) for spec in fields)
