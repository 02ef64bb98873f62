"""The closed lists that a handwritten line may be on: staff, their titles, clients."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.identity_numbers import format_pid
from pipeline.reading.language.text_list import NO_TEXTS, TextList
from pipeline.registers.client_search import split_words
from pipeline.registers.clients import ClientRegister
from pipeline.registers.staff import StaffRegister

_MIN_NAME_WORDS = 2
"""A first name alone is no evidence of who it is."""
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class KnownTexts:
    """The texts of the registers, each once.

    `client_lines` are names with their personal numbers, as people write them on a page that
    continues another. Clients with a protected identity are not among them, so that no such person
    is proposed on paper about another person.
    """

    staff: TextList = NO_TEXTS
    titles: TextList = NO_TEXTS
    clients: TextList = NO_TEXTS
    client_lines: TextList = NO_TEXTS

    @classmethod
    def of(cls, register: ClientRegister | None, staff: StaffRegister | None) -> KnownTexts:
        """Collect the texts of a client register and a staff list (None: unknown)."""
        members, clients = staff or (), register or ()
        return cls(
            TextList(one.name for one in members if len(split_words(one.name)) >= _MIN_NAME_WORDS),
            TextList(one.title for one in members if one.title),
            TextList(one.name for one in clients if one.name),
            TextList(
                (
                    f"{one.name} {format_pid(one.pid)}"
                    for one in clients
                    if one.name and not one.protected and _is_whole(one.pid)
                ),
                _spell_client_line,
            ),
        )

    def expected_in(self, spec: FieldSpec) -> TextList:
        """Return the texts of which the line of a field may be one.

        A line without meaning or format may hold a name of staff: who decided, received or checked.
        """
        if not is_single_line(spec):
            return NO_TEXTS
        match spec.means:
            case Meaning.AUTHOR_TITLE:
                return self.titles
            case Meaning.CLIENT_NAME:
                return self.clients
            case Meaning.CLIENT_PRINTED:
                return self.client_lines
            case _:
                return self.staff if may_hold_staff(spec) else NO_TEXTS


NO_KNOWN_TEXTS = KnownTexts()
"""No register is known."""


def is_single_line(spec: FieldSpec) -> bool:
    """Return whether a field is one line of handwriting."""
    return spec.traits.is_handwriting and not spec.traits.is_multiline


def may_hold_staff(spec: FieldSpec) -> bool:
    """Return whether a line is for an author, or for nothing that is known."""
    return spec.means is Meaning.AUTHOR_NAME or (spec.means is None and spec.format is None)


def _spell_client_line(line: str) -> tuple[str, ...]:
    """Return a client's name and number with and without century and hyphen."""
    name, _, number = line.rpartition(" ")
    short = number[len("19") :]
    return tuple(
        f"{name} {one}" for one in (number, short, number.replace("-", ""), short.replace("-", ""))
    )


def _is_whole(number: str) -> bool:
    return len(number) == _DIGITS and number.isdigit()
