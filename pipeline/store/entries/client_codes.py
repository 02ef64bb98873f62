"""The codes of four digits by which a unit names its clients on paper (klientkoder).

A code is given once and never changes owner, also when the client moves or dies: paper with it may
come back at any time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select

from pipeline.domain.errors import InvalidAnswerError, UsageError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import CLIENT_CODE_COUNT, is_client_code, make_client_code
from pipeline.domain.model import ClientCode, State
from pipeline.domain.review.rules import Answer
from pipeline.store.entries.entry import Entry
from pipeline.store.event_log.events import record
from pipeline.store.registers.issued_sheets import find_issued_sheet
from pipeline.store.schema import review

_table = review.client_code
FIRST_CODE_NUMBER: Final = 100
"""The first codes have no leading zero, which people leave out."""


def list_client_codes(conn: Connection, unit: str | None = None) -> list[ClientCode]:
    """Return the codes of one unit, or of all, by unit and code."""
    query = select(_table.c.unit, _table.c.code, _table.c.pid).order_by(
        _table.c.unit, _table.c.code
    )
    if unit is not None:
        query = query.where(_table.c.unit == unit)
    return [ClientCode(*row) for row in conn.execute(query)]


def find_code_owner(conn: Connection, unit: str, code: str) -> str | None:
    """Return the number of the client whom a unit has given a code, None if nobody has it."""
    if not is_client_code(code):
        return None
    owner: str | None = conn.execute(
        select(_table.c.pid).where(_table.c.unit == unit, _table.c.code == code)
    ).scalar_one_or_none()
    return owner


def give_client_codes(
    conn: Connection, unit: str, pids: Collection[str], now: datetime, by: str = "system"
) -> dict[str, str]:
    """Give a code to each client who has none, and return the codes of all of them by number.

    Raises:
        UsageError: the unit has no codes left.
    """
    known = {given.pid: given.code for given in list_client_codes(conn, unit)}
    new = [pid for pid in dict.fromkeys(pids) if pid not in known]
    # Numbers from 100 on, then those below it.
    used = set(known.values())
    numbers = (*range(FIRST_CODE_NUMBER, CLIENT_CODE_COUNT), *range(FIRST_CODE_NUMBER))
    free = [code for number in numbers if (code := make_client_code(number)) not in used]
    if len(new) > len(free):
        raise UsageError("no_client_codes_left", unit=unit)
    given = dict(zip(new, free, strict=False))
    if given:
        conn.execute(
            insert(_table),
            [
                {"unit": unit, "code": code, "pid": pid, "given_at": now}
                for pid, code in given.items()
            ],
        )
        record(conn, by, "give_client_codes", "clients", unit=unit, count=len(given))
    return {pid: code for pid, code in (known | given).items() if pid in set(pids)}


def find_client_of_code(conn: Connection, entry: Entry, code: str) -> str | None:
    """Return the number of the client whom a code on an entry's paper means, None if nobody.

    The code is one of the unit that the sheet was printed for, wherever the entry is now.
    """
    issued = find_issued_sheet(conn, entry.serial) if entry.serial else None
    return find_code_owner(conn, issued.unit if issued else entry.unit, code)


def check_client_code(
    conn: Connection, form: Form, entry: Entry, answers: Mapping[str, Answer], number: str
) -> tuple[str, ...]:
    """Return the finding that the code beside a number is that of another client, if it is."""
    spec = form.meaning(Meaning.CLIENT_CODE, entry.row)
    code = answers[spec.name].value if spec and spec.name in answers else None
    owner = find_client_of_code(conn, entry, code) if isinstance(code, str) else None
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
