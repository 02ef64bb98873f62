"""What was written on a sheet after its first scan, once a person says that both show one paper.

Two scans of the same ink are read alike but for one field in two hundred (clean, and blurred, at
150 dpi, in black and white or grainy: 14 of 3,054 drawn fields). So where the readings differ, the
sheet was written on or corrected: notes grow in their field, and what was wrong is struck out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rapidfuzz.distance import Levenshtein
from sqlalchemy import Connection

from pipeline.domain.form.confidence import UNREVIEWED_VALUE_FROM
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import EntriesPer, Form
from pipeline.domain.issues import Issue, IssueCode, parse_issues
from pipeline.domain.model import Reading, State
from pipeline.domain.review.rules import Answer, agrees_with_reading
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.entry import Entry, find_filled_rows, list_sheet_entries
from pipeline.store.paper.duplicates import filter_same_paper
from pipeline.store.paper.pages import Page, load_page, load_page_reading

MAX_MISREAD_SHARE = 0.2
"""Share of a text's characters that may be read differently the second time.

The most difficult handwriting needs as much.
"""
MIN_ADDED_CHARACTERS, MIN_ADDED_SHARE = 4, 0.05
"""A text that is so many characters longer has a word more, if that is such a share of it.

A scan of a long text may show a line more or less.
"""


def find_added_rows(conn: Connection, later_scan: Page, form: Form | None) -> Sequence[int | None]:
    """Return rows of a second scan that are new, or in which something was added or changed."""
    readings = load_page_reading(conn, later_scan.id)
    if form is None or not readings:
        return ()
    unchanged = {
        entry.row for entry in list_sheet_entries(conn, later_scan.serial or "")
    } - _changed_rows(conn, later_scan, form, readings)
    return [row for row in find_filled_rows(form, readings) if row not in unchanged]


def contains_earlier_scan(conn: Connection, later_scan: Page) -> bool:
    """Return whether nothing that was written on the first scan seems empty on the second."""
    now, before = (
        load_page_reading(conn, later_scan.id),
        load_page_reading(conn, later_scan.duplicate_of or ""),
    )
    return all(
        name in now and now[name].state is not State.EMPTY
        for name, reading in before.items()
        if reading.state is not State.EMPTY
    )


def find_later_scan_issues(
    conn: Connection, entry: Entry, form: Form, pages: Sequence[Page]
) -> list[str]:
    """Return issue codes for an entry made from a later scan of a row that had an entry already.

    They are `scanned_before`, and `written_since:<field>` for each field of the row with another
    value now.
    """
    # Pages that a person said are the same paper, and that are sheets of their own.
    later_scans = [
        page
        for page in pages
        if page.duplicate_of and page.sheet == page.id and filter_same_paper(conn, [page.id])
    ]
    # Of these the ones whose first scan has an entry of the same row.
    firsts = [load_page(conn, page.duplicate_of or "").sheet or "" for page in later_scans]
    repeated = [
        page
        for page, first in zip(later_scans, firsts, strict=True)
        if entry.row in {one.row for one in list_sheet_entries(conn, first)}
    ]
    changed = {
        name
        for page in repeated
        for name in _changed_fields(conn, page, form, load_page_reading(conn, page.id))
    }
    issues = [Issue(IssueCode.SCANNED_BEFORE)] if repeated else []
    issues += [
        Issue(IssueCode.WRITTEN_SINCE, spec.name)
        for spec in form.entry_fields(entry.row)
        if spec.name in changed
    ]
    return [str(issue) for issue in issues]


def _changed_rows(
    conn: Connection, later_scan: Page, form: Form, now: Mapping[str, Reading]
) -> set[int | None]:
    """Return the rows with a changed field: a list of signatures is written on all day.

    If a field of the whole list changed, all rows did.
    """
    changed, before = (
        _changed_fields(conn, later_scan, form, now),
        load_page_reading(conn, later_scan.duplicate_of or ""),
    )
    if any(
        _is_sheet_field(form, form.by_name[name]) and before[name].state is not State.EMPTY
        for name in changed
    ):
        return set(find_filled_rows(form, now))
    return set(find_filled_rows(form, changed)) if changed else set()


def _changed_fields(
    conn: Connection, later_scan: Page, form: Form, now: Mapping[str, Reading]
) -> dict[str, Reading]:
    """Return the readings of the fields of a second scan that differ from the first."""
    first = load_page(conn, later_scan.duplicate_of or "")
    before, confirmed = (
        load_page_reading(conn, first.id),
        _confirmed_answers(conn, later_scan.serial or ""),
    )
    # Fields that were struck out between the two scans.
    struck = {
        issue.field
        for issue in {*parse_issues(later_scan.problems)} - {*parse_issues(first.problems)}
        if issue.code is IssueCode.STRUCK_OUT
    }
    return {
        name: reading
        for name, reading in now.items()
        if name in before
        and (
            name in struck
            or _is_changed(form.by_name[name], before[name], reading, confirmed.get(name))
        )
    }


def _is_sheet_field(form: Form, spec: FieldSpec) -> bool:
    """Return whether a field belongs to all rows of a list, such as its day.

    A field that is filled in late, such as who signed the list, changes no row.
    """
    return form.entries is not EntriesPer.SHEET and spec.row is None and spec.traits.filled_by_hand


def _confirmed_answers(conn: Connection, sheet: str) -> dict[str, Answer]:
    """Return the decided answers of a sheet's entries, by field."""
    return {
        name: decided.answer
        for entry in list_sheet_entries(conn, sheet)
        for name, decided in decided_answers(conn, entry.id).items()
    }


def _is_changed(spec: FieldSpec, before: Reading, now: Reading, confirmed: Answer | None) -> bool:
    """Return whether a field that has ink now differs from before.

    `confirmed` is what a person read in it after the first scan.
    """
    # Empty now, or as a person has confirmed it.
    if now.state is State.EMPTY or (confirmed and agrees_with_reading(spec, confirmed, now)):
        return False
    if before.state is State.EMPTY:
        return True
    earlier_answer = Answer(before.value, before.state)
    if agrees_with_reading(spec, earlier_answer, now):
        return False
    # Free text is compared by distance; other values need one reading with high confidence.
    is_confident = max(before.p, now.p) >= UNREVIEWED_VALUE_FROM
    is_free_text = spec.traits.is_handwriting and spec.format is None
    if before.state is now.state and is_free_text:
        return all(
            _is_other_text(str(answer.value), str(now.value), is_confident=is_confident)
            for answer in (earlier_answer, confirmed)
            if answer and answer.state is State.READ
        )
    return is_confident or before.state is not now.state


def _is_other_text(before: str, now: str, *, is_confident: bool) -> bool:
    """Return whether a text is longer or different by more than a misreading explains.

    `is_confident`: one of both readings has high confidence.
    """
    distance, max_misread = (
        Levenshtein.distance(before, now),
        MAX_MISREAD_SHARE * max(len(before), len(now)),
    )
    if len(now) - len(before) >= max(MIN_ADDED_CHARACTERS, MIN_ADDED_SHARE * len(before)):
        return True
    return distance > max_misread and (is_confident or distance >= MIN_ADDED_CHARACTERS)
