"""Instructions: how to write digits, tick, change, sign and collect, and what goes on which form. Lengths are mm."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.drawing import Colour, Paper, Point, Style
from pipeline.model import Box
from pipeline.pack.plain_page import BODY, LEFT, RIGHT, SMALL, TOP, WIDTH, About, begin, heading, lines
from pipeline.writing_examples import DIGITS, TICK, TICK_BACK, smooth, within

_CELL = (7.0, 9.0)
_PEN = 0.55
_CAPTION = Style(8.5, Colour.BLACK)
_WORD = Style(9, Colour.BLACK, bold=True)
_MIDDLE = 108.0
_ROW_MM = 4.5
_USES_TOP = 191.0
_USES_END = 279.5
_TITLE = "Så skriver du på papper"

SIGN = (
    "Skriv namn och yrkestitel så att de går att läsa.",
    "Sätt din signatur i signaturrutan på varje rad om det du har gjort.",
    "Skriv under på bladet Signaturförtydligande första dagen. Då vet alla vem signaturen är.",
)
COLLECT = (
    "Lägg dagens ark i en bunt när passet är slut. En bunt för varje dag.",
    "Fyll i ett försättsblad: dag, bunt, antal ark och vem som samlade in. Lägg det överst.",
    "Använd gem eller plastficka. Häfta inte, vik inte och laga inte med tejp.",
    "Lås in bunten. Skriv inte om något: det första papperet är originalet.",
    "Spara oanvända ark med löpnummer. De ska räknas.",
)
WRITE = (
    "Svart eller blå kulspetspenna. Inte blyerts, inte tuschpenna.",
    "Skriv dagen och klockslaget då det hände, och när du skrev om det var senare.",
    "Namn och personnummer ska stå på varje ark om en person.",
)


def instruction_pages(uses: int) -> int:
    """How many pages the instructions for so many forms take."""
    return 1 + -(-max(0, uses - _room(_USES_TOP)) // _room(TOP))


def draw_instructions(paper: Paper, about: About, uses: Sequence[tuple[str, str]]) -> None:
    """The pages. `uses` are pairs of a form's title and what is written on it."""
    begin(paper, about, _TITLE, "läs innan du börjar")
    _digits(paper, 39.5)
    y = lines(paper, WRITE, heading(paper, "Skriv", 91), _MIDDLE - LEFT - 6)
    _marks(paper, max(y + 2, 122.0))
    _change(paper, _MIDDLE, 91)
    paper.words("Signera", (LEFT, 153), Style(11.5, Colour.BLACK, bold=True))
    lines(paper, SIGN, 160, _MIDDLE - LEFT - 6)
    paper.words("Samla in", (_MIDDLE, 130), Style(11.5, Colour.BLACK, bold=True))
    lines(paper, COLLECT, 137, RIGHT - _MIDDLE, _MIDDLE)
    first, further = _room(_USES_TOP), _room(TOP)
    _uses(paper, uses[:first], _USES_TOP)
    for start in range(first, len(uses), further):
        begin(paper, about, _TITLE, "fortsättning")
        _uses(paper, uses[start : start + further], TOP)


