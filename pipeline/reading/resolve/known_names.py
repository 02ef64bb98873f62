"""Weigh handwritten names and titles by the client register and the staff list.

A client's number and name are two pieces of writing, read by different networks from different ink,
so that one is evidence of the other. Here the number, as its boxes alone say it, is evidence of the
name; that the name is evidence of the number is weighed in `client`. An author is mostly one of the
staff, and has the title that the list says. Only what was read is made surer: another name than the
expected one is for a person to see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.domain.confidence import KNOWN_AUTHOR_FROM, NUMBER_NAMES_CLIENT_FROM
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import normalize_pid
from pipeline.domain.model import Reading, State, Value
from pipeline.reading.resolve.bayes import add_evidence, list_values, weigh_reading
from pipeline.registers.client_search import split_words
from pipeline.registers.clients import ClientRegister
from pipeline.registers.staff import StaffRegister

OTHER_NAME_WEIGHT = 0.05
"""Likelihood of any other name beside a client's number, relative to the client's own.

A short form, or the name of a relative. That one name is a client's out of hundreds would allow a
far lower weight (`NAME_ODDS`), but the language model of lines knows the names already.
"""
OTHER_AUTHOR_WEIGHT = 0.1
"""Likelihood of any author who is not on the staff list, relative to one who is.

Temporary staff are missing from lists.
"""
OTHER_TITLE_WEIGHT = 0.1
"""Likelihood of any other title of an author of the staff list, relative to the one listed."""
MIN_NAME_WORDS = 2
"""A first name alone is no evidence of who it is."""


def weigh_client_names(
    specs: Sequence[FieldSpec],
    form: Form,
    readings: Mapping[str, Reading],
    register: ClientRegister,
) -> dict[str, Reading]:
    """Return the handwritten names beside a clear number of a registered client, weighed by it.

    `readings` have the numbers as they were read, without the register. A name that says the same
    words as the client's gets its capitals and accents from the register.
    """
    return {
        spec.name: _weigh_text(readings[spec.name], name, OTHER_NAME_WEIGHT, "number_fits")
        for spec in specs
        if spec.means is Meaning.CLIENT_NAME
        and _is_weighed(spec, readings)
        and (name := _name_of_number(spec, form, readings, register))
    }


def weigh_authors(
    specs: Sequence[FieldSpec], form: Form, readings: Mapping[str, Reading], staff: StaffRegister
) -> dict[str, Reading]:
    """Return the handwritten full names of authors of the staff list, and their titles, weighed."""
    members = {tuple(split_words(member.name)): member for member in staff}
    weighed: dict[str, Reading] = {}
    for spec in specs:
        if spec.means is Meaning.AUTHOR_NAME and _is_weighed(spec, readings):
            words = tuple(split_words(str(readings[spec.name].value)))
            if len(words) >= MIN_NAME_WORDS and words in members:
                weighed[spec.name] = _weigh_text(
                    readings[spec.name], members[words].name, OTHER_AUTHOR_WEIGHT, "on_staff_list"
                )
    for spec in specs:
        author = form.meaning(Meaning.AUTHOR_NAME, spec.row)
        if (
            spec.means is Meaning.AUTHOR_TITLE
            and _is_weighed(spec, readings)
            and author is not None
            and author.name in weighed
            and weighed[author.name].p >= KNOWN_AUTHOR_FROM
        ):
            title = members[tuple(split_words(str(weighed[author.name].value)))].title
            weighed[spec.name] = _weigh_text(
                readings[spec.name], title, OTHER_TITLE_WEIGHT, "title_fits"
            )
    return weighed


def _is_weighed(spec: FieldSpec, readings: Mapping[str, Reading]) -> bool:
    """Return whether a field was written by hand and read without a flag."""
    reading = readings.get(spec.name)
    return (
        reading is not None
        and spec.traits.is_handwriting
        and reading.state is State.READ
        and not reading.issues
    )


def _name_of_number(
    spec: FieldSpec, form: Form, readings: Mapping[str, Reading], register: ClientRegister
) -> str:
    """Return the name of the client whose number is clearly written beside a name, or nothing."""
    number_spec = form.meaning(Meaning.CLIENT_PID, spec.row)
    number = readings.get(number_spec.name) if number_spec else None
    if (
        number is None
        or number.state is not State.READ
        or number.p < NUMBER_NAMES_CLIENT_FROM
        or not isinstance(number.value, str)
        or not normalize_pid(number.value).valid
    ):
        return ""
    client = register.find(number.value)
    return client.name if client else ""


def _weigh_text(reading: Reading, known: str, other_weight: float, code: str) -> Reading:
    """Weigh a text that has the words of the known one; any other text is left as it is."""
    words = split_words(known)

    def is_same(value: Value) -> bool:
        return isinstance(value, str) and split_words(value) == words

    if not words or not is_same(reading.value):
        return reading
    # The same words in other spellings are one name.
    same = sum(p for value, p in list_values(reading).items() if is_same(value))
    others = tuple((value, p) for value, p in reading.alternatives if not is_same(value))
    weighed = weigh_reading(
        replace(reading, p=same, alternatives=others),
        lambda value: 1.0 if is_same(value) else other_weight,
        other_weight,
    )
    return add_evidence(_spell(weighed, known), code)


def _spell(reading: Reading, text: str) -> Reading:
    """Return a reading with the register's spelling of the same words."""
    if reading.value == text:
        return reading
    # Characters and places of words belong to the text as it was read.
    characters = reading.characters if len(str(reading.value)) == len(text) else ()
    return replace(reading, value=text, characters=characters, words=())
