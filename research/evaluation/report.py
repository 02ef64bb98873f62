"""The quality table as text, Markdown and JSON, and the measurements that it consists of.

There is one measurement for each kind of field and source, in the order of the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from pipeline.domain.form.confidence import Share
from research.evaluation.fields.boxes import measure_digits, measure_forms
from research.evaluation.fields.handwriting import measure_handwriting
from research.evaluation.fields.marks import measure_marks
from research.evaluation.measure import Measurement, QualityRow
from research.evaluation.persons.measure import measure_persons

COLUMN_TITLES = (
    "kind",
    "set",
    "values",
    "writers",
    "error",
    "median",
    "worst",
    "ECE",
    "p<0.99",
    "wrong of p≥0.99",
    "wrong of p≥0.999",
    "others",
)
COLUMN_EXPLANATION = (
    "error: share of values wrong, for text edits a character written; median and worst writer "
    "beside it. ECE: expected calibration error. "
    "p<0.99: doubtful. Wrong of the sure ones with the upper end of the 95 % interval. others: "
    "error of other readers on the same pictures."
)
MEASUREMENTS: dict[str, Measurement] = {
    "digits": measure_digits,
    "forms": measure_forms,
    "handwriting": measure_handwriting,
    "marks": measure_marks,
    "person": measure_persons,
}


def format_cells(row: QualityRow) -> tuple[str, ...]:
    """Return a row's cells in the order of `COLUMN_TITLES`."""
    if row.absent:
        return (row.kind, row.set, row.absent, *[""] * (len(COLUMN_TITLES) - 3))
    # A single writer has no spread.
    spread = (
        (_format_percent(row.median), _format_percent(row.worst)) if row.writers > 1 else ("", "")
    )
    others = ", ".join(f"{name} {_format_percent(error)}" for name, error in row.others.items())
    figures = (
        _format_percent(row.error),
        *spread,
        f"{row.calibration:.3f}",
        _format_percent(row.doubtful),
        _format_rate(row.sure),
        _format_rate(row.surest),
    )
    return (
        row.kind,
        row.set,
        f"{row.values}",
        f"{row.writers}" if row.writers > 1 else "",
        *figures,
        others,
    )


def format_markdown(rows: Iterable[QualityRow]) -> str:
    """Return the table for a document."""
    lines = [
        "| " + " | ".join(COLUMN_TITLES) + " |",
        "|---|---|" + "--:|" * (len(COLUMN_TITLES) - 3) + "---|",
    ]
    return "\n".join([*lines, *("| " + " | ".join(format_cells(row)) + " |" for row in rows)])


def format_by_writer(rows: Sequence[QualityRow]) -> str:
    """Return each writer's error, worst first, for sets with several writers."""
    blocks = []
    for row in rows:
        if row.writers > 1:
            worst_first = sorted(row.by_writer.items(), key=lambda item: -item[1])
            blocks.append(
                f"{row.kind}, {row.set}: "
                + ", ".join(f"{writer} {_format_percent(error)}" for writer, error in worst_first)
            )
    return "\n".join(blocks)


def to_json_objects(rows: Iterable[QualityRow]) -> list[dict[str, Any]]:
    """Return all values of a row, and the intervals of its shares, for JSON."""
    return [
        # Shares are written with their interval.
        asdict(row) | {name: _rate_as_dict(getattr(row, name)) for name in ("sure", "surest")}
        for row in rows
    ]


def _rate_as_dict(share: Share) -> dict[str, Any]:
    low, high = share.interval
    return {"wrong": share.wrong, "of": share.of, "from": low, "to": high}


def _format_rate(share: Share) -> str:
    if not share.of:
        return "–"
    return f"{share.wrong}/{share.of} (≤ {share.interval[1]:.2%})"


def _format_percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.1 else f"{share:.2%}"
