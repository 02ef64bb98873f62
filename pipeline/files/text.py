"""Text that every file format can carry.

Words into lines of a given width. (fpdf2's own wrapping measures every line anew for each
character, which makes long lists slow.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_UNPRINTABLE = re.compile("[^\\t\\n\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
MeasureText = Callable[[str], float]


def make_printable(text: str) -> str:
    """Line ends as `\\n`; a character that XML 1.0 (§2.2 Char) forbids becomes U+FFFD, so that its
    place is still seen.
    """
    return _UNPRINTABLE.sub(
        "\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n")
    )


def wrap_text(text: str, width: float, measure: MeasureText) -> list[str]:
    """The text in lines no wider than `width`, broken at blanks, and within a word that is wider
    than a whole line.

    `measure` gives the width of a piece; the width of a line is the sum of its pieces. Blanks at
    a break are dropped, every other stays.
    """
    return [
        line
        for paragraph in text.split("\n")
        for line in _wrap_paragraph(paragraph, width, measure)
    ]


def _wrap_paragraph(paragraph: str, width: float, measure: MeasureText) -> Iterator[str]:
    line, used, blank = "", 0.0, measure(" ")
    for word in paragraph.split(" "):
        for piece in _split_word(word, width, measure):
            size = measure(piece)
            joint = blank if line else 0.0
            if line and used + joint + size > width:
                yield line
                line, used = piece, size
            else:
                line, used = (f"{line} {piece}" if line else piece), used + joint + size
    yield line


def _split_word(word: str, width: float, measure: MeasureText) -> Iterator[str]:
    while measure(word) > width and len(word) > 1:
        fits = max(1, next(n for n in range(1, len(word) + 1) if measure(word[:n]) > width) - 1)
        yield word[:fits]
        word = word[fits:]
    yield word
