"""Any change, removal, move or insertion in a log is reported with its row; an unchanged log is
valid.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.store.event_log.chain_check import ChainVerdict, ProblemKind, check_chain
from pipeline.store.event_log.hash_chain import (
    GENESIS_DIGEST,
    ChainHead,
    LogRow,
    link_row,
    row_digest,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
numbers = st.floats(allow_nan=False, allow_infinity=False)
details = st.dictionaries(
    st.text(max_size=5),
    st.one_of(st.text(max_size=8), st.integers(), numbers, st.booleans(), st.none()),
    max_size=3,
)
actions, short = st.sampled_from(["view_page", "decide"]), st.text(max_size=8)
facts = st.tuples(st.integers(0, 10**9), short, actions, short, st.none() | short, details)


@st.composite
def logs(draw: st.DrawFn, least: int = 1) -> list[LogRow]:
    """A whole chain."""
    rows, head = list[LogRow](), ChainHead(0, GENESIS_DIGEST)
    for seconds, by, action, subject, unit, detail in draw(
        st.lists(facts, min_size=least, max_size=12)
    ):
        row = link_row(
            LogRow(
                0,
                AT + timedelta(microseconds=seconds),
                by,
                action,
                subject,
                unit,
                detail,
                None,
                None,
            ),
            head,
        )
        rows.append(row)
        head = ChainHead(row.id, row.sha256 or "")
    return rows


def head_of(rows: list[LogRow]) -> ChainHead:
    return ChainHead(rows[-1].id, rows[-1].sha256 or "") if rows else ChainHead(0, GENESIS_DIGEST)


def found(rows: list[LogRow], head: ChainHead | None, *anchors: ChainHead) -> ChainVerdict:
    by_digest = {row.sha256: row.id for row in rows}
    return check_chain(sorted(rows, key=lambda row: row.id), lambda: head, by_digest.get, anchors)


def named(verdict: ChainVerdict) -> set[tuple[ProblemKind, int, int]]:
    return {(problem.wrong, problem.first, problem.last) for problem in verdict.problems}


@given(rows=logs(), data=st.data())
def test_unchanged_log_is_valid_with_anchor_of_any_time(
    rows: list[LogRow], data: st.DataObject
) -> None:
    earlier = head_of(rows[: data.draw(st.integers(0, len(rows)))])
    verdict = found(rows, head_of(rows), earlier)
    assert verdict.problems == ()
    assert (verdict.rows, verdict.head) == (len(rows), head_of(rows))


@given(rows=logs(), data=st.data())
def test_later_head_of_same_number_hides_no_change(rows: list[LogRow], data: st.DataObject) -> None:
    true = head_of(rows[: data.draw(st.integers(0, len(rows)))])
    other = ChainHead(true.number, "f" * 64)
    for anchors in ((other, true), (true, other)):
        assert named(found(rows, head_of(rows), *anchors)) == {
            (ProblemKind.REWRITTEN, true.number, true.number)
        }


@given(rows=logs(), data=st.data())
def test_changed_row_is_reported(rows: list[LogRow], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    old = rows[place]
    new = data.draw(
        st.sampled_from(
            [
                replace(old, by=old.by + "x"),
                replace(old, action="export"),
                replace(old, subject=old.subject + "x"),
                replace(old, at=old.at + timedelta(microseconds=1)),
                replace(old, unit="Annan enhet"),
                replace(old, detail={**old.detail, "förändrad": 1}),
            ]
        )
    )
    wrong = {(ProblemKind.CHANGED, old.id, old.id)}
    assert named(found([*rows[:place], new, *rows[place + 1 :]], head_of(rows))) == wrong
    # With a digest made again, the next row or the head tells.
    sly = replace(new, sha256=row_digest(new))
    assert named(found([*rows[:place], sly, *rows[place + 1 :]], head_of(rows))) == wrong


@given(rows=logs(), data=st.data())
def test_removed_rows_are_reported_at_any_position(rows: list[LogRow], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(rows) - 1))
    last = data.draw(st.integers(first, len(rows) - 1))
    left = rows[:first] + rows[last + 1 :]
    assert named(found(left, head_of(rows))) == {(ProblemKind.REMOVED, first + 1, last + 1)}


@given(rows=logs(least=2), data=st.data())
def test_swapped_rows_are_reported_with_their_positions(
    rows: list[LogRow], data: st.DataObject
) -> None:
    one, other = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=2, max_size=2)))
    swapped = list(rows)
    swapped[one], swapped[other] = (
        replace(rows[other], id=one + 1),
        replace(rows[one], id=other + 1),
    )
    verdict = found(swapped, head_of(rows))
    moved = {
        (problem.first, problem.origin)
        for problem in verdict.problems
        if problem.wrong is ProblemKind.MOVED
    }
    # Of two neighbours, one has the right row before it again and is only seen to be changed.
    assert moved | {(problem.first, None) for problem in verdict.problems} >= {
        (one + 1, None),
        (other + 1, None),
    }
    assert moved <= {(one + 1, other + 1), (other + 1, one + 1)}
    assert {problem.first for problem in verdict.problems} <= {one + 1, other + 1}


@given(rows=logs())
def test_row_inserted_outside_program_is_reported(rows: list[LogRow]) -> None:
    stranger = LogRow(len(rows) + 1, AT, "eva", "view_page", "x", None, {}, None, None)
    assert named(found([*rows, stranger], head_of(rows))) == {
        (ProblemKind.UNCHAINED, stranger.id, stranger.id)
    }
    linked = link_row(stranger, head_of(rows))
    assert named(found([*rows, linked], head_of(rows))) == {
        (ProblemKind.UNCHAINED, stranger.id, stranger.id)
    }


@given(rows=logs(), data=st.data())
def test_wholly_rewritten_log_is_detected_only_by_anchor(
    rows: list[LogRow], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    kept = data.draw(st.integers(place + 1, len(rows)))
    forged, head = rows[:place], head_of(rows[:place])
    for row in [replace(rows[place], by="nobody"), *rows[place + 1 :]]:
        forged.append(link_row(row, head))
        head = head_of(forged)
    assume(forged[-1].sha256 != rows[-1].sha256)
    assert named(found(forged, head)) == set()
    anchor = head_of(rows[:kept])
    assert named(found(forged, head, anchor)) == {(ProblemKind.REWRITTEN, kept, kept)}
    # Cut off after the anchor, the log lacks the row.
    assert (ProblemKind.REWRITTEN, kept, kept) in named(
        found(rows[: kept - 1], head_of(rows[: kept - 1]), anchor)
    )


@given(rows=logs())
def test_removed_head_is_reported(rows: list[LogRow]) -> None:
    assert named(found(rows, None)) == {(ProblemKind.REMOVED, len(rows), len(rows))}
