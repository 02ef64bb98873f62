"""Words into lines of a given width. (fpdf2's own wrapping measures every line anew for each character, which makes long lists slow.)"""

from __future__ import annotations

from collections.abc import Callable, Iterator

Measure = Callable[[str], float]


def wrap(text: str, width: float, measure: Measure) -> list[str]:
    """The text in lines no wider than `width`, broken at blanks, and within a word that is wider than a whole line.

    `measure` gives the width of a piece; the width of a line is the sum of its pieces. Blanks at a break are dropped, every other stays.
    """
    return [line for paragraph in text.split("\n") for line in _lines(paragraph, width, measure)]


def _lines(paragraph: str, width: float, measure: Measure) -> Iterator[str]:
    line, used, blank = "", 0.0, measure(" ")
    for word in paragraph.split(" "):
        for piece in _pieces(word, width, measure):
            size = measure(piece)
            joint = blank if line else 0.0
            if line and used + joint + size > width:
                yield line
                line, used = piece, size
            else:
                line, used = (f"{line} {piece}" if line else piece), used + joint + size
    yield line


def _pieces(word: str, width: float, measure: Measure) -> Iterator[str]:
    while measure(word) > width and len(word) > 1:
        fits = max(1, next(n for n in range(1, len(word) + 1) if measure(word[:n]) > width) - 1)
        yield word[:fits]
        word = word[fits:]
    yield word
