"""Läge lists the duties of law until a manager says how one was met, which can be undone."""

from __future__ import annotations

from datetime import date

from streamlit.testing.v1 import AppTest

from pipeline.domain.law.duties import MetHow
from pipeline.store.database.store import Store
from pipeline.store.review.duties import MetAnswer, list_duties, list_met_duties
from tests.support.screens import seeding
from tests.support.screens.seeding import CLIENTS, MANAGER
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_entry_facts import CUSTODY, add, sent_to

RULE = "lvu-understallning"


def _press(app: AppTest, key: str) -> None:
    app.button(key=key).click().run()
    assert not app.exception


def test_a_duty_is_said_to_be_met_on_the_list_and_the_word_is_taken_back(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = add(store, "lvu-omhandertagande", CUSTODY)
    app = open_screen(MANAGER, "progress")
    _press(app, "deadlines_passed")
    _press(app, f"duty_mark-{entry_id}-{RULE}")
    # A paper of nobody is refused, and says what to do
    app.radio(key="duty_how").set_value(MetHow.PAPER.value).run()
    app.text_input(key="duty_paper").set_value("0000-0000")
    _press(app, "duty_save")
    assert "Kontrollera löpnumret" in app.error[0].value
    app.radio(key="duty_how").set_value(MetHow.COURT.value).run()
    # The day is asked for: today would be a false one of what was done weeks ago
    assert app.date_input(key="duty_day").value is None
    _press(app, "duty_save")
    assert "Välj dagen" in app.error[0].value
    app.date_input(key="duty_day").set_value(date(2021, 12, 20))
    _press(app, "duty_save")
    with store.read() as conn:
        assert list_duties(conn, seeding.forms(), MANAGER) == []
        (met,) = list_met_duties(conn, MANAGER)
    assert (met.duty.rule, met.answer) == (RULE, MetAnswer(MetHow.COURT, date(2021, 12, 20)))
    _press(app, "deadlines_met")
    assert CLIENTS[0].name not in sent_to(app)
    _press(app, f"duty_undo-{entry_id}-{RULE}")
    with store.read() as conn:
        assert [duty.rule for duty in list_duties(conn, seeding.forms(), MANAGER)] == [RULE]
