"""Weigh handwritten names and titles by the client register and the staff list.

A client's number and name are two pieces of writing, read by different networks from different ink,
so that one is evidence of the other. Here the number, as its boxes alone say it, is evidence of the
name; that the name is evidence of the number is weighed in `client`. An author is mostly one of the
staff, and has the title that the list says. Each listed text that is near to the one read counts by
how well the image fits it (`Reading.listed`), so that a misread name gives way to the listed one,
or gets low confidence beside it. Anybody else stays possible: a text that is not listed is never
made more certain, and becomes a listed one with high confidence only where the image fits that
about as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rapidfuzz.distance import Levenshtein

from pipeline.domain.form.confidence import KNOWN_AUTHOR_FROM, NEAR_LISTED_MAX_P
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import format_pid, normalize_pid
from pipeline.domain.model import Reading, State, Value
from pipeline.reading.fields.field_image import NO_TEXTS, TextList
from pipeline.reading.resolve.number_likelihood import (
    add_evidence,
    list_values,
    normalize_reading,
    read_text,
)
from pipeline.registers.client_check import MIN_NAME_SIMILARITY, split_words, text_similarity
from pipeline.registers.clients import ClientRegister
from pipeline.registers.staff import StaffRegister

# The closed lists that a handwritten line may be on: staff, their titles, clients.

_MIN_NAME_WORDS = 2
"""A first name alone is no evidence of who it is."""
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class KnownTexts:
    """The texts of the registers, each once.

    `client_lines` are names with their personal numbers, as people write them on a page that
    continues another. Clients with a protected identity are not among them, so that no such person
    is proposed on paper about somebody else.
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
                    if one.name
                    and not one.protected
                    and len(one.pid) == _DIGITS
                    and one.pid.isdigit()
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


# Match initials on a page to the staff who may have signed.


def name_signers(
    specs: tuple[FieldSpec, ...], form: Form, fields: Mapping[str, Reading], staff: StaffRegister
) -> dict[str, Reading]:
    """Name the persons who may have signed in the alternatives of initials.

    For instance "MA – Maria Andersson", each with its probability; whether the initials are
    there is not changed.
    """
    named = {}
    # Only initials that were read have letter probabilities.
    for spec in specs:
        reading = fields[spec.name]
        if spec.traits.names_signer and reading.state is State.READ and reading.cell_probabilities:
            named[spec.name] = _add_signer_names(
                reading, staff, read_text(form, Meaning.UNIT, spec.row, fields)
            )
    return named


def _add_signer_names(reading: Reading, staff: StaffRegister, unit: str) -> Reading:
    """Return the reading with signers as alternatives, before what says that it is empty."""
    shares: dict[str, float] = {}
    for signer in staff.signers(reading.cell_probabilities, unit):
        # A person may be on the lists of two units.
        shares[signer.words] = shares.get(signer.words, 0.0) + reading.p * signer.p
    ranked = sorted(shares.items(), key=lambda pair: -pair[1])
    absent = tuple((value, p) for value, p in reading.alternatives if not isinstance(value, str))
    return replace(reading, alternatives=(*ranked, *absent))


Key = tuple[str, ...]
"""What makes spellings of a text the same."""
_TEN_DIGITS = 10


@dataclass(frozen=True, slots=True)
class OtherWeights:
    """Likelihood of what is not listed, relative to a listed text that is expected.

    `text`: of any one other text that the image may say. `rest`: of all that no reader listed. A
    misread line is hardly ever another listed text, so that one which is listed was read rightly.
    Texts that differ by at most so many `letters`, and by one in `LETTERS_PER_ERROR`, are near to
    each other.
    """

    text: float
    rest: float
    letters: int = 2


