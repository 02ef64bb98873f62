"""A cover sheet on top of a bundle: the pages after it are found there, and as many sheets ought to
come as it says.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipeline.domain.form.form import Forms
from pipeline.domain.model import IssuedSheet, Outcome, PageReading, Person, Role, State, Value
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import ROOT
from pipeline.review import decisions
from pipeline.store.database.store import Store
from pipeline.store.entries import entry, queue
from pipeline.store.exports.records import load_records
from pipeline.store.paper.bundles import Bundle, describe_bundle_places, list_bundles
from pipeline.store.paper.pages import create_batch
from tests.support.rights.things_found import confirm
from tests.support.store.ward import (
    CHIEF,
    EVA,
    FORMS,
    NORTH,
    NOTE,
    NOW,
    SOUTH,
    Ward,
    page_reading,
    person,
)

pytest_plugins = ("tests.support.store.databases",)
OWN_FORMS = Forms.load(ROOT / "forms")
COVER = OWN_FORMS.latest("forsattsblad")
COVERS = ("7K3M91QX", "9QX7K3M1")
ON_COVER: Mapping[str, Value] = {
    "handelsedatum": "2026-02-17",
    "bunt": "2",
    "antal_ark": "2",
    "skribent": "Eva Ek",
}
SERIALS = ("AAAA", "BBBB", "CCCC")


@pytest.fixture
def ward(store: Store) -> Ward:
    """A stack: a loose note, a cover, two notes with a blank page between them, another cover, one
    page of the free kind.
    """
    ward = Ward(store).begin()
    ward.issue(
        *(IssuedSheet(serial, NOTE.id, 1, NORTH) for serial in SERIALS),
        *(IssuedSheet(serial, COVER.id, 1, NORTH) for serial in COVERS),
    )
    ward.note("AAAA")
    cover(ward, 0)
    ward.note("BBBB")
    ward.read(ward.scan(), PageReading(Outcome.BLANK))
    ward.note("CCCC")
    cover(ward, 1)
    ward.read(ward.scan(), PageReading(Outcome.UNIDENTIFIED))
    return ward


def cover(ward: Ward, place: int) -> None:
    ward.read(ward.scan(), page_reading(COVER, COVERS[place], ON_COVER), COVER)


def of(ward: Ward, who: Person = CHIEF) -> dict[str, Bundle]:
    with ward.store.read() as conn:
        return {bundle.serial: bundle for bundle in list_bundles(conn, who)}


def test_the_sheets_after_a_cover_are_counted_and_those_before_it_are_not(ward: Ward) -> None:
    first, second = (of(ward)[serial] for serial in COVERS)
    assert (first.stated_sheets, first.found_sheets, first.is_complete) == (2, 2, True)
    assert (second.stated_sheets, second.found_sheets, second.is_complete) == (2, 1, False)


def test_what_a_person_has_confirmed_stands_before_what_the_machine_read(ward: Ward) -> None:
    entry_id = entry.make_entry_id(COVERS[0], None)
    answers = {
        spec.name: Answer(ON_COVER.get(spec.name))
        if ON_COVER.get(spec.name)
        else Answer(None, State.EMPTY)
        for spec in COVER.fields
    }
    answers = {name: one for name, one in answers.items() if COVER.by_name[name].kind != "printed"}
    with ward.store.begin() as conn:
        queue.open_claimed_entry(conn, OWN_FORMS, EVA, entry_id, queue.ClaimTerms(NOW))
        decisions.decide_entry(
            conn,
            OWN_FORMS,
            EVA,
            decisions.Decision(
                entry_id,
                0,
                answers | {"antal_ark": Answer("3"), "bunt": Answer(None, State.ILLEGIBLE)},
            ),
            NOW,
        )
    bundle = of(ward)[COVERS[0]]
    assert (bundle.stated_sheets, bundle.is_complete, bundle.number) == (3, False, "")


def test_records_say_in_which_bundle_their_paper_lies(ward: Ward) -> None:
    for serial in ("AAAA", "BBBB"):
        confirm(ward.store, f"{serial}-00", EVA)
    with ward.store.read() as conn:
        loose, bundled = load_records(conn, FORMS, ["AAAA-00", "BBBB-00"])
        assert describe_bundle_places(conn, ["no such page"]) == {}
    assert loose.place == "Pärm 3"
    assert bundled.place == f"Pärm 3 · {NORTH}, 2026-02-17, bunt 2, försättsblad 7K3M-91QX"


def test_pages_that_are_not_read_yet_leave_the_count_open(ward: Ward) -> None:
    ward.scan()
    bundle = of(ward)[COVERS[1]]
    assert (bundle.unread_pages, bundle.is_complete) == (1, None)


def test_a_unit_sees_its_own_bundles(ward: Ward) -> None:
    assert of(ward, person("annan", Role.MANAGER, (SOUTH,))) == {}
    assert set(of(ward)) == set(COVERS)


def test_a_bundle_whose_cover_was_scanned_twice_lends_no_sheet_to_the_one_before(
    ward: Ward,
) -> None:
    """After a paper jam the second bundle is scanned once more, under the first one, of which a
    sheet is missing.
    """
    covers, notes = ("M3Q7K9X1", "X1M3Q7K9"), ("DDDD", "EEEE", "FFFF")
    on_cover = dict(ON_COVER)
    ward.issue(
        *(IssuedSheet(serial, COVER.id, 1, NORTH) for serial in covers),
        *(IssuedSheet(serial, NOTE.id, 1, NORTH) for serial in notes),
    )
    ward.read(ward.scan(), page_reading(COVER, covers[1], on_cover | {"bunt": "8"}), COVER)
    ward.note(notes[1])
    with ward.store.begin() as conn:
        ward.batch = create_batch(conn, NORTH, "Pärm 4", "admin")
    ward.read(ward.scan(), page_reading(COVER, covers[0], on_cover | {"bunt": "7"}), COVER)
    ward.note(notes[0])
    ward.read(ward.scan(), page_reading(COVER, covers[1], on_cover | {"bunt": "8"}), COVER)
    ward.note(notes[2])
    found = of(ward)
    assert [(found[serial].found_sheets, found[serial].is_complete) for serial in covers] == [
        (1, False),
        (2, True),
    ]
    confirm(ward.store, "FFFF-00", EVA)
    with ward.store.read() as conn:
        assert "bunt 8" in load_records(conn, FORMS, ["FFFF-00"])[0].place
