"""The note way of working: an entry with free text has its picture above and the transcription below, across the whole screen."""

from __future__ import annotations

from pipeline.model import EntryState
from pipeline.store.entry_views import EntryView
from pipeline.ways import Way, way_of


def way(view: EntryView) -> Way:
    """How an entry is worked now. A second look is at single fields."""
    if view.entry.state is not EntryState.REVIEW or view.hidden:
        return Way.SHEET
    return way_of(view.form, [(field.spec, field.reading) for field in view.fields if field.open])
