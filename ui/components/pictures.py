"""Pictures of paper as the screens show them. Whoever shows one has first recorded the look with `claims.view_page`."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import cv2
import numpy as np
import PIL.Image
import streamlit as st

from pipeline.field_spec import BoxMm
from pipeline.model import Image, Outcome, Person
from pipeline.picture import decode
from pipeline.register import PX_PER_MM
from pipeline.store.pages import Page
from pipeline.store.protection import covered_page
from ui.site import Site

_LONGEST_PX = 2400
_CROP_MARGIN_MM = 1.0
_ROOM_MM, _ROOM_PX = 2.5, 80
_COVER_MM, _COVER_GREY = 2.0, 120
"""Ink runs over the edge of its box: covered is a little more than the box."""
_UPRIGHT = "image/jpeg"
_JPEG = (int(cv2.IMWRITE_JPEG_QUALITY), 80)


Boxes = tuple[BoxMm, ...]


def covered_for(here: Site, person: Person, page: Page) -> Boxes:
    """The places of a page (mm) that this person may not see."""
    with here.store.read() as conn:
        return covered_page(conn, here.forms, person, page)


def page_picture(here: Site, page: Page, covered: Boxes) -> bytes | None:
    """The page as JPEG: laid upright on its form if it was read, otherwise as it came. None when no picture could be taken in.

    `covered` (mm, from `covered_for`) is painted over here, so that the browser never gets what lies below.
    """
    if page.upright_sha256:
        return _page_jpeg(here, page.upright_sha256, _UPRIGHT, covered)
    if page.image_sha256:
        return _page_jpeg(here, page.image_sha256, page.media_type or "image/png", covered)
    return None


def lies_on_form(page: Page) -> bool:
    """Whether the places of the form hold for the page's picture."""
    return page.outcome is Outcome.READ and page.upright_sha256 is not None


def crop_picture(here: Site, page: Page, box_mm: Sequence[float], covered: Boxes) -> bytes | None:
    """One field cut from the upright page, as PNG with a little air around; None when the page lies on no form. `covered` as in `page_picture`."""
    return _crop_png(here, page.upright_sha256, tuple(box_mm), covered) if page.upright_sha256 and lies_on_form(page) else None


@st.cache_data(max_entries=100, show_spinner=False)
def _crop_png(_here: Site, sha256: str, box_mm: tuple[float, ...], covered: Boxes) -> bytes:
    picture = with_covered(decode(_here.store.images.get(sha256), _UPRIGHT), covered)
    x, y, w, h = box_mm
    top, left = (max(0, round((v - _CROP_MARGIN_MM) * PX_PER_MM)) for v in (y, x))
    bottom, right = (round((v + _CROP_MARGIN_MM) * PX_PER_MM) for v in (y + h, x + w))
    return _encoded(picture[top:bottom, left:right], ".png")


def crop_pictures(here: Site, page: Page, boxes: Sequence[BoxMm], covered: Boxes) -> list[bytes]:
    """Fields cut from one upright page, as JPEG with room around each; grey where the page lies on no form. `covered` as in `page_picture`."""
    if page.upright_sha256 is None or not lies_on_form(page):
        return [_encoded(np.full((_ROOM_PX, _ROOM_PX), _COVER_GREY, np.uint8), ".jpg", _JPEG) for _ in boxes]
    return _crops_jpeg(here, page.upright_sha256, tuple(boxes), covered)


@st.cache_data(max_entries=60, show_spinner=False)
def _crops_jpeg(_here: Site, sha256: str, boxes: Boxes, covered: Boxes) -> list[bytes]:
    picture = with_covered(decode(_here.store.images.get(sha256), _UPRIGHT), covered)
    cut = []
    for x, y, w, h in boxes:
        top, left = (max(0, round((v - _ROOM_MM) * PX_PER_MM)) for v in (y, x))
        bottom, right = (round((v + _ROOM_MM) * PX_PER_MM) for v in (y + h, x + w))
        cut.append(_encoded(picture[top:bottom, left:right], ".jpg", _JPEG))
    return cut


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height of a JPEG, px, from its head: looking at a page must not cost taking its picture apart."""
    with PIL.Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
        return picture.size


@st.cache_resource(max_entries=80, show_spinner=False)  # bytes cannot be changed: unlike cache_data, this makes no copy of them at every look
def _page_jpeg(_here: Site, sha256: str, media_type: str, covered: Boxes) -> bytes:
    data = _here.store.images.get(sha256)
    if not covered and media_type == _UPRIGHT and max(jpeg_size(data)) <= _LONGEST_PX:
        return data
    picture = with_covered(decode(data, media_type), covered)
    shrink = _LONGEST_PX / max(picture.shape[:2])
    if shrink < 1:
        picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return _encoded(picture, ".jpg", _JPEG)


def with_covered(picture: Image, boxes: Boxes) -> Image:
    """The picture (8 px/mm) with these places (mm) painted over; the very same picture when there are none."""
    if not boxes:
        return picture
    shown = picture.copy()
    for x, y, w, h in boxes:
        left, top = (max(0, math.floor((v - _COVER_MM) * PX_PER_MM)) for v in (x, y))
        right, bottom = (math.ceil((v + _COVER_MM) * PX_PER_MM) for v in (x + w, y + h))
        shown[top:bottom, left:right] = _COVER_GREY
    return shown


def _encoded(picture: Image, suffix: str, options: Sequence[int] = ()) -> bytes:
    done, data = cv2.imencode(suffix, picture, options)
    if not done:
        raise ValueError(f"A picture of {picture.shape} could not be encoded as {suffix}")
    return data.tobytes()
