"""Names weighed by the number beside them, the register and the staff list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.form.confidence import NEAR_LISTED_MAX_P
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Client, Reading, StaffMember, State
from pipeline.reading.resolve.known_names import may_hold_staff, weigh_client_names, weigh_staff
from pipeline.reading.resolve.resolve import ReadingContext, resolve_page
from pipeline.registers.clients import ClientRegister
from pipeline.registers.staff import StaffRegister
from tests.unit.reading.resolve.weighed_values import ASTRID, FORMS, GUNHILD, NOTE, read, resolved

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
    assert fields["namn"].value == name.value
    assert fields["namn"].p < name.p
    assert fields["namn"].alternatives[0][0] == ASTRID.name
    assert "name_differs:personnummer" in issues


def listed(reading: Reading, *texts: tuple[str, float]) -> Reading:
    """The same with texts of a list, and how likely the image makes them beside what was read."""
    return replace(reading, listed=texts)


def test_unclear_number_says_less_of_the_name() -> None:
    clear, unclear = (
        name_beside(read(SVEN.pid, p), read("Sven Lindqvist", 0.6)) for p in (0.99, 0.2)
    )
    assert 0.6 < unclear.p < clear.p


def test_misread_name_becomes_that_of_the_number_only_where_the_image_allows_it() -> None:
    misread = read("Sven Lindqrist", 0.5)
    alike = name_beside(read(SVEN.pid, 0.99), listed(misread, ("Sven Lindqvist", 0.6)))
    assert alike.value == "Sven Lindqvist"
    assert (alike.characters, alike.evidence) == ((), ("number_fits",))
    other = name_beside(read(SVEN.pid, 0.99), listed(misread, ("Sven Lindqvist", 0.001)))
    assert other.value == "Sven Lindqrist"


NINA = StaffMember("Nina Berglund", "undersköterska", "NB", "Hemtjänsten")
STAFF = StaffRegister(
    [
        StaffMember("Eva Marklund", "sjuksköterska", "EM", "Hemsjukvården"),
        NINA,
        StaffMember("Håkan Blomqvist", "vårdbiträde", "HB", "Hemsjukvården"),
    ]
)
EVA = ("Eva Marklund", 1.0)
NURSE, ASSISTANT = ("sjuksköterska", 1.0), ("undersköterska", 1.0)


def by_staff_list(author: Reading, title: Reading, unit: str = "") -> tuple[Reading, Reading]:
    """The author and title of a note, with a staff list."""
    given = {"skribent": author, "yrkestitel": title, "enhet": read(unit or None, 0.99)}
    fields = {spec.name: Reading.empty(0.99) for spec in NOTE.fields} | given
    found, _ = resolve_page(NOTE.fields, NOTE, fields, ReadingContext(staff=STAFF))
    return found["skribent"], found["yrkestitel"]


def test_author_of_the_staff_list_and_the_title_are_surer() -> None:
    author, title = by_staff_list(
        listed(read("Eva marklund", 0.6), EVA), listed(read("sjuksköterska", 0.5), NURSE)
    )
    assert (author.value, author.evidence) == ("Eva Marklund", ("on_staff_list",))
    assert author.p > 0.9
    assert title.evidence == ("title_fits",)
    assert title.p > 0.9


@pytest.mark.parametrize("p", [0.5, 0.9, 0.983])
@pytest.mark.parametrize("likelihood", [1e-6, 0.01, 1.0])
def test_name_hardly_unlike_a_listed_one_is_never_sure(p: float, likelihood: float) -> None:
    """It was read with 0.98 though Håkan Blomqvist is on the list."""
    near = listed(read("Håkan Blomgrist", p), ("Håkan Blomqvist", likelihood))
    author, _ = by_staff_list(near, Reading.empty(0.99))
    assert author.p <= NEAR_LISTED_MAX_P or author.value == "Håkan Blomqvist"
    if likelihood < 1:
        assert author.value == "Håkan Blomgrist"


def test_two_listed_names_between_which_the_image_does_not_tell_stay_doubtful() -> None:
    staff = StaffRegister([*STAFF, replace(NINA, name="Håkan Blomkvist", signature="HK")])
    name = listed(read("Håkan Blomqvist", 0.8), ("Håkan Blomqvist", 1.0), ("Håkan Blomkvist", 0.7))
    fields = {spec.name: Reading.empty(0.99) for spec in NOTE.fields} | {"skribent": name}
    found = weigh_staff(NOTE.fields, NOTE, fields, staff)["skribent"]
    assert found.p < 0.7
    assert found.alternatives[0][0] == "Håkan Blomkvist"


def test_staff_of_the_pages_unit_are_likelier() -> None:
    name = listed(read("Nina Berglund", 0.5), ("Nina Berglund", 1.0))
    own, _ = by_staff_list(name, Reading.empty(0.99), "Hemtjänsten")
    other, _ = by_staff_list(name, Reading.empty(0.99), "hemsjukvården")
    assert 0.5 < other.p < own.p


@pytest.mark.parametrize(
    ("author", "title"),
    [
        (read("Bo Ek", 0.9), read("sjuksköterska", 0.7)),  # nobody alike is listed
        (listed(read("Bo Ek", 0.9), ("Eva Marklund", 1e-9)), read("chef", 0.9)),
        (read("Eva", 0.6), read("sjuksköterska", 0.7)),  # a first name alone
    ],
)
def test_author_who_is_not_listed_changes_nothing(author: Reading, title: Reading) -> None:
    found = by_staff_list(author, title)
    assert [one.value for one in found] == [author.value, title.value]
    assert [one.p for one in found] == pytest.approx([author.p, title.p], abs=1e-6)


def test_text_that_is_not_listed_is_never_made_surer() -> None:
    name = listed(read("Bo Ek", 0.5, ("Bo Eks", 0.1)), ("Eva Marklund", 1e-3))
    author, _ = by_staff_list(name, Reading.empty(0.99))
    assert author.value == "Bo Ek"
    assert author.p <= 0.5


def test_title_of_the_author_is_likelier_than_that_of_somebody_else() -> None:
    titles = listed(read("undersköterska", 0.5), ASSISTANT, ("sjuksköterska", 0.01))
    author = listed(read("Eva Marklund", 0.95), EVA)
    _, with_author = by_staff_list(author, titles)
    _, alone = by_staff_list(Reading.empty(0.99), titles)
    assert with_author.value == alone.value == "undersköterska"
    assert with_author.p < alone.p


def test_line_for_nothing_that_is_known_may_name_staff() -> None:
    name = listed(read("Eva Marklund", 0.7), EVA)
    form = FORMS.latest("lvm-omhandertagande")
    line = form.by_name["beslutsfattare"]
    assert may_hold_staff(line)
    found = weigh_staff([line], form, {line.name: name}, STAFF)[line.name]
    assert found.p > 0.9


LINE = f"{SVEN.name} {format_pid(SVEN.pid)}"


@pytest.mark.parametrize("text", [LINE, LINE.replace("-", ""), LINE.replace(" 19", " ").lower()])
def test_name_with_number_of_a_client_is_sure_however_it_is_written(text: str) -> None:
    (spec,) = (one for one in FORMS.latest("hsl-anteckning").fields if one.name == "klient_sida2")
    found = weigh_client_names(
        [spec], NOTE, {spec.name: listed(read(text, 0.5), (LINE, 1.0))}, REGISTER
    )[spec.name]
    assert (found.value, found.evidence) == (LINE, ("number_fits",))
    assert found.p > 0.9


def test_name_with_a_number_that_nobody_has_is_not_sure() -> None:
    (spec,) = (one for one in FORMS.latest("hsl-anteckning").fields if one.name == "klient_sida2")
    unknown = listed(read(LINE.replace("9207", "9217"), 0.97), (LINE, 0.02))
    found = weigh_client_names([spec], NOTE, {spec.name: unknown}, REGISTER)[spec.name]
    assert found.value == unknown.value
    assert found.p <= NEAR_LISTED_MAX_P


def test_name_misread_beside_the_number_of_a_client_is_the_clients() -> None:
    (spec,) = (one for one in FORMS.latest("hsl-anteckning").fields if one.name == "klient_sida2")
    for name, is_clients in (("Sven Lindgrist", True), ("Ulla Berg", False)):
        line = listed(read(LINE.replace(SVEN.name, name), 0.3), (LINE, 1e-4))
        found = weigh_client_names([spec], NOTE, {spec.name: line}, REGISTER)[spec.name]
        assert (found.value == LINE and found.p > 0.95) == is_clients
        assert is_clients or found.p <= 0.3
