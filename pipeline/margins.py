"""How much paper around a field its reader is shown: handwriting leaves its box."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.field_spec import FieldSpec
from pipeline.plane import apart

MARGIN_MM = 2.0
LINES_MARGIN_MM = 8.0
"""Lines of a note run out to the right, and one more is put below the last rule; so wide, unless another field is nearer."""
CLEAR_MM = 0.5
"""Left free beside the next field."""


def margin_mm(spec: FieldSpec, others: Iterable[FieldSpec]) -> float:
    """The margin on all sides of a field; `others` are the fields of its page (itself may be among them)."""
    if not spec.traits.is_multiline:
        return MARGIN_MM
    nearest = min((apart(spec.area, other.area) for other in others if other.name != spec.name), default=LINES_MARGIN_MM + CLEAR_MM)
    return max(MARGIN_MM, min(LINES_MARGIN_MM, nearest - CLEAR_MM))
