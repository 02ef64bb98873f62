"""Ways in, assignments, digests of the record, checks of the store, attempts to import."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0001"


def upgrade() -> None:
    """Add tables and columns; files that were imported before have no row of attempts."""
    _create_account_access()
    _create_assignments()
    _create_digests()
    _create_checks_and_deliveries()
    op.create_table(
        "import_attempt",
        sa.Column("batch", sa.String(32), sa.ForeignKey("batch.id"), nullable=False),
        sa.Column("source_sha256", sa.String(64), nullable=False),
        sa.Column("copy", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("source_page", sa.Integer, nullable=False),
        sa.Column("starts", sa.Integer, nullable=False),
        sa.Column("deaths", sa.Integer, nullable=False),
        sa.Column("pages", sa.Integer),
        sa.PrimaryKeyConstraint("batch", "source_sha256", "copy"),
    )


def _create_account_access() -> None:
    """Create the tables, and count failed logins by login, address and device in one of them."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "known_device",
        sa.Column("login", sa.String(80), sa.ForeignKey("staff.login"), primary_key=True),
        sa.Column("device_sha256", sa.String(64), primary_key=True),
        sa.Column("used_at", moment, nullable=False),
    )
    op.create_table(
        "access_change",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("login", sa.String(80), sa.ForeignKey("staff.login"), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("needs_approval", sa.Boolean, nullable=False),
        sa.Column("approved_by", sa.String(80)),
        sa.Column("approved_at", moment),
        sa.Column("code_sha256", sa.String(64)),
        sa.Column("expires_at", moment),
        sa.Column("done_at", moment),
        sa.Column("cancelled_by", sa.String(80)),
        sa.Column("cancelled_at", moment),
    )
    op.create_index("ix_access_change_login", "access_change", ["login"])
    op.create_table(
        "second_factor",
        sa.Column("login", sa.String(80), sa.ForeignKey("staff.login"), primary_key=True),
        sa.Column("secret", sa.String(400), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("added_at", moment, nullable=False),
        sa.Column("last_step", sa.Integer, nullable=False),
    )
    op.create_table(
        "recovery_code",
        sa.Column("login", sa.String(80), sa.ForeignKey("staff.login"), primary_key=True),
        sa.Column("code_sha256", sa.String(64), primary_key=True),
        sa.Column("used_at", moment),
    )
    op.create_table(
        "provider_link",
        sa.Column("login", sa.String(80), sa.ForeignKey("staff.login"), primary_key=True),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("linked_at", moment, nullable=False),
        sa.UniqueConstraint("issuer", "subject", name="provider_link_identity"),
    )
    for name in ("address_sha256", "device_sha256"):
        op.add_column("login_failure", sa.Column(name, sa.String(64)))
    for name in ("at", "address_sha256", "device_sha256"):
        op.create_index(f"ix_login_failure_{name}", "login_failure", [name])
    # Its rows count for minutes only
    op.drop_table("address_failure")


def _create_assignments() -> None:
    """Add the further assignments; an account's role, units and areas stay its main one."""
    op.create_table(
        "assignment",
        sa.Column("login", sa.String(80), sa.ForeignKey("staff.login"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("areas", sa.String(40)),
    )
    op.create_table(
        "assignment_unit",
        sa.Column("login", sa.String(80), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("unit", sa.String(80), sa.ForeignKey("unit.name"), primary_key=True),
        sa.ForeignKeyConstraint(["login", "number"], ["assignment.login", "assignment.number"]),
    )
    op.add_column("staff", sa.Column("person_key", sa.String(80)))
    op.create_index("ix_staff_person_key", "staff", ["person_key"])


def _create_digests() -> None:
    """Add the table of digests, and the log's column with the digest of each event's digests.

    The rows that exist are covered at the end of the upgrade, by events that say so
    (`adopt_records`).
    """
    op.create_table(
        "record_digest",
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(44), nullable=False),
        sa.Column("event", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("kind", "owner", "event"),
    )
    op.create_index("ix_record_digest_event", "record_digest", ["event"])
    op.add_column("event", sa.Column("records", sa.String(64)))


def _create_checks_and_deliveries() -> None:
    """Create the tables, and take the deliveries from the log and the receipts.

    A run whose file was fetched, or that its target has answered, counts as delivered.
    """
    op.create_table("image_store", sa.Column("id", sa.String(32), primary_key=True))
    op.create_table(
        "store_check",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_by", sa.String(80), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("database_problem", sa.Text, nullable=False, server_default=""),
        *(
            sa.Column(name, sa.Integer, nullable=False, server_default="0")
            for name in ("files", "missing", "damaged", "orphans")
        ),
    )
    op.create_index("store_check_ended", "store_check", ["ended_at"])
    op.create_table(
        "export_delivery",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run", sa.String(32), sa.ForeignKey("export_run.id"), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_export_delivery_run", "export_delivery", ["run"])
    op.add_column("batch", sa.Column("content", sa.String(64)))
    op.create_index("ix_batch_content", "batch", ["content"])
    _fill_deliveries()


def _fill_deliveries() -> None:
    """Add a delivery for each run whose file was fetched, or that has a receipt."""
    fetched = """INSERT INTO export_delivery (run, "by", at)
        SELECT run.id, event."by", event.at FROM export_run AS run
        JOIN event ON event.id = (SELECT min(id) FROM event
            WHERE action = 'fetch_export' AND subject = run.id)"""
    answered = """INSERT INTO export_delivery (run, "by", at)
        SELECT run.id, min(receipt."by"), min(receipt.at) FROM export_run AS run
        JOIN receipt ON receipt.run = run.id
        WHERE run.id NOT IN (SELECT run FROM export_delivery) GROUP BY run.id"""
    for statement in (fetched, answered):
        op.execute(statement)
