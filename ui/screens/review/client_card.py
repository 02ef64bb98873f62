"""The client of an entry according to the register, with what the sheet says for and against.

Nothing is shown of what the machine read in the number itself before the number is typed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import InvalidAnswerError
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.identity_numbers import (
    CENTURY_PREFIXES,
    CLIENT_CODE_LENGTH,
    PID_LENGTH,
    age_on,
    format_pid,
    is_client_code,
    normalize_pid,
)
from pipeline.domain.model import Client, Person, State
from pipeline.domain.review.field_values import normalize_value
from pipeline.registers.client_check import (
    CHECK_WRONG,
    CONFLICTS,
    EVIDENCE_AGAINST,
    NO_EVIDENCE,
    NOT_IN_REGISTER,
    SheetFacts,
)
from pipeline.review import client_question
from pipeline.review.client_question import find_client_of_code
from pipeline.store.entries.entry_view import EntryView, FieldView
from pipeline.store.registers import client_register
from pipeline.store.schema.clock import utc_now
from ui.i18n import code_text, format_day, t
from ui.screens.review.field_cards import CLIENT_MEANINGS, answers_so_far, field_answer, open_fields
from ui.screens.review.field_input import initial_answer
from ui.screens.review.workbench_state import FieldValue, HeldEntry
from ui.workspace import AppContext


def banner_card(
    context: AppContext, person: Person, view: EntryView, held: HeldEntry
) -> dict[str, Any]:
    """Return the banner: a settled client, two to choose from, the typed one, or none yet."""
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    if spec is None or view.is_hidden:
        return {"kind": "none", "text": "", "number": "", "clear": True, "clients": []}
    field = next(field for field in view.fields if field.spec.name == spec.name)
    source, typed = _number_in_form(view, held, field)
    if not field.is_open and view.suggestion is not None:
        client = client_card(view.suggestion, _proposal_reasons(field, view.suggestion))
        return _banner([client], "", is_clear=True)
    if field.is_open and view.is_second_review and not field.is_blind and not typed:
        numbers = _differing_numbers(field)
        is_compared = len(numbers) > 0
        clients = [
            _checked_card(context, person, view, held, (field, number), is_compared=is_compared)
            for number in numbers
        ]
        return _banner(clients, "", is_clear=False)
    if typed and (held.question is not None or _is_complete(source, typed)):
        client = _checked_card(context, person, view, held, (field, typed))
        is_clear = not (client["unknown"] or client["against"] or client["tags"])
        return _banner([client], typed, is_clear=is_clear)
    held.clients_shown.setdefault(_without_spaces(typed), utc_now())  # no client: all is shown
    has_code = view.form.meaning(Meaning.CLIENT_CODE, view.entry.row) is not None
    text = t("client.wait_code" if has_code else "client.wait")
    return {"kind": "wait", "text": text, "number": "", "clear": False, "clients": []}


def client_number(view: EntryView, held: HeldEntry, values: Mapping[str, FieldValue]) -> str | None:
    """Return the personal number or client code that would be saved, as typed.

    None if neither is valid; the number counts if there are both.
    """
    fields = {field.spec.means: field for field in open_fields(view, held)}
    for means in CLIENT_MEANINGS:
        field = fields.get(means)
        answer = (
            field_answer(view, field, values.get(field.spec.name)) if field is not None else None
        )
        if field is None or answer is None or not isinstance(answer.value, str):
            continue
        with suppress(InvalidAnswerError):
            normalize_value(field.spec, answer.value)
            return answer.value
    return None


def is_client_seen(held: HeldEntry, number: str | None, now: datetime, min_time: timedelta) -> bool:
    """Return whether the number's client has been in the banner for `min_time`, if there is one."""
    if number is None:
        return True
    shown_at = held.clients_shown.get(_without_spaces(number))
    return shown_at is not None and now - shown_at >= min_time


def note_client_seen(held: HeldEntry, number: str | None) -> None:
    """Note that the number's client was in the banner as long as the entry has been up."""
    if number is not None:
        held.clients_shown[_without_spaces(number)] = held.shown_at


