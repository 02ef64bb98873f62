"""The domain model, as frozen values. Imports only the codes of issues and the columns of
registers.

Lengths are millimetres from the top left of the printed page unless a name says px. A
probability `p` is between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.issues import IssueCode
from pipeline.domain.register_columns import in_register

Image = NDArray[np.uint8]
"""Grey (h, w) or BGR (h, w, 3), 0 = black."""

Value = str | bool | None
"""What a field says: text as written, a canonical digit string or date, or whether a box is marked."""


class State(StrEnum):
    """What a field looks like, apart from what it says."""

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
        """x, y, w, h, rounded to a hundredth of a millimetre."""
        return [round(v, 2) for v in (self.x, self.y, self.w, self.h)]


Alternatives = tuple[tuple[Value, float], ...]

CellProbabilities = tuple[tuple[float, ...], ...]
"""For each box of a row of digits the probabilities of its answers, in the order of
`LATTICE_SYMBOLS`.
"""
CELL_SYMBOLS = "0123456789 #?"
"""A box's answers; blank, struck out, and another mark after the digits."""
SIGNATURE_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÖÉÜ"
"""What people sign with; for initials a lattice gives, step by step along the writing, the
probabilities of none and of each of these.
"""


@dataclass(frozen=True, slots=True)
class WordBox:
    """Where a word of a text lies: its characters, from `start` up to `end`, and its rectangle (x,
    y, w, h in mm).
    """

    start: int
    end: int
    box: tuple[float, float, float, float]


UNSEEN_P = 0.5
"""What is read with no more than this may not have been seen at all."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a machine read in one field.

    `p` is the probability that value and state are both right. `alternatives` are other values
    with their probabilities, best first. `characters` gives p for each character of a text
    value, for showing the doubtful ones. `remarks` are the issues that its reader found, such as
    `IssueCode.STRUCK_OUT`; they become problems of the page. `reasons` are codes that say why
    the value is proposed, such as "name_like:0.86". `lattice` is what the reader saw box by box;
    it helps to weigh the value and is neither stored nor shown. `clarity` is how clearly
    handwriting was seen whatever it says: the mean logarithm of the likeliest sign's p, step by
    step (0 is clearest); nor is it stored or shown. `seen` is how probable the picture alone
    makes what is read of handwriting, without knowledge of Swedish, and `unknown` how many of
    its words are no known Swedish; both are used and kept as `clarity` is. `words` tells of free
    text where each word lies: from the field's top left while it is being read, and then on the
    page.
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
    words: tuple[WordBox, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def empty(cls, p: float, value: Value = None) -> Reading:
        """A field that nothing was written in."""
        return cls(value, p, State.EMPTY)

    @property
    def is_seen_empty(self) -> bool:
        """Whether the field is empty, and not only covered, torn off or out of place
        (`field_place.doubted`).
        """
        return self.state is State.EMPTY and self.p > UNSEEN_P


@dataclass(frozen=True, slots=True)
class SheetCode:
    """What the code printed on a page says; for a form printed elsewhere what its print says, and
    then `serial` is empty.
    """

    form: str
    version: int
    page_no: int
    pages: int
    serial: str


@dataclass(frozen=True, slots=True)
class PageReading:
    """All that the machine knows of one page. `problems` are issues as they are stored
    (`str(Issue)`), or the sentence of an error.
    """

    outcome: Outcome
    code: SheetCode | None = None
    rotation_deg: float = 0.0
    residual_mm: float | None = None
    issues: tuple[str, ...] = ()
    fields: Mapping[str, Reading] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Client:
    """One person of the client register (klientregister). `blocked`: behind a block (spärr) for
    whoever looks, and so without name.
    """

    pid: str = field(metadata=in_register("personnummer"))
    name: str = field(metadata=in_register("namn"))
    unit: str = field(metadata=in_register("enhet"))
    protected: bool = field(default=False, metadata=in_register("skyddad"))
    address: str = field(default="", metadata=in_register("adress"))
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One line of a staff list (signaturförtydligande): who signs a unit's paper with which
    initials.
    """

    name: str = field(metadata=in_register("namn"))
    title: str = field(metadata=in_register("titel"))
    signature: str = field(metadata=in_register("signatur"))
    unit: str = field(metadata=in_register("enhet"))


@dataclass(frozen=True, slots=True)
class PrintedRow:
    """A row of a table whose print says whom it is about. `printed` are pairs of a column and what
    was printed in it.
    """

    row: int
    client_pid: str
    printed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class IssuedSheet:
    """A sheet that was printed: its serial is accounted for until it comes back. `rows` are those
    that were printed for a client each.
    """

    serial: str
    form: str
    version: int
    unit: str
    client_pid: str | None = None
    rows: tuple[PrintedRow, ...] = ()


class Role(StrEnum):
    """What a member of staff does here."""

    ADMINISTRATOR = "administratör"
    REVIEWER = "granskare"
    MANAGER = "chef"
    REGISTRAR = "registrator"
    SYSTEM_ADMINISTRATOR = "systemadministratör"
    LOG_REVIEWER = "loggranskare"


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff who is logged in, with the units and the areas of law whose paper the
    person may see.

    `break_glass` marks an account for emergencies (nödkonto): it shouts.
    """

    login: str
    name: str
    title: str
    role: Role
    units: frozenset[str]
    areas: frozenset[str]
    break_glass: bool = False


class EntryState(StrEnum):
    """Where one entry is on its way back to the care system."""

    REVIEW = "granskas"
    SECOND = "andra granskning"
    CONFIRMED = "bekräftad"
    SIGNED = "signerad"
    EXPORTED = "exporterad"
    RECEIPTED = "kvitterad"
    REJECTED = "avvisad"
