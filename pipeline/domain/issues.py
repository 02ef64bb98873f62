"""The codes of issues of a file, page, field or entry, with scope, severity and text key.

An issue is stored and exchanged as text, `<code>` or `<code>:<what it is about>`, for instance
`covered:rad01.dos`. The table `page` and the JSON of `efterskrift read` hold that text; only
this module writes and splits it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import Self


class Scope(Enum):
    """What an issue is about."""

    FILE = "file"
    PAGE = "page"
    FIELD = "field"
    CLIENT = "client"
    ENTRY = "entry"


class Severity(Enum):
    """What an issue leads to."""

    STOPS = "stops"
    """The page is not read: a person has to look into it."""
    LOW_CONFIDENCE = "low confidence"
    """The image does not show the whole of what is written, so what was read has a low p.

    A reviewer who keys the field blind is shown the issue too: it does not tell what was read."""
    WARNING = "warning"
    """The value is shown with the issue and judged by the reviewer."""


@dataclass(frozen=True, slots=True)
class Recount:
    """How a person is asked about what a recount of the answers found.

    Attributes:
        needs_decision: It is not only shown.
        is_order: Asked of the person who typed, and nobody else has to check it: a visit over
            midnight ends before it began, and old paper may have been left behind.
        is_time: It is about days and times.
        has_amount: What would be right is an amount, not a year, a day or codes.
        again: The key of what is said of an answer that is not changed.
    """

    needs_decision: bool = True
    is_order: bool = False
    is_time: bool = False
    has_amount: bool = True
    again: str = "recount.again"


_ORDER = Recount(is_order=True, is_time=True, again="recount.again_alone")
_STOPS, _LOW, _WARNING = Severity.STOPS, Severity.LOW_CONFIDENCE, Severity.WARNING
_FILE, _PAGE, _FIELD, _CLIENT, _ENTRY = (
    Scope.FILE,
    Scope.PAGE,
    Scope.FIELD,
    Scope.CLIENT,
    Scope.ENTRY,
)


class IssueCode(StrEnum):
    """Every code of an issue. The text is what databases and JSON hold: it never changes."""

    scope: Scope
    """What the issue is about."""
    severity: Severity
    """What the issue leads to."""
    recount: Recount

    def __new__(
        cls,
        text: str,
        scope: Scope = Scope.PAGE,
        severity: Severity = Severity.WARNING,
        recount: Recount = Recount(),
    ) -> Self:
        """Make a member with its traits; the defaults serve lookups by text only."""
        code = str.__new__(cls, text)
        code._value_ = text
        code.scope, code.severity, code.recount = scope, severity, recount
        return code

    # Files and pages that cannot be imported.
    EMPTY_FILE = "empty_file", _FILE, _STOPS
    NOT_A_DOCUMENT = "not_a_document", _FILE, _STOPS
    BROKEN_FILE = "broken_file", _FILE, _STOPS
    BROKEN_PAGE = "broken_page", _FILE, _STOPS
    ENCRYPTED = "encrypted", _FILE, _STOPS
    TOO_LARGE = "too_large", _FILE, _STOPS
    OPENING_FAILED = "opening_failed", _FILE, _STOPS
    """The file or page killed the process that opens it."""
    NOT_READ = "not_read", _FILE, _STOPS
    READER_DIED = "reader_died", _FILE, _STOPS
    """The page ended the process that reads it, each time."""
    IMAGE_AWAY = "image_away", _FILE, _STOPS

    # Identification.
    NO_CODE = "no_code", _PAGE, _STOPS
    CODES_DIFFER = "codes_differ", _PAGE, _STOPS
    SEVERAL_SHEETS = "several_sheets", _PAGE, _STOPS
    CODE_MISSING = "code_missing", _PAGE, _WARNING
    MARKER_MISSING = "marker_missing", _PAGE, _WARNING
    UNKNOWN_FORM = "unknown_form", _PAGE, _STOPS
    WORDS_DIFFER = "words_differ", _PAGE, _STOPS
    FORM_UNCERTAIN = "form_uncertain", _PAGE, _STOPS

    # Forms without paper.
    NOTE_CHANGED = "note_changed", _PAGE, _STOPS
    """The digest is wrong: the file was changed, or its form is of no pack of this installation."""
    NOTE_SERIAL = "note_serial", _PAGE, _STOPS

    # Registration.
    NOT_REGISTERED = "not_registered", _PAGE, _STOPS
    PRINT_NOT_FOUND = "print_not_found", _PAGE, _STOPS
    RESIDUAL_OVER_GATE = "residual_over_gate", _PAGE, _STOPS

    # Page checks.
    MORE_PAPER = "more_paper", _PAGE, _WARNING
    SHADED = "shaded", _PAGE, _LOW
    BLURRED = "blurred", _PAGE, _LOW
    COVERED = "covered", _FIELD, _LOW
    PLACE_UNSURE = "place_unsure", _FIELD, _LOW
    STRAY_WRITING = "stray_writing", _FIELD, _LOW
    """Writing next to the field is in no field and is not read."""
    ENCIRCLED = "encircled", _FIELD, _LOW
    """A box of the field has a ring around it."""
    OUTSIDE_BOXES = "outside_boxes", _FIELD, _LOW
    """Something is written half outside the boxes of the field: it is in none of them."""
    LINE_ACROSS = "line_across", _FIELD, _LOW
    """A pen line that does not belong to the field crosses it."""
    BESIDE_BOX = "beside_box", _FIELD, _LOW
    """A mark is next to a box of the field, or shared by the boxes of two fields."""
    RED_INK = "red_ink", _FIELD, _LOW
    PALE_WRITING = "pale_writing", _FIELD, _LOW
    """Strokes in the field are too pale to be read: it may seem to be empty."""

    # Field readers.
    ODD_STROKES = "odd_strokes", _FIELD, _LOW
    """A box may hold something else than was read.

    A single stroke was read as empty, a ditto mark or an arrow as a 1, two digits as one of them,
    or a digit in the next box as empty.
    """
    DITTO = "ditto", _FIELD, _LOW
    """A ditto mark may be written in the field: the value of the row above is meant."""
    STRUCK_OUT = "struck_out", _FIELD, _WARNING
    READERS_DIFFER = "readers_differ", _FIELD, _LOW
    """A further reader reads something else."""
    READER_LEFT_OUT = "reader_left_out", _PAGE, _WARNING
    """A further reader (the issue names it) did not answer, or not in time."""
    SEE_BACK = "see_back", _FIELD, _WARNING
    """The text continues overleaf."""

    # Resolution: values against limits, dates, sums and each other.
    MISSING = "missing", _FIELD, _WARNING
    NOT_A_NUMBER = "not_a_number", _FIELD, _WARNING
    OUT_OF_RANGE = "out_of_range", _FIELD, _WARNING
    IMPLAUSIBLE = "implausible", _FIELD, _WARNING
    SUM_DIFFERS = "sum_differs", _FIELD, _WARNING
    PAIR_CROSSED = "pair_crossed", _FIELD, _WARNING, _ORDER
    OUTSIDE_OUTAGE = "outside_outage", _FIELD, _WARNING
    WRITTEN_BEFORE_EVENT = "written_before_event", _FIELD, _WARNING, _ORDER
    END_BEFORE_START = "end_before_start", _FIELD, _WARNING, _ORDER
    AFTER_MIDNIGHT = "after_midnight", _FIELD, _WARNING

    # Resolution: values against the client register.
    PERSON_UNKNOWN = "person_unknown", _CLIENT, _WARNING
    NAME_DIFFERS = "name_differs", _CLIENT, _WARNING
    NAME_FITS_OTHER = "name_fits_other", _CLIENT, _WARNING
    PRINTED_OTHERWISE = "printed_otherwise", _CLIENT, _WARNING
    NUMBER_DIFFERS = "number_differs", _CLIENT, _WARNING
    CODE_WRONG = "code_wrong", _CLIENT, _WARNING
    """The check digit of a client code is wrong."""
    CODE_UNKNOWN = "code_unknown", _CLIENT, _WARNING
    """The unit has given the client code to nobody."""
    CODE_OTHER = "code_other", _CLIENT, _WARNING
    """The client code is that of another client than the number."""

    # Recount: the answers of a person against the rules of the form. Never stored.
    SUM = "sum", _FIELD, _WARNING
    """The answers give another sum, which is known: of a reading it is `SUM_DIFFERS`."""
    IN_FUTURE = "in_future", _FIELD, _WARNING, Recount(is_time=True)
    BEFORE_OUTAGE = (
        "before_outage",
        _FIELD,
        _WARNING,
        replace(_ORDER, has_amount=False, again="recount.again_day"),
    )
    """The event is long before the outage."""
    BOX_SIGNED = "box_signed", _FIELD, _WARNING
    """Initials say that the dose was given, in a box answered as a deviation."""
    BOX_CODE = "box_code", _FIELD, _WARNING, Recount(has_amount=False)
    NORM_AMOUNT = "norm_amount", _FIELD, _WARNING
    NORM_PERSONS = "norm_persons", _FIELD, _WARNING
    NORM_RESULT = "norm_result", _FIELD, _WARNING
    NORM_DEFICIT = "norm_deficit", _FIELD, _WARNING
    NORM_SURPLUS = "norm_surplus", _FIELD, _WARNING
    NORM_YEAR = "norm_year", _FIELD, _WARNING, Recount(needs_decision=False, has_amount=False)
    """There is no table of the norm of the year."""
    NORM_OTHER_YEAR = (
        "norm_other_year",
        _FIELD,
        _WARNING,
        Recount(has_amount=False, again="recount.again_norm"),
    )
    """The amounts are the norm of another year than the month's."""
    NORM_MONTH = "norm_month", _FIELD, _WARNING, Recount(needs_decision=False)
    NORM_UNKNOWN = "norm_unknown", _FIELD, _WARNING, Recount(needs_decision=False)
    NORM_FAR = "norm_far", _FIELD, _WARNING
    NORM_SHARE = "norm_share", _FIELD, _WARNING
    NORM_EXEMPT = "norm_exempt", _FIELD, _WARNING
    NORM_WAGES = "norm_wages", _FIELD, _WARNING

    # Entries, by what is stored about their sheet.
    SCANNED_BEFORE = "scanned_before", _ENTRY, _WARNING
    WRITTEN_SINCE = "written_since", _ENTRY, _WARNING
    PAGE_MISSING = "page_missing", _ENTRY, _WARNING
    FACT_MISSING = "fact_missing", _ENTRY, _WARNING

    @property
    def text_key(self) -> str:
        """The key of its text in the catalogues."""
        return f"issue.{self}"


_BY_TEXT = {str(code): code for code in IssueCode}


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue code with its object.

    `field` is what it is about: usually the name of a field, else a number (of a page, a marker)
    or a fact; empty for a whole page. A recount adds what is not stored: `right`, the right number
    if it is known (of the norm of another year its year), and `month`, that of the calculation.
    """

    code: IssueCode
    field: str = ""
    right: str = ""
    month: str = ""

    def __str__(self) -> str:
        """Return the stored text: `<code>` or `<code>:<field>`."""
        return f"{self.code}:{self.field}" if self.field else str(self.code)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Parse a stored text; return None for another text, such as the sentence of an error."""
        code_text, field = split_code(text)
        code = _BY_TEXT.get(code_text)
        return cls(code, field) if code is not None else None


def split_code(text: str) -> tuple[str, str]:
    """Split a stored text `<code>:<detail>`; the detail is empty if there is none."""
    code, _, detail = text.partition(":")
    return code, detail


def parse_issues(texts: Iterable[str]) -> list[Issue]:
    """Return the issues among stored texts, in order; other texts are left out."""
    return [issue for issue in map(Issue.parse, texts) if issue is not None]
