"""What a client may be told of the log (PDL 8:5): from which unit and when somebody has had access
to the client's data, in plain words.

The law gives the client unit and time, not the name of the member of staff, so names are not in
it. What only the machine did is left out.

What the log says, in words for the person whom the paper is about. Several kinds of work share
one phrase: the client asks where and when.

The extract as a letter-like list for handing to the client. Lengths are mm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from fpdf import FontFace
from fpdf.enums import TableBordersLayout
from sqlalchemy import Connection

from pipeline.domain.dates import SWEDEN
from pipeline.domain.errors import UsageError
from pipeline.domain.identity_numbers import format_pid, normalize_pid
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.files.csv_tables import write_csv
from pipeline.files.pdf_output import Document
from pipeline.store.event_log import queries
from pipeline.store.event_log.events import client_log_subject, record
from pipeline.store.event_log.queries import MACHINE_LOGIN, LogFilter
from pipeline.store.registers.client_register import find_client, load_client, restrict_client

_DATA_ENTERED = "Personal förde in eller kontrollerade uppgifter från papperet"
_DATA_SENT = "Uppgifterna lämnades vidare till verksamhetens system"
_PAPER_COMPARED = "Personal jämförde papperet med vad som redan står i verksamhetens system"
_FILE_OPENED = "En fil eller lista med uppgifterna öppnades"
_CLIENT_SEARCHED = "Personal sökte efter dina uppgifter"
OTHER_ACCESS_TEXT = "Uppgifterna hanterades på annat sätt"
ACCESS_TEXTS: Mapping[str, str] = {
    "view_page": "Personal såg på papperet",
    "look_up": _CLIENT_SEARCHED,
    "look_up_client": _CLIENT_SEARCHED,
    "decide": _DATA_ENTERED,
    "undo": _DATA_ENTERED,
    "reopen": _DATA_ENTERED,
    "skip": _DATA_ENTERED,
    "add_row": _DATA_ENTERED,
    "settle_duplicate": _DATA_ENTERED,
    "settle_empty": _DATA_ENTERED,
    "lay_to": _DATA_ENTERED,
    "take_off": _DATA_ENTERED,
    "sign": _DATA_ENTERED,
    "take_signature_back": _DATA_ENTERED,
    "client_choice": _DATA_ENTERED,
    "group": _DATA_ENTERED,
    "undo_group": _DATA_ENTERED,
    "control": _DATA_ENTERED,
    "third_look": _DATA_ENTERED,
    "mark_duplicate": _DATA_ENTERED,
    "no_duplicate": _DATA_ENTERED,
    "view_clash": _PAPER_COMPARED,
    "decide_clash": _PAPER_COMPARED,
    "take_back_clash": _PAPER_COMPARED,
    "ask_author": "Personal frågade den som skrev papperet",
    "author_answered": "Personal frågade den som skrev papperet",
    "forward": "Papperet lämnades vidare till den enhet som det hör till",
    "pull_to_front": "En chef bad att uppgifterna skulle föras in först",
    "undo_pull": "En chef bad att uppgifterna skulle föras in i vanlig ordning",
    "export": _DATA_SENT,
    "exported": _DATA_SENT,
    "receipted": "Verksamhetens system har svarat",
    "refused": "Verksamhetens system har svarat",
    "fetch_export": _FILE_OPENED,
    "view_export": _FILE_OPENED,
    "view_key_in": _FILE_OPENED,
    "fetch_receipt_template": _FILE_OPENED,
    "view_payment": _FILE_OPENED,
    "approve_payment": "En chef tog ställning till en utbetalning",
    "take_back_payment_approval": "En chef tog ställning till en utbetalning",
    "archive": "Papperet lades i ett paket för arkivet",
    "fetch_package": _FILE_OPENED,
    "may_destroy_paper": "Det beslutades om papperet ska sparas",
    "keep_paper": "Det beslutades om papperet ska sparas",
    "print_for_client": "En blankett med ditt namn skrevs ut",
    "view_log": "Loggen över vem som sett uppgifterna granskades",
    "export_log": "Loggen över vem som sett uppgifterna granskades",
    "extract_log": "Ett utdrag som detta togs fram",
    "requeue": "Personal lät datorn läsa papperet en gång till",
}
_MIN_DIGITS = 6
"""A reserve number may have letters, but a name is none."""
PRINT_ACTION = "issue"
"""It bears the first serial of a stack, whomever that sheet is for; each sheet for a client has a
row of its own.
"""
MARGIN = 20.0
INTRODUCTION_TEXT = (
    "Här ser du från vilken enhet och när någon har haft tillgång till uppgifter om dig på papper som skrevs när datasystemen låg nere, och som "
    "sedan fördes in i verksamhetens system. Du har rätt att få veta detta (för hälso- och sjukvård: patientdatalagen 8 kap. 5 §). Att datorn läst "
    "av papperet är inte med."
)
NO_ACCESS_TEXT = "Ingen har haft tillgång till uppgifter om dig här under den tiden."
CONTACT_TEXT = "Undrar du över något i listan? Fråga enheten som står på raden, eller {provider}."
_COLUMN_WIDTHS_MM = (34, 48, 72, 16)


@dataclass(frozen=True, slots=True)
class AccessLine:
    """One line: when (Swedish time, to the minute), from which unit, what, and how many times in
    that minute.
    """

    at: str
    unit: str
    description: str
    count: int


@dataclass(frozen=True, slots=True)
class ClientExtract:
    """An extract of the log for one client. `elsewhere` counts rows of units whose log the person
    who made it does not follow up.
    """

    pid: str
    name: str
    start: datetime
    end: datetime
    made_at: datetime
    units: tuple[str, ...]
    lines: tuple[AccessLine, ...]
    other_unit_rows: int


def find_client_pid(conn: Connection, typed: str) -> str | None:
    """The personal number in full that is meant by what somebody writes; the client need not be in
    the register any longer.
    """
    known = find_client(conn, typed)
    if known is not None:
        return known.pid
    written = normalize_pid(typed).value12
    return written if sum(sign.isdigit() for sign in written) >= _MIN_DIGITS else None


def make_client_extract(
    conn: Connection, person: Person, typed: str, start: datetime, end: datetime, now: datetime
) -> ClientExtract:
    """All accesses to a client's data in a time, oldest first. That it was made is an event, under
    a digest of the number.

    Args:
        typed: the personal number as people write it. It need not be in the register any longer.

    Raises:
        NotAllowedError: the person does not follow up the log.
        UsageError: the number is none in full, and the register knows no client by it.
    """
    require_permission(person, Action.LOG)
    pid = find_client_pid(conn, typed)
    known = load_client(conn, pid) if pid else None
    if pid is None:
        raise UsageError("no_personal_number_full")
    wanted = LogFilter(start, end, client=pid)
    lines = dict[tuple[str, str, str], int]()
    for row in queries.iterate_log_rows(conn, person.units, wanted):
        if row.by != MACHINE_LOGIN and row.action != PRINT_ACTION:
            key = (
                f"{row.at.astimezone(SWEDEN):%Y-%m-%d %H:%M}",
                row.unit or "",
                ACCESS_TEXTS.get(row.action, OTHER_ACCESS_TEXT),
            )
            lines[key] = lines.get(key, 0) + 1
    elsewhere = queries.count_other_units_rows(
        conn, person.units, wanted, excluded_action=PRINT_ACTION
    )
    record(
        conn,
        person.login,
        "extract_log",
        client_log_subject(conn, pid),
        unit=known.unit if known else None,
        lines=len(lines),
    )
    shown = restrict_client(conn, known, person) if known else None
    accesses = tuple(AccessLine(*key, times) for key, times in sorted(lines.items()))
    return ClientExtract(
        pid,
        shown.name if shown else "",
        start,
        end,
        now,
        tuple(sorted(person.units)),
        accesses,
        elsewhere,
    )


def format_extract_csv(extract: ClientExtract) -> bytes:
    """The extract as a table."""
    rows = [
        (format_pid(extract.pid), line.at, line.unit, line.description, str(line.count))
        for line in extract.lines
    ]
    return write_csv(("personnummer", "tid", "enhet", "vad", "antal gånger"), rows)


_DARK, _GREY = (25, 25, 25), (95, 95, 95)


def render_extract_pdf(extract: ClientExtract, provider: str) -> bytes:
    """The extract as PDF (A4). `provider` is the care provider that answers for it."""
    with _ExtractDocument(provider) as paper:
        paper.add_page()
        paper.write_paragraph("Utdrag ur loggen", 17, bold=True)
        paper.write_paragraph(" · ".join(filter(None, (extract.name, format_pid(extract.pid)))), 12)
        made = f"Framtaget {extract.made_at.astimezone(SWEDEN):%Y-%m-%d %H:%M}."
        last = (extract.end - timedelta(microseconds=1)).astimezone(SWEDEN)
        paper.write_paragraph(
            f"Tid: {extract.start.astimezone(SWEDEN):%Y-%m-%d} till {last:%Y-%m-%d}. {made}", 10
        )
        paper.add_space(2)
        paper.write_paragraph(INTRODUCTION_TEXT, 10)
        paper.add_space(3)
        if extract.lines:
            _draw_access_table(paper, extract)
        else:
            paper.write_paragraph(NO_ACCESS_TEXT, 11, bold=True)
        paper.add_space(3)
        paper.write_paragraph(
            f"Utdraget omfattar {'enheten' if len(extract.units) == 1 else 'enheterna'} {', '.join(extract.units)}.",
            9,
            grey=True,
        )
        if extract.other_unit_rows:
            rows = (
                "1 rad från en annan enhet. Den"
                if extract.other_unit_rows == 1
                else f"{extract.other_unit_rows} rader från andra enheter. De"
            )
            paper.write_paragraph(
                f"Det finns också {rows} lämnas ut av dem som följer upp loggen där.", 10, bold=True
            )
        paper.write_paragraph(CONTACT_TEXT.format(provider=provider), 9, grey=True)
        return bytes(paper.output())


class _ExtractDocument(Document):
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

    def write_paragraph(
        self, text: str, size: float, *, bold: bool = False, grey: bool = False
    ) -> None:
        """A paragraph."""
        self._style(size, bold=bold, grey=grey)
        self.multi_cell(0, size * 0.5, self.fit(text), new_x="LMARGIN", new_y="NEXT")

    def add_space(self, height: float) -> None:
        """Air."""
        self.ln(height)

    def _style(self, size: float, *, bold: bool, grey: bool) -> None:
        self.set_style(size, _GREY if grey else _DARK, bold=bold)


def _draw_access_table(paper: _ExtractDocument, extract: ClientExtract) -> None:
    paper.set_style(9.5, _DARK)
    heading = FontFace(emphasis="BOLD", fill_color=(232, 238, 243))
    lines = [
        (line.at, line.unit or "Ej angiven", line.description, str(line.count))
        for line in extract.lines
    ]
    with paper.table(
        col_widths=_COLUMN_WIDTHS_MM,
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
