"""The errors of the program, in one hierarchy.

EfterskriftError
├── UsageError          the command got an argument that it cannot use
│   ├── NoSuchClientError
│   ├── PersonalNumberLoginError
│   └── SettingsError   a setting is wrong
├── FormError           a form definition is wrong
│   └── FormEditorError
├── IntakeError         a file or page cannot be imported
│   └── BrokenFileError
├── ReadingError        a page cannot be read
│   └── RegistrationError
├── StoreError          the database or the image folder failed
│   ├── SchemaMismatchError
│   │   ├── SchemaOutdatedError   older than the program: needs an upgrade
│   │   └── SchemaTooNewError     newer than the program
│   ├── ImageError      one stored file is missing, unreadable or damaged
│   ├── StoreUnavailableError
│   │   ├── ImagesAwayError       the images are out of reach
│   │   │   └── WrongImagesError  their place answers, but is not the database's
│   │   ├── ProgramKilledError    a helper program was killed by the machine
│   │   └── ReadOnlyStoreError    the database can be read but not written
│   └── UnstorableTextError   a text that the database cannot hold
├── NotAllowedError     the person may not do this
│   ├── BlockedClientError
│   └── LoginError      a login is refused for now, or a change of access has to be approved
├── ReviewError         a decision cannot be made
│   ├── StaleDecisionError
│   └── AnswerError     an answer is missing or not of its kind
│       ├── MissingAnswerError
│       ├── InvalidAnswerError
│       ├── UnknownClientError
│       ├── ClientConflictError
│       └── RecountError
├── ExportError         a file cannot be made or a receipt cannot be used
│   └── EntryChangedError         what a person keys in was changed meanwhile
├── LogBrokenError      the log was changed after it was written
├── NothingLearnedError corrections do not improve on what is in use
└── MissingProgramError an external program or model is not installed

Each carries the key of its text and remedy: `error.<key>` and `error.<key>.remedy`. Neither ever
holds a field value.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.texts import Text, catalogue

if TYPE_CHECKING:
    from pipeline.domain.record import EntryChange

_PACKAGE_FOLDER = Path(__file__).resolve().parents[1]


class ExitCode(IntEnum):
    """Exit codes of the command line, documented in the README."""

    OK = 0
    PROGRAM = 1
    USAGE = 2
    FORM = 3
    INTAKE = 4
    READING = 5
    STORE = 6
    NOT_ALLOWED = 7
    REVIEW = 8
    EXPORT = 9
    MISSING_PROGRAM = 10
    NOTHING_LEARNED = 11
    LOG_BROKEN = 12
    NOTHING_TO_DO = 13


class EfterskriftError(Exception):
    """Base of all errors of Efterskrift: a message and a remedy."""

    exit_code = ExitCode.USAGE
    topic = "error"

    def __init__(self, key: str, /, **values: object) -> None:
        super().__init__(key)
        self.key = f"{self.topic}.{key}"
        self.values = values

    @property
    def message(self) -> str:
        """The message in English, as on the command line."""
        return self.message_in("en")

    @property
    def remedy(self) -> str:
        """The remedy in English; empty where there is none."""
        return self.remedy_in("en")

    def message_in(self, language: str) -> str:
        """Return the message in a language."""
        return Text(self.key, self.values).in_language(language)

    def remedy_in(self, language: str) -> str:
        """Return the remedy in a language; empty where there is none."""
        key = f"{self.key}.remedy"
        if key not in catalogue(language):
            return ""
        return Text(key, self.values).in_language(language)

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UsageError(EfterskriftError):
    """The command got an argument that it cannot use."""


class NoSuchClientError(UsageError):
    """A typed personal number is in no register and is not complete."""


class PersonalNumberLoginError(UsageError):
    """A login is a personal number, which would then be in the log."""


class SettingsError(UsageError):
    """A setting is wrong and has to be corrected by the administrator of the computer."""


class FormError(EfterskriftError):
    """A form definition is wrong or unknown."""

    exit_code = ExitCode.FORM


class FormEditorError(FormError):
    """A form in the form editor cannot go to the next step."""

    topic = "forms.why"


class IntakeError(EfterskriftError):
    """A file or a page cannot be imported."""

    exit_code = ExitCode.INTAKE


class BrokenFileError(IntakeError):
    """The file is damaged, encrypted or not of a kind that holds pages."""


class ReadingError(EfterskriftError):
    """A page cannot be read."""

    exit_code = ExitCode.READING


class RegistrationError(ReadingError):
    """The page could not be registered to its form within the tolerance."""


class StoreError(EfterskriftError):
    """The database or the folder of images failed."""

    exit_code = ExitCode.STORE


class SchemaMismatchError(StoreError):
    """The database was made by another version of the program."""


class SchemaOutdatedError(SchemaMismatchError):
    """The database has the schema of an earlier version; `efterskrift upgrade` upgrades it."""


class SchemaTooNewError(SchemaMismatchError):
    """The database has the schema of a later version of the program."""


class StoreUnavailableError(StoreError):
    """The database is locked or cannot be reached, or the disk is full."""


class ImagesAwayError(StoreUnavailableError):
    """The folder or object store of the images is out of reach: no page is at fault."""


class WrongImagesError(ImagesAwayError):
    """The place of the images answers, but is empty, another one, or denies access."""


class ReadOnlyStoreError(StoreUnavailableError):
    """The database can be read but not written: its folder, disk or server is read-only."""


class ImageError(StoreError):
    """One stored image or file is missing, unreadable or damaged; the others are there."""


class ProgramKilledError(StoreUnavailableError):
    """The machine killed a helper program, usually for want of memory: what it did can be repeated.

    As with the store, the page is not at fault and waits.
    """


class UnstorableTextError(StoreError):
    """A text is too long for its column, or has a character that the database cannot hold.

    In PostgreSQL that is NUL.
    """


class NotAllowedError(EfterskriftError):
    """The person lacks the role, the unit or the area of law that this needs.

    `by` is the person's login, `action` the denied action, `unit` its unit, `subject` the id of
    what it was about: these go into the log. `noted` is true once the denial is in the log.
    """

    exit_code = ExitCode.NOT_ALLOWED

    def __init__(
        self,
        key: str,
        /,
        *,
        by: str = "",
        action: str = "",
        unit: str | None = None,
        subject: str = "",
        **values: object,
    ) -> None:
        super().__init__(key, **values)
        self.by, self.action, self.unit, self.subject = by, action, unit, subject
        self.noted = False


class LoginError(NotAllowedError):
    """A login is refused for now, a password is wrong, or a change of access has to be approved."""


class BlockedClientError(NotAllowedError):
    """The client is blocked (spärrad) for the person's units."""


