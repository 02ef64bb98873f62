"""A reader for tests of what is around the reading."""

from __future__ import annotations

from pipeline.domain.form.form import Forms
from pipeline.domain.model import Outcome, PageReading
from pipeline.reading.read_page import PageResult


class Blank:
    """Reads every page as blank."""

    forms = Forms({})

    def read(self, data: bytes, media_type: str, unit: str = "") -> PageResult:
        """Nothing is there."""
        del data, media_type, unit
        return PageResult(PageReading(Outcome.BLANK))
