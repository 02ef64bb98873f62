"""Images sent to the browser once, ahead of need, and cached in its memory.

No image is sent twice, and no address leads to one. An image is known by a digest of its bytes; a
page shows it by that id, a field shows a crop of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache

import streamlit as st

from ui.browser.assets import component, read_script

_SENT_IMAGES_KEY = "pictures_sent"
_MAX_IMAGES = 64
"""How many images the browser caches; the same number as in the script."""


@lru_cache(maxsize=80)
def image_id(picture: bytes) -> str:
    """Return the id that an image has in the browser."""
    return hashlib.blake2b(picture, digest_size=10).hexdigest()


def cache_images(key: str, pictures: Sequence[bytes]) -> None:
    """Send the JPEG images that this browser does not have yet.

    Each place on a screen that sends images has its own `key`.
    """
    sent: list[str] = st.session_state.setdefault(_SENT_IMAGES_KEY, [])
    new = {name: picture for picture in pictures if (name := image_id(picture)) not in sent}
    st.session_state[_SENT_IMAGES_KEY] = [*sent, *new][-_MAX_IMAGES:]
    component("picture_shelf", read_script("image_cache"))(
        key=f"picture_shelf_{key}", data=_pack_images(new) if new else b"", height=1
    )


def forget_sent_images() -> None:
    """Note that the browser has lost its images, as after leaving the screen.

    The next run sends those that are shown.
    """
    st.session_state.pop(_SENT_IMAGES_KEY, None)


def _pack_images(pictures: dict[str, bytes]) -> bytes:
    """Pack images for the browser: a header of ids and lengths, then the images.

    The header is JSON preceded by its own length (4 bytes, big-endian).
    """
    header = json.dumps([[name, len(picture)] for name, picture in pictures.items()]).encode()
    return b"".join((len(header).to_bytes(4, "big"), header, *pictures.values()))
