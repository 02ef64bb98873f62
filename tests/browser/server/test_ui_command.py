"""`efterskrift ui` as one program: server and workers come and go together, and what is handed in
is read.
"""

from __future__ import annotations

import signal
from pathlib import Path

import cv2
import pytest
from playwright.sync_api import Browser, expect

from pipeline.domain.model import IssuedSheet
from pipeline.forms.fiducials import new_serial
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.fill_sheet import render_sheet_page
from pipeline.store.database.store import Store
from pipeline.store.paper.pages import count_pages_by_state
from pipeline.store.registers import issued_sheets
from tests.browser.support.nurse import log_in
from tests.browser.support.people import choose
from tests.browser.support.serving import PATIENCE_MS, answering, free_port, ui_command
from tests.faults.watching import is_running, until
from tests.support.screens import seeding

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def descendants(pid: int) -> set[int]:
    """All processes below one."""
    found = {
        int(word)
        for path in Path(f"/proc/{pid}/task").glob("*/children")
        for word in path.read_text().split()
    }
    return found.union(*(descendants(child) for child in found))


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_signal_ends_server_and_workers(tmp_path: Path, sign: signal.Signals) -> None:
    port = free_port()
    with ui_command(tmp_path, port, 1, "--headless") as program:
        answering(program.poll, port)
        below = descendants(program.pid)
        assert len(below) >= 2
        program.send_signal(sign)
        assert program.wait(120) == 0
    # What workers are forked from ends when it sees its parent gone, a moment later if it was still
    # loading.
    until(lambda: [pid for pid in below if is_running(pid)] == [], "no process is left behind")


@pytest.mark.usefixtures("store")
def test_whoever_starts_it_for_the_first_time_is_asked_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streamlit asked for an e-mail address, in English, and nothing was served until a person
    answered.
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BROWSER", "true")
    port = free_port()
    with ui_command(tmp_path, port, 0) as program:
        answering(program.poll, port)
    assert "email" not in (tmp_path / "server.log").read_text()


def test_what_is_handed_in_is_read(browser: Browser, store: Store, tmp_path: Path) -> None:
    form, serial = seeding.forms()["hsl-anteckning", 1], new_serial()
    with store.begin() as conn:
        issued_sheets.save_issued_sheets(
            conn,
            [IssuedSheet(serial, form.id, form.version, seeding.UNIT)],
            seeding.ADMINISTRATOR.login,
        )
    scan = tmp_path / "bunt.png"
    assert cv2.imwrite(str(scan), render_sheet_page(form, Sheet(serial, seeding.UNIT)))
    port = free_port()
    with ui_command(tmp_path, port, 1, "--headless") as program:
        address = answering(program.poll, port)
        window = browser.new_page(locale="sv-SE")
        window.set_default_timeout(PATIENCE_MS)
        window.goto(address)
        log_in(window, seeding.ADMINISTRATOR)
        window.get_by_role("link", name="Skanna").click()
        choose(window, "upload_unit", seeding.UNIT)
        window.locator("input[type=file]").set_input_files(scan)
        expect(window.get_by_text("bunt.png")).to_be_visible()
        window.get_by_role("button", name="Ladda upp").click()
        expect(window.get_by_text("Läsningen är klar: 1 sida")).to_be_visible()
        window.close()
    with store.read() as conn:
        assert count_pages_by_state(conn)["in"] == 1
        assert count_pages_by_state(conn)["failed"] == 0
