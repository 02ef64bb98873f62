"""What the machine read, as HTML in which doubtful characters are marked."""

from __future__ import annotations

from html import escape

from pipeline.confidence import LOW_CONFIDENCE_BELOW
from pipeline.field_spec import FieldSpec
from pipeline.model import Reading, State
from ui.text import t


def reading_html(spec: FieldSpec, reading: Reading) -> str:
    """The reading with doubtful characters underlined; a sure reading of a mark needs no words."""
    if reading.state is not State.READ:
        return _words(t(f"state.{reading.state.value}"), reading.p)
    if spec.traits.has_options:
        return _words(next((option.label for option in spec.options if option.value == reading.value), ""), reading.p)
    if not isinstance(reading.value, str):
        return _words(t("state.present"), reading.p)
    if len(reading.characters) != len(reading.value):
        return _words(reading.value, reading.p)
    return "".join(_words(letter, p) for letter, p in zip(reading.value, reading.characters, strict=True))


def is_doubtful(reading: Reading) -> bool:
    """Whether any part of the reading is marked."""
    return min((reading.p, *reading.characters)) < LOW_CONFIDENCE_BELOW


def _words(text: str, p: float) -> str:
    return escape(text) if p >= LOW_CONFIDENCE_BELOW else f'<span class="ef-doubt">{escape(text)}</span>'
