"""The checks of a whole page, in the order in which their issues are reported.

A check finds what no field reader can see: it gets the page and its readings and returns issues. A
new check is a function `check(context, readings)` of a module and a line in `PAGE_CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Reading
from pipeline.reading.page_checks import (
    covered_areas,
    image_quality,
    occlusion,
    off_box_marks,
    stray_writing,
    strike_lines,
    unusual_ink,
)
from pipeline.reading.page_checks.page_context import PageContext

PageCheck = Callable[[PageContext, Mapping[str, Reading]], list[Issue]]

PAGE_CHECKS: tuple[PageCheck, ...] = (
    covered_areas.check_adjacent_sheet,
    image_quality.check,
    occlusion.check,
    stray_writing.check,
    off_box_marks.check_circled_boxes,
    stray_writing.check_numbers,
    strike_lines.check,
    off_box_marks.check,
    unusual_ink.check,
)

_SUPERSEDED = {IssueCode.BESIDE_BOX: IssueCode.ENCIRCLED}
"""An issue (key) that is not reported for a field with the other one (value).

A ring around a box is also a mark next to it.
"""


def find_page_issues(context: PageContext, readings: Mapping[str, Reading]) -> list[Issue]:
    """Return the issues that all checks find, in their order.

    `readings` are those of the fields that were read, resolved.
    """
    issues = [issue for check in PAGE_CHECKS for issue in check(context, readings)]
    return [issue for issue in issues if not _is_superseded(issue, issues)]


def _is_superseded(issue: Issue, issues: list[Issue]) -> bool:
    other = _SUPERSEDED.get(issue.code)
    return other is not None and Issue(other, issue.field) in issues
