"""Årlig övning: ten sheets are made, their scan is handed in, and the result is shown."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.domain.model import Outcome, PageReading
from pipeline.domain.settings import Settings
from pipeline.preparation.drill import drills
from pipeline.reading.read_page import PageReader
from tests.support.screens.seeding import MANAGER, UNIT
from tests.unit.ui.conftest import OpenScreen
from ui.i18n import t


def test_a_drill_is_made_read_and_its_result_shown_with_what_is_missing(
    tmp_path: Path, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_screen(MANAGER, "pack")
    app.segmented_control(key="pack_part").set_value("drill").run()
    assert any(t("drill.none_made") in one.value for one in app.info)
    app.button(key="drill_make").click().run()
    assert not app.exception
    settings = Settings(workspace=tmp_path)
    (drill,) = drills.list_drills(settings, MANAGER)
    assert drill.unit == UNIT

    app.button(key="drill_read").click().run()
    assert [one.value for one in app.error] == [t("drill.no_file")]

    reading = PageReading(Outcome.UNIDENTIFIED)
    image = SimpleNamespace(data=b"", media_type="image/png")
    reader = SimpleNamespace(read=lambda *_: SimpleNamespace(reading=reading))
    monkeypatch.setattr(drills, "load_pages", lambda *_: [image])
    monkeypatch.setattr(PageReader, "of_forms", lambda _forms: reader)
    app.file_uploader(key="drill_file").upload("scan.pdf", b"scan", "application/pdf")
    app.number_input(key="drill_minutes").set_value(9)
    app.text_input(key="drill_remark").set_value("Pennan *tog* slut.")
    app.button(key="drill_read").click().run()
    assert not app.exception
    shown = " ".join(one.value for one in app.markdown)
    assert "Ark tillbaka: 0 av 10." in shown
    assert "9 minuter" in shown
    assert "Kom inte tillbaka" in shown
    assert "*tog*" not in shown.replace("\\*", "")
