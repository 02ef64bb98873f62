"""The instructions of a pack: how to write, tick, change, sign and collect, and what goes where.

Lengths are mm.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.domain.model import Box
from pipeline.forms.drawing import (
    CROSS_DOWNSTROKE,
    CROSS_UPSTROKE,
    DIGIT_STROKES,
    Colour,
    PaperDocument,
    Point,
    TextStyle,
    interpolate_curve,
    scale_to_box,
)
from pipeline.preparation.outage_pack.pages import (
    BODY_STYLE,
    HEADING_STYLE,
    LEFT_MM,
    RIGHT_MM,
    SMALL_STYLE,
    TOP_MM,
    WIDTH_MM,
    PackInfo,
    TextColumn,
    begin_page,
    draw_bullets,
    draw_heading,
    pack_text,
    pack_texts,
)

_CAPTION_STYLE = TextStyle(8.5, Colour.BLACK)
_WORD_STYLE = TextStyle(9, Colour.BLACK, bold=True)

# The page.
_RIGHT_COLUMN_MM = 108.0
_LEFT_COLUMN = TextColumn(LEFT_MM, _RIGHT_COLUMN_MM - LEFT_MM - 6)
_RIGHT_COLUMN = TextColumn(_RIGHT_COLUMN_MM, RIGHT_MM - _RIGHT_COLUMN_MM)
_LINE_MM = 4.0
_ROW_MM = 4.5
_USES_TOP_MM = 191.0
_USES_BOTTOM_MM = 279.5

# The examples.
_CELL_MM = (7.0, 9.0)
_PEN_MM = 0.55
_EXAMPLES_MM = 24.0
"""From the left edge to the first example, past the words `write like this`."""
_WRONG_EXAMPLE_MM = 30.0
"""From one wrong example to the next."""
_EXAMPLE_DATE, _EXAMPLE_TIME = "20260109", "0745"
_STRUCK_DIGITS, _CORRECTED_DIGITS, _EXAMPLE_INITIALS = "0815", "0851", "EM"
_WRONG_EXAMPLES = {
    "outside": (("4", (0.5, -3.2, 9.5, 14.5)),),
    "two_in_one": (("1", (0.4, 1.5, 3.2, 6.5)), ("7", (3.5, 1.5, 3.2, 6.5))),
    "too_small": (("3", (0.4, 5.0, 2.8, 3.4)), ("8", (7.4, 4.8, 2.8, 3.4))),
    "overwritten": (("2", (0.0, 0.0, *_CELL_MM)), ("8", (0.0, 0.0, *_CELL_MM))),
    "joined": (),
}
"""How not to write digits in two cells: the digits and their boxes; those joined are a stroke."""
_CHECK_MARK_STROKE: tuple[Point, ...] = ((0.1, 0.5), (0.42, 0.88), (1.05, -0.1))
_JOINED_DIGITS_STROKE: tuple[Point, ...] = (
    (0.1, 0.25),
    (0.25, 0.12),
    (0.32, 0.4),
    (0.12, 0.85),
    (0.45, 0.8),
    (0.6, 0.5),
    (0.62, 0.15),
    (0.78, 0.1),
    (0.82, 0.5),
    (0.7, 0.88),
)


def count_instruction_pages(uses: int) -> int:
    """Return the number of pages of the instructions for this number of forms."""
    # Forms that do not fit on the first page, divided by those of a full page, rounded up.
    return 1 + -(-max(0, uses - _count_use_rows(_USES_TOP_MM)) // _count_use_rows(TOP_MM))


def draw_instructions(
    paper: PaperDocument, about: PackInfo, uses: Sequence[tuple[str, str]]
) -> None:
    """Draw the pages. `uses` are pairs of a form's title and what is written on it."""
    title = pack_text("pack_paper.instructions.title")
    begin_page(paper, about, title, pack_text("pack_paper.instructions.subtitle"))
    # Across the page: digits.
    _draw_digits(paper, 39.5)
    # Below, on the left what to write and tick, on the right how to change. The ticks begin
    # below the rules for writing, however long these are.
    y = draw_bullets(
        paper,
        pack_texts("pack_paper.writing_rule"),
        draw_heading(paper, pack_text("pack_paper.instructions.write"), 91),
        _LEFT_COLUMN,
    )
    _draw_marks(paper, max(y + 2, 122.0))
    _draw_change(paper, _RIGHT_COLUMN.left, 91)
    # On the left how to sign, on the right how to collect.
    paper.words(pack_text("pack_paper.instructions.sign"), (LEFT_MM, 153), HEADING_STYLE)
    draw_bullets(paper, pack_texts("pack_paper.signing_rule"), 160, _LEFT_COLUMN)
    paper.words(
        pack_text("pack_paper.instructions.collect"), (_RIGHT_COLUMN.left, 130), HEADING_STYLE
    )
    draw_bullets(paper, pack_texts("pack_paper.collecting_rule"), 137, _RIGHT_COLUMN)
    # Below, and on further pages: what is written on which form.
    first, further = _count_use_rows(_USES_TOP_MM), _count_use_rows(TOP_MM)
    _draw_uses(paper, uses[:first], _USES_TOP_MM)
    for start in range(first, len(uses), further):
        begin_page(paper, about, title, pack_text("pack_paper.continued"))
        _draw_uses(paper, uses[start : start + further], TOP_MM)


