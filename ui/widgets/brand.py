"""The product on every screen: its name, and the logo of the municipality or Efterskrift."""

from __future__ import annotations

import io
from base64 import b64encode
from functools import lru_cache
from html import escape
from pathlib import Path

import streamlit as st
from PIL import Image

from pipeline.domain.settings import Settings
from pipeline.forms.letterhead import find_logo
from ui.browser.assets import svg_data_url
from ui.i18n import t

_MARK = Path(__file__).parents[1] / "static" / "icon.svg"
_HEIGHT = 32
"""Of the picture in the header, in px."""
_NAME_WIDTH = 96
"""Of the product's name beside it, in px."""
_GAP = 9


def header_logo(settings: Settings) -> None:
    """Show the logo and the product's name at the left of the menu, on every screen."""
    logo = find_logo(settings, is_grey=False)
    st.logo(_header_svg(logo, t("login.name")), size="large")


def login_logo(settings: Settings) -> None:
    """Show the logo above the login; it is the municipality's, or a mark of Efterskrift."""
    logo = find_logo(settings, is_grey=False)
    source = _png_data_url(logo) if logo else svg_data_url(_MARK)
    alt = settings.care_provider if logo else ""  # the mark says nothing beside the name
    st.html(f'<img class="ef-login-logo" src="{source}" alt="{escape(alt)}">')


@lru_cache(maxsize=4)
def _header_svg(logo: bytes, name: str) -> str:
    """Draw the picture and the name as one, whose text follows the theme of the browser."""
    source = _png_data_url(logo) if logo else svg_data_url(_MARK)
    width, height = _picture_size(logo)
    start = width + _GAP
    style = "text{fill:#1e2a2f}@media(prefers-color-scheme:dark){text{fill:#e8e6e0}}"
    font = "font:600 16px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif"
    # On white, since a logo is made for paper
    back = f'<rect width="{width}" height="{_HEIGHT}" rx="4" fill="#fff"/>' if logo else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{start + _NAME_WIDTH}" '
        f'height="{_HEIGHT}" viewBox="0 0 {start + _NAME_WIDTH} {_HEIGHT}">'
        f"<style>{style}</style>{back}"
        f'<image href="{source}" x="0" y="{(_HEIGHT - height) / 2}" width="{width}" '
        f'height="{height}"/>'
        f'<text x="{start}" y="22" style="{font}">{escape(name)}</text></svg>'
    )


def _picture_size(logo: bytes) -> tuple[int, int]:
    """Return width and height of the logo in the header (px): no wider than three squares."""
    if not logo:
        return 26, 26
    with Image.open(io.BytesIO(logo)) as picture:
        scale = min(_HEIGHT / picture.height, 3 * _HEIGHT / picture.width)
        return round(picture.width * scale), round(picture.height * scale)


def _png_data_url(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"
