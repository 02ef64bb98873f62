"""Pictures of paper as the screens show them. Whoever shows one has first recorded the look with `claims.view_page`."""

from __future__ import annotations

import io
from collections.abc import Sequence

import cv2
import PIL.Image
import streamlit as st

from pipeline.model import Image, Outcome
from pipeline.scan import decode
from pipeline.store.pages import Page
from ui.session import Site

_LONGEST_PX = 2400
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


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height of a JPEG, px, from its head: looking at a page must not cost taking its picture apart."""
    with PIL.Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
        return picture.size


@st.cache_data(max_entries=80, show_spinner=False)
def _page_jpeg(_here: Site, sha256: str, media_type: str) -> bytes:
    data = _here.store.images.get(sha256)
    if media_type == _UPRIGHT and max(jpeg_size(data)) <= _LONGEST_PX:
        return data
    picture = decode(data, media_type)
    shrink = _LONGEST_PX / max(picture.shape[:2])
    if shrink < 1:
        picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return _encoded(picture, ".jpg", _JPEG)


def _encoded(picture: Image, suffix: str, options: Sequence[int] = ()) -> bytes:
    done, data = cv2.imencode(suffix, picture, options)
    if not done:
        raise ValueError(f"A picture of {picture.shape} could not be encoded as {suffix}")
    return data.tobytes()