def typed_number(view: EntryView, values: Mapping[str, FieldValue]) -> str:
    """Return the personal number in these values as it is typed, empty if there is none."""
    spec = view.form.meaning(Meaning.CLIENT_PID, view.entry.row)
    field = next((field for field in view.fields if field.spec is spec), None)
    if field is None or not field.is_open:
        return ""
    answer = field_answer(view, field, values.get(field.spec.name))
    return answer.value if answer is not None and isinstance(answer.value, str) else ""


def client_name(view: EntryView, held: HeldEntry, values: Mapping[str, FieldValue]) -> str:
    """Return the client's name as it is in the form now, else as it is read; empty if neither."""
    field = next((one for one in view.fields if one.spec.means is Meaning.CLIENT_NAME), None)
    if field is not None and field.spec.name in values:
        answer = field_answer(view, field, values[field.spec.name])
        return answer.value if answer is not None and isinstance(answer.value, str) else ""
    return _text_of(view, answers_so_far(view, held), Meaning.CLIENT_NAME)


def _banner(clients: Sequence[Mapping[str, Any]], number: str, *, is_clear: bool) -> dict[str, Any]:
    return {
        "kind": "clients",
        "text": "",
        "number": number,
        "clear": is_clear,
        "clients": list(clients),
    }


def client_card(
    client: Client | None, reasons: Sequence[str] = (), number: str = ""
) -> dict[str, Any]:
    """Return a client, if the register has one, and the `reasons` for and against.

    With the `number` if two are compared.
    """
    if client is None:
        written = format_pid(number) if number else ""
        return _text_card(t("client.unknown"), written) | _evidence(reasons)
    flags = [
        t(name)
        for name, holds in (
            ("client.protected", client.protected),
            ("client.blocked", client.blocked),
        )
        if holds
    ]
    days = (("client.deceased", client.deceased_on), ("client.moved", client.moved_on))
    flags += [t(name, day=format_day(day)) for name, day in days if day]
    age = age_on(client.pid, today_in_sweden()) if client.name else None
    return {
        "unknown": False,
        "name": client.name,
        "number": format_pid(client.pid),
        "age": "" if age is None else t("guard.age", count=age),
        "unit": client.unit,
        "tags": flags,
        "text": "",
        **_evidence(reasons),
    }


def _text_card(text: str, number: str = "", *, is_unknown: bool = True) -> dict[str, Any]:
    return {
        "unknown": is_unknown,
        "name": "",
        "number": number,
        "age": "",
        "unit": "",
        "tags": [],
        "text": text,
        **_evidence(()),
    }


def _evidence(reasons: Sequence[str]) -> dict[str, Any]:
    """Return the texts for and against, and whether the paper says that it is another person."""
    texts: dict[str, list[str]] = {"for": [], "against": []}
    for code in reasons:
        if code not in NO_EVIDENCE:
            is_against = code.partition(":")[0] in EVIDENCE_AGAINST
            texts["against" if is_against else "for"].append(code_text("reason", code))
    is_other = any(code.partition(":")[0] in CONFLICTS for code in reasons)
    return {**texts, "other": is_other}


def _number_in_form(view: EntryView, held: HeldEntry, field: FieldView) -> tuple[FieldSpec, str]:
    """Return the number that is in the form now, or the client code where none is, and its field.

    Typed in this showing, else saved as a draft, answered in another row of the sheet, or as read.
    """
    typed = [
        other
        for means in CLIENT_MEANINGS
        for other in open_fields(view, held)
        if other.spec.means is means and other.spec.name in held.values
    ]
    for other in typed:
        answer = field_answer(view, other, held.values[other.spec.name])
        if answer is not None and isinstance(answer.value, str):
            return other.spec, answer.value.strip()
    if any(other.spec.name == field.spec.name for other in typed):
        return field.spec, ""
    prefilled = field.draft if view.is_second_review else initial_answer(field)
    value = prefilled.value if field.is_open and prefilled is not None else None
    return field.spec, value if isinstance(value, str) else ""


def _is_complete(spec: FieldSpec, typed: str) -> bool:
    """Return whether a number or code is more than the beginning of one.

    Ten digits that begin with a century and are no number may be followed by two more.
    """
    if spec.means is Meaning.CLIENT_CODE:
        return len(_without_spaces(typed)) == CLIENT_CODE_LENGTH
    try:
        number = str(normalize_value(spec, typed))
    except InvalidAnswerError:
        return False
    is_ten_digits = number.isdecimal() and len(number) < PID_LENGTH
    return (
        not (is_ten_digits and number.startswith(CENTURY_PREFIXES)) or normalize_pid(number).valid
    )


