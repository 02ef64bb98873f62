"""Instructions: how to write digits, tick, change, sign and collect, and what goes on which form.
Lengths are mm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
    LEFT_MM,
    RIGHT_MM,
    SMALL_STYLE,
    TOP_MM,
    WIDTH_MM,
    PackInfo,
    begin_page,
    draw_bullets,
    draw_heading,
)

_CELL_MM = (7.0, 9.0)
_PEN_MM = 0.55
_CAPTION_STYLE = TextStyle(8.5, Colour.BLACK)
_WORD_STYLE = TextStyle(9, Colour.BLACK, bold=True)
_SECOND_COLUMN_MM = 108.0
_ROW_MM = 4.5
_USES_TOP_MM = 191.0
_USES_BOTTOM_MM = 279.5
_TITLE = "Så skriver du på papper"

SIGN_RULES = (
    "Skriv namn och yrkestitel så att de går att läsa.",
    "Sätt din signatur i signaturrutan på varje rad om det du har gjort.",
    "Skriv under på bladet Signaturförtydligande första dagen. Då vet alla vem signaturen är.",
)
COLLECT_RULES = (
    "Lägg dagens ark i en bunt när passet är slut. En bunt för varje dag.",
    "Fyll i ett försättsblad: dag, bunt, antal ark och vem som samlade in. Lägg det överst.",
    "Använd gem eller plastficka. Häfta inte, vik inte och laga inte med tejp.",
    "Lås in bunten. Skriv inte om något: det första papperet är originalet.",
    "Spara oanvända ark med löpnummer. De ska räknas.",
)
WRITING_RULES = (
    "Svart eller blå kulspetspenna. Inte blyerts, inte tuschpenna.",
    "Skriv dagen och klockslaget då det hände, och när du skrev om det var senare.",
    "Namn och personnummer ska stå på varje ark om en person.",
)


def count_instruction_pages(uses: int) -> int:
    """How many pages the instructions for so many forms take."""
    return 1 + -(-max(0, uses - _count_use_rows(_USES_TOP_MM)) // _count_use_rows(TOP_MM))


def draw_instructions(
    paper: PaperDocument, about: PackInfo, uses: Sequence[tuple[str, str]]
) -> None:
    """The pages. `uses` are pairs of a form's title and what is written on it."""
    begin_page(paper, about, _TITLE, "läs innan du börjar")
    _draw_digits(paper, 39.5)
    y = draw_bullets(
        paper, WRITING_RULES, draw_heading(paper, "Skriv", 91), _SECOND_COLUMN_MM - LEFT_MM - 6
    )
    _draw_marks(paper, max(y + 2, 122.0))
    _draw_change(paper, _SECOND_COLUMN_MM, 91)
    paper.words("Signera", (LEFT_MM, 153), TextStyle(11.5, Colour.BLACK, bold=True))
    draw_bullets(paper, SIGN_RULES, 160, _SECOND_COLUMN_MM - LEFT_MM - 6)
    paper.words("Samla in", (_SECOND_COLUMN_MM, 130), TextStyle(11.5, Colour.BLACK, bold=True))
    draw_bullets(paper, COLLECT_RULES, 137, RIGHT_MM - _SECOND_COLUMN_MM, _SECOND_COLUMN_MM)
    first, further = _count_use_rows(_USES_TOP_MM), _count_use_rows(TOP_MM)
    _draw_uses(paper, uses[:first], _USES_TOP_MM)
    for start in range(first, len(uses), further):
        begin_page(paper, about, _TITLE, "fortsättning")
        _draw_uses(paper, uses[start : start + further], TOP_MM)


