"""What was printed on a sheet is known, unless the paper says something else now."""

from __future__ import annotations

from pipeline.domain.form.form import Forms
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import SHEET_ROW, IssuedSheet, PrintedRow, Reading, State
from pipeline.domain.settings import ROOT
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.entry_depth import printed_answers
from tests.support.store.ward import ASTA, NORTH, Ward, page_reading

pytest_plugins = ("tests.support.store.databases",)

LIST = Forms.load(ROOT / "forms").latest("signeringslista")
PRINTED = (("datum", "20211201"), ("rad1_tid", "08.00"), ("ord1_dos", "1 tabl kl. 8"))


def test_what_was_printed_is_known_unless_it_was_changed_by_hand(store: Store) -> None:
    ward = Ward(store).begin()
    row = PrintedRow(SHEET_ROW, ASTA.pid, PRINTED)
    ward.issue(IssuedSheet("SSSS", LIST.id, LIST.version, NORTH, ASTA.pid, (row,)))
    ward.read(ward.scan(), page_reading(LIST, "SSSS", {"personnummer": ASTA.pid}), LIST)
    changed = {
        "rad1_tid": Reading("09:00", 0.995, State.READ),
        "ord1_dos": Reading("1 tabl", 0.5, State.READ, issues=(IssueCode.STRUCK_OUT,)),
        "datum": Reading("2021-12-07", 0.6, State.READ),
    }
    with store.read() as conn:
        entry = load_entry(conn, "SSSS-00")
        known = printed_answers(conn, entry, LIST, {})
        left = printed_answers(conn, entry, LIST, changed)
    assert {name: answer.value for name, answer in known.items()} == {
        "datum": "2021-12-01",
        "rad1_tid": "08:00",
        "ord1_dos": "1 tabl kl. 8",
    }
    assert set(left) == {"datum"}
