"""The screen Skanna: each stack with its progress, what watched folders passed over, photos, and a
failed page that is linked to its new scan.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import cv2
import numpy as np
import pytest
from sqlalchemy import delete, update
from streamlit.testing.v1 import AppTest

from pipeline.domain.model import Assignment, CloseReason, Role
from pipeline.store.database.store import Store
from pipeline.store.paper import page_lists, pages
from pipeline.store.paper.intake.stacks import (
    PassedFile,
    PassedOver,
    WatchedFolder,
    list_stacks,
    save_watched_folder,
)
from pipeline.store.paper.pages import NewPage
from pipeline.store.schema import paper, registers
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding, unusual_paper
from tests.support.screens.seeding import ADMINISTRATOR
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_rekeying import looks
from ui.screens.scan.problem_pages import can_act_on, list_cases


def html(app: AppTest) -> str:
    return " ".join(one.proto.body for one in app.get("html"))


def add_queued(store: Store, count: int) -> str:
    """A stack whose pages are still to be read."""
    image = store.images.put(seeding.jpeg(np.full((600, 424), 255, np.uint8)))
    with store.begin() as conn:
        batch = pages.create_batch(conn, seeding.UNIT, "Pärm 3 <b>", ADMINISTRATOR.login)
        for number in range(1, count + 1):
            page = NewPage(batch, number, "bunt.pdf", number, image, image, "image/jpeg")
            pages.add_page(conn, page, ADMINISTRATOR.login)
    return batch


def test_an_empty_register_is_told_with_its_remedy(store: Store, open_screen: OpenScreen) -> None:
    assert not [one for one in open_screen(ADMINISTRATOR, "scan").info if "tomt" in one.value]
    with store.begin() as conn:
        conn.execute(delete(registers.client))
    (told,) = [one for one in open_screen(ADMINISTRATOR, "scan").info if "tomt" in one.value]
    assert "`efterskrift clients" in told.value


def test_a_stack_says_how_far_it_is_and_how_long_it_takes(
    store: Store, open_screen: OpenScreen
) -> None:
    batch = add_queued(store, 40)
    with store.begin() as conn:
        read = [f"{batch}-{number:05d}" for number in range(1, 13)]
        done = update(paper.page).where(paper.page.c.id.in_(read))
        conn.execute(
            done.values(state="read", outcome="blank", read_at=utc_now() - timedelta(minutes=1))
        )
        conn.execute(
            update(paper.page).where(paper.page.c.id == read[0]).values(state="failed", reason="x")
        )
    shown = html(open_screen(ADMINISTRATOR, "scan"))
    assert "Läst 12 av 40 sidor · 1 att åtgärda · ungefär 3 minuter kvar" in shown
    assert 'aria-valuenow="30"' in shown
    assert "11 klara" in shown
    assert "Pärm 3 &lt;b&gt;" in shown


def told_of_files(app: AppTest) -> list[str]:
    return [str(one.value) for one in app.warning if "kommit in förut" in str(one.value)]


def upload(app: AppTest, *shades: int, place: str = "") -> None:
    """Upload a picture of each shade of grey."""
    pictures = [
        cv2.imencode(".png", np.full((60, 42), shade, np.uint8))[1].tobytes() for shade in shades
    ]
    chosen = next(one for one in app.file_uploader if str(one.key).startswith("upload_files"))
    chosen.set_value([(f"{data[-9]}.png", data, "image/png") for data in pictures])
    app.selectbox(key="upload_unit").set_value(seeding.UNIT)
    app.text_input(key="upload_place").set_value(place)
    next(one for one in app.button if one.label == "Ladda upp").click().run()
    assert not app.exception


def test_an_upload_says_how_many_files_it_took_and_where_they_are_until_the_next_one(
    open_screen: OpenScreen,
) -> None:
    app = open_screen(ADMINISTRATOR, "scan")
    upload(app, 200, 210, 220)
    said = [one.value for one in app.success]
    assert len(said) == 1
    assert said[0].startswith("3 filer laddades upp kl. ")
    assert "(sidor: 3)" in said[0]
    assert [one.value for one in app.run().success] == said
    assert "Läst 0 av 3 sidor" in html(app)


def test_the_same_files_uploaded_again_are_said_to_be_nothing_new(
    open_screen: OpenScreen,
) -> None:
    """It said in green that they were uploaded, as the batch that they had become before."""
    app = open_screen(ADMINISTRATOR, "scan")
    upload(app, 200, 210)
    assert not told_of_files(app)
    upload(app, 200, 210)
    assert not app.success
    (told,) = told_of_files(app)
    assert told.startswith("Inget nytt kom in. De 2 filerna har kommit in förut (sidor: 2)")
    upload(app, 200, 220, place="Pärm 4")
    (told,) = told_of_files(app)
    assert told.startswith("1 av filerna har kommit in förut.")


def test_only_what_the_person_can_do_is_to_be_done(store: Store, open_screen: OpenScreen) -> None:
    """Paper without a code waited under Granska, for others, and was counted as the scanner's."""
    unusual_paper.add_free_page(store, "Ring dottern")
    app = open_screen(ADMINISTRATOR, "scan")
    assert "inget att åtgärda" in html(app)
    assert not [one for one in app.segmented_control if one.key == "problem_kind"]
    app.toggle(key="problem_rest").set_value(True).run()
    assert app.segmented_control(key="problem_kind").options == ["Okända handlingar (1)"]
    reviewing = Assignment(Role.REVIEWER, "", seeding.UNITS, ADMINISTRATOR.areas)
    with store.read() as conn:
        (own,) = list_stacks(conn, replace(ADMINISTRATOR, further=(reviewing,)))
        assert own.problems == 1
        cases = list_cases(conn, ADMINISTRATOR)
    assert [can_act_on(ADMINISTRATOR, case) for case in cases] == [False]
    assert [can_act_on(replace(ADMINISTRATOR, further=(reviewing,)), one) for one in cases] == [
        True
    ]


