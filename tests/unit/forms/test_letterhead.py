"""The logo and the law on printed sheets."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from PIL import Image as Pillow

from pipeline.domain.errors import SettingsError
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Box
from pipeline.domain.settings import ROOT, Settings
from pipeline.files.pdf_output import Document
from pipeline.forms.drawing import PaperDocument, TextStyle
from pipeline.forms.fiducials import CODE_BOXES, CONTENT_BOX, MARKER_BOXES, SERIAL_BOXES
from pipeline.forms.letterhead import (
    LAW_BOX,
    LOGO_BOX,
    MAX_LOGO_BYTES,
    Letterhead,
    draw_logo,
    find_logo,
    join_law_refs,
    load_logo,
)
from pipeline.forms.printing import Sheet, print_sheets
from tests.support.pages.logo import grey_logo

DAY = date(2026, 11, 29)
FORMS = Forms.load(ROOT / "forms")


def _settings(folder: Path, name: str, data: bytes) -> Settings:
    (folder / name).write_bytes(data)
    return Settings(workspace=folder, logo=Path(name))


def _colour_file(kind: str) -> bytes:
    out = io.BytesIO()
    mode = "RGBA" if kind == "PNG" else "RGB"
    Pillow.new(mode, (2000, 100), "red").save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_logo_becomes_grey_and_small(kind: str, tmp_path: Path) -> None:
    logo = load_logo(_settings(tmp_path, "logo", _colour_file(kind)))
    with Pillow.open(io.BytesIO(logo)) as picture:
        assert (picture.mode, picture.size) == ("L", (1600, 80))


@pytest.mark.parametrize(
    ("data", "key"),
    [(b"<svg/>", "logo_unreadable"), (b"\x89PNG" + bytes(MAX_LOGO_BYTES), "logo_too_large")],
)
def test_wrong_logo_is_named_but_stops_no_paper(data: bytes, key: str, tmp_path: Path) -> None:
    settings = _settings(tmp_path, "logo", data)
    with pytest.raises(SettingsError) as raised:
        load_logo(settings)
    assert raised.value.key == f"error.{key}"
    assert find_logo(settings) == b""


def test_missing_logo_stops_no_paper(tmp_path: Path) -> None:
    assert find_logo(Settings(workspace=tmp_path, logo=Path("saknas.png"))) == b""


@pytest.mark.parametrize("box", [LOGO_BOX, LAW_BOX])
def test_letterhead_is_clear_of_what_is_read(box: Box) -> None:
    places = (*MARKER_BOXES.values(), *CODE_BOXES, *SERIAL_BOXES, CONTENT_BOX)
    assert all(
        box.x + box.w <= place.x
        or place.x + place.w <= box.x
        or box.y + box.h <= place.y
        or place.y + place.h <= box.y
        for place in places
    )


@pytest.mark.parametrize(("size", "width"), [((400, 40), 50.0), ((40, 40), 6.3)])
def test_logo_keeps_its_shape_within_its_box(
    size: tuple[int, int], width: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed: list[tuple[float, ...]] = []
    monkeypatch.setattr(Document, "image", lambda _self, _image, *box: placed.append(box))
    with Document("Prov") as paper:
        draw_logo(paper, grey_logo(size), LOGO_BOX)
    ((x, y, w, h),) = placed
    assert (w, w / h) == pytest.approx((width, size[0] / size[1]))
    assert x + w == pytest.approx(LOGO_BOX.x + LOGO_BOX.w)
    assert LOGO_BOX.y <= y <= y + h <= LOGO_BOX.y + LOGO_BOX.h + 1e-6


def _in_style(print_style: int) -> Form:
    return FORMS.latest("bistandsbeslut").model_copy(update={"print_style": print_style})


@pytest.mark.parametrize(("print_style", "printed"), [(1, False), (2, True)])
def test_law_is_printed_from_the_second_style(
    print_style: int, printed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []
    monkeypatch.setattr(
        "pipeline.forms.drawing.PaperDocument.paragraph",
        lambda _self, text, *_place: texts.append(text),
    )
    sheet = Sheet("00000000")
    print_sheets(_in_style(print_style), [sheet], letterhead=Letterhead("Ort", law_day=DAY))
    assert any(text.startswith("Lagrum: ") for text in texts) is printed


_NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("refs", "line"),
    [
        (
            [
                "Lag (1990:52) om vård av unga, 6 och 7 §§",
                "Lag (1990:52) om vård av unga, 8 §",
                "Lag (1990:52) om vård av unga 2 och 3 §§",
            ],
            f"Lag (1990:52) om vård av unga 6 och 7{_NBSP}§§, 8{_NBSP}§ samt 2 och 3{_NBSP}§§",
        ),
        (
            ["SoL (2025:400) 20 kap. 1 §", "SoL (2025:400) 20 kap. 2 a §", "HSLF-FS 2016:40 om x"],
            f"SoL (2025:400) 20{_NBSP}kap. 1{_NBSP}§ samt 20{_NBSP}kap. 2 a{_NBSP}§; "
            "HSLF-FS 2016:40 om x",
        ),
    ],
)
def test_a_law_is_named_once_and_no_number_is_parted_from_its_sign(
    refs: list[str], line: str
) -> None:
    assert join_law_refs(refs) == line


@pytest.mark.parametrize("form_id", ["ny-patient", "lvu-omhandertagande", "telefonanteckning"])
def test_law_has_two_lines_and_what_has_no_room_is_said_to_exist(
    form_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heights: list[float] = []
    draw = PaperDocument.paragraph

    def measure(
        paper: PaperDocument, text: str, at: tuple[float, float], width: float, style: TextStyle
    ) -> None:
        if text.startswith("Lagrum: "):
            heights.append(paper.height_of(text, width, style))
        draw(paper, text, at, width, style)

    monkeypatch.setattr(PaperDocument, "paragraph", measure)
    letterhead = Letterhead("Ort", grey_logo((400, 40)), DAY)
    print_sheets(FORMS.latest(form_id), [Sheet("00000000")], letterhead=letterhead)
    assert heights
    assert max(heights) <= LAW_BOX.h + 0.1


def test_sheet_without_letterhead_is_what_it_was() -> None:
    form, sheet = _in_style(1), Sheet("00000000")
    assert print_sheets(form, [sheet], printed_on=DAY) == print_sheets(
        form, [sheet], letterhead=Letterhead(law_day=DAY), printed_on=DAY
    )
