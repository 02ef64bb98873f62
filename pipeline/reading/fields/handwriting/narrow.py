"""Read condensed writing again, stretched, if the network has hardly a time step per letter.

The network answers once for each 8 px of a line 48 px high. Where two letters share a time step one
of them is lost, and in the narrowest writing all.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.domain.model import Image
from pipeline.reading.fields.handwriting.network import Steps, read_steps

MAX_SIGNS_PER_STEP = 0.55
"""Lines with more signs per time step are stretched: lines rendered in held-out fonts are then read
with two thirds of the errors, French ones with nine tenths. Writing that is not dense is read worse
if it is stretched.
"""
SPREAD_FACTOR, MAX_SPREADS = 1.5, 2
"""How much wider a line is made, and how often, if letters that are then read are as dense."""


def read_condensed(images: Sequence[Image]) -> list[tuple[Image, Steps]]:
    """Return each grey image of a line as it was read best, and the network's answer for it.

    As given or stretched.

    Raises:
        MissingProgramError: the network's file is not installed.
    """
    return [
        _spread_image(image, steps) for image, steps in zip(images, read_steps(images), strict=True)
    ]


def _spread_image(image: Image, steps: Steps) -> tuple[Image, Steps]:
    """Stretch the image until its signs have enough time steps."""
    height, width = image.shape
    # Stop when there are few signs per time step, or none.
    for times in range(1, MAX_SPREADS + 1):
        if 0 < _count_signs(steps) < MAX_SIGNS_PER_STEP * len(steps):
            break
        # Stretch from the original width, so that blur does not accumulate.
        size = round(width * SPREAD_FACTOR**times), height
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        (steps,) = read_steps([image])
    return image, steps


def _count_signs(steps: Steps) -> int:
    """Return how many signs the likeliest path has; pauses do not count."""
    path = steps.argmax(axis=1)
    # A sign starts where the path changes to something else than a pause.
    return int(np.count_nonzero((path != 0) & (path != np.concatenate([[0], path[:-1]]))))
