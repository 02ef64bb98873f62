"""What the screens say, by key: `texts/<language>.yaml`. Swedish unless a person chooses otherwise.

A text may hold `{names}` to be filled in. A text with the two forms `one` and `other` is chosen by `count`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import streamlit as st
import yaml

LANGUAGES = {"sv": "Svenska", "en": "English"}
_TEXTS = Path(__file__).parent / "texts"


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All texts of a language by dotted key."""
    return dict(_flat(yaml.safe_load((_TEXTS / f"{language}.yaml").read_text("utf-8"))))


def t(key: str, **values: object) -> str:
    """The text of a key in the person's language, filled in.

    Raises:
        KeyError: there is no such text.
    """
    texts = catalogue(st.session_state.get("language", "sv"))
    if key not in texts and "count" in values:
        key = f"{key}.{'one' if values['count'] == 1 else 'other'}"
    return texts[key].format(**values) if values else texts[key]


def known(prefix: str, code: str) -> str:
    """The text of a short code such as a page's problem; the code itself when it is new to the catalogue."""
    head, _, detail = code.partition(":")
    key = f"{prefix}.{head}"
    texts = catalogue(st.session_state.get("language", "sv"))
    return t(key, detail=detail) if key in texts else code


def _flat(tree: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in tree.items():
        key = f"{prefix}{name}"
        pairs += _flat(value, f"{key}.") if isinstance(value, Mapping) else [(key, str(value))]
    return pairs
