"""HTML tables: words on the left, numbers right-aligned; the browser sorts them by a column.

Written as HTML, since Streamlit's own tables are not read aloud as tables and cut off long words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from html import escape

import streamlit as st

from ui.i18n import format_day, format_number, t

TableCell = str | int | date
_DAY = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2} [A-Z][a-z]{2} \d{4}")
"""A day in a text, as each language writes it: it stays on one line."""


def html_table(
    heads: Sequence[str], lines: Sequence[Sequence[TableCell]], *, tall: bool = False
) -> str:
    """Return a table; a column with any number in it is right-aligned.

    The other cells of such a column say that there is no number. A `tall` table scrolls by itself.
    With several lines a press of a title sorts them (`tables.js`).
    """
    columns = zip(*lines, strict=True) if lines else [[head] for head in heads]
    classes = [
        ' class="ef-number"' if any(isinstance(cell, int) for cell in column) else ""
        for column in columns
    ]
    head = "".join(
        f'<th scope="col"{css_class}>{_title(text, is_sortable=len(lines) > 1)}</th>'
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


def show_table(
    heads: Sequence[str], lines: Sequence[Sequence[TableCell]], *, tall: bool = False
) -> None:
    """Show a table; `heads` are the keys of its titles."""
    st.html(html_table([t(key) for key in heads], lines, tall=tall))


def _title(text: str, *, is_sortable: bool) -> str:
    title = escape(text)
    return f'<button type="button" class="ef-sort">{title}</button>' if is_sortable else title


def _cell_text(cell: TableCell) -> str:
    if isinstance(cell, date):
        return f"<time>{format_day(cell)}</time>"
    if isinstance(cell, int):
        return format_number(cell)
    return _DAY.sub(r"<time>\g<0></time>", escape(cell))
