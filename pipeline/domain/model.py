"""The domain model: readings, pages, clients, staff and entries as frozen values.

Lengths are millimetres from the top left of the printed page unless a name says px. A
probability `p` is between 0 and 1. The columns of a register are described once: by the fields of
the dataclass of its rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.issues import IssueCode

Image = NDArray[np.uint8]
"""Grey (h, w) or BGR (h, w, 3), 0 = black."""

Value = str | bool | None
"""A field's value: text as written, a canonical digit string or date, or if a box is marked."""


class State(StrEnum):
    """How a field is filled in, apart from its value."""

    READ = "read"
    EMPTY = "empty"
    CANCELLED = "cancelled"
    ILLEGIBLE = "illegible"


class Outcome(StrEnum):
    """How the reading of a page ended."""

    READ = "read"
    UNIDENTIFIED = "unidentified"
    BLANK = "blank"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in mm from the top left of the page."""

    x: float
    y: float
    w: float
    h: float

    def __post_init__(self) -> None:
        if self.w <= 0 or self.h <= 0:
            raise ValueError(f"A box must have a width and a height, not {self.w} × {self.h} mm")

    def as_list(self) -> list[float]:
        """Return x, y, w, h, rounded to a hundredth of a millimetre."""
        return [round(v, 2) for v in (self.x, self.y, self.w, self.h)]


Alternatives = tuple[tuple[Value, float], ...]
"""Other values with their probabilities, best first."""

TextLikelihoods = tuple[tuple[str, float], ...]
"""Texts that a line may hold, with their likelihood relative to the one that was read."""

CellProbabilities = tuple[tuple[float, ...], ...]
"""For each box of a row of digits the probabilities of its symbols, in `CELL_SYMBOLS`' order."""
CELL_SYMBOLS = "0123456789 #?"
"""The symbols of a box; empty, struck out, and another mark after the digits."""
SIGNATURE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÖÉÜ"
"""The letters of initials.

For a field of initials `cell_probabilities` holds, for each time step along the writing, the
probabilities of no letter and of each of these.
"""


@dataclass(frozen=True, slots=True)
class WordBox:
    """The place of a word: its characters in the text, `start` up to `end`, and its rectangle.

    The rectangle is x, y, w, h in mm. `alternatives` are other words that may be written there, in
    small letters and without marks, best first.
    """

    start: int
    end: int
    box: tuple[float, float, float, float]
    alternatives: tuple[str, ...] = ()


PrintedWord = tuple[str, float, float, float, float]
"""A printed word of a page of no known form, and its x, y, w, h as shares of the page's image."""