def _count_use_rows(top: float) -> int:
    """Return how many forms have room, in two columns, below a heading at `top`."""
    # Two columns of entries of two lines each, below the heading's 7 mm.
    return 2 * int((_USES_BOTTOM_MM - top - 7.0) // (2 * _ROW_MM))


def _draw_digits(paper: PaperDocument, y: float) -> None:
    """Draw digits in their cells as they should be written, and as they should not."""
    top, left = (
        draw_heading(paper, pack_text("pack_paper.instructions.digits"), y),
        LEFT_MM + _EXAMPLES_MM,
    )
    paper.words(pack_text("pack_paper.instructions.like_this"), (LEFT_MM, top + 2.6), _WORD_STYLE)
    _draw_row(paper, "".join(DIGIT_STROKES), left, top)
    _draw_caption(paper, "pack_paper.digit_caption", LEFT_MM + 99, top + 1)
    _draw_date_and_time(paper, left, top + 13)
    paper.words(
        pack_text("pack_paper.instructions.not_like_this"), (LEFT_MM, top + 29.6), _WORD_STYLE
    )
    for index, (key, digits) in enumerate(_WRONG_EXAMPLES.items()):
        x = left + index * _WRONG_EXAMPLE_MM
        for cell in range(2):
            _draw_cell(paper, x + cell * _CELL_MM[0], top + 27)
        for digit, (across, down, width, height) in digits:
            _draw_pen_digit(paper, digit, Box(x + across, top + 27 + down, width, height))
        if not digits:
            cells = Box(x, top + 27, 2 * _CELL_MM[0], _CELL_MM[1])
            stroke = scale_to_box(cells, interpolate_curve(_JOINED_DIGITS_STROKE))
            paper.pen(stroke, Colour.BLACK, _PEN_MM)
        paper.words(pack_text(f"pack_paper.wrong.{key}"), (x, top + 38), SMALL_STYLE)


def _draw_date_and_time(paper: PaperDocument, left: float, y: float) -> None:
    _draw_row(paper, _EXAMPLE_DATE, left, y)
    _draw_row(paper, _EXAMPLE_TIME, left + len(_EXAMPLE_DATE) * _CELL_MM[0] + 4, y)
    _draw_caption(paper, "pack_paper.date_caption", LEFT_MM + 116, y + 1)


def _draw_caption(paper: PaperDocument, key: str, x: float, y: float) -> None:
    for number, line in enumerate(pack_texts(key)):
        paper.words(line, (x, y + number * _LINE_MM), _CAPTION_STYLE)


def _draw_marks(paper: PaperDocument, y: float) -> None:
    """Draw a cross, a check mark, and a box that is filled in and so cancelled."""
    top = draw_heading(paper, pack_text("pack_paper.instructions.tick"), y)
    strokes_by_example = (
        ("cross", (CROSS_DOWNSTROKE, CROSS_UPSTROKE)),
        ("check_mark", (_CHECK_MARK_STROKE,)),
        ("cancelled", ()),
    )
    for (key, strokes), offset in zip(strokes_by_example, (0, 22, 54), strict=True):
        x = LEFT_MM + offset
        box = Box(x, top, 5, 5)
        paper.area(box, Colour.WHITE if strokes else Colour.BLACK, Colour.BLACK, 0.35)
        for stroke in strokes:
            paper.pen(scale_to_box(box, stroke), Colour.BLACK, _PEN_MM)
        paper.words(pack_text(f"pack_paper.mark.{key}"), (x + 6.5, top + 1), _CAPTION_STYLE)
    paper.words(pack_text("pack_paper.mark.after_cancelled"), (LEFT_MM, top + 8), _CAPTION_STYLE)


def _draw_change(paper: PaperDocument, x: float, y: float) -> None:
    """Draw a row of digits that is struck through, with the right digits and initials above."""
    paper.words(pack_text("pack_paper.instructions.change"), (x, y), HEADING_STYLE)
    top = y + 13
    _draw_row(paper, _STRUCK_DIGITS, x, top)
    end = x + len(_STRUCK_DIGITS) * _CELL_MM[0]
    paper.pen([(x - 1, top + 5.4), (end + 1, top + 3.8)], Colour.BLACK, _PEN_MM)
    for index, digit in enumerate(_CORRECTED_DIGITS):
        _draw_pen_digit(paper, digit, Box(x + 2 + index * 5.2, top - 7.4, 4.6, 6.6))
    paper.words(_EXAMPLE_INITIALS, (x + 26, top - 5.6), TextStyle(12, Colour.BLACK))
    paper.paragraph(
        pack_text("pack_paper.instructions.changing"),
        (x + 34, y + 7),
        RIGHT_MM - x - 34,
        BODY_STYLE,
    )


def _draw_uses(paper: PaperDocument, uses: Sequence[tuple[str, str]], top: float) -> None:
    """List forms in two columns: the title, and below it what is written on the form."""
    top = draw_heading(paper, pack_text("pack_paper.instructions.uses"), top)
    # Column by column: half of the forms in the first, rounded up.
    rows = -(-len(uses) // 2)
    width = WIDTH_MM / 2 - 4
    for index, (title, use) in enumerate(uses):
        column, row = divmod(index, rows)
        x, y = LEFT_MM + column * (WIDTH_MM / 2 + 4), top + row * _ROW_MM * 2
        paper.words(title, (x, y + 0.4), _WORD_STYLE)
        # A line that is too long is set smaller.
        scale = min(1.0, width / max(paper.width_of(use, _CAPTION_STYLE), 1))
        style = TextStyle(_CAPTION_STYLE.size * scale, _CAPTION_STYLE.colour)
        paper.words(use, (x, y + _ROW_MM - 0.6), style)
        bottom = y + 2 * _ROW_MM - 1.2
        paper.rule((x, bottom), (x + width, bottom), Colour.HINT, 0.2)


def _draw_row(paper: PaperDocument, digits: str, x: float, y: float) -> None:
    """Draw cells in a row, with a digit in each."""
    for index, digit in enumerate(digits):
        _draw_cell(paper, x + index * _CELL_MM[0], y)
        _draw_pen_digit(paper, digit, Box(x + index * _CELL_MM[0], y, *_CELL_MM))


def _draw_cell(paper: PaperDocument, x: float, y: float) -> None:
    paper.area(Box(x, y, *_CELL_MM), Colour.WHITE, Colour.LABEL, 0.25)


def _draw_pen_digit(paper: PaperDocument, digit: str, cell: Box) -> None:
    """Draw a digit as a pen writes it, filling most of its cell."""
    # A margin of 20 % at the sides and 14 % above and below.
    inner = Box(cell.x + cell.w * 0.2, cell.y + cell.h * 0.14, cell.w * 0.6, cell.h * 0.72)
    for stroke in DIGIT_STROKES[digit]:
        paper.pen(scale_to_box(inner, interpolate_curve(stroke)), Colour.BLACK, _PEN_MM)
