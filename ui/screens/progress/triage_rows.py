"""Rules of triage as rows of a table that a manager edits, and back.

A list is text with commas; values are "field < low > high", with semicolons between them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from pipeline.domain.errors import ReviewError
from pipeline.domain.review.triage import Limit, TriageRule

TEXT_COLUMNS = ("forms", "words", "fields", "classes")
COLUMNS = (
    "number",
    "on",
    "level",
    "reason",
    *TEXT_COLUMNS,
    "values",
    "deadline_days",
    "most_words",
)
"""The columns, by the names of their texts (`triage.column`)."""
_LIMIT = re.compile(
    r"(?P<field>\w+)\s*(?:<\s*(?P<below>-?[\d.,]+))?\s*(?:>\s*(?P<above>-?[\d.,]+))?"
)
_NUMBER_STEP = 10
"""Between the numbers of rows there is room for a row in between."""


def rule_rows(rules: Sequence[TriageRule]) -> list[dict[str, Any]]:
    """Return the rows of a table, in the order in which the rules are tried."""
    return [
        {
            "number": number * _NUMBER_STEP,
            "on": rule.on,
            "level": rule.level,
            "reason": rule.reason,
            **{name: ", ".join(getattr(rule, name)) for name in TEXT_COLUMNS},
            "values": "; ".join(map(_limit_text, rule.values)),
            "deadline_days": rule.deadline_days,
            "most_words": rule.most_words,
        }
        for number, rule in enumerate(rules, 1)
    ]


def rules_of_rows(
    rows: Sequence[tuple[int, Mapping[str, Any]]], before: Sequence[TriageRule]
) -> list[TriageRule]:
    """Return the rules that rows say, by their numbers.

    Args:
        rows: each with the place that it had in `before`; a higher one is a new row.
        before: the rules that the table was made from; what it does not show stays.

    Raises:
        ReviewError: a row has no condition, or a value that is none.
    """
    rules, ids = [], {rule.id for rule in before}
    for place, row in sorted(rows, key=lambda one: _number(one[1].get("number")) or 10**6):
        earlier = before[place] if place < len(before) else None
        rule_id = earlier.id if earlier else _new_id(ids)
        rules.append(_rule_of_row(row, rule_id, earlier))
    return rules


def _rule_of_row(row: Mapping[str, Any], rule_id: str, earlier: TriageRule | None) -> TriageRule:
    reason = str(row.get("reason") or "").strip()
    try:
        return TriageRule(
            id=rule_id,
            level=_number(row.get("level")) or 0,
            reason=reason,
            on=row.get("on") is not False,
            areas=earlier.areas if earlier else (),
            values=tuple(_limits(str(row.get("values") or ""))),
            deadline_days=_number(row.get("deadline_days")),
            most_words=_number(row.get("most_words")),
            **{name: _parts(row.get(name), ",") for name in TEXT_COLUMNS},
        )
    except (ValidationError, ValueError) as error:
        raise ReviewError("triage_rule_wrong", reason=reason or "–") from error


def _limits(text: str) -> list[Limit]:
    limits = []
    for part in _parts(text, ";"):
        found = _LIMIT.fullmatch(part)
        if found is None or (found["below"] is None and found["above"] is None):
            raise ValueError("no limit")
        below, above = (
            None if found[name] is None else float(found[name].replace(",", "."))
            for name in ("below", "above")
        )
        limits.append(Limit(field=found["field"], below=below, above=above))
    return limits


def _limit_text(limit: Limit) -> str:
    sides = (("<", limit.below), (">", limit.above))
    return " ".join(
        [limit.field, *(f"{sign} {number:g}" for sign, number in sides if number is not None)]
    )


def _parts(text: object, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in str(text or "").split(separator) if part.strip())


def _number(value: object) -> int | None:
    """Return a whole number; None for an empty cell, which a table gives as NaN."""
    if value is None or value != value or value == "":
        return None
    return int(float(str(value)))


def _new_id(ids: set[str]) -> str:
    number = next(n for n in range(1, len(ids) + 2) if f"egen-{n}" not in ids)
    ids.add(f"egen-{number}")
    return f"egen-{number}"