class ReviewError(EfterskriftError):
    """A decision cannot be made."""

    exit_code = ExitCode.REVIEW


class StaleDecisionError(ReviewError):
    """Another person, or an earlier key press, has already decided this."""


class AnswerError(ReviewError):
    """Some answers cannot be accepted. `fields` names the fields, never their values."""

    def __init__(self, key: str, /, *, fields: tuple[str, ...] = (), **values: object) -> None:
        super().__init__(key, **values)
        self.fields = fields


class MissingAnswerError(AnswerError):
    """Fields were left without an answer."""


class InvalidAnswerError(AnswerError):
    """Answers do not fit their kind of field, such as a date that does not exist."""


class UnknownClientError(AnswerError):
    """The personal number is not in the client register, and the reviewer has not confirmed it."""


class ClientConflictError(AnswerError):
    """The sheet contradicts the client, and the reviewer has not settled the conflict.

    `codes` are kinds of conflict (`client_check.CONFLICTS`).
    """

    def __init__(
        self,
        key: str,
        /,
        *,
        fields: tuple[str, ...] = (),
        codes: tuple[str, ...] = (),
        **values: object,
    ) -> None:
        super().__init__(key, fields=fields, **values)
        self.codes = codes


class RecountError(AnswerError):
    """The numbers of an entry do not add up, and the reviewer has not been warned yet."""


class ExportError(EfterskriftError):
    """An export cannot be made, or a receipt cannot be used."""

    exit_code = ExitCode.EXPORT


class EntryChangedError(ExportError):
    """Entries that a person keys in were changed since they were shown; `changes` tell how."""

    def __init__(self, key: str, /, *, changes: Sequence[EntryChange]) -> None:
        super().__init__(key, value=", ".join(each.entry_id for each in changes))
        self.changes = tuple(changes)


class LogBrokenError(EfterskriftError):
    """Rows of the log were changed, removed, moved or inserted outside the program."""

    exit_code = ExitCode.LOG_BROKEN


class NothingLearnedError(EfterskriftError):
    """Confirmed entries are too few, or do not improve on what is in use."""

    exit_code = ExitCode.NOTHING_LEARNED


class MissingProgramError(EfterskriftError):
    """An external program, language pack or model is missing."""

    exit_code = ExitCode.MISSING_PROGRAM


def describe_error_location(error: BaseException) -> str:
    """Return class and place of an unexpected error, without its message.

    The message may quote what is written on a page.
    """
    frames = traceback.extract_tb(error.__traceback__)
    # The innermost frame of this package is more useful than one deep in a library.
    package_frames = [
        frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE_FOLDER)
    ] or frames
    if not package_frames:
        return type(error).__name__
    innermost = package_frames[-1]
    return f"{type(error).__name__} at {Path(innermost.filename).name}:{innermost.lineno}"
