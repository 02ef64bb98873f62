"""The three ways of a paper into the target system, step by step as a scripted user does them.

By hand: the paper lies beside the keyboard and is typed into the target. Key-in list and import:
the paper is scanned and reviewed by the rules of the program (`pipeline.domain.review`), with
readings drawn from the curves of `data/models/calibration.json`; then it is keyed into the target
from the screen Skriv in, or imported. In Skriv in each press copies the next value: the client's
number, what the target has fields of its own for, and the note as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from statistics import fmean

from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Depth, EntriesPer, Form, Forms
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.depth import fields_at_depth, list_row_deviations
from pipeline.domain.review.rules import (
    asked_fields,
    is_grid_box,
    is_routine,
    is_settled,
    needs_blind_keying,
)
from pipeline.domain.settings import load_settings
from pipeline.export.key_in.screen import TARGET
from pipeline.export.mapping import ManualEntryMapping, load_mappings
from research.effort.operators import (
    CHOOSE_WORD_KEYS,
    COPY_PAGE,
    NEXT_WORD_KEYS,
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
from research.simulation.readings import CERTAIN_CLIENT_SHARE, SimulatedReader, to_answer

SECOND_REVIEW_SHARE = 0.339
"""Share of first reviews that lead to a second (docs/review.md, simulated week)."""
MISREAD_WORD_SHARE = 0.299
"""Share of the words of notes that are misread (docs/review.md)."""
MARKED_SHARE, OFFERED_SHARE, RIGHT_MARKED_SHARE = 0.76, 0.66, 0.07
"""Of misread words, those shown with low confidence (35 of 46), of these those whose right word is
among the alternatives (23 of 35); and right words shown so (41 of 615 in rendered phrases)."""
LATE_NOTE = "Inskrivet 2022-01-10 i efterhand från papper skrivet 2021-12-18 av Vera Lind."
"""What has to be in the target where an entry is typed later (PDL 3 kap.)."""
_ENTRIES_OF_A_RUN, _RUN_SECONDS = 50, 90.0
"""Assumption: an import is started, downloaded, loaded and answered once for fifty entries."""
_COPY_KEYS = 7
"""Space, Alt+Tab, Ctrl+V, Alt+Tab: copying the next value, and coming back."""
_TITLE_LENGTH = 15
"""Assumption: letters of the title of an attachment."""
_OPEN_KEYS = 12
"""A personal number, typed to open a client in the target."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The effort of a paper by each way.

    `typed` is what of `by_hand` is typing into the target, without scanning and attaching, and
    `copied` what of `key_in` is keying in from the screen, without scanning and review.
    """

    by_hand: Effort
    key_in: Effort
    imported: Effort
    typed: Effort
    copied: Effort


@dataclass(frozen=True, slots=True)
class _WrittenEntry:
    """An entry of a sheet: its fields, what is in them, and how the machine read them.

    `is_signed` says whether it has to be signed before it is exported, `is_client_sure` whether the
    machine has high confidence whose it is.
    """

    form: Form
    sheet: Sheet
    specs: Sequence[FieldSpec]
    values: Mapping[str, Value]
    readings: Mapping[str, Reading]
    is_signed: bool
    is_client_sure: bool

    @property
    def filled(self) -> list[FieldSpec]:
        """The fields that something is in."""
        return [spec for spec in self.specs if self.values[spec.name] not in (None, False)]

    @property
    def depth(self) -> Depth:
        """How deep it is typed."""
        return self.form.depth


def measure_paper(paper: Paper, forms: Forms, draws: int = 20) -> Ways:
    """Return the mean effort of a paper over several drawn fillings and readings."""
    drawn = [_measure_once(paper, forms, Random(f"{paper.name} {draw}")) for draw in range(draws)]
    return Ways(
        *(
            Effort(
                fmean(getattr(one, way).keys for one in drawn),
                fmean(getattr(one, way).seconds for one in drawn),
            )
            for way in ("by_hand", "key_in", "imported", "typed", "copied")
        )
    )


def _measure_once(paper: Paper, forms: Forms, chance: Random) -> Ways:
    typed = review = key_in = imported = NONE
    attached = paper.attachments
    for number, sheet in enumerate(paper.sheets):
        form = forms.latest(sheet.form)
        entries = _write_sheet(forms, sheet, paper.deviations, chance)
        is_open = number > 0
        typed += _sheet_by_hand(form, entries, paper.deviations, is_open=is_open)
        attached += sheet.is_attached_by_hand
        review += waiting(SCAN_PAGE * len(form.pages)) + _review_sheet(entries)
        key_in += _key_in_sheet(entries, is_open=is_open)
        imported += waiting(_RUN_SECONDS / _ENTRIES_OF_A_RUN) * len(entries)
    # A client is ticked once. Attachments are lines of the note that they go with.
    key_in += _tick()
    review += _review_attachments(paper.attachments)
    by_hand = typed + _attach_by_hand() * attached
    return Ways(by_hand, review + key_in, review + imported, typed, key_in)


def _write_sheet(
    forms: Forms, sheet: Sheet, deviations: int, chance: Random
) -> list[_WrittenEntry]:
    form, reader = forms.latest(sheet.form), SimulatedReader.shipped()
    entries: list[_WrittenEntry] = []
    is_signed = any(rule.requires_signature(form, form.area) for rule in forms.signing[-1:])
    is_grid = form.entries is EntriesPer.SHEET
    for number, row in enumerate(form.rows()[: sheet.rows], 1):
        specs = asked_fields(form, row)
        # What is above a table is answered with its first row.
        if entries:
            specs = [spec for spec in specs if spec.row is not None]
        odd = deviations if is_grid else int(number > sheet.rows - deviations)
        values = write_entry(form, row, sheet, odd, chance)
        readings = {spec.name: reader.reading(spec, values[spec.name], chance) for spec in specs}
        is_sure = sheet.is_printed or chance.random() < CERTAIN_CLIENT_SHARE
        entries.append(_WrittenEntry(form, sheet, specs, values, readings, is_signed, is_sure))
    return entries


def _value_effort(spec: FieldSpec, value: Value) -> Effort:
    """Return typing a value, without finding it."""
    keys = count_keys(spec, to_answer(spec, value))
    return typing(keys, code=spec.format is not None or spec.traits.digits_only)


def _open_client() -> Effort:
    """Return finding a client and a new note in the target."""
    find = thinking() + homing() + clicking() + typing(_OPEN_KEYS, code=True) + typing(1)
    return find + waiting(OTHER_RESPONSE) + _open_note()


def _open_note() -> Effort:
    """Return beginning a note of the client who is open in the target."""
    return thinking() + clicking(2) + waiting(OTHER_RESPONSE)


def _save_in_target() -> Effort:
    """Return saving and signing there."""
    return (thinking() + clicking() + waiting(OTHER_RESPONSE)) * 2


def _is_one_note(form: Form) -> bool:
    """Return whether the rows of a sheet are keyed in together, no matter who their clients are."""
    return form.entries is EntriesPer.ROW and form.id in _sheet_mappings()


@cache
def _sheet_mappings() -> frozenset[str]:
    mappings = load_mappings(load_settings().form_folders, TARGET, ManualEntryMapping)
    return frozenset(form_id for form_id, mapping in mappings.items() if mapping.sheet)


def _sheet_by_hand(
    form: Form, entries: Sequence[_WrittenEntry], deviations: int, *, is_open: bool
) -> Effort:
    """Type a sheet into the target, or of a list that is attached its deviations."""
    total = waiting(TURN_PAPER * len(form.pages)) + (_open_note() if is_open else _open_client())
    if entries[0].sheet.is_attached_by_hand:
        return total + _type_deviations(deviations) + _save_in_target()
    if _is_one_note(form):
        # Each row begins with its client: the code is looked up, the number typed.
        find = thinking() + reading(4) + typing(_OPEN_KEYS, code=True) + typing(TAB_KEYS)
        rows = sum((find + _type_fields(entry) for entry in entries), NONE)
        return total + rows + typing(len(LATE_NOTE)) + _save_in_target()
    typed = [_type_fields(entry) + typing(len(LATE_NOTE)) + _save_in_target() for entry in entries]
    return sum(typed, total) + _open_client() * (len(entries) - 1)


def _type_fields(entry: _WrittenEntry) -> Effort:
    total = NONE
    for spec in _target_fields(entry):
        total += thinking() + typing(TAB_KEYS) + _value_effort(spec, entry.values[spec.name])
    return total


def _target_fields(entry: _WrittenEntry) -> list[FieldSpec]:
    """Return the filled fields that the target wants: not who the client is, nor a signature."""
    known = {
        Meaning.CLIENT_PID,
        Meaning.CLIENT_CODE,
        Meaning.CLIENT_NAME,
        Meaning.AUTHOR_SIGNATURE,
    }
    return [spec for spec in entry.filled if spec.means not in known]


def _type_deviations(deviations: int) -> Effort:
    """Find each deviation on the sheet, and type its day and what happened (30 characters)."""
    return (thinking(2) + typing(4, code=True) + typing(30 + TAB_KEYS)) * deviations


def _attach_by_hand() -> Effort:
    """Scan one page, add it to the case in the target, and give it a title and a day."""
    add = thinking() + homing() + clicking(4) + waiting(OTHER_RESPONSE)
    name = thinking() + typing(_TITLE_LENGTH) + typing(6, code=True) + typing(2 * TAB_KEYS)
    return waiting(COPY_PAGE + TURN_PAPER) + add + name


def _review_sheet(entries: Sequence[_WrittenEntry]) -> Effort:
    """Review the entries of a sheet as deep as the form says, and sign them."""
    first = entries[0]
    if first.depth is Depth.FULL:
        return sum((_review_entry(entry) for entry in entries), NONE)
    if first.depth is Depth.DEVIATIONS and first.form.entries is EntriesPer.ROW:
        return _review_rows(entries)
    row = first.form.rows()[0]
    names = _printed_names(first)
    printed = {
        spec.name: to_answer(spec, first.values[spec.name])
        for spec in first.specs
        if spec.name in names
    }
    asked = fields_at_depth(first.form, row, first.depth, first.readings, printed)
    total = sum((_review_field(first, spec) for spec in asked), NONE) + _save_review()
    if first.depth is Depth.DEVIATIONS:
        # The eye goes over the boxes of each line, on each side that has a grid, and it is said.
        sides = sum(bool(page.grids) for page in first.form.pages)
        total += reading(3 * first.sheet.rows * sides) + typing(1 + TAB_KEYS)
    return total + _second_person(first, asked) + _sign(first)


def _review_rows(entries: Sequence[_WrittenEntry]) -> Effort:
    """Compare what was read in each row, type what is not sure, and confirm all rows together."""
    total = NONE
    for entry in entries:
        specs = _row_fields(entry)
        names = {spec.name for spec in specs if not entry.is_client_sure and _is_client(spec)}
        specs = [spec for spec in specs if spec.name in names or not _is_client(spec)]
        doubtful = names | set(list_row_deviations(specs, entry.readings, names))
        typed = [spec for spec in specs if spec.name in doubtful]
        total += sum((_type_field(entry, spec) for spec in typed), NONE)
        # What is said of the row is compared, ticks at a glance, and once that nothing is left out.
        for spec in specs:
            if spec.name not in doubtful and spec in entry.filled:
                total += reading(1 if spec.traits.is_check_box else 4)
        total += reading(1 + 4) + typing(TAB_KEYS) + _second_person(entry, typed)
    return total + _save_review() + _sign(entries[0])


def _row_fields(entry: _WrittenEntry) -> list[FieldSpec]:
    """Return the fields that are asked of a row that is confirmed together with others."""
    return [
        spec
        for spec in entry.specs
        if spec.means not in (Meaning.CLIENT_NAME, Meaning.CLIENT_ADDRESS)
        and (spec.required or not spec.traits.is_signature)
        and not (spec.means is Meaning.CLIENT_PID and entry.values[spec.name] is None)
    ]


def _is_client(spec: FieldSpec) -> bool:
    return spec.means in (Meaning.CLIENT_PID, Meaning.CLIENT_CODE)


def _second_person(entry: _WrittenEntry, typed: Sequence[FieldSpec]) -> Effort:
    """Let a second person see a row or list in which something else was typed than read."""
    printed = _printed_names(entry)
    for spec in typed:
        reading_of, answer = entry.readings[spec.name], to_answer(spec, entry.values[spec.name])
        if spec.name not in printed and not is_settled(spec, answer, reading_of):
            return thinking(2) + typing(8, code=True) + _save_review()
    return NONE


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
    # What was printed is compared.
    if spec.name in _printed_names(entry):
        return reading(4) + typing(TAB_KEYS)
    if is_passed_empty(spec, value, read):
        return reading(1)
    if needs_blind_keying(spec, read):
        return _type_field(entry, spec)
    if is_routine(entry.form, spec, read):
        return reading(1)
    # Image and value are compared.
    return reading(4) + typing(TAB_KEYS)


def _printed_names(entry: _WrittenEntry) -> frozenset[str]:
    """Return the fields that were filled in before the sheet went out."""
    return frozenset(
        spec.name
        for spec in entry.specs
        if entry.sheet.is_printed
        and (spec.means is Meaning.CLIENT_PID or spec.column.startswith(entry.sheet.printed))
        and not is_grid_box(entry.form, spec)
    )


def is_passed_empty(spec: FieldSpec, value: Value, read: Reading) -> bool:
    """Return whether a field is passed because person and machine see it as empty."""
    return read.is_seen_empty and value is None and not spec.required


def _type_field(entry: _WrittenEntry, spec: FieldSpec) -> Effort:
    return thinking() + _value_effort(spec, entry.values[spec.name]) + typing(TAB_KEYS)


def _review_note(text: str) -> Effort:
    """Read image and text, and correct the words that were misread.

    A word in doubt is found by F8 and compared with its ink; it is chosen, or typed if it is not
    among the alternatives. Any other misread word is found by the caret and typed.
    """
    words = text.split()
    length = fmean(len(word) for word in words) if words else 0
    misread = MISREAD_WORD_SHARE * len(words)
    chosen = reading(4) + typing(CHOOSE_WORD_KEYS)
    typed = reading(4) + typing(NEXT_WORD_KEYS + length)
    found = thinking() + typing(FIND_WORD_KEYS + length)
    passed = reading(2) + typing(NEXT_WORD_KEYS)
    correct = (
        chosen * (MARKED_SHARE * OFFERED_SHARE)
        + typed * (MARKED_SHARE * (1 - OFFERED_SHARE))
        + found * (1 - MARKED_SHARE)
    )
    corrected = correct * misread + passed * (RIGHT_MARKED_SHARE * (len(words) - misread))
    return reading(2 * len(words)) + corrected + typing(TAB_KEYS)


def _save_review() -> Effort:
    return thinking() + typing(SAVE_KEYS) + waiting(RESPONSE)


def _sign(entry: _WrittenEntry) -> Effort:
    """Sign in this program, where the rules demand it (`forms/signing.yaml`)."""
    if not entry.is_signed:
        return NONE
    return thinking() + reading(10) + typing(SAVE_KEYS) + waiting(RESPONSE)


def _key_in_sheet(entries: Sequence[_WrittenEntry], *, is_open: bool) -> Effort:
    """Key a sheet into the target from the screen Skriv in."""
    opened = _open_note() if is_open else _open_by_copy()
    if entries[0].form.entries is EntriesPer.SHEET or _is_one_note(entries[0].form):
        return opened + _key_in_entry(entries[0])
    return sum((_key_in_entry(entry) for entry in entries), opened) + _open_by_copy() * (
        len(entries) - 1
    )


def _key_in_entry(entry: _WrittenEntry) -> Effort:
    """Copy what the target has fields of its own for, value by value, and the note as a whole."""
    own = [
        spec
        for spec in _target_fields(entry)
        if entry.sheet.has_target_fields
        or (
            spec.means in (Meaning.EVENT_DATE, Meaning.EVENT_TIME)
            # Of a list that is one note only the day.
            and not (_is_one_note(entry.form) and spec.row is not None)
        )
    ]
    total = NONE
    for spec in own:
        # The person copies what is long and types what is short.
        ways = (_type_into_target(entry, spec), _copy_in_turn())
        total += min(ways, key=lambda effort: effort.seconds)
    return total + thinking() + _copy_in_turn() + _save_in_target()


def _type_into_target(entry: _WrittenEntry, spec: FieldSpec) -> Effort:
    return thinking() + typing(TAB_KEYS) + _value_effort(spec, entry.values[spec.name])


def _open_by_copy() -> Effort:
    """Return opening a client in the target by the copied number, and a new note."""
    return thinking() + _copy_in_turn() + waiting(OTHER_RESPONSE) + _open_note()


def _copy_in_turn() -> Effort:
    """Return copying the next value, pasting it, and going on there with Tab or Enter.

    The order is the target's, so that the next place needs no decision; the mark and the place are
    looked at.
    """
    return typing(_COPY_KEYS + TAB_KEYS) + reading(2)


def _tick() -> Effort:
    """Return saying that all of the client is in the target."""
    return typing(2) + thinking() + typing(SAVE_KEYS) + waiting(RESPONSE)


def _review_attachments(count: int) -> Effort:
    """Look at each page of a stack, type its title, and attach all in one step.

    The day is proposed from printed text and looked at with the page.
    """
    if not count:
        return NONE
    title = thinking() + reading(4) + typing(_TITLE_LENGTH + TAB_KEYS)
    return (waiting(SCAN_PAGE) + title) * count + _save_review()


def count_asked_fields(form: Form) -> int:
    """Return how many fields of the first entry a person may be asked."""
    return len(asked_fields(form, form.rows()[0]))


def count_blind_fields(form: Form) -> int:
    """Return how many fields of the first entry are always keyed blind."""
    sure = Reading(None, 1.0, State.READ)
    fields = asked_fields(form, form.rows()[0])
    return sum(needs_blind_keying(spec, sure) for spec in fields)
