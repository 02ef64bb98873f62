"""What was written on a sheet after its first scan, when a person says of a later scan that it
shows the same paper.

Two scans of the same ink are read alike but for one field in two hundred (clean, and blurred, at
150 dpi, in black and white or grainy: 14 of 3,054 drawn fields). So where something else stands
now, it was written on or corrected: notes grow in their field, and what was wrong is struck out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rapidfuzz.distance import Levenshtein
from sqlalchemy import Connection

from pipeline.domain.confidence import UNREVIEWED_VALUE_FROM
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
"""A part of a text, in characters, that may be read otherwise the second time; what the hardest
hands cost.
"""
MIN_ADDED_CHARACTERS, MIN_ADDED_SHARE = 4, 0.05
"""A text so many characters longer has a word more, if that is so much of it: of a long one a scan
may show a row more or less.
"""


def find_added_rows(conn: Connection, later_scan: Page, form: Form | None) -> Sequence[int | None]:
    """Rows of a second scan that the first has no entry of, or in which more or something else
    stands.
    """
    readings = load_page_reading(conn, later_scan.id)
    if form is None or not readings:
        return ()
    there = {one.row for one in list_sheet_entries(conn, later_scan.serial or "")} - _changed_rows(
        conn, later_scan, form, readings
    )
    return [row for row in find_filled_rows(form, readings) if row not in there]


def contains_earlier_scan(conn: Connection, later_scan: Page) -> bool:
    """Whether nothing that was written on the first scan seems empty on the second."""
    now, before = (
        load_page_reading(conn, later_scan.id),
        load_page_reading(conn, later_scan.duplicate_of or ""),
    )
    return all(
        name in now and now[name].state is not State.EMPTY
        for name, read in before.items()
        if read.state is not State.EMPTY
    )


def find_later_scan_issues(
    conn: Connection, found: Entry, form: Form, pages: Sequence[Page]
) -> list[str]:
    """Codes for whoever reviews an entry made from a later scan of a paper whose row has been one
    since the first: `scanned_before`, and `written_since:<field>` for each field of the row in
    which something else stands.
    """
    later = [
        one
        for one in pages
        if one.duplicate_of and one.sheet == one.id and filter_same_paper(conn, [one.id])
    ]
    known = [
        one
        for one in later
        if found.row
        in {
            entry.row
            for entry in list_sheet_entries(
                conn, load_page(conn, one.duplicate_of or "").sheet or ""
            )
        }
    ]
    changed = {
        name
        for one in known
        for name in _changed_fields(conn, one, form, load_page_reading(conn, one.id))
    }
    issues = [Issue(IssueCode.SCANNED_BEFORE)] if known else []
    issues += [
        Issue(IssueCode.WRITTEN_SINCE, spec.name)
        for spec in form.entry_fields(found.row)
        if spec.name in changed
    ]
    return [str(issue) for issue in issues]


def _changed_rows(
    conn: Connection, later_scan: Page, form: Form, now: Mapping[str, Reading]
) -> set[int | None]:
    """The rows with a field in which something else stands: a list of signatures is written on all
    day.
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
    """The fields of a second scan in which more or something else stands than in the first, with
    what stands there.
    """
    first = load_page(conn, later_scan.duplicate_of or "")
    before, said = (
        load_page_reading(conn, first.id),
        _confirmed_answers(conn, later_scan.serial or ""),
    )
    struck = {
        issue.field
        for issue in {*parse_issues(later_scan.problems)} - {*parse_issues(first.problems)}
        if issue.code is IssueCode.STRUCK_OUT
    }
    return {
        name: read
        for name, read in now.items()
        if name in before
        and (name in struck or _is_changed(form.by_name[name], before[name], read, said.get(name)))
    }


def _is_sheet_field(form: Form, spec: FieldSpec) -> bool:
    """Whether a field is of all rows of a list, as its day is. Where one is filled in late, such as
    who signed the list, no row becomes another.
    """
    return form.entries is not EntriesPer.SHEET and spec.row is None and spec.traits.filled_by_hand


def _confirmed_answers(conn: Connection, sheet: str) -> dict[str, Answer]:
    """What people have said that stands in the fields of a sheet."""
    return {
        name: one.answer
        for entry in list_sheet_entries(conn, sheet)
        for name, one in decided_answers(conn, entry.id).items()
    }


def _is_changed(spec: FieldSpec, before: Reading, now: Reading, confirmed: Answer | None) -> bool:
    """Whether a field that has ink now says something else than before; `said` is what a person has
    read in it then.
    """
    if now.state is State.EMPTY or (confirmed and agrees_with_reading(spec, confirmed, now)):
        return False
    if before.state is State.EMPTY:
        return True
    was = Answer(before.value, before.state)
    if agrees_with_reading(spec, was, now):
        return False
    sure = max(before.p, now.p) >= UNREVIEWED_VALUE_FROM
    if before.state is now.state and _is_free_text(spec):
        return all(
            _is_other_text(str(one.value), str(now.value), sure=sure)
            for one in (was, confirmed)
            if one and one.state is State.READ
        )
    return sure or before.state is not now.state


def _is_free_text(spec: FieldSpec) -> bool:
    return spec.traits.is_handwriting and spec.format is None


def _is_other_text(before: str, now: str, *, sure: bool) -> bool:
    """Whether a text has become longer, or another one, by more than it may be misread. `sure`: one
    of both readings is.
    """
    apart, misread = (
        Levenshtein.distance(before, now),
        MAX_MISREAD_SHARE * max(len(before), len(now)),
    )
    if len(now) - len(before) >= max(MIN_ADDED_CHARACTERS, MIN_ADDED_SHARE * len(before)):
        return True
    return apart > misread and (sure or apart >= MIN_ADDED_CHARACTERS)