TYPED_BY_AUTHOR = "typed_by_author"
"""Evidence of a value that was typed by who wrote it, so that nothing was read."""
UNSEEN_P = 0.5
"""A field read with at most this p may be covered, so that it was not seen at all."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading of one field by the machine.

    Attributes:
        p: The probability that value and state are both right.
        alternatives: Other values with their probabilities, best first.
        characters: The p of each character of a text value, to show those of low confidence.
        box_px: The field's rectangle on the registered page, in px.
        issues: What its reader found, such as `IssueCode.STRUCK_OUT`; they become issues of the
            page.
        evidence: Codes that say why the value is proposed, such as "name_like:0.86".
        cell_probabilities: What the reader measured box by box; used to weigh the value, neither
            stored nor shown (nor are the next four).
        sharpness: How clearly handwriting is written, whatever it means: the mean logarithm of
            the likeliest symbol's p over the time steps (0 is clearest).
        image_only_p: The p of handwriting by the image alone, without the language model.
        unknown_words: The number of its words that the Swedish lexicon lacks.
        listed: Texts of a closed list that handwriting may hold (`listed_texts` in
            `reading/fields/handwriting`), with their likelihood by the image relative to the
            text that was read.
        least_word_p: How likely the least likely of its words is in Swedish, or as a name.
        words: For free text the place of each word: from the field's top left while it is being
            read, and then on the page.
        other_words: For each word of a line its other texts, best first, until it has its place.
        lines: The pictures of its handwritten lines, grey, until the page is read.
    """

    value: Value
    p: float
    state: State
    alternatives: Alternatives = ()
    characters: tuple[float, ...] = ()
    box_px: tuple[int, int, int, int] | None = None
    issues: tuple[IssueCode, ...] = ()
    evidence: tuple[str, ...] = ()
    cell_probabilities: CellProbabilities = field(default=(), compare=False, repr=False)
    sharpness: float | None = field(default=None, compare=False, repr=False)
    image_only_p: float = field(default=1.0, compare=False, repr=False)
    unknown_words: int = field(default=0, compare=False, repr=False)
    listed: TextLikelihoods = field(default=(), compare=False, repr=False)
    least_word_p: float = field(default=1.0, compare=False, repr=False)
    words: tuple[WordBox, ...] = field(default=(), compare=False, repr=False)
    other_words: tuple[tuple[str, ...], ...] = field(default=(), compare=False, repr=False)
    lines: tuple[Image, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def empty(cls, p: float, value: Value = None) -> Reading:
        """Make the reading of a field that nothing was written in."""
        return cls(value, p, State.EMPTY)

    @property
    def is_typed(self) -> bool:
        """Whether the value was typed by its author, and not read from paper."""
        return TYPED_BY_AUTHOR in self.evidence

    @property
    def is_seen_empty(self) -> bool:
        """Whether the field is empty, and not only covered, torn off or out of place."""
        return self.state is State.EMPTY and self.p > UNSEEN_P


@dataclass(frozen=True, slots=True)
class SheetCode:
    """The identity of a page by its printed code.

    For a form printed elsewhere it is found by the print, and `serial` is empty.
    """

    form: str
    version: int
    page_no: int
    pages: int
    serial: str


@dataclass(frozen=True, slots=True)
class PageReading:
    """The reading of one page.

    `residual_mm` is the registration error. `issues` are stored texts (`str(Issue)`), or the
    sentence of an error. `unit` is that of a form without paper, empty for paper.
    """

    outcome: Outcome
    code: SheetCode | None = None
    rotation_deg: float = 0.0
    residual_mm: float | None = None
    issues: tuple[str, ...] = ()
    fields: Mapping[str, Reading] = field(default_factory=dict)
    unit: str = ""


_HEADER = "register_header"


@dataclass(frozen=True, slots=True)
class RegisterColumn:
    """One column: the field of the dataclass and of the table, and its header in a file.

    A field with a default may be missing from the file (`is_optional`); one whose default is a
    bool holds ja or nej (`is_flag`).
    """

    field: str
    header: str
    is_optional: bool
    is_flag: bool

    @property
    def empty_value(self) -> str | bool:
        """The value of a row that has none."""
        return False if self.is_flag else ""


def in_register(header: str) -> dict[str, str]:
    """Make the metadata of a field that is a column of a register.

    Args:
        header: in a CSV file, in small letters.
    """
    return {_HEADER: header}


@cache
def register_columns(kind: type[Any]) -> tuple[RegisterColumn, ...]:
    """List the columns of a register by the dataclass of its rows, in the order of its fields."""
    return tuple(
        RegisterColumn(
            column.name,
            column.metadata[_HEADER],
            is_optional=column.default is not dataclasses.MISSING,
            is_flag=isinstance(column.default, bool),
        )
        for column in dataclasses.fields(kind)
        if _HEADER in column.metadata
    )


@dataclass(frozen=True, slots=True)
class Client:
    """One person of the client register (klientregister).

    `deceased_on` and `moved_on` are days (YYYY-MM-DD), empty if the register has none. `blocked`: a
    block (spärr) hides the client from the user, and so the name is empty.
    """

    pid: str = field(metadata=in_register("personnummer"))
    name: str = field(metadata=in_register("namn"))
    unit: str = field(metadata=in_register("enhet"))
    protected: bool = field(default=False, metadata=in_register("skyddad"))
    address: str = field(default="", metadata=in_register("adress"))
    deceased_on: str = field(default="", metadata=in_register("avliden"))
    moved_on: str = field(default="", metadata=in_register("flyttad"))
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class ClientCode:
    """A code of four digits by which a unit names a client on paper; it never changes owner."""

    unit: str
    code: str
    pid: str


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One row of a staff list (signaturförtydligande): a unit's signer and their initials.

    `hsa_id` and `role_code` (befattningskod of HSA) are empty where nobody has said them.
    """

    name: str = field(metadata=in_register("namn"))
    title: str = field(metadata=in_register("titel"))
    signature: str = field(metadata=in_register("signatur"))
    unit: str = field(metadata=in_register("enhet"))
    hsa_id: str = field(default="", metadata=in_register("hsa-id"))
    role_code: str = field(default="", metadata=in_register("befattningskod"))


SHEET_ROW = 0
"""The number that stands for a whole sheet among printed rows."""


@dataclass(frozen=True, slots=True)
class PrintedRow:
    """A row of a table that was printed for one client, or a sheet that is one entry (`SHEET_ROW`).

    `printed` are pairs of a column and the text printed in it.
    """

    row: int
    client_pid: str
    printed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class IssuedSheet:
    """A sheet that was printed: its serial is tracked until it comes back.

    `rows` are those that were printed for one client each.
    """

    serial: str
    form: str
    version: int
    unit: str
    client_pid: str | None = None
    rows: tuple[PrintedRow, ...] = ()


class CloseReason(StrEnum):
    """Why a page that failed needs nothing more."""

    SCANNED_AGAIN = "scanned_again"
    EMPTY = "empty"
    NOT_OURS = "not_ours"
    NOT_PAPER = "not_paper"


class Role(StrEnum):
    """The role of a member of staff in Efterskrift."""

    ADMINISTRATOR = "administratör"
    REVIEWER = "granskare"
    MANAGER = "chef"
    REGISTRAR = "registrator"
    SYSTEM_ADMINISTRATOR = "systemadministratör"
    LOG_REVIEWER = "loggranskare"
    TYPIST = "inmatare"


@dataclass(frozen=True, slots=True)
class Assignment:
    """One role of a person: as which profession, in which units and areas of law."""

    role: Role
    title: str
    units: frozenset[str]
    areas: frozenset[str]


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff who is logged in, with what they are assigned to.

    Ask `permissions` what a person may do, never one of these fields: a role counts in the units
    and areas of its own assignment only.

    Attributes:
        title, role, units, areas: The main assignment.
        break_glass: The account is for emergencies (nödkonto): its use raises an alarm.
        further: The other assignments.
        key: The person's staff number or HSA-id, equal in all accounts of one person; empty where
            this is their only account.
    """

    login: str
    name: str
    title: str
    role: Role
    units: frozenset[str]
    areas: frozenset[str]
    break_glass: bool = False
    further: tuple[Assignment, ...] = ()
    key: str = ""

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """All assignments, the main one first."""
        return (Assignment(self.role, self.title, self.units, self.areas), *self.further)

    @property
    def roles(self) -> tuple[Role, ...]:
        """Every role once, that of the main assignment first."""
        return tuple(dict.fromkeys(one.role for one in self.assignments))

    @property
    def all_units(self) -> frozenset[str]:
        """The units of all assignments, to be shown."""
        return frozenset().union(*(one.units for one in self.assignments))

    @property
    def all_areas(self) -> frozenset[str]:
        """The areas of law of all assignments, to be shown."""
        return frozenset().union(*(one.areas for one in self.assignments))


class EntryState(StrEnum):
    """The progress of an entry on its way back to the care system."""

    REVIEW = "granskas"
    SECOND = "andra granskning"
    CONFIRMED = "bekräftad"
    SIGNED = "signerad"
    EXPORTED = "exporterad"
    RECEIPTED = "kvitterad"
    REJECTED = "avvisad"


class PriorityKind(StrEnum):
    """What is prioritized."""

    CLIENT = "client"
    UNIT = "unit"
    DAY = "day"
    ENTRY = "entry"
