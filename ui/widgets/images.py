"""Images of paper as the screens show them.

The caller records the view (`queue.record_page_view`) before it shows an image.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from html import escape

import cv2
import numpy as np
import PIL.Image
import streamlit as st

from pipeline.domain.errors import StoreError
from pipeline.domain.form.field import BoxMm
from pipeline.domain.model import Image, Outcome, Person
from pipeline.files.images import decode_image
from pipeline.reading.imaging.geometry import PX_PER_MM
from pipeline.store.paper.pages import Page
from pipeline.store.paper.protected_identity import find_covered_boxes
from ui.browser.page_view import data_url
from ui.i18n import t
from ui.workspace import AppContext

BoxesMm = tuple[BoxMm, ...]

_MAX_IMAGE_PX = 2400
_CROP_MARGIN_MM = 1.0
_GRID_CROP_MARGIN_MM, _GRID_CROP_HEIGHT_PX = 2.5, 80
_COVER_MARGIN_MM, _COVER_GREY = 2.0, 120
"""Ink runs over the edge of its box: a little more than the box is covered."""
_UPRIGHT_MEDIA_TYPE = "image/jpeg"
_JPEG_OPTIONS = (int(cv2.IMWRITE_JPEG_QUALITY), 80)


def find_covered_for(context: AppContext, person: Person, page: Page) -> BoxesMm:
    """Return the boxes of a page (mm) that this user may not see."""
    return context.store.query(find_covered_boxes, context.forms, person, page)


def page_image(context: AppContext, page: Page, covered: BoxesMm) -> bytes | None:
    """Return the page as JPEG: registered to its form if it was read, otherwise as scanned.

    None if the page has no image. `covered` (mm, from `find_covered_for`) is painted over here, so
    that the browser never gets what is below.
    """
    if page.upright_sha256:
        return _cached_page_jpeg(context, page.upright_sha256, _UPRIGHT_MEDIA_TYPE, covered)
    if page.image_sha256:
        return _cached_page_jpeg(
            context, page.image_sha256, page.media_type or "image/png", covered
        )
    return None


def show_page(context: AppContext, person: Person, page: Page) -> None:
    """Show a page in its full width, or that there is no image of it."""
    try:
        picture = page_image(context, page, find_covered_for(context, person, page))
    except StoreError:
        picture = None  # its file is lost: the rest of the screen is of use without it
    if picture is None:
        st.caption(t("problems.no_picture"))
    else:
        alt = escape(t("picture.alt"))
        st.html(f'<img class="ef-page" alt="{alt}" src="{data_url(picture)}">')


def is_registered(page: Page) -> bool:
    """Return whether the boxes of the form hold for the page's image."""
    return page.outcome is Outcome.READ and page.upright_sha256 is not None


def crop_image(
    context: AppContext, page: Page, box_mm: Sequence[float], covered: BoxesMm
) -> bytes | None:
    """Return one field of the registered page as PNG with a small margin.

    None if the page is not registered. `covered` as in `page_image`.
    """
    return (
        _cached_crop_png(context, page.upright_sha256, tuple(box_mm), covered)
        if page.upright_sha256 and is_registered(page)
        else None
    )


@st.cache_data(max_entries=100, show_spinner=False)
def _cached_crop_png(
    _context: AppContext, sha256: str, box_mm: tuple[float, ...], covered: BoxesMm
) -> bytes:
    picture = cover_boxes(
        decode_image(_context.store.images.get(sha256), _UPRIGHT_MEDIA_TYPE), covered
    )
    x, y, w, h = box_mm
    top, left = (max(0, round((v - _CROP_MARGIN_MM) * PX_PER_MM)) for v in (y, x))
    bottom, right = (round((v + _CROP_MARGIN_MM) * PX_PER_MM) for v in (y + h, x + w))
    return _encode_image(picture[top:bottom, left:right], ".png")


def crop_images(
    context: AppContext, page: Page, boxes: Sequence[BoxMm], covered: BoxesMm
) -> list[bytes]:
    """Return fields of one registered page as JPEG with a margin around each.

    Grey images if the page is not registered. `covered` as in `page_image`.
    """
    if page.upright_sha256 is None or not is_registered(page):
        return [
            _encode_image(
                np.full((_GRID_CROP_HEIGHT_PX, _GRID_CROP_HEIGHT_PX), _COVER_GREY, np.uint8),
                ".jpg",
                _JPEG_OPTIONS,
            )
            for _ in boxes
        ]
    return _cached_crop_jpegs(context, page.upright_sha256, tuple(boxes), covered)


@st.cache_data(max_entries=60, show_spinner=False)
def _cached_crop_jpegs(
    _context: AppContext, sha256: str, boxes: BoxesMm, covered: BoxesMm
) -> list[bytes]:
    picture = cover_boxes(
        decode_image(_context.store.images.get(sha256), _UPRIGHT_MEDIA_TYPE), covered
    )
    crops = []
    for x, y, w, h in boxes:
        top, left = (max(0, round((v - _GRID_CROP_MARGIN_MM) * PX_PER_MM)) for v in (y, x))
        bottom, right = (round((v + _GRID_CROP_MARGIN_MM) * PX_PER_MM) for v in (y + h, x + w))
        crops.append(_encode_image(picture[top:bottom, left:right], ".jpg", _JPEG_OPTIONS))
    return crops


def picture_size(data: bytes) -> tuple[int, int]:
    """Return width and height (px) of a JPEG or PNG from its header."""
    with PIL.Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
        return picture.size


# Bytes are immutable: unlike cache_data, cache_resource makes no copy of them at every use.
@st.cache_resource(max_entries=80, show_spinner=False)
def _cached_page_jpeg(
    _context: AppContext, sha256: str, media_type: str, covered: BoxesMm
) -> bytes:
    data = _context.store.images.get(sha256)
    # An upright page that is small enough is sent as stored.
    if (
        not covered
        and media_type == _UPRIGHT_MEDIA_TYPE
        and max(picture_size(data)) <= _MAX_IMAGE_PX
    ):
        return data
    picture = cover_boxes(decode_image(data, media_type), covered)
    shrink = _MAX_IMAGE_PX / max(picture.shape[:2])
    if shrink < 1:
        picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return _encode_image(picture, ".jpg", _JPEG_OPTIONS)


def cover_boxes(picture: Image, boxes: BoxesMm) -> Image:
    """Paint over these boxes (mm) of an image (8 px/mm).

    Return the same image if there are none.
    """
    if not boxes:
        return picture
    covered = picture.copy()
    for x, y, w, h in boxes:
        left, top = (max(0, math.floor((v - _COVER_MARGIN_MM) * PX_PER_MM)) for v in (x, y))
        right, bottom = (math.ceil((v + _COVER_MARGIN_MM) * PX_PER_MM) for v in (x + w, y + h))
        covered[top:bottom, left:right] = _COVER_GREY
    return covered


def _encode_image(picture: Image, suffix: str, options: Sequence[int] = ()) -> bytes:
    is_encoded, data = cv2.imencode(suffix, picture, options)
    if not is_encoded:
        raise ValueError(f"A picture of {picture.shape} could not be encoded as {suffix}")
    return data.tobytes()
