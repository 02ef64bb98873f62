"""Names of the registers as words for the language model."""

from __future__ import annotations

from pipeline.domain.model import Client, StaffMember
from pipeline.reading.language.language_model import NO_NAMES
from pipeline.reading.read_page import expected_names
from pipeline.reading.resolve.resolve import ReadingContext
from pipeline.registers.clients import ClientRegister
from pipeline.registers.staff import StaffRegister


def test_names_of_clients_and_staff_are_known_as_words() -> None:
    clients = ClientRegister(
        [
            Client("", "Öhqvist, Alva", "Hemtjänst Norr", address="Lingonstigen 4"),
            Client("", "Berg, Alva", "Hemtjänst Norr"),
        ]
    )
    staff = StaffRegister([StaffMember("Stina Wikare", "undersköterska", "SW", "Solgården")])
    names = expected_names(ReadingContext(clients, staff=staff))
    assert all(
        names.p(word) > 0 for word in ("öhqvist", "lingonstigen", "wikare", "solgården", "norr")
    )
    assert names.p("alva") > names.p("berg")
    assert names.p("4") == names.p("undersköterska") == 0


def test_no_names_without_registers_and_words_are_collected_once() -> None:
    assert expected_names(ReadingContext()) is NO_NAMES
    context = ReadingContext(ClientRegister([Client("", "Berg, Alva", "")]))
    assert expected_names(context) is expected_names(context)
