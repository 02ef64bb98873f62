"""The note way of working: an entry with free text has its picture above and the transcription below, the word under the cursor marked in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.confidence import LOW_CONFIDENCE_BELOW
from pipeline.model import EntryState, Reading, State
from pipeline.store.entry_views import EntryView, FieldView
from pipeline.ways import Way, way_of
from ui.components.entry_form import widget_keys
from ui.components.page_view import place_of
from ui.components.pictures import lies_on_form

_WORD = re.compile(r"\S+")


def way(view: EntryView) -> Way:
    """How an entry is worked now. A second look is at single fields."""
    if view.entry.state is not EntryState.REVIEW or view.hidden:
        return Way.SHEET
    return way_of(view.form, [(field.spec, field.reading) for field in view.fields if field.open])


def words_on(view: EntryView, shown: Sequence[str]) -> Mapping[str, Any]:
    """By widget of a free text: the words that were read, the place of each, and which are doubtful. `shown` are the pages that have a picture."""
    lying = {page.id for page in view.pages if lies_on_form(page)}
    return {
        key: _words(view, field, field.reading, shown.index(field.page))
        for key, field in widget_keys(view).items()
        if field.spec.traits.is_multiline and field.page in lying and field.page in shown and field.reading and _placed(field.reading)
    }


def _words(view: EntryView, field: FieldView, reading: Reading, picture: int) -> dict[str, Any]:
    size = view.form.pages[field.page_no - 1].size
    found = list(_WORD.finditer(str(reading.value)))
    doubtful = [min(reading.characters[word.start() : word.end()], default=1.0) < LOW_CONFIDENCE_BELOW for word in found]
    return {
        "words": [word[0] for word in found],
        "places": [list(place_of(word.box, picture, size)) for word in reading.words],
        "doubtful": doubtful,
    }


def _placed(reading: Reading) -> bool:
    """Whether every word has its place. A planted word stands in the place of one, so that they are told by their number."""
    return reading.state is State.READ and isinstance(reading.value, str) and 0 < len(reading.words) == len(_WORD.findall(reading.value))
