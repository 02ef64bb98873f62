"""Everything that can go wrong, in one place.

EfterskriftError
├── UsageError          the command was given something it cannot use
│   ├── NoSuchClientError
│   ├── PersonalLoginError
│   └── SettingsError   a setting is wrong
├── FormError           a form definition is wrong
│   └── FormMakingError
├── IntakeError         a file or page cannot be taken in
│   └── BrokenFileError
├── ReadingError        a page cannot be read
│   └── RegistrationError
├── StoreError          the database or the image folder
│   ├── SchemaMismatchError
│   │   ├── SchemaOutdatedError   older than the program: to be upgraded
│   │   └── SchemaTooNewError     newer than the program
│   ├── StoreUnavailableError
│   └── UnstorableTextError   a text that the database cannot hold
├── NotAllowedError     the person may not do this
│   └── BlockedClientError
├── ReviewError         a decision cannot be taken
│   ├── StaleDecisionError
│   └── AnswerError     an answer is missing or not of its kind
│       ├── MissingAnswerError
│       ├── InvalidAnswerError
│       ├── UnknownClientError
│       ├── ClientConflictError
│       └── RecountError
├── ExportError         a file cannot be made or a receipt cannot be used
│   ├── TargetAwayError      the receiving system cannot be reached or is out of order
│   ├── TargetDeniedError    the receiving system does not let us in
│   └── TargetUnfitError     the receiving system does not understand what it is sent
├── LogBrokenError      the log is not what was written in it
├── NothingLearnedError corrections teach nothing that is better than what is in use
└── MissingProgramError an external program or model is not installed

Each carries the key of its text and remedy: `error.<key>` and `error.<key>.remedy`. Neither ever
holds a field value.
"""

from __future__ import annotations

import traceback
from enum import IntEnum
from pathlib import Path

from pipeline.texts import Text, catalogue

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


class EfterskriftError(Exception):
    """Base of all errors of ours: what happened, and what to do about it."""

    exit_code = ExitCode.USAGE
    topic = "error"

    def __init__(self, key: str, /, **values: object) -> None:
        super().__init__(key)
        self.key = f"{self.topic}.{key}"
        self.values = values

    @property
    def message(self) -> str:
        """What happened, in English, as the command line says it."""
        return self.message_in("en")

    @property
    def remedy(self) -> str:
        """What to do about it, in English; empty where nothing can be said."""
        return self.remedy_in("en")

    def message_in(self, language: str) -> str:
        """What happened, in a language."""
        return Text(self.key, self.values).in_language(language)

    def remedy_in(self, language: str) -> str:
        """What to do about it, in a language."""
        remedy = f"{self.key}.remedy"
        return (
            Text(remedy, self.values).in_language(language) if remedy in catalogue(language) else ""
        )

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UsageError(EfterskriftError):
    """The command was given something it cannot use."""


class NoSuchClientError(UsageError):
    """A personal number that was typed is in no register and is not whole."""


class PersonalNumberLoginError(UsageError):
    """A login is a personal number, which would then stand in the log."""


class SettingsError(UsageError):
    """A setting is wrong: whoever minds the computer corrects it."""


class FormError(EfterskriftError):
    """A form definition is wrong or unknown."""

    exit_code = ExitCode.FORM


class FormEditorError(FormError):
    """A form that is being made cannot be taken further."""

    topic = "forms.why"


class IntakeError(EfterskriftError):
    """A file or a page cannot be taken in."""

    exit_code = ExitCode.INTAKE


class BrokenFileError(IntakeError):
    """The file is damaged, encrypted or not of a kind that holds pages."""


class ReadingError(EfterskriftError):
    """A page cannot be read."""

    exit_code = ExitCode.READING


class RegistrationError(ReadingError):
    """The page could not be laid on its form within the tolerance."""


class StoreError(EfterskriftError):
    """The database or the folder of images failed."""

    exit_code = ExitCode.STORE


class SchemaMismatchError(StoreError):
    """The database was made by another version of the program."""


class SchemaOutdatedError(SchemaMismatchError):
    """The database has the schema of an earlier version; `efterskrift upgrade` raises it."""


class SchemaTooNewError(SchemaMismatchError):
    """The database has the schema of a later version of the program."""


class StoreUnavailableError(StoreError):
    """The database is locked or cannot be reached, or the disk is full."""


class UnstorableTextError(StoreError):
    """A text is longer than the database has room for, or holds a character that it cannot hold
    (PostgreSQL: NUL).
    """


class NotAllowedError(EfterskriftError):
    """The person lacks the role or the unit that this needs.

    `by` is the person's login, `action` what was wanted, `unit` where: what the log says of the
    denial. `noted` once the log says it.
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
        **values: object,
    ) -> None:
        super().__init__(key, **values)
        self.by, self.action, self.unit, self.noted = by, action, unit, False


class BlockedClientError(NotAllowedError):
    """The client is blocked (spärrad) for the person's units."""


class ReviewError(EfterskriftError):
    """A decision cannot be taken."""

    exit_code = ExitCode.REVIEW


class StaleDecisionError(ReviewError):
    """Somebody, or an earlier key press, has already decided this."""


class AnswerError(ReviewError):
    """Some answers cannot be taken. `fields` names the fields, never what was written in them."""

    def __init__(self, key: str, /, *, fields: tuple[str, ...] = (), **values: object) -> None:
        super().__init__(key, **values)
        self.fields = fields


class MissingAnswerError(AnswerError):
    """Fields were left without an answer."""


class InvalidAnswerError(AnswerError):
    """Answers do not fit their kind of field, such as a date that does not exist."""


class UnknownClientError(AnswerError):
    """The personal number is not in the client register and the person has not said that this is
    right.
    """


class ClientConflictError(AnswerError):
    """The sheet contradicts the client, and the person has not said how it is. `codes` are kinds of
    conflict (`client_guard.CONFLICTS`).
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
    """The figures of an entry do not add up, and the person has not been told."""


class ExportError(EfterskriftError):
    """An export cannot be made, or a receipt cannot be used."""

    exit_code = ExitCode.EXPORT


class TargetUnavailableError(ExportError):
    """The receiving system cannot be reached, is out of order or asks to wait. What it took stays
    taken; sending again goes on from there.
    """


class TargetAccessError(ExportError):
    """The receiving system does not accept who we are, or does not allow what we want."""


class TargetIncompatibleError(ExportError):
    """At the address is no system that understands what is sent."""


class LogBrokenError(EfterskriftError):
    """Rows of the log have been changed, removed, moved or put in past the program."""

    exit_code = ExitCode.LOG_BROKEN


class NothingLearnedError(EfterskriftError):
    """Confirmed entries are too few, or teach nothing better than what is in use."""

    exit_code = ExitCode.NOTHING_LEARNED


class MissingProgramError(EfterskriftError):
    """An external program, language pack or model is missing."""

    exit_code = ExitCode.MISSING_PROGRAM


def describe_error_location(error: BaseException) -> str:
    """Kind and place of an unexpected error, without its text: that may quote what is written on a
    page.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        frame for frame in frames if Path(frame.filename).is_relative_to(_PACKAGE_FOLDER)
    ] or frames
    where = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{where}"
