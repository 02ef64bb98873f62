"""Names of the registers, as words that handwriting may hold."""

from __future__ import annotations

from pipeline.clients import ClientRegister
from pipeline.known_names import known_names
from pipeline.model import Client, StaffMember
from pipeline.recognize.lexicon import NO_NAMES
from pipeline.resolve import Context
from pipeline.staff import StaffRegister


def test_names_of_clients_and_staff_are_known_as_words() -> None:
    clients = ClientRegister([Client("", "Öhqvist, Alva", "Hemtjänst Norr", address="Lingonstigen 4"), Client("", "Berg, Alva", "Hemtjänst Norr")])
    staff = StaffRegister([StaffMember("Stina Wikare", "undersköterska", "SW", "Solgården")])
    names = known_names(Context(clients, staff=staff))
    assert all(names.p(word) > 0 for word in ("öhqvist", "lingonstigen", "wikare", "solgården", "norr"))
    assert names.p("alva") > names.p("berg")
    assert names.p("4") == names.p("undersköterska") == 0


def test_without_registers_no_name_is_expected_and_the_words_are_gathered_once() -> None:
    assert known_names(Context()) is NO_NAMES
    context = Context(ClientRegister([Client("", "Berg, Alva", "")]))
    assert known_names(context) is known_names(context)
