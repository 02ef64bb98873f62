"""Guard against the wrong person.

A typed personal number, or the client's code instead of it, is looked up and compared with the
sheet before anything is decided. An entry about a client outside the register has a reason, and a
temporary identity that is followed up until the register has the client.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from pipeline.domain.errors import (
    ClientConflictError,
    InvalidAnswerError,
    MissingAnswerError,
    UnknownClientError,
)
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form, Subject
from pipeline.domain.identity_numbers import (
    is_client_code,
    is_local_pid,
    is_temporary_pid,
    new_temporary_pid,
)
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Client, Person, State
from pipeline.domain.review.rules import Answer, answered_text
from pipeline.registers.client_check import (
    CHECK_WRONG,
    EVIDENCE_AGAINST,
    NO_REGISTER,
    ClientStatement,
    ConflictChoice,
    SheetFacts,
    check_client,
    check_digit_evidence,
    find_conflicts,
    finding_kinds,
    is_resolved,
)
from pipeline.store.accounts import visibility
from pipeline.store.entries.client_identities import find_code_owner
from pipeline.store.entries.entry import Entry, EntryWork, load_entry_readings
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.event_log.events import record
from pipeline.store.registers.client_register import (
    add_client_choice,
    add_identity,
    areas_by_unit,
    client_names_of_unit,
    count_namesakes,
    find_client,
    find_issued_sheet,
    first_given_name,
    has_open_identity,
    is_register_empty,
    is_temporary_identity_issued,
    load_client,
    printed_client_pid,
    restrict_client,
    settle_identities,
)

_FULL_PID_LENGTH = 12
_SPEAKS_AGAINST = EVIDENCE_AGAINST - {"unit_else"}
"""Home care and home nursing share clients: that does not speak against one."""
_WHOLE_NUMBER, _LAST_DIGITS = re.compile(r"[0-9]{12}"), re.compile(r"[0-9]{4}")


@dataclass(frozen=True, slots=True)
class ClientVerdict:
    """The client of a number, and the evidence on the sheet for and against it."""

    field: str
    number: str
    client: Client | None
    findings: tuple[str, ...]

    @property
    def conflicts(self) -> tuple[str, ...]:
        """The kinds of conflict among the findings, which have to be resolved."""
        return find_conflicts(self.findings)


@dataclass(frozen=True, slots=True)
class TypedNumber:
    """What is in the field of a client's number.

    With `viewer`, a client whose identity this person may not see is not revealed.
    """

    spec: FieldSpec
    typed: str
    viewer: Person | None = None


def complete_client_numbers(work: EntryWork, answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Return the answers with the client's full number from the register, or a temporary one.

    Raises:
        MissingAnswerError: the number is empty or illegible, no temporary identity is asked for,
            and the entry has to be about a client.
        UnknownClientError: the register has no such client, or none at all and the check digit
            is wrong, and the person has not said why.
        BlockedClientError: the client is behind a block for this person.
    """
    conn, person, statement = work.conn, work.person, work.about
    spec = work.form.meaning(Meaning.CLIENT_PID, work.entry.row)
    if spec is None or spec.name not in answers:
        return dict(answers)
    answer = answers[spec.name]
    if answer.state is State.EMPTY and _may_be_about_nobody(work.form, spec, statement):
        return dict(answers)
    # Without a number, the person may ask for a temporary identity
    if (
        statement.temporary
        and statement.outside
        and not statement.is_about_no_client
        and answer.state is not State.READ
    ):
        return {**answers, spec.name: Answer(new_temporary_pid())}
    if answer.state is not State.READ or not isinstance(answer.value, str):
        raise MissingAnswerError("entry_without_personal_number", fields=(spec.name,))
    # Look the number up; the block is checked before anything is revealed
    client = find_client(conn, answer.value)
    visibility.require_unblocked_client(conn, person, client.pid if client else answer.value)
    if client is not None:
        return {**answers, spec.name: replace(answer, value=client.pid)}
    _require_outside_number(conn, person, spec, answer.value, statement)
    return dict(answers)


def check_entry_client(
    conn: Connection, form: Form, entry: Entry, answers: Mapping[str, Answer]
) -> ClientVerdict | None:
    """Return what the paper says for and against the typed client, or None without a number.

    A number may be read correctly and yet be written wrongly.
    """
    spec = form.meaning(Meaning.CLIENT_PID, entry.row)
    number = answered_text(form, entry.row, answers, Meaning.CLIENT_PID)
    if spec is None or not number:
        return None
    verdict = check_client_number(
        conn,
        entry,
        TypedNumber(spec, number),
        SheetFacts(
            answered_text(form, entry.row, answers, Meaning.CLIENT_NAME),
            answered_text(form, entry.row, answers, Meaning.CLIENT_ADDRESS),
            event_on=answered_text(form, entry.row, answers, Meaning.EVENT_DATE),
        ),
    )
    code_findings = check_client_code(conn, form, entry, answers, verdict.number)
    return replace(verdict, findings=(*verdict.findings, *code_findings))


