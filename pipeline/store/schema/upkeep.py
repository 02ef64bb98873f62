"""Tables about the store itself: its folder of images, checks of it, and what feeds it."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, Text

from pipeline.store.schema.clock import UtcDateTime
from pipeline.store.schema.paper import metadata

# The folder of images that belongs to this database, by the id in its file. One row.
image_store = Table("image_store", metadata, Column("id", String(32), primary_key=True))

# Checks of the whole store (`efterskrift check`). `ended_at` is NULL while one runs, or if it was
# killed. `database_problem` is empty if the database is whole.
store_check = Table(
    "store_check",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("started_by", String(80), nullable=False),
    Column("ended_at", UtcDateTime),
    Column("database_problem", Text, nullable=False, default="", server_default=""),
    Column("files", Integer, nullable=False, default=0, server_default="0"),
    Column("missing", Integer, nullable=False, default=0, server_default="0"),
    Column("damaged", Integer, nullable=False, default=0, server_default="0"),
    Column("orphans", Integer, nullable=False, default=0, server_default="0"),
    # Rows of the record that are not as the log has them
    Column("changed", Integer, nullable=False, default=0, server_default="0"),
)
Index("store_check_ended", store_check.c.ended_at)

# Watched folders, each with what its last look passed over: name, reason and moment of each file.
watched_folder = Table(
    "watched_folder",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("folder", String(400), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("place", String(200), nullable=False),
    Column("looked_at", UtcDateTime, nullable=False),
    Column("is_away", Boolean, nullable=False),
    Column("passed_over", JSON, nullable=False),
)
