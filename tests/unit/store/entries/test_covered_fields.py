"""What a reader could not see is no empty field: not for the rows that become entries, and not for
whoever leaves it alone.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.errors import MissingAnswerError
from pipeline.domain.model import Reading
from pipeline.domain.review.rules import Answer, fill_left_empty
from pipeline.review.decisions import Decision, decide_entry
from pipeline.store.database.store import Store
from pipeline.store.entries.entry_view import load_entry_view
from tests.support.store.ward import ASTA, EVA, FORMS, NOW, VISITS, Ward, page_reading
from tests.unit.store.paper.page_steps import entries

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


def test_a_row_that_is_covered_becomes_an_entry(ward: Ward) -> None:
    read = page_reading(VISITS, "AAAA", {"datum": "2026-02-17", "rad01.pnr": ASTA.pid})
    hidden = {name: Reading.empty(0.5) for name in read.fields if name.startswith("rad02.")}
    ward.read(
        ward.scan(),
        replace(
            read,
            fields={**read.fields, **hidden},
            issues=tuple(f"covered:{name}" for name in hidden),
        ),
    )
    assert [each.row for each in entries(ward, "AAAA")] == [1, 2]


def test_a_field_that_could_not_be_seen_is_not_empty_because_it_was_left_alone() -> None:
    spec = VISITS.by_name["rad01.mat"]
    assert fill_left_empty([spec], {}, {spec.name: Reading.empty(0.5)}) == {}
    assert fill_left_empty([spec], {}, {spec.name: Reading.empty(0.99)})


def test_an_entry_with_such_a_field_left_alone_is_not_decided(ward: Ward) -> None:
    read = page_reading(VISITS, "AAAA", {"datum": "2026-02-17", "rad01.pnr": ASTA.pid})
    hidden = {"rad01.mat": Reading.empty(0.5)}
    ward.read(
        ward.scan(), replace(read, fields={**read.fields, **hidden}, issues=("covered:rad01.mat",))
    )
    said = {
        name: Answer(value)
        for name, value in {"datum": "2026-02-17", "rad01.pnr": ASTA.pid}.items()
    }
    with ward.store.begin() as conn, pytest.raises(MissingAnswerError):
        decide_entry(conn, FORMS, EVA, Decision("AAAA-01", 0, said), NOW)


def test_whoever_types_a_field_unseen_is_told_that_it_is_covered(ward: Ward) -> None:
    read = page_reading(VISITS, "AAAA", {"datum": "2026-02-17", "rad01.pnr": ASTA.pid})
    hidden = {"rad01.tid": Reading.empty(0.5), "rad01.mat": Reading.empty(0.5)}
    ward.read(
        ward.scan(),
        replace(
            read,
            fields={**read.fields, **hidden},
            issues=("covered:rad01.tid", "place_unsure:rad01.mat"),
        ),
    )
    with ward.store.read() as conn:
        view = load_entry_view(conn, FORMS, EVA, "AAAA-01")
    assert {"covered:rad01.tid", "place_unsure:rad01.mat"} <= set(view.problems)
