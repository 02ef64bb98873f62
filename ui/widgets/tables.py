"""HTML tables of counts: words on the left, numbers right-aligned.

Written as HTML, since Streamlit's own tables are not read aloud as tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape

from ui.i18n import format_day, format_number

TableCell = str | int | date


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
