"""Names weighed by the number beside them, the register and the staff list."""

from __future__ import annotations

import pytest

from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Client, Reading, StaffMember, State
from pipeline.reading.resolve.resolve import ReadingContext, resolve_page
from pipeline.registers.clients import ClientRegister
from pipeline.registers.staff import StaffRegister
from tests.unit.reading.resolve.weighed_values import ASTRID, GUNHILD, NOTE, read, resolved

SVEN = Client("193207319207", "Sven Lindqvist", "Hemtjänst Öst")
ÅSA = Client("192702237179", "Åsa Norén", "Hemtjänst Öst")
REGISTER = ClientRegister([ASTRID, GUNHILD, SVEN, ÅSA])


def name_beside(number: Reading, name: Reading) -> Reading:
    """The name of a note beside a number."""
    fields, _ = resolved(NOTE, {"personnummer": number, "namn": name}, REGISTER)
    return fields["namn"]


def test_clear_number_makes_its_clients_name_sure() -> None:
    found = name_beside(read(SVEN.pid, 0.99), read("Sven Lindqvist", 0.6))
    assert (found.value, found.evidence) == ("Sven Lindqvist", ("number_fits",))
    assert found.p > 0.95


def test_name_of_the_same_words_is_spelt_as_in_the_register() -> None:
    found = name_beside(read(ÅSA.pid, 0.99), read("åsa Noren.", 0.6))
    assert found.value == "Åsa Norén"
    assert found.p > 0.95


def test_spellings_of_one_name_count_together() -> None:
    alone = name_beside(read(ÅSA.pid, 0.99), read("Åsa Noren", 0.5))
    both = name_beside(read(ÅSA.pid, 0.99), read("Åsa Noren", 0.5, ("Åsa Norén", 0.4)))
    assert (both.value, both.alternatives) == ("Åsa Norén", ())
    assert both.p > alone.p


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (read(SVEN.pid, 0.8), read("Sven Lindqvist", 0.6)),  # the number is not clear
        (read("193207319206", 0.99), read("Sven Lindqvist", 0.6)),  # wrong check digit
        (read(SVEN.pid, 0.99), read("Signe Lindqvist", 0.6)),  # another name
        (read(SVEN.pid, 0.99), read("Sven", 0.6)),  # a part of it
        (Reading.empty(0.99), read("Sven Lindqvist", 0.6)),
        (
            read(SVEN.pid, 0.99),
            Reading("Sven Lindqvist", 0.3, State.READ, issues=(IssueCode.STRUCK_OUT,)),
        ),
    ],
)
def test_other_names_and_numbers_change_nothing(number: Reading, name: Reading) -> None:
    assert name_beside(number, name) == name


def test_name_of_another_client_stays_for_a_person_to_see() -> None:
    name = read("Gunhild Åkerström", 0.9, ("Astrid Åkerström", 0.09))
    fields, issues = resolved(NOTE, {"personnummer": read(ASTRID.pid, 0.99), "namn": name})
    assert fields["namn"] == name
    assert "name_differs:personnummer" in issues


STAFF = StaffRegister(
    [
        StaffMember("Eva Marklund", "sjuksköterska", "EM", "Hemsjukvården"),
        StaffMember("Nina Berglund", "undersköterska", "NB", "Hemtjänsten"),
    ]
)


def by_staff_list(author: Reading, title: Reading) -> tuple[Reading, Reading]:
    """The author and title of a note, with a staff list."""
    given = {"skribent": author, "yrkestitel": title}
    fields = {spec.name: Reading.empty(0.99) for spec in NOTE.fields} | given
    found, _ = resolve_page(NOTE.fields, NOTE, fields, ReadingContext(staff=STAFF))
    return found["skribent"], found["yrkestitel"]


def test_author_of_the_staff_list_and_the_title_are_surer() -> None:
    author, title = by_staff_list(read("Eva marklund", 0.6), read("sjuksköterska", 0.7))
    assert (author.value, author.evidence) == ("Eva Marklund", ("on_staff_list",))
    assert author.p > 0.9
    assert title.evidence == ("title_fits",)
    assert title.p > 0.9


@pytest.mark.parametrize(
    ("author", "title"),
    [
        (read("Eva Markland", 0.6), read("sjuksköterska", 0.7)),  # a name that is not listed
        (read("Eva", 0.6), read("sjuksköterska", 0.7)),  # a first name alone
    ],
)
def test_author_who_is_not_listed_changes_nothing(author: Reading, title: Reading) -> None:
    assert by_staff_list(author, title) == (author, title)


def test_title_of_somebody_else_changes_nothing() -> None:
    title = read("undersköterska", 0.7)
    assert by_staff_list(read("Eva Marklund", 0.9), title)[1] == title