def test_the_list_is_narrowed_to_one_stack(store: Store, open_screen: OpenScreen) -> None:
    page_id = unusual_paper.add_failed_page(store)
    unusual_paper.add_blank_page(store)
    app = open_screen(ADMINISTRATOR, "scan")
    app.toggle(key="problem_rest").set_value(True).run()
    assert len(app.segmented_control(key="problem_kind").options) == 2
    with store.read() as conn:
        batch = pages.load_page(conn, page_id).batch
    app.button(key=f"stack_problems-{batch}").click().run()
    assert app.segmented_control(key="problem_kind").options == ["Misslyckade (1)"]
    app.button(key="all_stacks").click().run()
    app.toggle(key="problem_rest").set_value(True).run()
    assert len(app.segmented_control(key="problem_kind").options) == 2


def test_a_failed_page_is_linked_to_its_new_scan_and_the_link_undone(
    store: Store, open_screen: OpenScreen
) -> None:
    failed = unusual_paper.add_failed_page(store)
    new_scan = unusual_paper.add_blank_page(store)
    with store.begin() as conn:
        conn.execute(
            update(paper.page).where(paper.page.c.id == new_scan).values(outcome="unidentified")
        )
    app = open_screen(ADMINISTRATOR, "scan")
    app.button(key=f"look-{failed}").click().run()
    app.selectbox(key=f"link-{failed}").set_value(new_scan).run()
    assert looks(store, new_scan, ADMINISTRATOR) == 1
    app.button(key=f"link_do-{failed}").click().run()
    assert not app.exception
    with store.read() as conn:
        closure = page_lists.find_closure(conn, failed)
    assert closure is not None
    assert (closure.reason, closure.other) == (CloseReason.SCANNED_AGAIN, new_scan)
    app.button(key=f"undo_close-{failed}").click().run()
    with store.read() as conn:
        assert page_lists.find_closure(conn, failed) is None
    assert "undo_close" not in " ".join(str(button.key) for button in app.button)