def _count_use_rows(top: float) -> int:
    """How many forms there is room for, in two columns, below a heading at `top`."""
    return 2 * int((_USES_BOTTOM_MM - top - 7.0) // (2 * _ROW_MM))


def _draw_digits(paper: PaperDocument, y: float) -> None:
    top = draw_heading(paper, "Siffror", y)
    paper.words("Så här", (LEFT_MM, top + 2.6), _WORD_STYLE)
    for index, digit in enumerate(DIGIT_STROKES):
        _draw_cell(paper, LEFT_MM + 24 + index * _CELL_MM[0], top)
        _draw_pen_digit(paper, digit, Box(LEFT_MM + 24 + index * _CELL_MM[0], top, *_CELL_MM))
    paper.words("En siffra i varje ruta. Fyll rutan,", (LEFT_MM + 99, top + 1), _CAPTION_STYLE)
    paper.words("men skriv inte på linjerna.", (LEFT_MM + 99, top + 5), _CAPTION_STYLE)
    _draw_dates(paper, top + 13)
    paper.words("Inte så här", (LEFT_MM, top + 29.6), _WORD_STYLE)
    for index, (caption, draw) in enumerate(WRONG_EXAMPLES.items()):
        x = LEFT_MM + 24 + index * 30
        for cell in range(2):
            _draw_cell(paper, x + cell * _CELL_MM[0], top + 27)
        draw(paper, x, top + 27)
        paper.words(caption, (x, top + 38), SMALL_STYLE)


def _draw_dates(paper: PaperDocument, y: float) -> None:
    for text, x in (("20260109", LEFT_MM + 24), ("0745", LEFT_MM + 24 + 8 * _CELL_MM[0] + 4)):
        for index, digit in enumerate(text):
            _draw_cell(paper, x + index * _CELL_MM[0], y)
            _draw_pen_digit(paper, digit, Box(x + index * _CELL_MM[0], y, *_CELL_MM))
    paper.words("Så skrivs 9 januari 2026,", (LEFT_MM + 116, y + 1), _CAPTION_STYLE)
    paper.words("klockan 07.45: med nollor.", (LEFT_MM + 116, y + 5), _CAPTION_STYLE)


def _draw_outside_box(paper: PaperDocument, x: float, y: float) -> None:
    _draw_pen_digit(paper, "4", Box(x + 0.5, y - 3.2, 9.5, 14.5))


def _draw_two_in_one_box(paper: PaperDocument, x: float, y: float) -> None:
    for place, digit in enumerate("17"):
        _draw_pen_digit(paper, digit, Box(x + place * 3.1 + 0.4, y + 1.5, 3.2, 6.5))


def _draw_too_small(paper: PaperDocument, x: float, y: float) -> None:
    _draw_pen_digit(paper, "3", Box(x + 0.4, y + 5, 2.8, 3.4))
    _draw_pen_digit(paper, "8", Box(x + _CELL_MM[0] + 0.4, y + 4.8, 2.8, 3.4))


def _draw_overwritten(paper: PaperDocument, x: float, y: float) -> None:
    for digit in "28":
        _draw_pen_digit(paper, digit, Box(x, y, *_CELL_MM))


def _draw_joined(paper: PaperDocument, x: float, y: float) -> None:
    points = (
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
    paper.pen(
        scale_to_box(Box(x, y, 2 * _CELL_MM[0], _CELL_MM[1]), interpolate_curve(points)),
        Colour.BLACK,
        _PEN_MM,
    )


WRONG_EXAMPLES: dict[str, Callable[[PaperDocument, float, float], None]] = {
    "utanför rutan": _draw_outside_box,
    "två i en ruta": _draw_two_in_one_box,
    "för små": _draw_too_small,
    "skrivet över": _draw_overwritten,
    "ihopskrivna": _draw_joined,
}


def _draw_marks(paper: PaperDocument, y: float) -> None:
    top = draw_heading(paper, "Kryssa", y)
    for place, caption in enumerate(("kryss", "bock går också", "ångrat: fyll rutan")):
        x = LEFT_MM + (0, 22, 54)[place]
        box = Box(x, top, 5, 5)
        paper.area(box, Colour.BLACK if place == 2 else Colour.WHITE, Colour.BLACK, 0.35)
        for stroke in ((CROSS_DOWNSTROKE, CROSS_UPSTROKE), (_CHECK_MARK_STROKES,), ())[place]:
            paper.pen(scale_to_box(box, stroke), Colour.BLACK, _PEN_MM)
        paper.words(caption, (x + 6.5, top + 1), _CAPTION_STYLE)
    paper.words("Efter ett ångrat kryss: kryssa i rätt ruta.", (LEFT_MM, top + 8), _CAPTION_STYLE)


_CHECK_MARK_STROKES: tuple[Point, ...] = ((0.1, 0.5), (0.42, 0.88), (1.05, -0.1))


def _draw_change(paper: PaperDocument, x: float, y: float) -> None:
    paper.words("Ändra", (x, y), TextStyle(11.5, Colour.BLACK, bold=True))
    top = y + 13
    for index, digit in enumerate("0815"):
        _draw_cell(paper, x + index * _CELL_MM[0], top)
        _draw_pen_digit(paper, digit, Box(x + index * _CELL_MM[0], top, *_CELL_MM))
    paper.pen([(x - 1, top + 5.4), (x + 4 * _CELL_MM[0] + 1, top + 3.8)], Colour.BLACK, _PEN_MM)
    for index, digit in enumerate("0851"):
        _draw_pen_digit(paper, digit, Box(x + 2 + index * 5.2, top - 7.4, 4.6, 6.6))
    paper.words("EM", (x + 26, top - 5.6), TextStyle(12, Colour.BLACK))
    text = "Stryk hela raden med ett streck, så att det går att läsa vad som stod. Skriv det rätta ovanför och sätt din signatur. Aldrig raderlack."
    paper.paragraph(text, (x + 34, y + 7), RIGHT_MM - x - 34, BODY_STYLE)


def _draw_uses(paper: PaperDocument, uses: Sequence[tuple[str, str]], top: float) -> None:
    top = draw_heading(paper, "Vad skrivs var", top)
    half = -(-len(uses) // 2)
    wide = WIDTH_MM / 2 - 4
    for place, (title, what) in enumerate(uses):
        x, y = (
            (LEFT_MM, top + place * _ROW_MM * 2)
            if place < half
            else (LEFT_MM + WIDTH_MM / 2 + 4, top + (place - half) * _ROW_MM * 2)
        )
        paper.words(title, (x, y + 0.4), _WORD_STYLE)
        room = wide / max(paper.width_of(what, _CAPTION_STYLE), 1)
        paper.words(
            what,
            (x, y + _ROW_MM - 0.6),
            TextStyle(_CAPTION_STYLE.size * min(1.0, room), _CAPTION_STYLE.colour),
        )
        paper.rule((x, y + 2 * _ROW_MM - 1.2), (x + wide, y + 2 * _ROW_MM - 1.2), Colour.HINT, 0.2)


def _draw_cell(paper: PaperDocument, x: float, y: float) -> None:
    paper.area(Box(x, y, *_CELL_MM), Colour.WHITE, Colour.LABEL, 0.25)


def _draw_pen_digit(paper: PaperDocument, digit: str, cell: Box) -> None:
    """A digit as a pen writes it, filling most of its cell."""
    inner = Box(cell.x + cell.w * 0.2, cell.y + cell.h * 0.14, cell.w * 0.6, cell.h * 0.72)
    for stroke in DIGIT_STROKES[digit]:
        paper.pen(scale_to_box(inner, interpolate_curve(stroke)), Colour.BLACK, _PEN_MM)
