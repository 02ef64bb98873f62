"""The paper of the key-in list: typeface, page head and foot, wrapped text. Lengths are mm."""

from __future__ import annotations

from fpdf.enums import XPos, YPos

from pipeline.document import LACKING, Document
from pipeline.export.late_entry import minute
from pipeline.export.wrapping import wrap
from pipeline.record import Run

MARGIN = 15.0
TOP = 30.0
BOTTOM = 20.0
LINE = 1.25
"""Line height as a part of the type size."""
POINT = 0.3528
NAMED_BESIDE = 45.0
"""What the number of an entry and that it goes on take beside the client in the head, mm."""
DARK, GREY, LIGHT = (25, 25, 25), (95, 95, 95), (205, 205, 205)
SECRECY = "Sekretess: uppgifter om enskilda (offentlighets- och sekretesslagen 25 och 26 kap.). Förvara listan inlåst och förstör den enligt rutin."


class ListPages(Document):
    """A4 pages with head and foot. `client` and `part` name whom and which entry a page break falls in, for the next page's head."""

    def __init__(self, run: Run, content_sum: str) -> None:
        super().__init__(f"Skriv in-lista {run.id}", made_at=run.made_at)
        self.run, self.content_sum, self.replaced = run, content_sum, False
        self.client = self.part = ""
        self._widths: dict[tuple[str, str, float], float] = {}
        self.set_margins(MARGIN, TOP, MARGIN)
        self.set_auto_page_break(True, BOTTOM)

    def header(self) -> None:
        """Which list this is; on a continued page which entry it goes on with."""
        self.set_xy(MARGIN, 10)
        self.write_line("Skriv in-lista", 15, bold=True, width=80)
        self.set_xy(MARGIN + 80, 10)
        self.write_line(f"Körning {self.run.id}", 9, bold=True, width=100, align="R")
        self.set_xy(MARGIN + 80, 14.5)
        self.write_line(f"{minute(self.run.made_at)}   {self.run.made_by}   Innehåll {self.content_sum}", 8, grey=True, width=100, align="R")
        self.set_xy(MARGIN, 17.5)
        self.write_line("Efterregistrering för hand, i den ordning posterna skrivs in.", 8, grey=True, width=100)
        self.rule(23.5)
        self.set_xy(MARGIN, 25)
        if self.client:
            self.write_line(self._continued(), 8, bold=True)
        self.set_y(TOP)

    def _continued(self) -> str:
        """On one line: a head that filled its page would begin the next one for ever. The whole name stands over the client's first entry."""
        what = f"{self.part}, fortsättning" if self.part else "fortsättning"
        lines = self._wrapped(self.client, 8, self.w - 2 * MARGIN - NAMED_BESIDE, bold=True)
        return f"{lines[0]}{'…' if len(lines) > 1 else ''}, {what}"

    def footer(self) -> None:
        """Secrecy, what the typeface could not write, and the page's number."""
        self.rule(self.h - 15)
        self.set_xy(MARGIN, self.h - 13.5)
        lost = "\nTecken som typsnittet saknar står som ?." if self.replaced else ""
        self.write_line(SECRECY + lost, 6.5, grey=True, width=150)
        self.set_xy(MARGIN + 150, self.h - 13.5)
        self.write_line(f"Sida {self.page_no()} av {{nb}}", 8, grey=True, width=30, align="R")

    def write_line(self, text: str, size: float, *, bold: bool = False, grey: bool = False, width: float = 0, align: str = "L") -> None:
        """Text from the current place, wrapped within `width` (0 = to the right margin); the place moves below it."""
        room = width or self.w - self.r_margin - self.x
        lines = self._wrapped(text, size, room, bold=bold)
        for line in lines:
            self._style(size, bold=bold, grey=grey)
            self.cell(room, size * POINT * LINE, line, align=align, new_x=XPos.LEFT, new_y=YPos.NEXT)

    def height_of(self, text: str, size: float, width: float, *, bold: bool = False) -> float:
        """How high wrapped text stands."""
        return len(self._wrapped(text, size, width, bold=bold)) * size * POINT * LINE

    def rule(self, y: float) -> None:
        """A thin line between the margins."""
        self.set_draw_color(*LIGHT)
        self.set_line_width(0.25)
        self.line(MARGIN, y, self.w - MARGIN, y)

    def room(self) -> float:
        """What is left of the page."""
        return self.h - BOTTOM - self.y

    def fit(self, text: str) -> str:
        """As it can be written; what cannot is remembered, for the foot to tell."""
        written = super().fit(text)
        self.replaced = self.replaced or written.count(LACKING) > text.count(LACKING)
        return written

    def _wrapped(self, text: str, size: float, width: float, *, bold: bool) -> list[str]:
        self._style(size, bold=bold, grey=False)
        return wrap(self.fit(text), width - 2 * self.c_margin, self._measured)

    def _measured(self, piece: str) -> float:
        """The width of a piece; the same words come again and again."""
        key = (piece, self.font_style, self.font_size_pt)
        if key not in self._widths:
            self._widths[key] = self.get_string_width(piece)
        return self._widths[key]

    def _style(self, size: float, *, bold: bool, grey: bool) -> None:
        self.dress(size, GREY if grey else DARK, bold=bold)
