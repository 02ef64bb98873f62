"""Kö: a manager changes the table of triage, and takes it back."""

from __future__ import annotations

import pytest

from pipeline.domain.errors import ReviewError
from pipeline.domain.review.triage import Limit, TriageRule, load_triage_table
from pipeline.store.database.store import Store
from pipeline.store.entries import triage
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import MANAGER, OTHER_UNIT
from tests.unit.ui.conftest import OpenScreen
from ui.screens.progress.triage_section import rule_rows, rules_of_rows

SHIPPED = load_triage_table().rules


def test_a_table_that_nobody_changed_says_the_same_rules() -> None:
    rows = list(enumerate(rule_rows(SHIPPED)))
    assert tuple(rules_of_rows(rows, SHIPPED)) == SHIPPED


def test_rows_are_moved_by_their_numbers_changed_removed_and_added() -> None:
    rows = rule_rows(SHIPPED)
    rows[1] |= {"number": 5, "level": 4, "on": False}
    new = {
        "number": 7.0,
        "level": 1,
        "reason": " Sår ",
        "words": "sår, trycksår",
        "values": "temp < 35,5 > 38; puls > 110",
        "deadline_days": float("nan"),
        "on": True,
    }
    kept = [(1, rows[1]), (0, rows[0]), (len(rows) + 3, new)]
    moved, added, first = rules_of_rows(kept, SHIPPED)
    assert (moved.id, moved.level, moved.on) == (SHIPPED[1].id, 4, False)
    assert first == SHIPPED[0]
    assert added == TriageRule(
        id="egen-1",
        level=1,
        reason="Sår",
        words=("sår", "trycksår"),
        values=(
            Limit(field="temp", below=35.5, above=38),
            Limit(field="puls", above=110),
        ),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"level": None},
        {
            "forms": "",
            "words": "",
            "fields": "",
            "classes": "",
            "values": "",
            "deadline_days": None,
        },
        {"values": "temp omkring 38"},
        {"fields": "Inget fält"},
    ],
)
def test_a_row_that_is_no_rule_is_named(wrong: dict[str, object]) -> None:
    row = rule_rows(SHIPPED)[0] | wrong
    with pytest.raises(ReviewError):
        rules_of_rows([(0, row)], SHIPPED)


def test_a_unit_s_own_table_is_taken_back_on_the_screen(
    store: Store, open_screen: OpenScreen
) -> None:
    own = TriageRule(id="klass-a", level=1, reason="Allt", classes=("A",))
    with store.begin() as conn:
        triage.save_unit_triage(conn, seeding.forms(), MANAGER, OTHER_UNIT, [own], utc_now())
    app = open_screen(MANAGER, "queue")
    app.selectbox(key="triage_unit").set_value(OTHER_UNIT).run()
    assert not app.exception
    app.button(key="triage_undo").click().run()
    assert not app.exception
    with store.read() as conn:
        assert triage.load_unit_triage(conn, OTHER_UNIT).rules == SHIPPED