def check_client_number(
    conn: Connection, entry: Entry, typed: TypedNumber, sheet: SheetFacts
) -> ClientVerdict:
    """Return what the paper says for and against a number.

    Args:
        sheet: the name, the address and the day on the paper.
    """
    client = find_client(conn, typed.typed)
    if client is not None and typed.viewer is not None:
        client = restrict_client(conn, client, typed.viewer)
    number = client.pid if client else typed.typed
    # What else the sheet says, and for whom it was printed
    issued = find_issued_sheet(conn, entry.serial)
    printed_for = printed_client_pid(issued, typed.spec, entry.row)
    sheet = replace(sheet, unit=entry.unit, printed_for=printed_for)
    areas = areas_by_unit(conn)
    same_area = (
        client is None or not client.unit or areas.get(client.unit) in (None, areas.get(entry.unit))
    )
    # Other clients whose name may fit better, and how a temporary identity was named
    neighbours = (
        client_names_of_unit(conn, number, entry.unit) if client is not None and sheet.name else ()
    )
    issued_name = first_given_name(conn, number, {entry.unit}) if is_temporary_pid(number) else None
    findings = check_client(
        number,
        client,
        sheet,
        same_area=same_area,
        namesakes=count_namesakes(conn, client),
        neighbours=neighbours,
        temporary_name=issued_name,
    )
    return ClientVerdict(typed.spec.name, number, client, findings)


def is_last_digits(typed: str) -> bool:
    """Whether what is typed for a personal number is its last four digits alone."""
    return _LAST_DIGITS.fullmatch(typed.strip()) is not None


def complete_last_digits(
    conn: Connection, viewer: Person, view: EntryView, typed: str, name: str
) -> str | None:
    """Return the personal number whose last four digits are typed; None if all twelve are needed.

    Machine, register and sheet have to agree on it: the four are those that the machine has read,
    the register has the client of the whole number that was read, the name on the sheet fits, and
    nothing speaks against it. Protected, blocked, dead and moved clients need all twelve.
    """
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    if spec is None or view.is_second_review or not is_last_digits(typed):
        return None
    # The view withholds a reading of what is keyed blind.
    reading = load_entry_readings(conn, view.entry, view.pages).get(spec.name)
    number = str(reading.value) if reading is not None else ""
    if not (_WHOLE_NUMBER.fullmatch(number) and number.endswith(typed)):
        return None
    asked = TypedNumber(spec, number, viewer)
    verdict = check_client_number(conn, view.entry, asked, SheetFacts(name))
    client, kinds = verdict.client, finding_kinds(verdict.findings)
    if client is None or "name_like" not in kinds or _SPEAKS_AGAINST.intersection(kinds):
        return None
    is_asked = client.blocked or client.protected or client.deceased_on or client.moved_on
    return None if is_asked else client.pid


def find_contradicted_client_field(work: EntryWork, answers: Mapping[str, Answer]) -> str | None:
    """Return the number's field if a second reviewer has to check it, else None.

    That is where the sheet contradicts the client and the person has not resolved the conflict.

    Raises:
        ClientConflictError: so it is, and the person has not chosen to hand it on.
    """
    # No conflict, or one that the person has resolved
    verdict = check_entry_client(work.conn, work.form, work.entry, answers)
    if verdict is None or not verdict.conflicts or is_resolved(verdict.conflicts, work.about):
        return None
    if work.about.choice is not ConflictChoice.HAND_ON:
        raise ClientConflictError(
            "sheet_contradicts_client", fields=(verdict.field,), codes=verdict.conflicts
        )
    return verdict.field


def save_client_choice(
    work: EntryWork, answers: Mapping[str, Answer], before: Mapping[str, Answer]
) -> None:
    """Store what the person said about the client, after a decision that answered the number.

    Args:
        work: with the entry as it was before the decision.
        answers: what the person answered.
        before: what the other fields say.
    """
    conn, form, entry = work.conn, work.form, work.entry
    spec = form.meaning(Meaning.CLIENT_PID, entry.row)
    if spec is None or spec.name not in answers:
        return
    number, all_answers = answers[spec.name].value, {**before, **answers}
    # Outside the register: issue an identity. Otherwise an earlier one of the entry is settled.
    if isinstance(number, str) and load_client(conn, number) is None:
        name = answered_text(form, entry.row, all_answers, Meaning.CLIENT_NAME)
        _add_identity(work, number, name)
    elif settle_identities(conn, entry.id, work.person.login, work.now):
        record(conn, work.person.login, "settle_identity", entry.id, unit=entry.unit)
    # A choice is stored only if it resolved a conflict
    if work.about.choice not in (ConflictChoice.HAND_ON, ConflictChoice.ASK):
        verdict = check_entry_client(conn, form, entry, all_answers)
        if verdict and verdict.conflicts:
            _add_choice(work, verdict.conflicts)


