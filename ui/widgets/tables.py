"""The tables of Läge: words to the left, numbers to the right under each other, and the sum last.
HTML of our own: it reads aloud as a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape

from pipeline.reporting import progress
from pipeline.reporting.progress import ProgressReport
from ui.i18n import format_day, format_number, t

TableCell = str | int | date


def unit_table(progress: ProgressReport) -> str:
    """What is not in the care system."""
    lines = [
        (
            one.unit,
            one.entries,
            one.persons_a,
            date.fromisoformat(one.oldest_event) if one.oldest_event else "–",
        )
        for one in progress.units
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


def due_table(found: ProgressReport) -> str:
    """Open entries by days left."""
    heads = [t("progress.unit"), *(t(f"progress.due.{name}") for name in progress.DUE_RANGES)]
    return html_table(
        heads,
        [
            (unit, *(counts[name] for name in progress.DUE_RANGES))
            for unit, counts in found.due.items()
        ],
    )


def page_table(progress: ProgressReport, titles: Mapping[str, str]) -> str:
    """Pages by unit and form."""
    heads = [
        t("progress.unit"),
        t("progress.form"),
        *(t(f"progress.pages.{name}") for name in ("in", "done", "waiting", "failed")),
    ]
    lines = [
        (
            p.unit,
            titles.get(p.form, p.form) or t("progress.form_unknown"),
            p.pages,
            p.done,
            p.waiting,
            p.failed,
        )
        for p in progress.pages
    ]
    return html_table(heads, lines)


def sheet_table(progress: ProgressReport, titles: Mapping[str, str]) -> str:
    """Printed sheets by unit and form."""
    heads = [
        t("progress.unit"),
        t("progress.form"),
        *(t(f"progress.sheets.{name}") for name in ("issued", "back", "unused", "missing")),
    ]
    return html_table(
        heads,
        [
            (
                s.unit or t("accounting.unit_unknown"),
                titles.get(s.form, s.form),
                s.issued,
                s.returned,
                s.unused,
                s.missing,
            )
            for s in progress.sheets
        ],
    )


def html_table(
    heads: Sequence[str], lines: Sequence[Sequence[TableCell]], *, tall: bool = False
) -> str:
    """A table; a column is of numbers if any of its cells is one: others say that there is none.
    One that may be `tall` is scrolled by itself.
    """
    columns = zip(*lines, strict=True) if lines else [[head] for head in heads]
    kinds = [
        ' class="ef-number"' if any(isinstance(cell, int) for cell in column) else ""
        for column in columns
    ]
    head = "".join(
        f'<th scope="col"{kind}>{escape(one)}</th>' for one, kind in zip(heads, kinds, strict=True)
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td{kind}>{_cell_text(cell)}</td>" for cell, kind in zip(line, kinds, strict=True)
        )
        + "</tr>"
        for line in lines
    )
    around = 'class="ef-wide ef-tall" tabindex="0"' if tall else 'class="ef-wide"'
    return f'<div {around}><table class="ef-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cell_text(cell: TableCell) -> str:
    if isinstance(cell, date):
        return f"<time>{format_day(cell)}</time>"
    return format_number(cell) if isinstance(cell, int) else escape(cell)
