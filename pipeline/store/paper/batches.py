"""Stacks of paper on their way in: a batch is unfinished until every page of its files is a row.

An unfinished batch bears the fingerprint of what was given, so that the same command after a
crash goes on with it. The fingerprint is unique: there is never more than one unfinished batch
of the same stack.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import IntegrityError

from pipeline.domain.errors import IntakeError
from pipeline.store.paper.pages import NewPage, add_page, create_batch
from pipeline.store.schema.paper import batch, page


def open_batch(
    conn: Connection, fingerprint: str, *, unit: str, place: str, by: str
) -> tuple[str, bool]:
    """The unfinished batch with this fingerprint, or a new one. Returns its id, and whether it was
    begun before.

    Raises:
        IntakeError: somebody else began the same stack at this very moment.
    """
    if begun := conn.execute(
        select(batch.c.id).where(batch.c.taking_in == fingerprint)
    ).scalar_one_or_none():
        return begun, True
    new = create_batch(conn, unit, place, by)
    try:
        conn.execute(update(batch).where(batch.c.id == new).values(taking_in=fingerprint))
    except IntegrityError as error:
        raise IntakeError("somebody_else_taking_same_files") from error
    return new, False


def last_source_of_unfinished(conn: Connection, fingerprint: str) -> str:
    """The SHA-256 of the file that the last page of an unfinished batch came from; empty if there
    is no such batch.
    """
    begun = (
        select(page.c.source_sha256)
        .join(batch, batch.c.id == page.c.batch)
        .where(batch.c.taking_in == fingerprint)
    )
    return str(
        conn.execute(begun.order_by(page.c.position.desc()).limit(1)).scalar_one_or_none() or ""
    )


def close_batch(conn: Connection, batch_id: str) -> None:
    """Every page of the stack is a row now."""
    conn.execute(update(batch).where(batch.c.id == batch_id).values(taking_in=None))


def list_unfinished(conn: Connection) -> list[str]:
    """Batches that are being taken in, or whose taking in was cut short."""
    return list(
        conn.execute(
            select(batch.c.id).where(batch.c.taking_in.is_not(None)).order_by(batch.c.created_at)
        ).scalars()
    )


def contains_page(
    conn: Connection, batch_id: str, source_sha256: str, source_page: int, nth: int = 1
) -> bool:
    """Whether the batch holds this page of this file, for the nth time if the stack has the file
    more than once.
    """
    same = (
        page.c.batch == batch_id,
        page.c.source_sha256 == source_sha256,
        page.c.source_page == source_page,
    )
    return conn.execute(select(func.count()).select_from(page).where(*same)).scalar_one() >= nth


def append_page_to_batch(conn: Connection, new: NewPage, by: str, nth: int = 1) -> None:
    """Put the page last in its batch whatever its `position` says, unless it is in already. Two
    that append to the same batch take turns.
    """
    conn.execute(select(batch.c.id).where(batch.c.id == new.batch).with_for_update())
    if new.source_sha256 and contains_page(
        conn, new.batch, new.source_sha256, new.source_page, nth
    ):
        return
    last = (
        conn.execute(
            select(func.max(page.c.position)).where(page.c.batch == new.batch)
        ).scalar_one()
        or 0
    )
    add_page(conn, replace(new, position=last + 1), by)


def count_batch_pages(conn: Connection, batch_id: str) -> tuple[int, int]:
    """How many pages the batch has, and how many of them failed."""
    failed = func.count().filter(page.c.state == "failed")
    pages, bad = conn.execute(
        select(func.count(), failed).select_from(page).where(page.c.batch == batch_id)
    ).one()
    return pages, bad


def is_source_imported(conn: Connection, source_sha256: str, pages: int) -> bool:
    """Whether a file with this content and so many pages has been taken in completely.

    The batch alone does not say so: it may have been cut short in the midst of the file and
    finished with others.
    """
    there = func.count(func.distinct(page.c.source_page))
    complete = (
        select(there)
        .join(batch, batch.c.id == page.c.batch)
        .where(page.c.source_sha256 == source_sha256, batch.c.taking_in.is_(None))
    )
    return int(conn.execute(complete).scalar_one()) >= pages


def list_repeated_sources(conn: Connection, batch_id: str) -> list[str]:
    """The names of the batch's files with pages whose content another batch has too, in order."""
    other = page.alias()
    elsewhere = (
        select(other.c.id)
        .where(other.c.source_sha256 == page.c.source_sha256, other.c.batch != batch_id)
        .exists()
    )
    of_batch = (
        select(page.c.source_name)
        .where(page.c.batch == batch_id, page.c.image_sha256.is_not(None), elsewhere)
        .order_by(page.c.position)
    )
    return list(dict.fromkeys(conn.execute(of_batch).scalars()))