def test_a_link_is_shown_with_the_closed_page(store: Store, open_screen: OpenScreen) -> None:
    failed = unusual_paper.add_failed_page(store)
    new_scan = unusual_paper.add_blank_page(store)
    with store.begin() as conn:
        page_lists.close_failed_page(
            conn, ADMINISTRATOR, failed, CloseReason.SCANNED_AGAIN, utc_now(), new_scan
        )
        name = pages.load_page(conn, new_scan).source_name
    app = open_screen(ADMINISTRATOR, "scan")
    app.toggle(key="problem_rest").set_value(True).run()
    app.segmented_control(key="problem_kind").set_value("closed").run()
    app.button(key=f"look-{failed}").click().run()
    assert any(f"Papperet är skannat igen som {name}" in one.value for one in app.caption)


def test_what_a_watched_folder_passed_over_is_listed_with_what_to_do(
    store: Store, open_screen: OpenScreen
) -> None:
    passed = (
        PassedFile("<lista>.docx", PassedOver.OTHER_TYPE),
        PassedFile("b.png", PassedOver.SAME_CONTENT, "a.png"),
    )
    look = WatchedFolder("/srv/skanner", seeding.UNIT, "", utc_now(), passed_over=passed)
    with store.begin() as conn:
        save_watched_folder(conn, look)
    app = open_screen(ADMINISTRATOR, "scan")
    assert "2 filer har inte lästs in:" in html(app)
    assert "&lt;lista&gt;.docx" in html(app)
    assert "Samma innehåll som a.png, som redan är inläst" in html(app)
    assert any("skanner (Hemsjukvården Centrum): kontrollerad" in one.value for one in app.caption)


@pytest.mark.parametrize(
    ("minutes", "is_away", "said"), [(10, False, "bevakas inte sedan"), (0, True, "inte att öppna")]
)
def test_a_folder_that_is_not_watched_any_more_says_so(
    store: Store, open_screen: OpenScreen, minutes: int, is_away: bool, said: str
) -> None:
    at = utc_now() - timedelta(minutes=minutes)
    with store.begin() as conn:
        save_watched_folder(conn, WatchedFolder("/srv/skanner", seeding.UNIT, "", at, is_away))
    app = open_screen(ADMINISTRATOR, "scan")
    assert any(said in one.value for one in app.warning)


@pytest.mark.slow
def test_photos_are_shown_taken_again_and_uploaded_as_one_stack(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_screen(ADMINISTRATOR, "scan")
    app.segmented_control(key="upload_way").set_value("photos").run()
    for number in range(2):
        app.file_uploader(key=f"upload_photo_{number}").upload(
            f"IMG_{number}.jpg", photo(number), "image/jpeg"
        ).run()
    assert not app.exception
    assert html(app).count("ef-photo") == 2
    app.button(key=first_photo(app)).click().run()
    assert html(app).count("ef-photo") == 1
    app.file_uploader(key="upload_photo_2").upload("IMG_2.jpg", photo(2), "image/jpeg").run()
    app.selectbox(key="upload_unit").set_value(seeding.UNIT)
    app.button(key="upload_submit").click().run()
    assert not app.exception
    with store.read() as conn:
        names = [
            page.source_name
            for page in pages.list_batch_pages(conn, conn.execute(paper.batch.select()).one().id)
        ]
    assert names == ["IMG_2.jpg", "IMG_1.jpg"]
    assert "ef-photo" not in html(app)


def photo(number: int) -> bytes:
    """A light sheet on a dark desk."""
    image = np.full((2400, 1800, 3), 60, np.uint8)
    cv2.rectangle(image, (100, 100), (1700, 2300), (240, 240, 240), -1)
    cv2.putText(image, f"Sida {number}", (300, 600), cv2.FONT_HERSHEY_SIMPLEX, 6, (0, 0, 0), 8)
    return seeding.jpeg(image)


def first_photo(app: AppTest) -> str:
    return next(str(b.key) for b in app.button if str(b.key).startswith("photo_again-"))