def _room(top: float) -> int:
    """How many forms there is room for, in two columns, below a heading at `top`."""
    return 2 * int((_USES_END - top - 7.0) // (2 * _ROW_MM))


def _digits(paper: Paper, y: float) -> None:
    top = heading(paper, "Siffror", y)
    paper.words("Så här", (LEFT, top + 2.6), _WORD)
    for index, digit in enumerate(DIGITS):
        _cell(paper, LEFT + 24 + index * _CELL[0], top)
        _write(paper, digit, Box(LEFT + 24 + index * _CELL[0], top, *_CELL))
    paper.words("En siffra i varje ruta. Fyll rutan,", (LEFT + 99, top + 1), _CAPTION)
    paper.words("men skriv inte på linjerna.", (LEFT + 99, top + 5), _CAPTION)
    _dates(paper, top + 13)
    paper.words("Inte så här", (LEFT, top + 29.6), _WORD)
    for index, (caption, draw) in enumerate(WRONG.items()):
        x = LEFT + 24 + index * 30
        for cell in range(2):
            _cell(paper, x + cell * _CELL[0], top + 27)
        draw(paper, x, top + 27)
        paper.words(caption, (x, top + 38), SMALL)


def _dates(paper: Paper, y: float) -> None:
    for text, x in (("20260109", LEFT + 24), ("0745", LEFT + 24 + 8 * _CELL[0] + 4)):
        for index, digit in enumerate(text):
            _cell(paper, x + index * _CELL[0], y)
            _write(paper, digit, Box(x + index * _CELL[0], y, *_CELL))
    paper.words("Så skrivs 9 januari 2026,", (LEFT + 116, y + 1), _CAPTION)
    paper.words("klockan 07.45: med nollor.", (LEFT + 116, y + 5), _CAPTION)


def _outside(paper: Paper, x: float, y: float) -> None:
    _write(paper, "4", Box(x + 0.5, y - 3.2, 9.5, 14.5))


def _two_in_one(paper: Paper, x: float, y: float) -> None:
    for place, digit in enumerate("17"):
        _write(paper, digit, Box(x + place * 3.1 + 0.4, y + 1.5, 3.2, 6.5))


def _too_small(paper: Paper, x: float, y: float) -> None:
    _write(paper, "3", Box(x + 0.4, y + 5, 2.8, 3.4))
    _write(paper, "8", Box(x + _CELL[0] + 0.4, y + 4.8, 2.8, 3.4))


def _written_over(paper: Paper, x: float, y: float) -> None:
    for digit in "28":
        _write(paper, digit, Box(x, y, *_CELL))


def _joined(paper: Paper, x: float, y: float) -> None:
    points = ((0.1, 0.25), (0.25, 0.12), (0.32, 0.4), (0.12, 0.85), (0.45, 0.8), (0.6, 0.5), (0.62, 0.15), (0.78, 0.1), (0.82, 0.5), (0.7, 0.88))
    paper.pen(within(Box(x, y, 2 * _CELL[0], _CELL[1]), smooth(points)), Colour.BLACK, _PEN)


WRONG: dict[str, Callable[[Paper, float, float], None]] = {
    "utanför rutan": _outside,
    "två i en ruta": _two_in_one,
    "för små": _too_small,
    "skrivet över": _written_over,
    "ihopskrivna": _joined,
}


def _marks(paper: Paper, y: float) -> None:
    top = heading(paper, "Kryssa", y)
    for place, caption in enumerate(("kryss", "bock går också", "ångrat: fyll rutan")):
        x = LEFT + (0, 22, 54)[place]
        box = Box(x, top, 5, 5)
        paper.area(box, Colour.BLACK if place == 2 else Colour.WHITE, Colour.BLACK, 0.35)
        for stroke in ((TICK, TICK_BACK), (_CHECK,), ())[place]:
            paper.pen(within(box, stroke), Colour.BLACK, _PEN)
        paper.words(caption, (x + 6.5, top + 1), _CAPTION)
    paper.words("Efter ett ångrat kryss: kryssa i rätt ruta.", (LEFT, top + 8), _CAPTION)


_CHECK: tuple[Point, ...] = ((0.1, 0.5), (0.42, 0.88), (1.05, -0.1))


def _change(paper: Paper, x: float, y: float) -> None:
    paper.words("Ändra", (x, y), Style(11.5, Colour.BLACK, bold=True))
    top = y + 13
    for index, digit in enumerate("0815"):
        _cell(paper, x + index * _CELL[0], top)
        _write(paper, digit, Box(x + index * _CELL[0], top, *_CELL))
    paper.pen([(x - 1, top + 5.4), (x + 4 * _CELL[0] + 1, top + 3.8)], Colour.BLACK, _PEN)
    for index, digit in enumerate("0851"):
        _write(paper, digit, Box(x + 2 + index * 5.2, top - 7.4, 4.6, 6.6))
    paper.words("EM", (x + 26, top - 5.6), Style(12, Colour.BLACK))
    text = "Stryk hela raden med ett streck, så att det går att läsa vad som stod. Skriv det rätta ovanför och sätt din signatur. Aldrig raderlack."
    paper.paragraph(text, (x + 34, y + 7), RIGHT - x - 34, BODY)


def _uses(paper: Paper, uses: Sequence[tuple[str, str]], top: float) -> None:
    top = heading(paper, "Vad skrivs var", top)
    half = -(-len(uses) // 2)
    wide = WIDTH / 2 - 4
    for place, (title, what) in enumerate(uses):
        x, y = (LEFT, top + place * _ROW_MM * 2) if place < half else (LEFT + WIDTH / 2 + 4, top + (place - half) * _ROW_MM * 2)
        paper.words(title, (x, y + 0.4), _WORD)
        room = wide / max(paper.width_of(what, _CAPTION), 1)
        paper.words(what, (x, y + _ROW_MM - 0.6), Style(_CAPTION.size * min(1.0, room), _CAPTION.colour))
        paper.rule((x, y + 2 * _ROW_MM - 1.2), (x + wide, y + 2 * _ROW_MM - 1.2), Colour.HINT, 0.2)


def _cell(paper: Paper, x: float, y: float) -> None:
    paper.area(Box(x, y, *_CELL), Colour.WHITE, Colour.LABEL, 0.25)


def _write(paper: Paper, digit: str, cell: Box) -> None:
    """A digit as a pen writes it, filling most of its cell."""
    inner = Box(cell.x + cell.w * 0.2, cell.y + cell.h * 0.14, cell.w * 0.6, cell.h * 0.72)
    for stroke in DIGITS[digit]:
        paper.pen(within(inner, smooth(stroke)), Colour.BLACK, _PEN)