BESIDE_NUMBER = OtherWeights(0.05, 0.05)
"""A short form, or the name of a relative.

That one name is a client's out of hundreds would allow a far lower weight (`NAME_ODDS`), but the
language model of lines knows the names already.
"""
AUTHOR = OtherWeights(0.1, 0.05)
"""Temporary staff are missing from lists. Of 54 misread names of real writers none was another one
of 1,000 staff.
"""
ANY_LINE = OtherWeights(0.3, 0.1)
"""Lines for nothing that is known hold names of staff, of relatives, and other texts."""
TITLE = OtherWeights(0.03, 0.05)
"""Titles are few and unlike each other."""
MIN_LINE_P = 1e-3
"""Least p of a line with a name and a number, by which likelihoods are divided."""
CLIENT_LINE = OtherWeights(0.03, 0.05, letters=6)
"""A name with its number: no misread one has the number of another client of that name."""
LETTERS_PER_ERROR = 5
"""Of a short text fewer letters may be misread."""
OTHER_UNIT_WEIGHT = 0.3
"""Likelihood of staff of another unit than the page's, relative to its own."""
OTHER_TITLE_WEIGHT = 0.1
"""Likelihood of any other listed title of an author of the staff list, relative to their own."""


def weigh_client_names(
    specs: Sequence[FieldSpec],
    form: Form,
    readings: Mapping[str, Reading],
    register: ClientRegister,
) -> dict[str, Reading]:
    """Return handwritten names beside the number of a registered client, weighed by it.

    `readings` have the numbers as they were read, without the register. A name that says the same
    words as the client's gets its capitals and accents from the register. A name with its number,
    written by hand, is weighed by itself.
    """
    weighed: dict[str, Reading] = {}
    for spec in specs:
        if not _is_weighed(spec, readings):
            continue
        reading = readings[spec.name]
        if spec.means is Meaning.CLIENT_NAME:
            weigher = _Weigher(_names_of_number(spec, form, readings, register), BESIDE_NUMBER)
        elif spec.means is Meaning.CLIENT_PRINTED:
            reading = _trust_number(reading)
            lines = dict.fromkeys((text for text, _ in reading.listed), 1.0)
            weigher = _Weigher(lines, CLIENT_LINE, _client_key)
        else:
            continue
        weighed[spec.name] = weigher.weigh(reading, "number_fits")
    return weighed


def weigh_staff(
    specs: Sequence[FieldSpec], form: Form, readings: Mapping[str, Reading], staff: StaffRegister
) -> dict[str, Reading]:
    """Return handwritten full names of staff, and titles, weighed by the staff list."""
    weighed: dict[str, Reading] = {}
    for spec in specs:
        if may_hold_staff(spec) and _is_weighed(spec, readings):
            own = staff.names_of(read_text(form, Meaning.UNIT, spec.row, readings))
            names = {
                name: 1.0 if not own or name in own else OTHER_UNIT_WEIGHT
                for name, _ in readings[spec.name].listed
            }
            others = AUTHOR if spec.means is Meaning.AUTHOR_NAME else ANY_LINE
            weighed[spec.name] = _Weigher(names, others).weigh(readings[spec.name], "on_staff_list")
    for spec in specs:
        if spec.means is Meaning.AUTHOR_TITLE and _is_weighed(spec, readings):
            author = form.meaning(Meaning.AUTHOR_NAME, spec.row)
            listed = _titles_of(weighed.get(author.name) if author else None, staff)
            titles = {
                title: 1.0 if not listed or title in listed else OTHER_TITLE_WEIGHT
                for title, _ in readings[spec.name].listed
            }
            weighed[spec.name] = _Weigher(titles, TITLE).weigh(readings[spec.name], "title_fits")
    return weighed


def _is_weighed(spec: FieldSpec, readings: Mapping[str, Reading]) -> bool:
    """Return whether a field was written by hand and read without a flag."""
    reading = readings.get(spec.name)
    return (
        reading is not None
        and is_single_line(spec)
        and reading.state is State.READ
        and not reading.issues
    )


def _names_of_number(
    spec: FieldSpec, form: Form, readings: Mapping[str, Reading], register: ClientRegister
) -> dict[str, float]:
    """Return the names of the clients whose number may be written beside a name, and its p."""
    number_spec = form.meaning(Meaning.CLIENT_PID, spec.row)
    number = readings.get(number_spec.name) if number_spec else None
    if number is None or number.state is not State.READ:
        return {}
    names: dict[str, float] = {}
    for value, p in list_values(number).items():
        if isinstance(value, str) and normalize_pid(value).valid:
            client = register.find(value)
            if client and client.name:
                names[client.name] = names.get(client.name, 0.0) + p
    return names


