"""Rows of printed sheets that bear a client's name: a tour list (körlista) is about another client in each row."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table

from pipeline.store import tables

issued_row = Table(
    "issued_row",
    tables.metadata,
    Column("serial", ForeignKey("issued_sheet.serial"), primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("client_pid", String(20), nullable=False, index=True),
    Column("printed", JSON, nullable=False),  # by column of the form: what was printed in the row
)
