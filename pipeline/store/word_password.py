"""A password of words that can be read out and typed: shown once, changed by the person at the first login."""

from __future__ import annotations

import re
import secrets
from functools import cache

from pipeline.settings import ROOT

WORDS = 4
"""Of more than a thousand: 40 bits, enough where wrong attempts are slowed down and the password is changed at once."""
SEALED_WORDS = 6
"""For what lies in an envelope for months."""
_VOCABULARY = ROOT / "data" / "vocabulary"
_WORD = re.compile(r"[a-zåäö]{4,9}")


def word_password(count: int = WORDS) -> str:
    """Some words of the trade's vocabulary, drawn by chance, with blanks between."""
    return " ".join(secrets.choice(_words()) for _ in range(count))


@cache
def _words() -> tuple[str, ...]:
    lines = [line for file in sorted(_VOCABULARY.glob("*.txt")) for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]
    return tuple(sorted({word for line in lines for word in line.split() if _WORD.fullmatch(word)}))
