"""Text that every file format can carry."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile("[^\\t\\n\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def printable(text: str) -> str:
    """Line ends as `\\n`; a character that XML 1.0 (§2.2 Char) forbids becomes U+FFFD, so that its place is still seen."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))