def _checked_card(
    context: AppContext,
    person: Person,
    view: EntryView,
    held: HeldEntry,
    numbered: tuple[FieldView, str],
    *,
    is_compared: bool = False,
) -> dict[str, Any]:
    """Return the client of a number, with the evidence of the sheet for and against."""
    field, typed = numbered
    held.clients_shown.setdefault(_without_spaces(typed), utc_now())
    code = "".join(typed.split())
    if len(code) == CLIENT_CODE_LENGTH:
        pid = context.store.query(find_client_of_code, view.entry, code)
        if pid is None:
            key = "client.code_unknown" if is_client_code(code) else "client.code_wrong"
            return _text_card(t(key))
        typed = pid
    _record_lookup(context, person, held, typed)
    answers = answers_so_far(view, held)
    sheet = SheetFacts(
        _text_of(view, answers, Meaning.CLIENT_NAME),
        _text_of(view, answers, Meaning.CLIENT_ADDRESS),
        event_on=_event_day(view, held),
    )
    number = client_question.TypedNumber(field.spec, typed, person)
    with context.store.read() as conn:
        verdict = client_question.check_client_number(conn, view.entry, number, sheet)
        has_no_register = verdict.client is None and client_register.is_register_empty(conn)
    if has_no_register:
        # Nobody is unknown to a register without clients.
        known = [
            code
            for code in verdict.findings
            if code == CHECK_WRONG or (is_compared and code != NOT_IN_REGISTER)
        ]
        written = format_pid(typed) if is_compared else ""
        return _text_card(t("client.no_register"), written, is_unknown=False) | _evidence(known)
    findings = verdict.findings if verdict.client or is_compared else ()
    return client_card(verdict.client, findings, typed if is_compared else "")


def _record_lookup(context: AppContext, person: Person, held: HeldEntry, number: str) -> None:
    """Log the first lookup of a client's number in this showing of the entry."""
    if number not in held.clients_logged:
        context.store.change(client_register.look_up_client, person, number)
        held.clients_logged.add(number)


def _event_day(view: EntryView, held: HeldEntry) -> str:
    """Return the day of the event as it is answered so far, empty if it is not."""
    field = next(
        (one for one in open_fields(view, held) if one.spec.means is Meaning.EVENT_DATE), None
    )
    if field is None:
        return ""
    answer = (
        field_answer(view, field, held.values[field.spec.name])
        if field.spec.name in held.values
        else initial_answer(field)
    )
    if answer is None or answer.state is not State.READ:
        return ""
    try:
        return str(normalize_value(field.spec, answer.value))
    except InvalidAnswerError:  # not completely typed yet
        return ""


def _text_of(view: EntryView, answers: Mapping[str, Any], meaning: Meaning) -> str:
    """Return a name or address as answered in the form now, else as decided or read."""
    field = next((one for one in view.fields if one.spec.means is meaning), None)
    if field is None:
        return ""
    answer = answers.get(field.spec.name)
    if answer is not None:  # also that it is empty or illegible
        return answer.value if isinstance(answer.value, str) else ""
    source = field.draft or field.first_answer or field.reading
    return source.value if source is not None and isinstance(source.value, str) else ""


def _proposal_reasons(field: FieldView, client: Client) -> tuple[str, ...]:
    """Return the evidence of the machine's proposal, if the client is its proposal."""
    is_proposal = field.reading is not None and field.reading.value == client.pid
    return field.reading.evidence if is_proposal and field.reading is not None else ()


def _differing_numbers(field: FieldView) -> list[str]:
    """Return the two numbers that differ, sorted.

    Their clients are checked alike, so that the user cannot see which number is the machine's.
    """
    read = field.reading.value if field.reading is not None else None
    first = field.first_answer.value if field.first_answer else None
    return sorted({value for value in (read, first) if isinstance(value, str)})


def _without_spaces(number: str) -> str:
    return "".join(number.split())
