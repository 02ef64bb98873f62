"""Make text printable in every file format, and wrap it into lines.

The wrapping of fpdf2 measures every line again for each character, which makes long lists slow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_UNPRINTABLE = re.compile("[^\\t\\n\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What XML 1.0 (§2.2 Char) forbids."""
MeasureText = Callable[[str], float]
"""A function that returns the width of a text."""


def make_printable(text: str) -> str:
    """Replace unprintable characters by U+FFFD, so that their place stays visible.

    Line ends become `\\n`.
    """
    return _UNPRINTABLE.sub(
        "\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n")
    )


def wrap_text(text: str, width: float, measure: MeasureText) -> list[str]:
    """Wrap a text into lines no wider than `width`, at blanks or within a word wider than a line.

    `measure` returns the width of a text; the width of a line is the sum of its pieces. Blanks at
    a break are dropped, all others stay.
    """
    return [
        line
        for paragraph in text.split("\n")
        for line in _wrap_paragraph(paragraph, width, measure)
    ]


def _wrap_paragraph(paragraph: str, width: float, measure: MeasureText) -> Iterator[str]:
    line, line_width, blank_width = "", 0.0, measure(" ")
    for word in paragraph.split(" "):
        for piece in _split_word(word, width, measure):
            piece_width = measure(piece)
            gap = blank_width if line else 0.0
            if line and line_width + gap + piece_width > width:
                yield line
                line, line_width = piece, piece_width
            else:
                line = f"{line} {piece}" if line else piece
                line_width = line_width + gap + piece_width
    yield line


def _split_word(word: str, width: float, measure: MeasureText) -> Iterator[str]:
    while measure(word) > width and len(word) > 1:
        # The most characters that fit, at least one.
        too_many = next(n for n in range(1, len(word) + 1) if measure(word[:n]) > width)
        count = max(1, too_many - 1)
        yield word[:count]
        word = word[count:]
    yield word
