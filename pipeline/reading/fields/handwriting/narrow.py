"""Writing so narrow that the network has hardly a step for each letter is read again, spread out.

The network answers once for each 8 px of a line 48 px high. Where two letters share a step one
of them is lost, and in the narrowest hands all.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.domain.model import Image
from pipeline.reading.fields.handwriting.network import Steps, read_steps

MAX_SIGNS_PER_STEP = 0.55
"""Signs a step from which on a line is spread: lines rendered in fonts set aside are then read with
two thirds of the errors, French ones with nine tenths. Writing that is not dense is read worse
if it is spread.
"""
SPREAD_FACTOR, MAX_SPREADS = 1.5, 2
"""So much wider, and again if letters that come to light are as dense."""


def read_condensed(images: Sequence[Image]) -> list[tuple[Image, Steps]]:
    """Each grey picture of a line as it was read best, as given or spread, with the network's
    answer for it.

    Raises:
        MissingProgramError: the network's file is not installed.
    """
    return [
        _spread_image(image, steps) for image, steps in zip(images, read_steps(images), strict=True)
    ]


def _spread_image(image: Image, steps: Steps) -> tuple[Image, Steps]:
    height, width = image.shape
    for times in range(1, MAX_SPREADS + 1):
        if 0 < _count_signs(steps) < MAX_SIGNS_PER_STEP * len(steps):
            break
        wide = round(width * SPREAD_FACTOR**times), height
        image = np.asarray(cv2.resize(image, wide, interpolation=cv2.INTER_CUBIC), np.uint8)
        (steps,) = read_steps([image])
    return image, steps


def _count_signs(steps: Steps) -> int:
    """How many signs the likeliest path has; pauses do not count."""
    path = steps.argmax(axis=1)
    return int(np.count_nonzero((path != 0) & (path != np.concatenate([[0], path[:-1]]))))
