"""The extract of the log for a client (PDL 8:5): from which unit and when data were accessed.

The law gives the client unit and time, not the name of the member of staff, so names are not in
it. What only the machine did is left out. The PDF is a letter to the client; lengths are mm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from fpdf import FontFace
from fpdf.enums import TableBordersLayout
from sqlalchemy import Connection

from pipeline.domain.dates import SWEDEN
from pipeline.domain.errors import UsageError
from pipeline.domain.identity_numbers import format_pid, normalize_pid
from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import Person
from pipeline.export.exporter import data_text
from pipeline.files.csv_tables import write_csv
from pipeline.files.pdf_output import Document
from pipeline.store.event_log import queries
from pipeline.store.event_log.events import IMPORT_ACTION, client_log_subject, record
from pipeline.store.event_log.hash_chain import LogRow
from pipeline.store.event_log.queries import MACHINE_LOGIN, LogFilter
from pipeline.store.registers.client_register import find_client, load_client, restrict_client

ACCESS_TEXTS: Mapping[str, str] = {
    "view_page": "paper_viewed",
    **dict.fromkeys(
        ("look_up", "look_up_client", "search_text", "search_entries", "list_own_actions"),
        "client_searched",
    ),
    **dict.fromkeys(
        (
            "decide",
            "undo",
            "reopen",
            "skip",
            "add_row",
            "settle_duplicate",
            "settle_empty",
            "lay_to",
            "take_off",
            "attach_page",
            "detach_page",
            "change_form",
            "set_sheet_depth",
            "confirm_norm_year",
            "split_page",
            "join_page",
            "sign",
            "take_signature_back",
            "client_choice",
            "group",
            "undo_group",
            "control",
            "third_look",
            "mark_duplicate",
            "no_duplicate",
            "meet_duty",
            "retract_met_duty",
        ),
        "data_entered",
    ),
    **dict.fromkeys(("view_clash", "decide_clash", "take_back_clash"), "paper_compared"),
    **dict.fromkeys(("ask_author", "author_answered"), "author_asked"),
    "forward": "paper_forwarded",
    "pull_to_front": "prioritized",
    "undo_pull": "priority_withdrawn",
    **dict.fromkeys(("export", "exported"), "data_sent"),
    **dict.fromkeys(("receipted", "refused", "key_in_signed", "key_in_undone"), "answered"),
    **dict.fromkeys(
        (
            "fetch_export",
            "view_export",
            "view_key_in",
            "fetch_receipt_template",
            "view_payment",
            "fetch_package",
        ),
        "file_opened",
    ),
    **dict.fromkeys(("approve_payment", "take_back_payment_approval"), "payment_decided"),
    "archive": "paper_archived",
    **dict.fromkeys(("may_destroy_paper", "keep_paper"), "retention_decided"),
    "print_for_client": "form_printed",
    **dict.fromkeys(("view_log", "export_log"), "log_reviewed"),
    "extract_log": "extract_made",
    "denied": "access_denied",
    **dict.fromkeys(("requeue", "close_page", "reopen_page"), "paper_reread"),
}
"""Key of the text `access_extract.access.…` by action of the log.

Several kinds of work share one text: the client asks where and when.
"""
OTHER_ACCESS = "other"
_MIN_DIGITS = 6
"""A reserve number may have letters; with fewer digits it is a name."""
PRINT_ACTION = "issue"
"""Left out: its row has the first serial of a stack, whatever client that sheet is for.

Each sheet for a client has a row of its own.
"""
MARGIN = 20.0
_COLUMN_WIDTHS_MM = (34, 48, 72, 16)
_DARK, _GREY = (25, 25, 25), (95, 95, 95)


@dataclass(frozen=True, slots=True)
class AccessLine:
    """One line: Swedish time to the minute, unit, what, and how many times in that minute."""

    at: str
    unit: str
    description: str
    count: int


@dataclass(frozen=True, slots=True)
class ClientExtract:
    """An extract of the log for one client.

    `other_unit_rows` counts rows of units whose log the person who made it does not follow up.
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
    """Return the full personal number of a typed one; None if it is none.

    The client need not be in the register any longer.
    """
    client = find_client(conn, typed)
    if client is not None:
        return client.pid
    pid = normalize_pid(typed).value12
    return pid if sum(character.isdigit() for character in pid) >= _MIN_DIGITS else None


def make_client_extract(
    conn: Connection, person: Person, typed: str, start: datetime, end: datetime, now: datetime
) -> ClientExtract:
    """Return all accesses to a client's data in a time, oldest first.

    That it was made is an event, under a digest of the number.

    Args:
        typed: the personal number as people write it. It need not be in the register any longer.

    Raises:
        NotAllowedError: the person does not follow up the log.
        UsageError: the number is none in full, and the register knows no client by it.
    """
    require_permission(person, Action.LOG)
    pid = find_client_pid(conn, typed)
    if pid is None:
        raise UsageError("personal_number_incomplete")
    client = load_client(conn, pid)
    log_filter = LogFilter(start, end, client=pid)
    lines = _access_lines(
        queries.iterate_log_rows(conn, permitted_units(person, Action.LOG), log_filter)
    )
    other_unit_rows = queries.count_other_units_rows(
        conn, permitted_units(person, Action.LOG), log_filter, excluded_action=PRINT_ACTION
    )
    record(
        conn,
        person.login,
        "extract_log",
        client_log_subject(conn, pid),
        unit=client.unit if client else None,
        lines=len(lines),
    )
    # A protected name is shown only to those who may see it.
    visible_client = restrict_client(conn, client, person) if client else None
    return ClientExtract(
        pid,
        visible_client.name if visible_client else "",
        start,
        end,
        now,
        tuple(sorted(permitted_units(person, Action.LOG))),
        lines,
        other_unit_rows,
    )


