"""A reader for tests of what is around the reading."""

from __future__ import annotations

from pipeline.digitize import Digitized
from pipeline.model import Outcome, PageReading
from pipeline.template import Forms


class Blank:
    """Reads every page as blank."""

    forms = Forms({})

    def read(self, data: bytes, media_type: str) -> Digitized:
        """Nothing is there."""
        del data, media_type
        return Digitized(PageReading(Outcome.BLANK))
