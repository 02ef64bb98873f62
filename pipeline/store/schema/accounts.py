"""Tables of sessions, logins and blocks, of the event log's chain and of the digests it covers."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from pipeline.store.schema.clock import UtcDateTime
from pipeline.store.schema.paper import metadata

# Only the server's memory holds the token; the row holds its digest.
browser_session = Table(
    "browser_session",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("login", ForeignKey("staff.login"), nullable=False, index=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("active_at", UtcDateTime, nullable=False),
    # When the person logged in at the organisation's provider; NULL for a local account.
    Column("proved_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("ended_why", String(20)),
)

# Uses of emergency accounts (nödkonton); `seen_by` has acknowledged the use.
break_glass_use = Table(
    "break_glass_use",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("login", ForeignKey("staff.login"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("seen_by", String(80)),
    Column("seen_at", UtcDateTime),
)

# Blocks (spärrar) that units have set for clients. Lifting fills in the last columns; no row is
# removed.
client_block = Table(
    "client_block",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("client_pid", String(20), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("set_by", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    Column("lifted_at", UtcDateTime),
    Column("lifted_by", String(80)),
    Column("lifted_reason", Text),
)
_is_active_block = client_block.c.lifted_at.is_(None)

# Failed logins, and those that are being checked. The login is stored as a digest, since it may be
# a password typed in the wrong box; so are the address and the known browser that it came from.
login_failure = Table(
    "login_failure",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("login_sha256", String(64), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("address_sha256", String(64), index=True),
    Column("device_sha256", String(64), index=True),
)

# Browsers in which a person has logged in before. Only the browser holds the cookie.
known_device = Table(
    "known_device",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("device_sha256", String(64), primary_key=True),
    Column("used_at", UtcDateTime, nullable=False),
)

# Changes that one person makes to another's way in; `kind` is password, second_factor or provider.
# A password is changed once the person types the code, which is stored as a digest; where
# `needs_approval`, not before another administrator has approved.
access_change = Table(
    "access_change",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("login", ForeignKey("staff.login"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(80), nullable=False),
    Column("needs_approval", Boolean, nullable=False),
    Column("approved_by", String(80)),
    Column("approved_at", UtcDateTime),
    Column("code_sha256", String(64)),
    Column("expires_at", UtcDateTime),
    Column("done_at", UtcDateTime),
    Column("cancelled_by", String(80)),
    Column("cancelled_at", UtcDateTime),
)

# Second factors (TOTP). The secret is encrypted by a key outside the database, named by `key_id`;
# `last_step` is the time step of the last code, which is not accepted again.
second_factor = Table(
    "second_factor",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("secret", String(400), nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("last_step", Integer, nullable=False),
)

# Recovery codes on paper, as digests; each opens once.
recovery_code = Table(
    "recovery_code",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("code_sha256", String(64), primary_key=True),
    Column("used_at", UtcDateTime),
)

# The identity of a person at the organisation's provider, which does not change with the name.
provider_link = Table(
    "provider_link",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("issuer", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("linked_at", UtcDateTime, nullable=False),
    UniqueConstraint("issuer", "subject", name="provider_link_identity"),
)

# Persons who have closed the first-day guide.
closed_guide = Table(
    "closed_guide",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("closed_at", UtcDateTime, nullable=False),
)

# In which order a person works. `entry` is the one that the form, client or author is that of.
queue_choice = Table(
    "queue_choice",
    metadata,
    Column("login", ForeignKey("staff.login"), primary_key=True),
    Column("grouping", String(10), nullable=False),
    Column("entry", String(44), nullable=False, default="", server_default=""),
)

# One row: the end of the log's chain. Transactions that add to the log lock it in turn, so that the
# chain cannot fork.
event_head = Table(
    "event_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
)

# One row: the key of the digests by which the log names searched personal numbers; see
# `events.client_log_subject`.
log_key = Table(
    "log_key",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", String(64), nullable=False),
)

# Digests of the rows of the record, by the event that covers them: its row of the log holds the
# digest of these rows (`event.records`). `owner` is the id of the entry, run, page or account that
# the rows belong to. See store/event_log/records.py.
record_digest = Table(
    "record_digest",
    metadata,
    Column("kind", String(40), primary_key=True),
    Column("owner", String(80), primary_key=True),
    Column("event", Integer, primary_key=True, autoincrement=False, index=True),
    Column("sha256", String(64), nullable=False),
)

Index(
    "client_block_stands",
    client_block.c.client_pid,
    client_block.c.unit,
    unique=True,
    sqlite_where=_is_active_block,
    postgresql_where=_is_active_block,
)
