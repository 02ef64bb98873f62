"""HTML tables of counts: words on the left, numbers right-aligned.

Written as HTML, since Streamlit's own tables are not read aloud as tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape

from pipeline.reporting import progress
from pipeline.reporting.progress import ProgressReport
from ui.i18n import format_day, format_number, t

TableCell = str | int | date


def unit_table(report: ProgressReport) -> str:
    """Return the table of entries that are not in the care system yet, by unit."""
    lines = [
        (
            unit.unit,
            unit.entries,
            unit.persons_a,
            date.fromisoformat(unit.oldest_event) if unit.oldest_event else "–",
        )
        for unit in report.units
    ]
    return html_table(
        [
            t("progress.unit"),
            t("progress.not_entered"),
            t("progress.persons_a"),
            t("progress.oldest_head"),
        ],
        lines,
    )


def due_table(report: ProgressReport) -> str:
    """Return the table of open entries by days left."""
    heads = [t("progress.unit"), *(t(f"progress.due.{name}") for name in progress.DUE_RANGES)]
    return html_table(
        heads,
        [
            (unit, *(counts[name] for name in progress.DUE_RANGES))
            for unit, counts in report.due.items()
        ],
    )


def page_table(report: ProgressReport, titles: Mapping[str, str]) -> str:
    """Return the table of pages by unit and form."""
    heads = [
        t("progress.unit"),
        t("progress.form"),
        *(t(f"progress.pages.{name}") for name in ("in", "done", "waiting", "failed")),
    ]
    lines = [
        (
            count.unit,
            titles.get(count.form, count.form) or t("progress.form_unknown"),
            count.pages,
            count.done,
            count.waiting,
            count.failed,
        )
        for count in report.pages
    ]
    return html_table(heads, lines)


_SHEET_STATES = ("issued", "back", "unused", "reserve", "missing")


def sheet_table(report: ProgressReport, titles: Mapping[str, str]) -> str:
    """Return the table of printed sheets by unit and form."""
    heads = [
        t("progress.unit"),
        t("progress.form"),
        *(t(f"progress.sheets.{name}") for name in _SHEET_STATES),
    ]
    return html_table(
        heads,
        [
            (
                count.unit or t("accounting.unit_unknown"),
                titles.get(count.form, count.form),
                count.issued,
                count.returned,
                count.unused,
                count.reserve,
                count.missing,
            )
            for count in report.sheets
        ],
    )


def html_table(
    heads: Sequence[str], lines: Sequence[Sequence[TableCell]], *, tall: bool = False
) -> str:
    """Return a table; a column with any number in it is right-aligned.

    The other cells of such a column say that there is no number. A `tall` table scrolls by itself.
    """
    columns = zip(*lines, strict=True) if lines else [[head] for head in heads]
    classes = [
        ' class="ef-number"' if any(isinstance(cell, int) for cell in column) else ""
        for column in columns
    ]
    head = "".join(
        f'<th scope="col"{css_class}>{escape(text)}</th>'
        for text, css_class in zip(heads, classes, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td{css_class}>{_cell_text(cell)}</td>"
            for cell, css_class in zip(line, classes, strict=True)
        )
        + "</tr>"
        for line in lines
    )
    wrapper = 'class="ef-wide ef-tall" tabindex="0"' if tall else 'class="ef-wide"'
    table = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f'<div {wrapper}><table class="ef-table">{table}</table></div>'


def _cell_text(cell: TableCell) -> str:
    if isinstance(cell, date):
        return f"<time>{format_day(cell)}</time>"
    return format_number(cell) if isinstance(cell, int) else escape(cell)
