"""Pictures of paper as the screens show them. Whoever shows one has first recorded the look with `claims.view_page`."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import streamlit as st

from pipeline.model import Image, Outcome
from pipeline.register import PX_PER_MM
from pipeline.scan import decode
from pipeline.store.pages import Page
from ui.session import Site

_LONGEST_PX = 2400
_CROP_MARGIN_MM = 1.0
_UPRIGHT = "image/jpeg"
_JPEG = (int(cv2.IMWRITE_JPEG_QUALITY), 80)


def page_picture(here: Site, page: Page) -> bytes | None:
    """The page as JPEG: laid upright on its form if it was read, otherwise as it came. None when no picture could be taken in."""
    if page.upright_sha256:
        return _page_jpeg(here, page.upright_sha256, _UPRIGHT)
    if page.image_sha256:
        return _page_jpeg(here, page.image_sha256, page.media_type or "image/png")
    return None


def lies_on_form(page: Page) -> bool:
    """Whether the places of the form hold for the page's picture."""
    return page.outcome is Outcome.READ and page.upright_sha256 is not None


def crop_picture(here: Site, page: Page, box_mm: Sequence[float]) -> bytes | None:
    """One field cut from the upright page, as PNG with a little air around; None when the page lies on no form."""
    return _crop_png(here, page.upright_sha256, tuple(box_mm)) if page.upright_sha256 and lies_on_form(page) else None


@st.cache_data(max_entries=24, show_spinner=False)
def _page_jpeg(_here: Site, sha256: str, media_type: str) -> bytes:
    data = _here.store.images.get(sha256)
    picture = decode(data, media_type)
    if media_type == _UPRIGHT and max(picture.shape[:2]) <= _LONGEST_PX:
        return data
    shrink = _LONGEST_PX / max(picture.shape[:2])
    if shrink < 1:
        picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return _encoded(picture, ".jpg", _JPEG)


@st.cache_data(max_entries=400, show_spinner=False)
def _crop_png(_here: Site, sha256: str, box_mm: tuple[float, ...]) -> bytes:
    picture = _upright(_here, sha256)
    x, y, w, h = box_mm
    top, left = (max(0, round((v - _CROP_MARGIN_MM) * PX_PER_MM)) for v in (y, x))
    bottom, right = (round((v + _CROP_MARGIN_MM) * PX_PER_MM) for v in (y + h, x + w))
    return _encoded(picture[top:bottom, left:right], ".png")


@st.cache_resource(max_entries=6, show_spinner=False)
def _upright(_here: Site, sha256: str) -> Image:
    return decode(_here.store.images.get(sha256), _UPRIGHT)


def _encoded(picture: Image, suffix: str, options: Sequence[int] = ()) -> bytes:
    done, data = cv2.imencode(suffix, picture, options)
    if not done:
        raise ValueError(f"A picture of {picture.shape} could not be encoded as {suffix}")
    return data.tobytes()
