"""The product shows the municipality's logo where there is one, and its own mark elsewhere."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from PIL import Image
from streamlit.testing.v1 import AppTest

from pipeline.domain.settings import ROOT, Settings
from pipeline.forms.letterhead import find_logo
from pipeline.store.database.store import Store

APP = str(ROOT / "ui" / "start" / "app.py")
BLUE = (0, 40, 160)


def with_logo(workspace: Path) -> None:
    Image.new("RGB", (900, 300), BLUE).save(workspace / "vapen.png")
    (workspace / "settings.yaml").write_text("logo: vapen.png\n", "utf-8")


def login_picture(app: AppTest) -> tuple[str, str]:
    """Address and alternative text of the picture above the login."""
    html = " ".join(part.proto.body for part in app.get("html"))
    found = re.search(r'class="ef-login-logo" src="([^"]+)" alt="([^"]*)"', html)
    assert found is not None
    return found[1], found[2]


def test_the_login_has_a_mark_of_our_own_that_says_nothing_twice(store: Store) -> None:
    del store
    source, alt = login_picture(AppTest.from_file(APP, default_timeout=240).run())
    assert source.startswith("data:image/svg+xml")
    assert alt == ""


def test_the_login_has_the_logo_of_the_municipality_by_its_name(
    store: Store, tmp_path: Path
) -> None:
    del store
    with_logo(tmp_path)
    source, alt = login_picture(AppTest.from_file(APP, default_timeout=240).run())
    assert alt == "Kalix kommun"
    assert base64.b64decode(source.partition(",")[2]).startswith(b"\x89PNG")


def test_screens_have_the_logo_in_its_colours_and_paper_in_grey(tmp_path: Path) -> None:
    with_logo(tmp_path)
    settings = Settings(workspace=tmp_path, logo=Path("vapen.png"))
    for data, mode in ((find_logo(settings, is_grey=False), "RGB"), (find_logo(settings), "L")):
        (tmp_path / "shown.png").write_bytes(data)
        with Image.open(tmp_path / "shown.png") as picture:
            assert picture.mode == mode
            assert mode == "L" or picture.getpixel((5, 5)) == BLUE


def test_a_logo_that_cannot_be_used_leaves_our_own_mark(store: Store, tmp_path: Path) -> None:
    del store
    (tmp_path / "settings.yaml").write_text("logo: borta.png\n", "utf-8")
    app = AppTest.from_file(APP, default_timeout=240).run()
    assert not app.exception
    assert login_picture(app)[1] == ""
