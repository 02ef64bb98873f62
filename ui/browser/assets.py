"""Scripts and styles of the components that run in the browser."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent


@cache
def read_script(*names: str) -> str:
    """Return the JavaScript of `js/<name>.js`, files one after the other."""
    return "".join((_FOLDER / "js" / f"{name}.js").read_text("utf-8") for name in names)


@cache
def read_style(name: str) -> str:
    """Return the CSS of `css/<name>.css`."""
    return (_FOLDER / "css" / f"{name}.css").read_text("utf-8")


@cache
def component(
    name: str, js: str, html: str | None = None, *, style: str = "", isolate_styles: bool = True
) -> Any:  # noqa: ANN401 - the renderer's type is not public
    """Return the component of this name, made at its first use; `style` names its CSS."""
    # Not made at import: before the server runs Streamlit registers it where no window looks.
    return st.components.v2.component(
        f"efterskrift_{name}",
        html=html,
        css=read_style(style) if style else None,
        js=js,
        isolate_styles=isolate_styles,
    )


@cache
def svg_data_url(file: Path) -> str:
    """Return an SVG as a data URL: before login no file is served."""
    return f"data:image/svg+xml;base64,{b64encode(file.read_bytes()).decode()}"
