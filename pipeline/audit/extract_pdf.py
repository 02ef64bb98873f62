"""The extract as a letter-like list for handing to the client. Lengths are mm."""

from __future__ import annotations

from datetime import timedelta

from fpdf import FontFace
from fpdf.enums import TableBordersLayout

from pipeline.audit.client_extract import Extract
from pipeline.document import Document
from pipeline.identity import shown_pid
from pipeline.swedish_time import SWEDEN

MARGIN = 20.0
WHAT = (
    "Här ser du från vilken enhet och när någon har haft tillgång till uppgifter om dig på papper som skrevs när datasystemen låg nere, och som "
    "sedan fördes in i verksamhetens system. Du har rätt att få veta detta (för hälso- och sjukvård: patientdatalagen 8 kap. 5 §). Att datorn läst "
    "av papperet är inte med."
)
NOTHING = "Ingen har haft tillgång till uppgifter om dig här under den tiden."
ASK = "Undrar du över något i listan? Fråga enheten som står på raden, eller {provider}."
_DARK, _GREY = (25, 25, 25), (95, 95, 95)
_COLUMNS = (34, 48, 72, 16)


def extract_pdf(extract: Extract, provider: str) -> bytes:
    """The extract as PDF (A4). `provider` is the care provider that answers for it."""
    with _Paper(provider) as paper:
        paper.add_page()
        paper.say("Utdrag ur loggen", 17, bold=True)
        paper.say(" · ".join(filter(None, (extract.name, shown_pid(extract.pid)))), 12)
        made = f"Framtaget {extract.made_at.astimezone(SWEDEN):%Y-%m-%d %H:%M}."
        last = (extract.end - timedelta(microseconds=1)).astimezone(SWEDEN)
        paper.say(f"Tid: {extract.start.astimezone(SWEDEN):%Y-%m-%d} till {last:%Y-%m-%d}. {made}", 10)
        paper.gap(2)
        paper.say(WHAT, 10)
        paper.gap(3)
        if extract.lines:
            _table(paper, extract)
        else:
            paper.say(NOTHING, 11, bold=True)
        paper.gap(3)
        paper.say(f"Utdraget omfattar {'enheten' if len(extract.units) == 1 else 'enheterna'} {', '.join(extract.units)}.", 9, grey=True)
        if extract.elsewhere:
            rows = "1 rad från en annan enhet. Den" if extract.elsewhere == 1 else f"{extract.elsewhere} rader från andra enheter. De"
            paper.say(f"Det finns också {rows} lämnas ut av dem som följer upp loggen där.", 10, bold=True)
        paper.say(ASK.format(provider=provider), 9, grey=True)
        return bytes(paper.output())


class _Paper(Document):
    def __init__(self, provider: str) -> None:
        super().__init__("Utdrag ur loggen")
        self.provider = provider
        self.set_margins(MARGIN, 18, MARGIN)
        self.set_auto_page_break(True, 20)

    def header(self) -> None:
        """Who answers for it."""
        self._style(9, bold=False, grey=True)
        self.cell(0, 5, self.fit(self.provider), new_x="LMARGIN", new_y="NEXT")
        self.ln(2)

    def footer(self) -> None:
        """The page's number."""
        self.set_y(-14)
        self._style(8, bold=False, grey=True)
        self.cell(0, 5, f"Sida {self.page_no()} av {{nb}}", align="R")

    def say(self, text: str, size: float, *, bold: bool = False, grey: bool = False) -> None:
        """A paragraph."""
        self._style(size, bold=bold, grey=grey)
        self.multi_cell(0, size * 0.5, self.fit(text), new_x="LMARGIN", new_y="NEXT")

    def gap(self, height: float) -> None:
        """Air."""
        self.ln(height)

    def _style(self, size: float, *, bold: bool, grey: bool) -> None:
        self.dress(size, _GREY if grey else _DARK, bold=bold)


def _table(paper: _Paper, extract: Extract) -> None:
    paper.dress(9.5, _DARK)
    heading = FontFace(emphasis="BOLD", fill_color=(232, 238, 243))
    lines = [(line.at, line.unit or "Ej angiven", line.what, str(line.times)) for line in extract.lines]
    with paper.table(
        col_widths=_COLUMNS,
        text_align=("LEFT", "LEFT", "LEFT", "RIGHT"),
        headings_style=heading,
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        line_height=5.5,
    ) as table:
        for cells in (
            ("Tid", "Enhet", "Vad", "Gånger"),
            *lines,
        ):
            row = table.row()
            for cell in cells:
                row.cell(paper.fit(cell))
