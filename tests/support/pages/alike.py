"""Visit lists whose marks are read alike, for tests of the group way of working."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.domain.form.form import Form
from pipeline.domain.model import IssuedSheet, Outcome, PageReading, Reading, SheetCode, State
from pipeline.store.entries.sheet_entries import save_page_reading
from tests.support.store.ward import ASTA, NORTH, VISITS, Ward, readings

DAY = "2026-02-17"
SURE = 0.995


def visits(
    ward: Ward,
    serial: str,
    eaten: Sequence[bool],
    *,
    form: Form = VISITS,
    p: float = SURE,
    problems: tuple[str, ...] = (),
) -> list[str]:
    """A list about Asta, a row a visit; whether she ate is read with `p`. Answers with the entries'
    ids.
    """
    ward.issue(IssuedSheet(serial, form.id, form.version, NORTH, ASTA.pid))
    fields = readings(form, 1, {"datum": DAY, "skribent": "Disa Penn"})
    for row, mark in enumerate(eaten, 1):
        fields |= {
            f"rad{row:02d}.pnr": Reading(ASTA.pid, SURE, State.READ),
            f"rad{row:02d}.sign": Reading(True, SURE, State.READ),
        }
        fields[f"rad{row:02d}.mat"] = (
            Reading(True, p, State.READ) if mark else Reading.empty(p, False)
        )
    code = SheetCode(form.id, form.version, 1, 1, serial)
    page = PageReading(Outcome.READ, code, residual_mm=0.1, fields=fields, issues=problems)
    page_id = ward.scan()
    with ward.store.begin() as conn:
        save_page_reading(
            conn, page_id, page, upright_sha256=f"{page_id}", form=form, reader_version="test 1"
        )
    return [f"{serial}-{row:02d}" for row in range(1, len(eaten) + 1)]
