"""A page that no code and no print identifies, such as a note on plain paper or a photo of a whiteboard: its lines are read as help for a person."""

from __future__ import annotations

from dataclasses import replace

import cv2

from pipeline.field_spec import Kind
from pipeline.model import Image, Reading, State
from pipeline.recognize.lexicon import NO_NAMES, Lexicon
from pipeline.recognize.lines import recognize
from pipeline.recognize.loose import loose_crop

TRANSCRIBED = "anteckning"
"""The field of the free note (`fri-anteckning`) that holds what the whole page says."""
_MOST_PX = 3000
"""Longer pictures are made smaller: A4 at 250 dpi shows all that a pen writes."""


def transcribed(image: Image, names: Lexicon = NO_NAMES) -> dict[str, Reading]:
    """The lines of the page, (h, w) or (h, w, 3), as the reading of that one field; nothing where nothing is written."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    scale = _MOST_PX / max(grey.shape)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    (reading,) = recognize([replace(loose_crop(grey.astype("uint8"), Kind.LINES, None), names=names)])
    return {} if reading.state is State.EMPTY else {TRANSCRIBED: replace(reading, words=())}
