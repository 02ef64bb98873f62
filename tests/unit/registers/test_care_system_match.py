"""What is evidence for an entry and a row of the care system being the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from rapidfuzz import fuzz, utils

from pipeline.domain.settings import ROOT
from pipeline.registers.care_system_list import (
    MIN_TEXT_SIMILARITY,
    CareColumn,
    CareTable,
    MatchFacts,
    MatchSimilarity,
    compare_facts,
    is_same_kind,
    read_care_list,
)
from tests.support.store.export_examples import SIV

TEXT = "Hembesök. Såret på vänster fot läker fint. Lägger om enligt ordination."
OTHER = "Ringt anhörig om hemgång på fredag."
DAY = "2021-12-17"
LETTER = "forsandelse-ratten"
"""A form that lists the papers that it is sent with, and so names what other entries say."""
COLUMNS = {CareColumn.PID: (0,), CareColumn.DAY: (1,), CareColumn.CLOCK: (2,)}


def like(ours: MatchFacts, theirs: MatchFacts) -> MatchSimilarity | None:
    kind = is_same_kind(ours.kinds, theirs.kinds, ("Besökslista", "Mätvärden"))
    return compare_facts(ours, theirs, 60, kind=kind)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (
            (DAY, "08:15", TEXT),
            (DAY, "08:03", "Såret vä fot läker fint, lägger om enl ordination"),
            True,
        ),
        ((DAY, "08:15", TEXT), (DAY, "09:15", OTHER), True),
        ((DAY, "08:15", TEXT), (DAY, "09:16", OTHER), False),
        ((DAY, "08:15", TEXT), (DAY, "17:00", TEXT), True),
        ((DAY, "08:15", ""), (DAY, "17:00", ""), False),
        ((DAY, "", TEXT), (DAY, "17:00", OTHER), True),
        ((DAY, "08:15", TEXT), (DAY, "", ""), True),
        ((DAY, "23:50", TEXT), ("2021-12-18", "00:10", TEXT), True),
        ((DAY, "08:15", TEXT), ("2021-12-18", "08:15", TEXT), False),
        ((DAY, "", TEXT), ("2021-12-18", "08:15", TEXT), False),
        (("2021-12-18", "00:00", TEXT), (DAY, "", OTHER), True),
        (("2021-12-18", "00:00", TEXT), (DAY, "17:00", TEXT), True),
        ((DAY, "", OTHER), ("2021-12-18", "00:00", TEXT), True),
        (("2021-12-18", "00:01", TEXT), (DAY, "", TEXT), False),
        ((DAY, "08:15", TEXT), ("0001-01-01", "00:00", TEXT), False),
        (("", "", TEXT), (DAY, "08:15", TEXT), True),
        (("", "", TEXT), (DAY, "08:15", OTHER), False),
        (("", "", ""), (DAY, "", ""), False),
    ],
)
def test_time_and_text_decide(
    ours: tuple[str, str, str], theirs: tuple[str, str, str], expected: bool
) -> None:
    said = [MatchFacts(day, clock, (), text) for day, clock, text in (ours, theirs)]
    assert (like(said[0], said[1]) is not None) is expected


def test_midnight_is_of_the_day_that_it_ends_too() -> None:
    """Paper says 24.00 of the 17th, which is the first moment of the 18th; a row of the 17th may be
    the same.
    """
    (row,) = read_care_list(
        CareTable(("pid", "day", "clock"), ((2, (SIV.pid, DAY, "24.00")),)), COLUMNS
    ).rows
    assert (row.day, row.clock) == ("2021-12-18", "00:00")
    (row,) = read_care_list(
        CareTable(("pid", "day", "clock"), ((2, (SIV.pid, "2021-12-31 24:00", "")),)), COLUMNS
    ).rows
    assert (row.day, row.clock) == ("2022-01-01", "00:00")
    (row,) = read_care_list(
        CareTable(("pid", "day", "clock"), ((2, (SIV.pid, DAY, "24:30")),)), COLUMNS
    ).rows
    assert (row.day, row.clock) == (DAY, "")


def test_another_kind_of_record_is_the_same_only_if_the_texts_are_alike() -> None:
    ours = MatchFacts(DAY, "08:15", ("Journalanteckning", "Besök"), TEXT)
    assert like(ours, MatchFacts(DAY, "08:15", ("Mätvärden",), OTHER)) is None
    same = like(ours, MatchFacts(DAY, "08:15", ("Mätvärden",), TEXT))
    assert same is not None
    assert same.kind is False
    for word, expected in (
        ("Journalanteckning", True),
        ("besök", True),
        ("Kontakt", None),
        ("", None),
    ):
        found = like(ours, MatchFacts(DAY, "08:15", (word,) if word else (), OTHER))
        assert found is not None
        assert found.kind is expected


def test_what_speaks_for_it_is_told_and_ranks() -> None:
    ours = MatchFacts(DAY, "08:15", ("Journalanteckning",), TEXT)
    near = like(
        ours, MatchFacts(DAY, "08:27", ("Journalanteckning",), "Såret på vänster fot läker fint.")
    )
    far = like(ours, MatchFacts(DAY, "09:05", (), OTHER))
    assert near is not None
    assert far is not None
    assert (near.minutes, near.text, near.kind) == (12, 100, True)
    assert far.minutes == 50
    assert far.text is not None
    assert far.text < MIN_TEXT_SIMILARITY
    assert near.rank > far.rank


def _texts(part: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(part, str):
        yield part
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _texts(each)


def test_the_limit_parts_different_notes_from_shortened_ones() -> None:
    sample = json.loads((ROOT / "data" / "samples" / "expected.json").read_text("utf-8"))
    notes = sorted(
        {
            text
            for page in sample
            if page.get("form") != LETTER
            for text in _texts(page.get("values"))
            if len(text) > 40
        }
    )
    assert len(notes) > 30

    def alike(one: str, other: str) -> float:
        return fuzz.token_set_ratio(one, other, processor=utils.default_process)

    assert max(alike(one, other) for one, other in combinations(notes, 2)) < MIN_TEXT_SIMILARITY - 5
    assert (
        min(
            alike(note, " ".join(note.split()[: max(3, len(note.split()) * 2 // 3)]))
            for note in notes
        )
        > MIN_TEXT_SIMILARITY + 20
    )
