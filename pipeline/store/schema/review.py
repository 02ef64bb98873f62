"""Tables of review: its quality, batches, clients, the queue, questions, duplicates and versions.

Rows are added, and ended by filling in a column. Versions and signatures are only added. A seeded
error is in its own table (`plant`) and nowhere else.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    or_,
    select,
)

from pipeline.store.schema.clock import UtcDateTime
from pipeline.store.schema.paper import metadata

# The key for drawing fields to rekey: created once, so that nobody can choose the fields.
control_key = Table(
    "control_key",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("secret", String(64), nullable=False),
)

# Rekeying (kontrollskrivning): one confirmed field each. `outcome`: agreed, right or wrong; NULL
# while a person has to type or to adjudicate.
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
_is_rekeying_open = control.c.outcome.is_(None)

# Seeded errors: one wrong value shown to one person. `outcome`: caught, missed or withdrawn; NULL
# while it is on the screen.
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

# View times: how long a person had an entry on the screen before deciding it.
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

# Batches of similar field images, each shown to one person, who holds it until `claimed_until`. All
# of its items were read as `value` and `state`. See pipeline/domain/review/work_modes.py.
group_task = Table(
    "group_task",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("login", String(80), nullable=False),
    Column("form", String(60), nullable=False),
    Column("version", Integer, nullable=False),
    Column("column", String(80), nullable=False),
    Column("value", JSON),
    Column("state", String(20), nullable=False),
    Column("shown_at", UtcDateTime, nullable=False),
    Column("claimed_until", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
)
_is_batch_open = group_task.c.ended_at.is_(None)

# Items of batches. `outcome`: kept or odd hold until the entry is decided; undone, gone or lapsed
# free the item; NULL while it is shown.
group_cell = Table(
    "group_cell",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("task", ForeignKey("group_task.id"), nullable=False, index=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("field", String(80), nullable=False),
    Column("page", ForeignKey("page.id"), nullable=False),
    Column("marked", Boolean, nullable=False, default=False),
    Column("outcome", String(10)),
    Column("ended_at", UtcDateTime),
)
IS_ITEM_LIVE = or_(
    group_cell.c.outcome.is_(None), group_cell.c.outcome == "kept", group_cell.c.outcome == "odd"
)

# Units in which a manager has switched batch review off or on; the latest row of a unit counts.
group_setting = Table(
    "group_setting",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("unit", String(80), nullable=False, index=True),
    Column("on", Boolean, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# Clients outside the register. `number` is a temporary identity issued here, or the personal number
# of a client whom the register lacks.
temporary_identity = Table(
    "temporary_identity",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("number", String(20), nullable=False),
    Column("name", String(120), nullable=False, default=""),
    Column("reason", Text, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("settled_by", String(80)),
    Column("settled_at", UtcDateTime),
)

# How reviewers resolved conflicts about the client. `codes` are kinds of conflict, never values.
client_choice = Table(
    "client_choice",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("codes", JSON, nullable=False),
    Column("choice", String(40), nullable=False),
    Column("why", String(300), nullable=False, default=""),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# What managers have moved to the front of the queue; an undo closes a row. `kind` says what `what`
# is: an entry's id, a personal number or a day; for a whole unit it is empty.
pull = Table(
    "pull",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("what", String(44), nullable=False),
    Column("unit", String(80), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)

# Transfers of entries to other units.
forwarding = Table(
    "forwarding",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("from_unit", String(80), nullable=False, index=True),
    Column("to_unit", String(80), nullable=False),
    Column("why", String(300), nullable=False, default=""),
    # Sent because of a protected identity: the sender must not learn where
    Column("secret", Boolean, nullable=False, default=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# Questions to the authors of entries.
question = Table(
    "question",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("unit", String(80), nullable=False, index=True),
    Column("author", String(120), nullable=False, default=""),
    Column("text", Text, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# Answers: who answered and when, and who entered the answer and when, often two people.
author_answer = Table(
    "author_answer",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("question", ForeignKey("question.id"), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("answered_by", String(120), nullable=False),
    Column("answered_at", UtcDateTime, nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# Duplicates, with what an entry was compared with: another entry, a text copied from the care
# system, or an image of its screen. `before` has the entry's earlier state and who had decided and
# signed it.
duplicate_mark = Table(
    "duplicate_mark",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("other_entry", ForeignKey("entry.id")),
    Column("text", Text, nullable=False, default=""),
    Column("picture_sha256", String(64)),
    Column("why", String(300), nullable=False, default=""),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("taken_back_by", String(80)),
    Column("taken_back_at", UtcDateTime),
    Column("before", JSON),
)

# One row per decision on an entry. The entry itself has only its latest reason; `reason_before` is
# the reason until then, restored if the decision is withdrawn.
entry_version = Table(
    "entry_version",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("state", String(30), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("reason_before", Text),
    Column("voided", Boolean, nullable=False, default=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# Signatures. `revision` is the one that the signer read, `act` is shared by the rows of a sheet
# that were signed at once, `rule` is the version of the signing rule. A withdrawal is a row too.
signature = Table(
    "signature",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("act", String(32), nullable=False),
    Column("taken_back", Boolean, nullable=False, default=False),
    Column("own", Boolean, nullable=False),
    Column("author", String(120), nullable=False, default=""),
    Column("why", String(300), nullable=False, default=""),
    Column("rule", Integer),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

Index(
    "control_open",
    control.c.drawn_at,
    sqlite_where=_is_rekeying_open,
    postgresql_where=_is_rekeying_open,
)

Index("look_login", look.c.login, look.c.at)

Index("group_task_login", group_task.c.login, group_task.c.ended_at)

Index(
    "group_task_open",
    group_task.c.claimed_until,
    sqlite_where=_is_batch_open,
    postgresql_where=_is_batch_open,
)

# No two people get the same item.
Index(
    "group_cell_live",
    group_cell.c.entry,
    group_cell.c.field,
    unique=True,
    sqlite_where=IS_ITEM_LIVE,
    postgresql_where=IS_ITEM_LIVE,
)

# The codes of four digits by which a unit names its clients on paper. Only added: paper with a code
# may come back years later, so a code never changes owner and is given to nobody else.
client_code = Table(
    "client_code",
    metadata,
    Column("unit", String(80), primary_key=True),
    Column("code", String(4), primary_key=True),
    Column("pid", String(20), nullable=False),
    Column("given_at", UtcDateTime, nullable=False),
    UniqueConstraint("unit", "pid"),
)

# What people say of legal duties: that one is met, how, on which day and by which later paper, or,
# in a row of its own, that it is not. The latest row of an entry's rule counts. `due` is the
# deadline as it was, see domain/law/duties.py.
met_duty = Table(
    "met_duty",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("entry", ForeignKey("entry.id"), nullable=False, index=True),
    Column("rule", String(60), nullable=False),
    Column("is_met", Boolean, nullable=False),
    Column("how", String(20), nullable=False),
    Column("day", String(10), nullable=False),
    Column("paper", ForeignKey("entry.id")),
    Column("due", String(40), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)


# Tables of the depth of entry: attached pages with their text, areas of a page, and the depth.
#
# An attached page is a page of the sheet that it belongs to. A row is ended by filling in
# `undone_by`; depths are only added, and the latest row counts.

# Pages that belong to a sheet and are not typed: each has a title and a day (YYYY-MM-DD or empty).
attachment = Table(
    "attachment",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("page", ForeignKey("page.id"), nullable=False, index=True),
    Column("sheet", String(41), nullable=False, index=True),
    # The place among the attachments of the sheet, from 1
    Column("number", Integer, nullable=False),
    Column("title", String(120), nullable=False),
    Column("day", String(10), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)
is_attachment = attachment.c.undone_at.is_(None)
ATTACHED_PAGES = select(attachment.c.page).where(is_attachment)
"""The ids of all attached pages."""
Index(
    "attachment_standing",
    attachment.c.page,
    unique=True,
    sqlite_where=is_attachment,
    postgresql_where=is_attachment,
)

# The printed text of pages of no known form: words with x, y, w, h as shares of the page.
page_text = Table(
    "page_text",
    metadata,
    Column("page", ForeignKey("page.id"), primary_key=True),
    # All words, in small letters, for searching
    Column("plain", String, nullable=False),
    Column("words", JSON, nullable=False),
)

# Parts of a page that are an entry each, as shares of its image: x, y, w, h.
page_area = Table(
    "page_area",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("page", ForeignKey("page.id"), nullable=False, index=True),
    # The row of the entry, from 1: a page without a form has no other rows
    Column("row", Integer, nullable=False),
    Column("x", Float, nullable=False),
    Column("y", Float, nullable=False),
    Column("w", Float, nullable=False),
    Column("h", Float, nullable=False),
    # The picture of the part alone, by its name in the image folder
    Column("image_sha256", String(64), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("undone_by", String(80)),
    Column("undone_at", UtcDateTime),
)
is_area = page_area.c.undone_at.is_(None)
Index(
    "page_area_standing",
    page_area.c.page,
    page_area.c.row,
    unique=True,
    sqlite_where=is_area,
    postgresql_where=is_area,
)

# How deep a unit enters a form; `depth` is empty where it is the form's own again.
unit_depth = Table(
    "unit_depth",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("unit", String(80), nullable=False, index=True),
    Column("form", String(60), nullable=False),
    Column("depth", String(20), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# How deep one sheet is entered, where its reviewer has chosen another depth than the unit's.
sheet_depth = Table(
    "sheet_depth",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sheet", String(41), nullable=False, index=True),
    Column("depth", String(20), nullable=False),
    Column("by", String(80), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
