"""Signs that the network passes over make a line doubtful, and lines that are read rightly stay as sure as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from pipeline.model import Image, Reading
from pipeline.quality.handwritten import SWEDISH, WORDS, sets_of
from pipeline.quality.measure import Data
from pipeline.recognize.handwriting import read_lines
from pipeline.recognize.language import swedish
from pipeline.recognize.line_picture import Line
from pipeline.recognize.missed_signs import with_missed_signs
from pipeline.recognize.narrow_writing import read_spread
from pipeline.recognize.transcription import reading
from pipeline.settings import ROOT
from pipeline.training.handwriting_data import font_files, rendered
from pipeline.training.handwriting_spoiling import spoiled
from tests.shared_data import shared

pytestmark = pytest.mark.nightly

SURE = 0.9
MOST_SURE = 4
"""Before what is passed over was told of, and numbers were read by two networks, eight."""


def read(pictures: Sequence[Image]) -> list[tuple[Reading, bool]]:
    """Each line's reading, and whether more is seen in its picture."""
    language = swedish(ROOT / "data" / "models")
    found = [(reading(steps, language), seen, steps) for seen, steps in read_spread(pictures)]
    return [(one, with_missed_signs(one, seen, steps) != one) for one, seen, steps in found]


@pytest.mark.shared
@pytest.mark.slow
def test_no_word_that_is_read_rightly_is_doubted(record_property: Callable[[str, object], None]) -> None:
    sets = sets_of(Data(shared("handwriting").parent), only=frozenset({WORDS, SWEDISH}))
    lines = [line for _, some in sets for line in some]
    right = [missed for (one, missed), line in zip(read([line.picture for line in lines]), lines, strict=True) if one.value == line.text]
    record_property("measured", f"signs passed over: told of at {sum(right)} of {len(right)} words of DHSD and Uppsala that are read rightly")
    assert len(right) >= 200
    assert not any(right)


@pytest.mark.shared
@pytest.mark.slow
def test_a_comparison_that_is_read_wrong_is_seldom_sure(record_property: Callable[[str, object], None]) -> None:
    fonts = [font for held in (False, True) for font in font_files(shared("handwriting", "fonts_train"), held=held)]
    rng = np.random.default_rng(20261127)
    found = read_lines([Line(spoiled(rendered(font, rng, "> 38").picture, rng, real=False)) for font in fonts])
    wrong = [one.p for one in found if str(one.value).replace(" ", "") != ">38"]
    sure = sum(p >= SURE for p in wrong)
    record_property("measured", f"`> 38` in {len(fonts)} fonts: {len(wrong)} read wrong, {sure} of them with p ≥ {SURE}")
    assert sure <= MOST_SURE
