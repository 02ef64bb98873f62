"""Pictures sent to the browser once, ahead of need, and kept in its memory: nothing shown is sent
twice, and no address leads to them.

A picture is known by a digest of its bytes. A page shows it by that name; a field shows the
piece of it that the field was written on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache, lru_cache
from html import escape
from typing import Any

import streamlit as st

from ui.browser.assets import read_script

_SENT_IMAGES_KEY = "pictures_sent"
_MAX_IMAGES = 24
"""How many the browser keeps; the same number as in the script."""


@cache
def _image_cache_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component("efterskrift_picture_shelf", js=read_script("image_cache"))


@lru_cache(maxsize=80)
def image_id(picture: bytes) -> str:
    """The name that a picture has in the browser."""
    return hashlib.blake2b(picture, digest_size=10).hexdigest()


def cache_images(key: str, pictures: Sequence[bytes]) -> None:
    """Send the JPEG pictures that this browser does not have yet. Each place on a screen that sends
    some has its own `key`.
    """
    sent: list[str] = st.session_state.setdefault(_SENT_IMAGES_KEY, [])
    new = {name: picture for picture in pictures if (name := image_id(picture)) not in sent}
    st.session_state[_SENT_IMAGES_KEY] = [*sent, *new][-_MAX_IMAGES:]
    _image_cache_component()(
        key=f"picture_shelf_{key}", data=_pack_images(new) if new else b"", height=1
    )


def forget_sent_images() -> None:
    """The browser has lost its pictures, as after the screen was left: the next run sends those
    that are shown.
    """
    st.session_state.pop(_SENT_IMAGES_KEY, None)


def crop_html(
    name: str,
    box_mm: Sequence[float],
    size_mm: tuple[float, float],
    label: str,
    *,
    margin_mm: float = 1.0,
    tall: bool = False,
) -> str:
    """HTML of one rectangle of a picture that shows a whole page of this size, with a little air
    around.
    """
    left, top = (max(0.0, v - margin_mm) for v in box_mm[:2])
    right, bottom = (
        min(most, box_mm[i] + box_mm[i + 2] + margin_mm) for i, most in enumerate(size_mm)
    )
    w, h = right - left, bottom - top
    across, down = (
        100 * at / (whole - part) if whole > part else 0
        for at, whole, part in ((left, size_mm[0], w), (top, size_mm[1], h))
    )
    style = (
        f"background-image:var(--ef-pic-{name});background-size:{100 * size_mm[0] / w:.2f}% {100 * size_mm[1] / h:.2f}%;"
        f"background-position:{across:.3f}% {down:.3f}%;--ef-aspect:{w / h:.4f}"
    )
    return f'<div class="ef-crop{" ef-lines" if tall else ""}" role="img" aria-label="{escape(label)}" style="{style}"></div>'


def _pack_images(pictures: dict[str, bytes]) -> bytes:
    """Names and lengths as JSON behind their own length (4 bytes, big-endian), then the pictures
    one after the other.
    """
    names = json.dumps([[name, len(picture)] for name, picture in pictures.items()]).encode()
    return b"".join((len(names).to_bytes(4, "big"), names, *pictures.values()))
