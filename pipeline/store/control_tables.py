"""The tables of measured quality: fields typed again, planted values, and how long people looked. A planted value stands here and nowhere else."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from pipeline.store.clock import UtcDateTime
from pipeline.store.tables import metadata

# The key that lots are drawn with: made once, so that nobody chooses what is controlled.
control_key = Table("control_key", metadata, Column("id", Integer, primary_key=True), Column("secret", String(64), nullable=False))

# One confirmed field that is typed again (kontrollskrivning). `outcome`: agreed, right or wrong; NULL while a person has to type or look.
control = Table(
    "control",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False),
    Column("field", String(80), nullable=False),
    Column("drawn_at", UtcDateTime, nullable=False),
    Column("passed", Integer, nullable=False, default=0),
    Column("claimed_by", String(80)),
    Column("claimed_until", UtcDateTime),
    Column("revision", Integer),
    Column("confirmed_by", String(80)),
    Column("typed_by", String(80)),
    Column("typed_at", UtcDateTime),
    Column("typed_value", JSON),
    Column("typed_state", String(20)),
    Column("third_by", String(80)),
    Column("third_at", UtcDateTime),
    Column("outcome", String(10)),
    UniqueConstraint("entry", "field"),
)
_waits = control.c.outcome.is_(None)
Index("control_open", control.c.drawn_at, sqlite_where=_waits, postgresql_where=_waits)

# One known-wrong value shown to one person. `outcome`: caught, missed or withdrawn; NULL while it stands on the screen.
plant = Table(
    "plant",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False),
    Column("login", String(80), nullable=False),
    Column("field", String(80), nullable=False),
    Column("value", JSON),
    Column("state", String(20), nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("shown_at", UtcDateTime, nullable=False),
    Column("outcome", String(10)),
    Column("ended_at", UtcDateTime),
    UniqueConstraint("entry", "login"),
)

# How long a person had an entry on the screen before deciding it.
look = Table(
    "look",
    metadata,
    Column("entry", ForeignKey("entry.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("login", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("fields", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("second", Boolean, nullable=False),
)
Index("look_login", look.c.login, look.c.at)