def _trust_number(reading: Reading) -> Reading:
    """Return a name with its number; whose number was read is as likely as can be.

    No misread number has the digits of a registered one, with its check digit, beside a like name.
    """
    *words, number = _client_key(str(reading.value))
    name = " ".join(words)
    listed = tuple(
        (
            text,
            1.0 / max(reading.p, MIN_LINE_P)
            if _client_key(text)[-1] == number
            and text_similarity(name, " ".join(_client_key(text)[:-1])) >= MIN_NAME_SIMILARITY
            else likelihood,
        )
        for text, likelihood in reading.listed
    )
    return replace(reading, listed=listed)


def _titles_of(author: Reading | None, staff: StaffRegister) -> set[str]:
    """Return the listed titles of an author who is clearly one of the staff."""
    if author is None or author.p < KNOWN_AUTHOR_FROM:
        return set()
    return {member.title for member in staff if member.name == author.value and member.title}


def _word_key(text: str) -> Key:
    return tuple(split_words(text))


def _client_key(text: str) -> Key:
    """Return the words of a name and the ten last digits of the number beside it."""
    digits = "".join(character for character in text if character.isdigit())
    return (*(word for word in split_words(text) if word.isalpha()), digits[-_TEN_DIGITS:])


@dataclass(frozen=True, slots=True)
class _Weigher:
    """Weighs what was read by listed texts and their likelihood relative to each other.

    Texts with one `key` are spellings of the same: they count together, and the list's is kept.
    """

    known: Mapping[str, float]
    others: OtherWeights
    key: Callable[[str], Key] = _word_key

    def weigh(self, reading: Reading, code: str) -> Reading:
        """Return a reading weighed; a text that is not listed is never made more certain."""
        known: dict[Key, str] = {}
        for text in self.known:
            known.setdefault(self.key(text), text)
        # What the image says: the texts that were read, and listed ones beside them.
        masses: dict[Key, float] = {}
        spelt: dict[Key, Value] = {}
        for value, p in list_values(reading).items():
            key = self.key(value) if isinstance(value, str) else ()
            masses[key] = masses.get(key, 0.0) + p
            spelt.setdefault(key, value)
        read_key = next(iter(masses))
        for text, likelihood in reading.listed:
            key = self.key(text)
            if key in known:
                masses[key] = max(masses.get(key, 0.0), reading.p * likelihood)
        if not known.keys() & masses.keys():
            return reading

        rest = max(0.0, 1.0 - sum(masses.values())) * self.others.rest
        weights: dict[Value, float] = {
            known.get(key, spelt.get(key)): mass
            * (self.known[known[key]] if key in known else self.others.text)
            for key, mass in masses.items()
        }
        weighed = normalize_reading(reading, weights, rest)
        near = {text for key, text in known.items() if self._is_near(read_key, key)}
        if weighed.value in near:
            return _with_text_of(reading, add_evidence(weighed, code), known.get(read_key))
        # Another text is not made more certain, and beside a near one it is of low confidence.
        read = known.get(read_key, reading.value)
        rivals = sum(weights[text] for text in known.values() if text in weights and text != read)
        share = weights[read] / (weights[read] + rivals)
        others = tuple(pair for pair in list_values(weighed).items() if pair[0] != read)
        cap = NEAR_LISTED_MAX_P if near else 1.0
        return replace(reading, p=min(share * reading.p, cap), alternatives=others)

    def _is_near(self, read: Key, listed: Key) -> bool:
        """Return whether a text differs from a listed one by a few letters at most."""
        text, other = " ".join(read), " ".join(listed)
        limit = min(self.others.letters, len(text) // LETTERS_PER_ERROR)
        return Levenshtein.distance(text, other, score_cutoff=limit) <= limit


def _with_text_of(reading: Reading, weighed: Reading, same: str | None) -> Reading:
    """Return a weighed reading without what belongs to the text as it was read.

    That are its characters and places of words; `same` is the list's spelling of it.
    """
    if weighed.value == reading.value:
        return weighed
    is_alike = weighed.value == same and len(same or "") == len(str(reading.value))
    return replace(weighed, characters=reading.characters if is_alike else (), words=())