def _access_lines(rows: Iterable[LogRow]) -> tuple[AccessLine, ...]:
    """Return the accesses of people; equal ones of a minute are one line with a count."""
    counts = Counter(
        (
            f"{row.at.astimezone(SWEDEN):%Y-%m-%d %H:%M}",
            row.unit or "",
            data_text(f"access_extract.access.{ACCESS_TEXTS.get(row.action, OTHER_ACCESS)}"),
        )
        for row in rows
        if row.by != MACHINE_LOGIN and row.action not in (PRINT_ACTION, IMPORT_ACTION)
    )
    return tuple(AccessLine(*key, count) for key, count in sorted(counts.items()))


def format_extract_csv(extract: ClientExtract) -> bytes:
    """Return the extract as a table."""
    rows = [
        (format_pid(extract.pid), line.at, line.unit, line.description, str(line.count))
        for line in extract.lines
    ]
    return write_csv(("personnummer", "tid", "enhet", "vad", "antal gånger"), rows)


def render_extract_pdf(extract: ClientExtract, provider: str) -> bytes:
    """Return the extract as PDF (A4). `provider` is the care provider that answers for it."""
    last = (extract.end - timedelta(microseconds=1)).astimezone(SWEDEN)
    with _ExtractDocument(provider) as paper:
        paper.add_page()
        # Whose extract it is, of which time, and what it is.
        paper.write_paragraph(data_text("access_extract.title"), 17, bold=True)
        paper.write_paragraph(" · ".join(filter(None, (extract.name, format_pid(extract.pid)))), 12)
        made = data_text(
            "access_extract.made",
            start=f"{extract.start.astimezone(SWEDEN):%Y-%m-%d}",
            end=f"{last:%Y-%m-%d}",
            made=f"{extract.made_at.astimezone(SWEDEN):%Y-%m-%d %H:%M}",
        )
        paper.write_paragraph(made, 10)
        paper.ln(2)
        paper.write_paragraph(data_text("access_extract.introduction"), 10)
        paper.ln(3)
        if extract.lines:
            _draw_access_table(paper, extract)
        else:
            paper.write_paragraph(data_text("access_extract.none"), 11, bold=True)
        paper.ln(3)
        # Which units it covers, and that there is more elsewhere.
        units = data_text(
            "access_extract.units", count=len(extract.units), units=", ".join(extract.units)
        )
        paper.write_paragraph(units, 9, grey=True)
        if extract.other_unit_rows:
            paper.write_paragraph(
                data_text("access_extract.other_units", count=extract.other_unit_rows),
                10,
                bold=True,
            )
        paper.write_paragraph(data_text("access_extract.contact", provider=provider), 9, grey=True)
        return bytes(paper.output())


class _ExtractDocument(Document):
    def __init__(self, provider: str) -> None:
        super().__init__(data_text("access_extract.title"))
        self.provider = provider
        self.set_margins(MARGIN, 18, MARGIN)
        self.set_auto_page_break(True, 20)

    def header(self) -> None:
        """Write who answers for it."""
        self._style(9, bold=False, grey=True)
        self.cell(0, 5, self.fit(self.provider), new_x="LMARGIN", new_y="NEXT")
        self.ln(2)

    def footer(self) -> None:
        """Write the page's number."""
        self.set_y(-14)
        self._style(8, bold=False, grey=True)
        page = data_text("access_extract.page", page=self.page_no(), pages="{nb}")
        self.cell(0, 5, page, align="R")

    def write_paragraph(
        self, text: str, size: float, *, bold: bool = False, grey: bool = False
    ) -> None:
        """Write a paragraph from margin to margin."""
        self._style(size, bold=bold, grey=grey)
        self.multi_cell(0, size * 0.5, self.fit(text), new_x="LMARGIN", new_y="NEXT")

    def _style(self, size: float, *, bold: bool, grey: bool) -> None:
        self.set_style(size, _GREY if grey else _DARK, bold=bold)


def _draw_access_table(paper: _ExtractDocument, extract: ClientExtract) -> None:
    paper.set_style(9.5, _DARK)
    lines = [
        (
            line.at,
            line.unit or data_text("access_extract.no_unit"),
            line.description,
            str(line.count),
        )
        for line in extract.lines
    ]
    headings = (
        data_text("access_extract.column.time"),
        data_text("access_extract.column.unit"),
        data_text("access_extract.column.what"),
        data_text("access_extract.column.count"),
    )
    paper.draw_table(
        (headings, *lines),
        col_widths=_COLUMN_WIDTHS_MM,
        text_align=("LEFT", "LEFT", "LEFT", "RIGHT"),
        headings_style=FontFace(emphasis="BOLD", fill_color=(232, 238, 243)),
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        line_height=5.5,
    )
