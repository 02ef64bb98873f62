"""Text of people and paper inside Markdown: it is shown as it was written, whatever it holds.

Streamlit formats nearly every text that it shows (labels, captions, messages, options) as Markdown.
Only the texts of the catalogue may use that. Everything else goes through `plain`, or into a text
of the catalogue by `md`; `tests/architecture/test_plain_text.py` finds what does not.
"""

from __future__ import annotations

import re

from pipeline.texts import Text
from ui.i18n import show_text, t

_WORD_JOINER = "\u2060"
"""Invisible; keeps what follows from being joined to a colour, an icon or a link."""
_SPECIAL = re.compile(r"[\\`*_\[\]<>$~|&^{}]")
_NUMBER_END = re.compile(r"^([ \u00a0]*\d+)([.)])", re.MULTILINE)
_LINE_START = re.compile(r"^([ \u00a0]*)([#+=-])", re.MULTILINE)
_INDENT = re.compile(r"^(?: {4}|\t)[ \t]*", re.MULTILINE)
_JOINED = re.compile(r":(?=[a-zA-Z/])|@|(?<=www)(?=\.)", re.IGNORECASE)
_CODE = re.compile(r"(`[^`\n]+`)")


def plain(value: object) -> str:
    """Return a value as Markdown that shows exactly its characters."""
    if value is None:
        return ""
    text = show_text(value) if isinstance(value, Text) else str(value)
    # Lines that would become code, a list, a heading or a rule.
    text = _INDENT.sub(lambda found: "\u00a0" * len(found[0]), text)
    text = _SPECIAL.sub(r"\\\g<0>", text)
    text = _NUMBER_END.sub(r"\1\\\2", text)
    text = _LINE_START.sub(r"\1\\\2", text)
    # Colours, icons and addresses begin after a colon or an at sign.
    return _JOINED.sub(lambda found: found[0] + _WORD_JOINER, text)


def plain_with_code(text: str) -> str:
    """Return a text of the program, such as an error, with its `commands` shown as code."""
    parts = _CODE.split(text)
    return "".join(part if number % 2 else plain(part) for number, part in enumerate(parts))


def md(key: str, /, **values: object) -> str:
    """Return the text of a key, which may use Markdown, filled in with values that may not."""
    return t(
        key,
        **{
            name: value if isinstance(value, int | float) else plain(value)
            for name, value in values.items()
        },
    )
