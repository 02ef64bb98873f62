"""Weigh the name beside a personal number by whose number it is.

Number and name are two pieces of writing, read by different networks from different ink, so that
one is evidence of the other. Here the number, as its boxes alone say it, is evidence of the name;
that the name is evidence of the number is weighed in `client`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.domain.confidence import NUMBER_NAMES_CLIENT_FROM
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import normalize_pid
from pipeline.domain.model import Reading, State, Value
from pipeline.reading.resolve.bayes import add_evidence, list_values, weigh_reading
from pipeline.registers.client_search import split_words
from pipeline.registers.clients import ClientRegister

OTHER_NAME_WEIGHT = 0.05
"""Likelihood of any other name beside a client's number, relative to the client's own.

A short form, or the name of a relative. That one name is a client's out of hundreds would allow a
far lower weight (`NAME_ODDS`), but the language model of lines knows the names already.
"""


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
    weighed: dict[str, Reading] = {}
    for spec in specs:
        reading = readings[spec.name]
        if (
            spec.means is Meaning.CLIENT_NAME
            and spec.traits.is_handwriting
            and reading.state is State.READ
            and not reading.issues
            and (name := _name_of_number(spec, form, readings, register))
        ):
            weighed[spec.name] = _weigh_name(reading, name)
    return weighed


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


def _weigh_name(reading: Reading, name: str) -> Reading:
    """Weigh a name that has the words of the client's name; another name is left as it is.

    That another one was read is for a person to see, whatever the number says.
    """
    words = split_words(name)

    def is_same(value: Value) -> bool:
        return isinstance(value, str) and split_words(value) == words

    if not is_same(reading.value):
        return reading
    # The same words in other spellings are one name.
    values = list_values(reading)
    same = sum(p for value, p in values.items() if is_same(value))
    others = tuple((value, p) for value, p in reading.alternatives if not is_same(value))
    weighed = weigh_reading(
        replace(reading, p=same, alternatives=others),
        lambda value: 1.0 if is_same(value) else OTHER_NAME_WEIGHT,
        OTHER_NAME_WEIGHT,
    )
    return add_evidence(_spell(weighed, name), "number_fits")


def _spell(reading: Reading, name: str) -> Reading:
    """Return a reading with the register's spelling of the same words."""
    if reading.value == name:
        return reading
    # Characters and places of words belong to the text as it was read.
    characters = reading.characters if len(str(reading.value)) == len(name) else ()
    return replace(reading, value=name, characters=characters, words=())
