"""Degrade a real answer sheet as other machines would have shown it.

Photocopied, in black and white, coarse, grey.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from pipeline.domain.model import Image
from research.training.marks.scan_effects import Random, random_scanner

PAPER_MM = 8.0
"""There is paper within this distance of any ink."""
SPOILING_MODES = ("grey", "copied", "one bit", "copied, one bit")


def spoil_sheet(grey: Image, px_per_mm: float, way: str, random: Random) -> Image:
    """Return the same image, of the same size, evenly lit and then seen in one of `SCAN_MODES`.

    Every second time from fewer pixels.
    """
    # One scanner per sheet.
    scanner = random_scanner(random, one_bit="one bit" in way, copied="copied" in way)
    if scanner.threshold is not None:
        scanner = replace(
            scanner, threshold=float(random.uniform(0.6, 0.85))
        )  # a pencil's marks have to stay
    # Half of the sheets at a lower resolution.
    coarse = float(random.uniform(0.6, 1.0)) if random.random() < 0.5 else 1.0
    even = _even_lighting(grey, px_per_mm)
    small = cv2.resize(even, None, fx=coarse, fy=coarse, interpolation=cv2.INTER_AREA)
    scanned = scanner.sees(np.asarray(small, np.uint8), px_per_mm * coarse, random)
    return np.asarray(
        cv2.resize(scanned, grey.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8
    )


def _even_lighting(grey: Image, px_per_mm: float) -> Image:
    """Return the image as if evenly lit: divided by the brightest value nearby."""
    # Estimate the paper at 2 px/mm: median, grey dilation over ink, then smoothing.
    shrink = 2.0 / px_per_mm
    small = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    side = round(2 * PAPER_MM)
    paper = cv2.blur(
        cv2.dilate(cv2.medianBlur(small, 3), np.ones((side, side), np.uint8)), (side, side)
    )
    paper = cv2.resize(paper, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    # Divide by the paper's brightness (flat-field correction).
    return np.clip(grey.astype(np.float32) * 255 / np.maximum(paper, 1), 0, 255).astype(np.uint8)
