"""Numbers against what is possible and what is plausible: a pulse of 7 or 740 gives way to one that a heart can have, if the boxes allow it."""

from __future__ import annotations

from pipeline.field_spec import FieldSpec, Format
from pipeline.issues import Issue, IssueCode
from pipeline.model import Reading, State, Value
from pipeline.resolve.row_order import as_number
from pipeline.resolve.weighing import weighed, with_reason, without_reasons

IMPLAUSIBLE = 0.05
"""How likely a number outside the plausible range is, against one inside: rare, but it is why people measure."""
UNLISTED = 0.7
"""The same of a number that no reader listed: of a plausible number with a digit changed 64–84 % are plausible too."""
_JUDGED = ("plausible", IssueCode.IMPLAUSIBLE, IssueCode.OUT_OF_RANGE)


def in_range(spec: FieldSpec, reading: Reading) -> tuple[Reading, list[Issue]]:
    """The reading of a number, weighed by its plausible range, and its problems. The limits themselves are weighed where digits are decoded."""
    if spec.format is not Format.NUMBER or reading.state is not State.READ:
        return reading, []
    found = weighed(reading, lambda value: 1.0 if _plausible(spec, value) else IMPLAUSIBLE, UNLISTED) if spec.plausible else reading
    return judged_number(spec, found)


def judged_number(spec: FieldSpec, reading: Reading) -> tuple[Reading, list[Issue]]:
    """The reading of a number with what its range says of the likeliest value, and its problems."""
    number, found = as_number(spec, reading.value), without_reasons(reading, _JUDGED)
    if number is None:
        return found, [Issue(IssueCode.NOT_A_NUMBER, spec.name)]
    if (spec.minimum is not None and number < spec.minimum) or (spec.maximum is not None and number > spec.maximum):
        return with_reason(found, IssueCode.OUT_OF_RANGE), [Issue(IssueCode.OUT_OF_RANGE, spec.name)]
    if not spec.plausible:
        return found, []
    if _plausible(spec, found.value):
        return with_reason(found, "plausible"), []
    return with_reason(found, IssueCode.IMPLAUSIBLE), [Issue(IssueCode.IMPLAUSIBLE, spec.name)]


def _plausible(spec: FieldSpec, value: Value) -> bool:
    number = as_number(spec, value)
    return number is not None and (spec.plausible is None or spec.plausible[0] <= number <= spec.plausible[1])
