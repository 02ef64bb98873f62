"""The table of quality as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from pipeline.confidence import Share
from pipeline.quality.measure import Row

HEADS = ("kind", "set", "values", "writers", "error", "median", "worst", "ECE", "p<0.99", "wrong of p≥0.99", "wrong of p≥0.999", "others")
EXPLAINED = (
    "error: share of values wrong, for text edits a character written; median and worst writer beside it. ECE: expected calibration error. "
    "p<0.99: doubtful. Wrong of the sure ones with the upper end of the 95 % interval. others: error of other readers on the same pictures."
)


def cells(row: Row) -> tuple[str, ...]:
    """A row's cells in the order of `HEADS`."""
    if row.absent:
        return (row.kind, row.set, row.absent, *[""] * (len(HEADS) - 3))
    spread = (_percent(row.median), _percent(row.worst)) if row.writers > 1 else ("", "")
    others = ", ".join(f"{name} {_percent(error)}" for name, error in row.others.items())
    figures = (_percent(row.error), *spread, f"{row.calibration:.3f}", _percent(row.doubtful), _share(row.sure), _share(row.surest))
    return (row.kind, row.set, f"{row.values}", f"{row.writers}" if row.writers > 1 else "", *figures, others)


def markdown(rows: Iterable[Row]) -> str:
    """The table for a document."""
    lines = ["| " + " | ".join(HEADS) + " |", "|---|---|" + "--:|" * (len(HEADS) - 3) + "---|"]
    return "\n".join([*lines, *("| " + " | ".join(cells(row)) + " |" for row in rows)])


def by_writer(rows: Sequence[Row]) -> str:
    """Each writer's error, worst first, for sets with several writers."""
    blocks = []
    for row in rows:
        if row.writers > 1:
            worst_first = sorted(row.by_writer.items(), key=lambda item: -item[1])
            blocks.append(f"{row.kind}, {row.set}: " + ", ".join(f"{writer} {_percent(error)}" for writer, error in worst_first))
    return "\n".join(blocks)


def as_objects(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """For JSON: all figures of a row, and the intervals of its shares."""
    return [asdict(row) | {name: _with_interval(getattr(row, name)) for name in ("sure", "surest")} for row in rows]


def _with_interval(share: Share) -> dict[str, Any]:
    low, high = share.interval
    return {"wrong": share.wrong, "of": share.of, "from": low, "to": high}


def _share(share: Share) -> str:
    if not share.of:
        return "–"
    return f"{share.wrong}/{share.of} (≤ {share.interval[1]:.2%})"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.1 else f"{share:.2%}"
