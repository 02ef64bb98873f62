"""Publications of forms made here: stored before their files are written, and ended after that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from pipeline.store.schema.registers import form_publication


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication that has no end; `revision` is that of the draft, `by` a login."""

    form: str
    version: int
    revision: int
    by: str
    at: datetime

    @property
    def name(self) -> str:
        """The form and version, as in the list of published forms."""
        return f"{self.form}/{self.version}"


def list_publications(conn: Connection) -> list[Publication]:
    """Return the publications that have no end, oldest first: a process was killed in between."""
    columns = [form_publication.c[name] for name in ("form", "version", "revision", "by", "at")]
    query = select(*columns).where(form_publication.c.ended_at.is_(None))
    return [Publication(*row) for row in conn.execute(query.order_by(form_publication.c.id))]


def begin_publication(conn: Connection, begun: Publication) -> None:
    """Store that a publication begins; an earlier one of the same version ends."""
    end_publications(conn, begun.form, begun.version, begun.at)
    row = {name: getattr(begun, name) for name in ("form", "version", "revision", "by", "at")}
    conn.execute(insert(form_publication).values(row))


def end_publications(conn: Connection, form: str, version: int, at: datetime) -> None:
    """Store that this version is in use, or that its draft was discarded."""
    is_open = (
        form_publication.c.form == form,
        form_publication.c.version == version,
        form_publication.c.ended_at.is_(None),
    )
    conn.execute(update(form_publication).where(*is_open).values(ended_at=at))
