"""Import batches of paper: a batch is unfinished until every page of its files is a row.

An unfinished batch has the fingerprint of its files, so that the same command goes on with it after
a crash. The fingerprint is unique: there is never more than one unfinished batch of the same files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from pipeline.domain.errors import IntakeError
from pipeline.store.paper.pages import NewPage, add_page, create_batch
from pipeline.store.schema.paper import batch, import_attempt, page


@dataclass(frozen=True, slots=True)
class SourceKey:
    """A file of a batch: its content, and the number of the copy where there are several."""

    batch: str
    sha256: str
    copy: int = 1


def open_batch(
    conn: Connection, fingerprint: str, *, unit: str, place: str, by: str
) -> tuple[str, bool]:
    """Return the id of the unfinished batch with this fingerprint, or of a new one.

    The second value says whether the batch existed before.

    Raises:
        IntakeError: another process began the same batch at this very moment.
    """
    if unfinished := conn.execute(
        select(batch.c.id).where(batch.c.taking_in == fingerprint)
    ).scalar_one_or_none():
        return unfinished, True
    new = create_batch(conn, unit, place, by)
    # The fingerprint is unique among unfinished batches.
    try:
        conn.execute(update(batch).where(batch.c.id == new).values(taking_in=fingerprint))
    except IntegrityError as error:
        raise IntakeError("files_in_import_by_another") from error
    return new, False


def last_source_of_unfinished(conn: Connection, fingerprint: str) -> str:
    """Return the SHA-256 of the file that an unfinished batch's last page came from.

    It is empty if there is no such batch.
    """
    # All pages of the unfinished batch; the last one counts.
    query = (
        select(page.c.source_sha256)
        .join(batch, batch.c.id == page.c.batch)
        .where(batch.c.taking_in == fingerprint)
    )
    return str(
        conn.execute(query.order_by(page.c.position.desc()).limit(1)).scalar_one_or_none() or ""
    )


def close_batch(conn: Connection, batch_id: str, content: str | None = None) -> None:
    """Finish a batch: every page of it is a row now.

    Args:
        conn: a transaction.
        batch_id: the batch.
        content: the fingerprint of all its files, by which `find_same_batch` knows them.
    """
    closed = update(batch).where(batch.c.id == batch_id)
    conn.execute(closed.values(taking_in=None, content=content))


def find_same_batch(conn: Connection, content: str) -> str | None:
    """Return the finished batch of the same files, if every page of them could be imported.

    The command that imported them may have been killed before it could say so.
    """
    is_failed = page.c.image_sha256.is_(None) & (page.c.batch == batch.c.id)
    query = select(batch.c.id).where(batch.c.content == content, batch.c.taking_in.is_(None))
    whole = query.where(~select(page.c.id).where(is_failed).exists())
    return conn.execute(whole.order_by(batch.c.created_at.desc()).limit(1)).scalar()


def count_known_files(conn: Connection, digests: Sequence[str]) -> int:
    """Return how many of these files have a page with an image already."""
    is_known = page.c.source_sha256.in_(digests) & page.c.image_sha256.is_not(None)
    query = select(func.count(func.distinct(page.c.source_sha256))).where(is_known)
    found: int = conn.execute(query).scalar_one()
    return found


def list_unfinished(conn: Connection) -> list[str]:
    """Return the batches that are being imported, or whose import was interrupted."""
    # A finished batch has no fingerprint any more.
    return list(
        conn.execute(
            select(batch.c.id).where(batch.c.taking_in.is_not(None)).order_by(batch.c.created_at)
        ).scalars()
    )


def contains_page(
    conn: Connection, batch_id: str, source_sha256: str, source_page: int, nth: int = 1
) -> bool:
    """Return whether the batch has this page of this file.

    If the batch has the file more than once, for the `nth` time.
    """
    # The same page of a file with the same content.
    is_same_page = (
        page.c.batch == batch_id,
        page.c.source_sha256 == source_sha256,
        page.c.source_page == source_page,
    )
    return (
        conn.execute(select(func.count()).select_from(page).where(*is_same_page)).scalar_one()
        >= nth
    )


def list_imported_pages(conn: Connection, source: SourceKey) -> dict[int, str | None]:
    """Return the pages of a file that the batch has, each with the digest of its image."""
    rows = (
        select(page.c.source_page, func.max(page.c.image_sha256))
        .where(page.c.batch == source.batch, page.c.source_sha256 == source.sha256)
        .group_by(page.c.source_page)
        .having(func.count() >= source.copy)
    )
    return dict(conn.execute(rows).all())


def count_start(conn: Connection, source: SourceKey, source_page: int) -> int:
    """Count an attempt to import a file from a page on; return how often it began at that page."""
    return _count_attempt(conn, source, source_page, starts=1).starts


def count_death(conn: Connection, source: SourceKey, source_page: int) -> int:
    """Count that a page killed its reader; return how often it has done so."""
    return _count_attempt(conn, source, source_page, deaths=1).deaths


@dataclass(frozen=True, slots=True)
class _Attempts:
    starts: int
    deaths: int


def _count_attempt(
    conn: Connection, source: SourceKey, source_page: int, *, starts: int = 0, deaths: int = 0
) -> _Attempts:
    """Add to the counts of a page; those of another page begin anew."""
    found = conn.execute(
        select(import_attempt).where(_is_source(source)).with_for_update()
    ).one_or_none()
    if found is None:
        row = (source.batch, source.sha256, source.copy, source_page, starts, deaths, None)
        conn.execute(insert(import_attempt).values(row))
        return _Attempts(starts, deaths)
    is_same = found.source_page == source_page
    new = _Attempts(starts + is_same * found.starts, deaths + is_same * found.deaths)
    conn.execute(
        update(import_attempt)
        .where(_is_source(source))
        .values(source_page=source_page, starts=new.starts, deaths=new.deaths)
    )
    return new


def reset_starts(conn: Connection, source: SourceKey) -> None:
    """Forget the attempts to import a file that were killed."""
    conn.execute(update(import_attempt).where(_is_source(source)).values(starts=0))


def mark_source_imported(conn: Connection, source: SourceKey, pages: int) -> None:
    """Write down that every page of a file is imported: no attempt at it was killed."""
    conn.execute(update(import_attempt).where(_is_source(source)).values(pages=pages, starts=0))


def _is_source(source: SourceKey) -> ColumnElement[bool]:
    return and_(
        import_attempt.c.batch == source.batch,
        import_attempt.c.source_sha256 == source.sha256,
        import_attempt.c.copy == source.copy,
    )


def append_page_to_batch(conn: Connection, new: NewPage, by: str, nth: int = 1) -> None:
    """Add the page at the end of its batch, whatever its `position`, unless it is in already.

    Two processes that append to the same batch take turns.
    """
    # Lock the batch until the page is in.
    conn.execute(select(batch.c.id).where(batch.c.id == new.batch).with_for_update())
    if new.source_sha256 and contains_page(
        conn, new.batch, new.source_sha256, new.source_page, nth
    ):
        return
    # The position after the highest one.
    last = (
        conn.execute(
            select(func.max(page.c.position)).where(page.c.batch == new.batch)
        ).scalar_one()
        or 0
    )
    add_page(conn, replace(new, position=last + 1), by)


def count_batch_pages(conn: Connection, batch_id: str) -> tuple[int, int]:
    """Return how many pages the batch has, and how many of them failed."""
    failed = func.count().filter(page.c.state == "failed")
    page_count, failed_count = conn.execute(
        select(func.count(), failed).select_from(page).where(page.c.batch == batch_id)
    ).one()
    return page_count, failed_count


def is_source_imported(
    conn: Connection, source_sha256: str, pages: int, resumable: str = ""
) -> bool:
    """Return whether a file with this content has been imported completely.

    Args:
        pages: of the file, for batches from before each file's end was written down. The batch
            alone does not say so: it may have been interrupted in the middle of the file and
            finished with other files.
        resumable: fingerprint of the unfinished batch that will be continued: its files count once
            it is finished. Those of other unfinished batches count.
    """
    # Written down at the end of the file.
    is_settled = or_(batch.c.taking_in.is_(None), batch.c.taking_in != resumable)
    noted = (
        select(import_attempt.c.pages)
        .join(batch, batch.c.id == import_attempt.c.batch)
        .where(
            import_attempt.c.source_sha256 == source_sha256,
            import_attempt.c.pages.is_not(None),
            is_settled,
        )
    )
    if conn.execute(noted.limit(1)).scalar_one_or_none() is not None:
        return True
    # Before that, different pages of the file in finished batches.
    distinct_pages = func.count(func.distinct(page.c.source_page))
    query = (
        select(distinct_pages)
        .join(batch, batch.c.id == page.c.batch)
        .where(page.c.source_sha256 == source_sha256, batch.c.taking_in.is_(None))
    )
    return int(conn.execute(query).scalar_one()) >= pages


def list_repeated_sources(conn: Connection, batch_id: str) -> list[str]:
    """Return the names of the batch's files that another batch has too, in order."""
    other = page.alias()
    # A page of the same file in another batch.
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