def _may_be_about_nobody(form: Form, spec: FieldSpec, statement: ClientStatement) -> bool:
    """Return whether the number may be left empty.

    Forms about no client ask for a number only in case; on others the person has to say that the
    entry is about no client, and the form must not require a number.
    """
    return (form.subject is Subject.NONE and not statement.temporary) or (
        statement.is_about_no_client and not spec.required
    )


def _require_outside_number(
    conn: Connection, person: Person, spec: FieldSpec, number: str, statement: ClientStatement
) -> None:
    """Check a number that the register lacks: issued here, or complete and with a reason."""
    if is_temporary_pid(number):
        if not is_temporary_identity_issued(conn, number, permitted_units(person, Action.REVIEW)):
            raise UnknownClientError("temporary_identity_unknown", fields=(spec.name,))
        return
    is_complete = len(number) == _FULL_PID_LENGTH or is_local_pid(number)
    # Without a register a number is not compared, but a slip of the pen is still asked about
    has_reason = is_register_empty(conn) and check_digit_evidence(number) != CHECK_WRONG
    if not is_complete or not (statement.outside or has_reason):
        raise UnknownClientError("client_unknown", fields=(spec.name,))


def _add_choice(work: EntryWork, conflicts: tuple[str, ...]) -> None:
    entry, login, choice = work.entry, work.person.login, work.about.choice.value
    row = {
        "entry": entry.id,
        "revision": entry.revision + 1,
        "codes": list(conflicts),
        "choice": choice,
        "why": work.about.why.strip()[:300],
        "by": login,
        "at": work.now,
    }
    add_client_choice(work.conn, row)
    detail = {"choice": choice, "conflicts": ", ".join(conflicts)}
    record(work.conn, login, "client_choice", entry.id, unit=entry.unit, **detail)


def _add_identity(work: EntryWork, number: str, paper_name: str) -> None:
    """Store an identity outside the register, unless the entry has it already.

    Its name is what the person says, else what is written on the paper.
    """
    conn, entry, login, about = work.conn, work.entry, work.person.login, work.about
    if has_open_identity(conn, entry.id, number):
        return
    # Replace another identity of the entry
    settle_identities(conn, entry.id, login, work.now)
    row = {
        "entry": entry.id,
        "number": number,
        "name": (about.name.strip() or paper_name)[:120],
        "reason": about.outside or NO_REGISTER * is_register_empty(conn),
        "by": login,
        "at": work.now,
    }
    add_identity(conn, row)
    record(conn, login, "temporary_identity", entry.id, unit=entry.unit)


def find_client_of_code(conn: Connection, entry: Entry, code: str) -> str | None:
    """Return the number of the client whom a code on an entry's paper means, None if nobody.

    The code is one of the unit that the sheet was printed for, wherever the entry is now.
    """
    issued = find_issued_sheet(conn, entry.serial)
    return find_code_owner(conn, issued.unit if issued else entry.unit, code)


def check_client_code(
    conn: Connection, form: Form, entry: Entry, answers: Mapping[str, Answer], number: str
) -> tuple[str, ...]:
    """Return the finding that the code beside a number is that of another client, if it is."""
    code = answered_text(form, entry.row, answers, Meaning.CLIENT_CODE)
    owner = find_client_of_code(conn, entry, code) if code else None
    return ("code_other",) if owner not in (None, number) else ()


def answer_number_by_code(
    conn: Connection, form: Form, entry: Entry, answers: Mapping[str, Answer]
) -> dict[str, Answer]:
    """Return the answers with the number of the client whose code was typed instead of it.

    Raises:
        InvalidAnswerError: the check digit is wrong, or nobody has the code.
    """
    number, code = (
        form.meaning(means, entry.row) for means in (Meaning.CLIENT_PID, Meaning.CLIENT_CODE)
    )
    if number is None or code is None:
        return dict(answers)
    typed = answers.get(code.name)
    # A number that was typed, or that cannot be read, is not replaced.
    is_free = number.name not in answers or answers[number.name].state is State.EMPTY
    if not is_free or typed is None or not isinstance(typed.value, str):
        return dict(answers)
    plain = "".join(typed.value.split())
    pid = find_client_of_code(conn, entry, plain)
    if pid is None:
        if is_client_code(plain):
            raise InvalidAnswerError("client_code_unknown", fields=(code.name,))
        raise InvalidAnswerError("client_code_wrong", fields=(code.name,))
    return {**answers, number.name: Answer(pid)}
