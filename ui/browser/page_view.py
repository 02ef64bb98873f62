"""The images of a sheet, large; zoom and pan."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from ui.browser.assets import component, read_script
from ui.browser.image_cache import cache_images, forget_sent_images, image_id
from ui.i18n import t

PageArea = tuple[int, float, float, float, float]
"""Index of the image, and x, y, w, h as shares of the page's width and height."""

_HTML = """<div class="view"><div class="bar" style="visibility: hidden">
<span class="caption"></span>
<button tabindex="-1" class="turn"></button><button tabindex="-1" class="contrast">◐</button>
<button tabindex="-1" class="invert">◑</button><button tabindex="-1" class="out">−</button>
<button tabindex="-1" class="in">+</button><button tabindex="-1" class="whole"></button></div>
<div class="pane" tabindex="0" role="region">
<div class="sheet"><img alt=""><div class="row" hidden></div>
<div class="marked"></div></div></div></div>"""


def relative_area(
    box_mm: Sequence[float], picture: int, size_mm: tuple[float, float], margin_mm: float = 1.0
) -> PageArea:
    """Return a field's rectangle (mm) with a margin, as shares of a page of this size."""
    x, y, w, h = box_mm
    margins, (width, height) = 2 * margin_mm, size_mm
    return (
        picture,
        (x - margin_mm) / width,
        (y - margin_mm) / height,
        (w + margins) / width,
        (h + margins) / height,
    )


def page_view(
    turn: str,
    pictures: Sequence[bytes],
    captions: Sequence[str],
    row: PageArea | None = None,
    marked: Sequence[PageArea] = (),
) -> None:
    """Show a sheet. Its images are sent only if the browser does not have them.

    Args:
        turn: names what is shown: when it changes, the first page is shown again.
        pictures: JPEG images of its pages.
        captions: what is above each.
        row: the area of the row of a table.
        marked: areas that deviate from the others.
    """
    cache_images("now", pictures)
    labels = {
        key.rpartition(".")[2]: t(key)
        for key in (
            "picture.in",
            "picture.out",
            "picture.whole",
            "picture.turn",
            "picture.contrast",
            "picture.invert",
        )
    }
    component("page_view", read_script("review/page_view"), html=_HTML, style="page_view")(
        key="page_view",
        on_missing_change=forget_sent_images,
        data={
            "turn": turn,
            "pages": [image_id(picture) for picture in pictures],
            "captions": list(captions),
            "row": list(row) if row else None,
            "marked": [list(area) for area in marked],
            "alt": t("picture.alt"),
            "labels": labels,
        },
    )


def data_url(picture: bytes, media_type: str = "image/jpeg") -> str:
    """Return an image as a data URL, so that no address of it exists that could be passed on."""
    return f"data:{media_type};base64,{base64.b64encode(picture).decode('ascii')}"
