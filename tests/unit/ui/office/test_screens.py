"""Each screen in each role; what a role may not do is refused by `pipeline` although the screen is
opened.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from pipeline.domain.errors import StoreUnavailableError
from pipeline.domain.model import EntryState, IssuedSheet, Person, Role
from pipeline.export.runs import ExportContext
from pipeline.forms.fiducials import new_serial
from pipeline.store.accounts.people import save_person
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import list_events
from pipeline.store.paper import pages, workers
from pipeline.store.paper.intake import batches
from pipeline.store.paper.pages import NewPage
from pipeline.store.registers import packs
from pipeline.store.registers.issued_sheets import save_issued_sheets
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding, unusual_paper
from tests.support.screens.seeding import (
    ADMINISTRATOR,
    LOG_REVIEWER,
    MANAGER,
    NURSE,
    REGISTRAR,
    SYSTEM_ADMINISTRATOR,
)
from tests.support.store.passwords import hashed
from tests.support.store.route_steps import route_to
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_rekeying import looks
from ui.widgets.run_once import RunOnce

ALLOWED = {
    "scan": {ADMINISTRATOR.login, REGISTRAR.login},
    "review": {NURSE.login, REGISTRAR.login},
    "own_work": {NURSE.login, REGISTRAR.login},
    "quality": {MANAGER.login},
    "backlog": {ADMINISTRATOR.login, MANAGER.login, NURSE.login},
    "progress": {ADMINISTRATOR.login, MANAGER.login},
    "paper_days": {ADMINISTRATOR.login, MANAGER.login},
    "pack": {ADMINISTRATOR.login, MANAGER.login},
    "queue": {MANAGER.login},
    "signing": {NURSE.login},
    "follow_up": {ADMINISTRATOR.login, NURSE.login},
    "export": {ADMINISTRATOR.login, NURSE.login, REGISTRAR.login},
    "routes": {ADMINISTRATOR.login, SYSTEM_ADMINISTRATOR.login},
    "key_in": {ADMINISTRATOR.login, NURSE.login, REGISTRAR.login},
    "payments": {MANAGER.login},
    "archive": {ADMINISTRATOR.login, REGISTRAR.login},
    "forms": {ADMINISTRATOR.login, SYSTEM_ADMINISTRATOR.login},
    "accounts": {SYSTEM_ADMINISTRATOR.login},
    "office": {ADMINISTRATOR.login, SYSTEM_ADMINISTRATOR.login},
    "hsa_ids": {ADMINISTRATOR.login, SYSTEM_ADMINISTRATOR.login},
    "log": {LOG_REVIEWER.login},
}
ROLES = (ADMINISTRATOR, NURSE, MANAGER, REGISTRAR, SYSTEM_ADMINISTRATOR, LOG_REVIEWER)
TYPIST = replace(NURSE, login="tora", title="assistent", role=Role.TYPIST)


def test_the_table_names_every_screen_and_role() -> None:
    from ui.screens.menu import SCREENS

    assert set(ALLOWED) == {screen.name for screen in SCREENS}
    assert {person.role for person in (*ROLES, TYPIST)} == set(Role)


OPENED = [(name, person) for name in ALLOWED for person in ROLES if person.login in ALLOWED[name]]
REFUSED = [
    (name, person) for name in ALLOWED for person in ROLES if person.login not in ALLOWED[name]
]


def of(name: str, person: Person) -> str:
    return f"{name}-{person.role.value}"


@pytest.mark.parametrize("world", ["empty", "filled"], indirect=True)
@pytest.mark.parametrize(("name", "person"), OPENED, ids=[of(*pair) for pair in OPENED])
def test_a_screen_opens_for_its_roles(open_screen: OpenScreen, name: str, person: Person) -> None:
    app = open_screen(person, name)
    assert not app.exception
    assert not any("inte rätt" in error.value for error in app.error)


@pytest.mark.parametrize("world", ["filled"], indirect=True)
@pytest.mark.parametrize(("name", "person"), REFUSED, ids=[of(*pair) for pair in REFUSED])
def test_a_screen_refuses_the_other_roles_and_shows_them_nothing(
    open_screen: OpenScreen, name: str, person: Person
) -> None:
    app = open_screen(person, name)
    assert not app.exception
    assert any("inte rätt" in error.value for error in app.error)
    shown = [
        *app.metric,
        *app.text_input,
        *app.selectbox,
        *app.multiselect,
        *app.dataframe,
        *app.info,
        *app.text,
    ]
    assert shown == []
    assert {button.key for button in app.button} <= {
        "log_out",
        "lookup_open",
        "guide_open",
        "own_login_open",
        "practice_open",
    }


@pytest.mark.parametrize("name", ["review", "own_work", "signing", "export"])
def test_a_typist_types_and_neither_signs_nor_exports(
    store: Store, open_screen: OpenScreen, name: str
) -> None:
    with store.begin() as conn:
        save_person(conn, TYPIST, hashed(seeding.PASSWORD))
    app = open_screen(TYPIST, name)
    assert not app.exception
    is_refused = any("inte rätt" in error.value for error in app.error)
    assert is_refused == (name in {"signing", "export"})


def test_a_failed_page_is_closed_with_a_reason_and_opened_again(
    store: Store, open_screen: OpenScreen
) -> None:
    page_id = unusual_paper.add_failed_page(store)
    app = open_screen(ADMINISTRATOR, "scan")
    app.button(key=f"look-{page_id}").click().run()
    app.selectbox(key=f"close_reason-{page_id}").select_index(1).run()
    app.button(key=f"close_do-{page_id}").click().run()
    assert not app.exception
    app.toggle(key="problem_rest").set_value(True).run()
    assert app.segmented_control(key="problem_kind").options == ["Avslutade (1)"]
    with store.read() as conn:
        assert pages.count_pages_by_state(conn)["failed"] == 0
    app.button(key=f"look-{page_id}").click().run()
    assert any("hör inte till oss" in one.value for one in app.caption)
    app.button(key=f"reopen-{page_id}").click().run()
    assert app.segmented_control(key="problem_kind").options == ["Misslyckade (1)"]


def test_a_pack_is_opened_on_the_screen_and_taken_back(
    store: Store, open_screen: OpenScreen
) -> None:
    with store.begin() as conn:
        sheets = [IssuedSheet(new_serial(), "hsl-anteckning", 1, seeding.UNIT) for _ in range(187)]
        save_issued_sheets(conn, sheets, ADMINISTRATOR.login)
        (pack,) = packs.list_packs(conn, ADMINISTRATOR, {seeding.UNIT})
    days = open_screen(ADMINISTRATOR, "paper_days")
    assert any("187 utskrivna ark ligger i reserv" in one.value for one in days.caption)
    assert not any("Leta efter arken" in one.value for one in days.caption)
    app = open_screen(ADMINISTRATOR, "scan")
    app.button(key=f"open_pack-{pack.id}").click().run()
    assert not app.exception
    days = open_screen(ADMINISTRATOR, "paper_days")
    assert any("Leta efter arken" in one.value for one in days.caption)
    app.button(key=f"undo_pack-{pack.id}").click().run()
    with store.read() as conn:
        assert not packs.list_packs(conn, ADMINISTRATOR, {seeding.UNIT})[0].is_open


def test_problems_show_reason_and_choices(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    unusual_paper.add_failed_page(store)
    twin = unusual_paper.add_duplicate(store, entry_id)
    app = open_screen(ADMINISTRATOR, "scan")
    assert app.segmented_control(key="problem_kind").options == [
        "Misslyckade (1)",
        "Samma blankett igen (1)",
    ]
    app.segmented_control(key="problem_kind").set_value("duplicate").run()
    app.button(key=f"look-{twin}").click().run()
    app.run()
    assert looks(store, twin, ADMINISTRATOR) == 1
    app.segmented_control(key="problem_kind").set_value("failed").run()
    app.segmented_control(key="problem_kind").set_value("duplicate").run()
    assert looks(store, twin, ADMINISTRATOR) == 2
    app.button(key=f"same-{twin}").click().run()
    assert not app.exception
    with store.read() as conn:
        assert pages.load_page(conn, twin).settled
        assert pages.count_pages_by_state(conn) == {"in": 3, "done": 1, "waiting": 1, "failed": 1}


def test_a_duplicate_whose_first_scan_is_another_units_can_still_be_decided(
    store: Store, open_screen: OpenScreen
) -> None:
    twin = unusual_paper.add_duplicate(store, seeding.add_notes(store, 1)[0])
    elsewhere = replace(ADMINISTRATOR, units=frozenset({seeding.OTHER_UNIT}))
    with store.begin() as conn:
        save_person(conn, elsewhere, None)
        conn.execute(
            update(paper.page).where(paper.page.c.id == twin).values(unit=seeding.OTHER_UNIT)
        )
    app = open_screen(elsewhere, "scan")
    app.button(key=f"look-{twin}").click().run()
    assert (
        "Den första skanningen hör till en annan enhet. Fråga den enheten om du behöver se den."
        in [one.value for one in app.caption]
    )
    assert app.button(key=f"same-{twin}")


def test_what_was_written_since_the_first_scan_is_told_of(
    store: Store, open_screen: OpenScreen
) -> None:
    twin = unusual_paper.add_duplicate(store, seeding.add_notes(store, 1)[0], " Fick Alvedon 1 g.")
    app = open_screen(ADMINISTRATOR, "scan")
    app.button(key=f"look-{twin}").click().run()
    app.button(key=f"same-{twin}").click().run()
    assert [toast.value for toast in app.toast] == [
        (
            "Något skrevs till eller ändrades på papperet efter den första skanningen. 1 "
            "post väntar under Granska."
        )
    ]


def test_who_was_elsewhere_when_a_stack_failed_is_told_of_it(
    store: Store, open_screen: OpenScreen
) -> None:
    app, made = open_screen(ADMINISTRATOR, "scan"), RunOnce[None]()

    def fail() -> None:
        raise StoreUnavailableError("upload_not_kept", reason="No space left on device")

    with pytest.raises(StoreUnavailableError):
        made.run("stack", fail)
    app.session_state["uploads_taken"] = made
    assert any(
        error.value.startswith("Allt som du laddade upp kom inte in.") for error in app.run().error
    )
    made.run("stack", lambda: None)
    assert not app.run().error
    with store.begin() as conn:
        batches.open_batch(conn, "a" * 64, unit=seeding.UNIT, place="", by=ADMINISTRATOR.login)
        conn.execute(update(paper.batch).values(created_at=utc_now() - timedelta(hours=1)))
    said = " ".join(one.proto.body for one in app.run().get("html"))
    assert "0 sidor har kommit in. Ladda upp samma filer igen" in said
    shown = " ".join(html.proto.body for html in open_screen(MANAGER, "progress").get("html"))
    assert f"1 bunt från {seeding.UNIT} är inte uppladdad till slutet" in shown


def test_the_other_choice_makes_an_entry_of_its_own(store: Store, open_screen: OpenScreen) -> None:
    twin = unusual_paper.add_duplicate(store, seeding.add_notes(store, 1)[0])
    app = open_screen(ADMINISTRATOR, "scan")
    app.button(key=f"look-{twin}").click().run()
    app.button(key=f"other-{twin}").click().run()
    with store.read() as conn:
        assert pages.load_page(conn, twin).sheet == twin


def test_blank_backs_are_counted_and_can_be_looked_at(
    store: Store, open_screen: OpenScreen
) -> None:
    back = unusual_paper.add_blank_page(store)
    app = open_screen(ADMINISTRATOR, "scan")
    app.toggle(key="problem_rest").set_value(True).run()
    assert app.segmented_control(key="problem_kind").options == ["Tomma baksidor (1)"]
    app.button(key=f"look-{back}").click().run()
    assert any("ef-page" in html.proto.body for html in app.get("html"))


def test_progress_counts_and_shows_no_names(store: Store, open_screen: OpenScreen) -> None:
    entry_id = seeding.add_notes(store, 3)[0]
    seeding.confirm(store, NURSE, entry_id)
    app = open_screen(MANAGER, "progress")
    shown = " ".join(html.proto.body for html in app.get("html"))
    assert "3 sidor in = 1 klar + 2 väntar + 0 misslyckade." in shown
    assert "Det är för tidigt att säga när det är klart." in shown
    numbers = "".join(f'<td class="ef-number">{number}</td>' for number in (2, 2, 1, 0, 0))
    assert f"{numbers}</tr>" in shown
    said = shown + " ".join(str(element.value) for element in (*app.markdown, *app.caption))
    assert seeding.CLIENTS[0].name not in said


def stacks_shown(app: AppTest) -> list[str]:
    """What is said of each stack."""
    bodies = [html.proto.body for html in app.get("html")]
    return [text for body in bodies for text in re.findall(r"ef-stack.*<strong>(.*?)<", body)]


def test_reading_is_called_done_only_where_there_was_something_to_read(
    store: Store, open_screen: OpenScreen
) -> None:
    assert stacks_shown(open_screen(ADMINISTRATOR, "scan")) == []
    unusual_paper.add_failed_page(store)
    assert stacks_shown(open_screen(ADMINISTRATOR, "scan")) == [
        "Läsningen är klar: 1 sida · 1 att åtgärda"
    ]


def _office(store: Store) -> ExportContext:
    return ExportContext(store, seeding.settings(store), seeding.forms())


def test_export_is_made_once_and_stays_in_the_history(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id, sign=True)
    app = open_screen(NURSE, "export")
    app.button(key="make-rivta").click().run()
    assert not app.exception
    assert "är gjord med 1 post" in app.success[0].value
    assert "make-rivta" not in {button.key for button in app.button}
    with store.read() as conn:
        assert [event.action for event in list_events(conn, entry_id)][-1] == "exported"


def test_a_wrong_mapping_is_shown_in_its_targets_place_and_the_others_go_on(
    store: Store, open_screen: OpenScreen
) -> None:
    seeding.confirm(store, NURSE, seeding.add_notes(store, 1)[0], sign=True)
    route_to(_office(store), "rivta", "treserva-exempel")
    folder = seeding.settings(store).own_forms / "hsl-anteckning"
    folder.mkdir(parents=True)
    (folder / "export.treserva-exempel.yaml").write_text(
        "about: x\ncolumns: [{title: Text, source: field.antekning}]\n", "utf-8"
    )
    app = open_screen(NURSE, "export")
    assert any("antekning" in each.value for each in app.error)
    assert "make-treserva-exempel" not in {button.key for button in app.button}
    app.button(key="make-rivta").click().run()
    assert "är gjord med 1 post" in app.success[0].value


def test_statistics_are_made_beside_the_export(store: Store, open_screen: OpenScreen) -> None:
    seeding.confirm(store, NURSE, seeding.add_notes(store, 1)[0], sign=True)
    app = open_screen(NURSE, "export")
    assert any("Kolumnlistan måste jämföras" in warning.value for warning in app.warning)
    app.button(key="make-khsl").click().run()
    assert not app.exception
    assert "är gjord med 1 post" in app.success[0].value
    keys = {button.key for button in app.button}
    assert "make-rivta" in keys
    assert "make-khsl" not in keys
    assert not app.toggle


def test_receipts_are_given_by_hand(store: Store, open_screen: OpenScreen) -> None:
    from pipeline.store.entries.entry import load_entry

    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id, sign=True)
    app = open_screen(ADMINISTRATOR, "export")
    app.button(key="make-rivta").click().run()
    run_id = next(element.key or "" for element in app.toggle).removeprefix("tick-")
    app.toggle(key=f"tick-{run_id}").set_value(True).run()
    app.checkbox(key=f"all-{run_id}").check()
    app.button(key=f"save-{run_id}").click().run()
    assert not app.exception
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is EntryState.RECEIPTED


def test_bundles_are_told_with_days_serials_and_numbers_as_elsewhere(
    open_screen: OpenScreen, store: Store
) -> None:
    unusual_paper.add_bundle(store, said=3, sheets=2)
    app = open_screen(MANAGER, "paper_days")
    app.session_state["language"] = "en"
    app.run()
    shown = " ".join(html.proto.body for html in app.get("html"))
    one, three, two = (f'<td class="ef-number">{number}</td>' for number in (1, 3, 2))
    assert re.search(
        rf"<td><time>18 Dec 2021</time></td>{one}<td>\w{{4}}-\w{{4}}</td>{three}{two}", shown
    )


def test_the_back_of_a_copy_is_laid_to_its_front_and_taken_off_again(
    store: Store, open_screen: OpenScreen
) -> None:
    _, _, front, back = unusual_paper.add_copies(store)
    app = open_screen(ADMINISTRATOR, "scan")
    assert app.segmented_control(key="problem_kind").options == ["Sidor av kopior (1)"]
    app.button(key=f"look-{back}").click().run()
    assert {"Den här sidan", "Första sidan i bunt.pdf, sida 3"} <= {
        caption.value for caption in app.caption
    }
    assert (looks(store, back, ADMINISTRATOR), looks(store, front, ADMINISTRATOR)) == (1, 1)
    button = app.button(key=f"belongs-{front}-{back}")
    assert button.label == "Hör till bunt.pdf, sida 3"
    button.click().run()
    assert not app.exception
    with store.read() as conn:
        assert pages.load_page(conn, back).sheet == front
        assert [event.action for event in list_events(conn, back)][-1] == "lay_to"
    app.toggle(key="problem_rest").set_value(True).run()
    assert app.segmented_control(key="problem_kind").options == [
        "Sidor som lagts till ett papper (1)"
    ]
    app.button(key=f"look-{back}").click().run()
    app.button(key=f"take_off-{back}").click().run()
    assert not app.exception
    assert app.segmented_control(key="problem_kind").options == ["Sidor av kopior (1)"]
    with store.read() as conn:
        assert pages.load_page(conn, back).sheet == back


@pytest.mark.parametrize("world", ["filled"], indirect=True)
def test_days_are_written_as_the_language_does(open_screen: OpenScreen) -> None:
    app = open_screen(MANAGER, "backlog")
    said = {}
    for language in ("sv", "en"):
        app.session_state["language"] = language
        app.run()
        said[language] = " ".join(
            [
                *(html.proto.body for html in app.get("html")),
                *(str(each.value) for each in app.markdown),
            ]
        )
    assert "2021-12-18" in said["sv"]
    assert "2021-12-18" not in said["en"]
    assert "18 Dec 2021" in said["en"]


def test_failed_pages_are_read_again_at_once_and_those_without_their_image_are_shown(
    store: Store, open_screen: OpenScreen
) -> None:
    with store.begin() as conn:
        batch = pages.create_batch(conn, seeding.UNIT, "", "a.b")
        scans = [
            pages.add_page(
                conn,
                NewPage(batch, number, "a.png", number, None, f"{number:064x}", "image/png"),
                "a.b",
            )
            for number in (1, 2, 3)
        ]
        for page_id in scans[:2]:
            pages.mark_page_failed(conn, page_id, "not_read: ValueError")
        workers.set_aside(conn, scans[2], "image_away: gone")
    app = open_screen(ADMINISTRATOR, "scan")
    kinds = app.segmented_control(key="problem_kind")
    assert kinds.options == ["Misslyckade (2)", "Bild saknas (1)"]
    app.button(key="again_all").click().run()
    assert not app.exception
    assert app.segmented_control(key="problem_kind").options == ["Bild saknas (1)"]
    app.button(key=f"look-{scans[2]}").click().run()
    assert not app.exception, "an image that is not there is said to be away"
    with store.read() as conn:
        assert pages.list_queued_pages(conn) == scans[:2]
