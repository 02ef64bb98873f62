"""The unit's client list: a short code for each client, to be written on lists of visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.model import Client
from pipeline.forms.drawing import PaperDocument
from pipeline.preparation.outage_pack.pages import (
    TOP_MM,
    Column,
    PackInfo,
    begin_page,
    count_fitting_rows,
    draw_bullets,
    draw_table,
    pack_text,
    pack_texts,
)

_ROW_MM = 7.0
_TABLE_TOP_MM = TOP_MM + 22
_CODE_WIDTH_MM, _NAME_WIDTH_MM, _NUMBER_WIDTH_MM = 24.0, 100.0, 50.0


def count_client_list_pages(clients: Sequence[Client]) -> int:
    """Return the number of pages of the list; none without clients."""
    return ceil(len(clients) / count_fitting_rows(_TABLE_TOP_MM, _ROW_MM))


def draw_client_list(
    paper: PaperDocument, about: PackInfo, clients: Sequence[Client], codes: Mapping[str, str]
) -> None:
    """Draw the pages of the list, in the order of the names."""
    columns = (
        Column(pack_text("clients.code"), _CODE_WIDTH_MM, bold=True),
        Column(pack_text("clients.name"), _NAME_WIDTH_MM),
        Column(pack_text("clients.number"), _NUMBER_WIDTH_MM),
    )
    rows = [
        (codes[client.pid], client.name, format_pid(client.pid))
        for client in sorted(clients, key=lambda client: (client.name.casefold(), client.pid))
    ]
    per_page = count_fitting_rows(_TABLE_TOP_MM, _ROW_MM)
    for start in range(0, len(rows), per_page):
        begin_page(paper, about, pack_text("clients.title"))
        draw_bullets(paper, pack_texts("clients.instruction"), TOP_MM - 4)
        draw_table(paper, columns, rows[start : start + per_page], _TABLE_TOP_MM, _ROW_MM)
