"""What was written on a sheet after its first scan, when a person says of a later scan that it shows the same paper.

Two scans of the same ink are read alike but for one field in two hundred (clean, and blurred, at 150 dpi, in black and white or grainy: 14 of 3,054
drawn fields). So where something else stands now, it was written on or corrected: notes grow in their field, and what was wrong is struck out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rapidfuzz.distance import Levenshtein
from sqlalchemy import Connection

from pipeline.confidence import UNREVIEWED_VALUE_FROM
from pipeline.field_spec import FieldSpec
from pipeline.issues import Issue, IssueCode, parse_issues
from pipeline.model import Reading, State
from pipeline.review import Answer, agree
from pipeline.store.answers import decided
from pipeline.store.duplicates import same_paper
from pipeline.store.entries import Entry, entries_of, filled_rows
from pipeline.store.pages import Page, page, page_reading
from pipeline.template import Form, Per

MISREAD = 0.2
"""A part of a text, in characters, that may be read otherwise the second time; what the hardest hands cost."""
WORD, GROWN = 4, 0.05
"""A text so many characters longer has a word more, if that is so much of it: of a long one a scan may show a row more or less."""


def rows_not_there(conn: Connection, second: Page, form: Form | None) -> Sequence[int | None]:
    """Rows of a second scan that the first has no entry of, or in which more or something else stands."""
    readings = page_reading(conn, second.id)
    if form is None or not readings:
        return ()
    there = {one.row for one in entries_of(conn, second.serial or "")} - _written_on(conn, second, form, readings)
    return [row for row in filled_rows(form, readings) if row not in there]


def shows_all(conn: Connection, second: Page) -> bool:
    """Whether nothing that was written on the first scan seems empty on the second."""
    now, before = page_reading(conn, second.id), page_reading(conn, second.duplicate_of or "")
    return all(name in now and now[name].state is not State.EMPTY for name, read in before.items() if read.state is not State.EMPTY)


def told_of(conn: Connection, found: Entry, form: Form, pages: Sequence[Page]) -> list[str]:
    """Codes for whoever reviews an entry made from a later scan of a paper whose row has been one since the first: `scanned_before`, and
    `written_since:<field>` for each field of the row in which something else stands."""
    later = [one for one in pages if one.duplicate_of and one.sheet == one.id and same_paper(conn, [one.id])]
    known = [one for one in later if found.row in {entry.row for entry in entries_of(conn, page(conn, one.duplicate_of or "").sheet or "")}]
    changed = {name for one in known for name in _changed(conn, one, form, page_reading(conn, one.id))}
    issues = [Issue(IssueCode.SCANNED_BEFORE)] if known else []
    issues += [Issue(IssueCode.WRITTEN_SINCE, spec.name) for spec in form.entry_fields(found.row) if spec.name in changed]
    return [str(issue) for issue in issues]


def _written_on(conn: Connection, second: Page, form: Form, now: Mapping[str, Reading]) -> set[int | None]:
    """The rows with a field in which something else stands: a list of signatures is written on all day."""
    changed, before = _changed(conn, second, form, now), page_reading(conn, second.duplicate_of or "")
    if any(_is_of_all(form, form.by_name[name]) and before[name].state is not State.EMPTY for name in changed):
        return set(filled_rows(form, now))
    return set(filled_rows(form, changed)) if changed else set()


def _changed(conn: Connection, second: Page, form: Form, now: Mapping[str, Reading]) -> dict[str, Reading]:
    """The fields of a second scan in which more or something else stands than in the first, with what stands there."""
    first = page(conn, second.duplicate_of or "")
    before, said = page_reading(conn, first.id), _said(conn, second.serial or "")
    struck = {issue.field for issue in {*parse_issues(second.problems)} - {*parse_issues(first.problems)} if issue.code is IssueCode.STRUCK_OUT}
    return {
        name: read
        for name, read in now.items()
        if name in before and (name in struck or _differs(form.by_name[name], before[name], read, said.get(name)))
    }


def _is_of_all(form: Form, spec: FieldSpec) -> bool:
    """Whether a field is of all rows of a list, as its day is. Where one is filled in late, such as who signed the list, no row becomes another."""
    return form.entries is not Per.SHEET and spec.row is None and spec.traits.filled_by_hand


def _said(conn: Connection, sheet: str) -> dict[str, Answer]:
    """What people have said that stands in the fields of a sheet."""
    return {name: one.answer for entry in entries_of(conn, sheet) for name, one in decided(conn, entry.id).items()}


def _differs(spec: FieldSpec, before: Reading, now: Reading, said: Answer | None) -> bool:
    """Whether a field that has ink now says something else than before; `said` is what a person has read in it then."""
    if now.state is State.EMPTY or (said and agree(spec, said, now)):
        return False
    if before.state is State.EMPTY:
        return True
    was = Answer(before.value, before.state)
    if agree(spec, was, now):
        return False
    sure = max(before.p, now.p) >= UNREVIEWED_VALUE_FROM
    if before.state is now.state and _is_free(spec):
        return all(_is_other(str(one.value), str(now.value), sure=sure) for one in (was, said) if one and one.state is State.READ)
    return sure or before.state is not now.state


def _is_free(spec: FieldSpec) -> bool:
    return spec.traits.is_handwriting and spec.format is None


def _is_other(before: str, now: str, *, sure: bool) -> bool:
    """Whether a text has become longer, or another one, by more than it may be misread. `sure`: one of both readings is."""
    apart, misread = Levenshtein.distance(before, now), MISREAD * max(len(before), len(now))
    if len(now) - len(before) >= max(WORD, GROWN * len(before)):
        return True
    return apart > misread and (sure or apart >= WORD)
