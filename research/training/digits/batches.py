"""Yield training cells in batches, each slightly distorted in every pass."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as nnf

from pipeline.domain.model import Image
from pipeline.reading.fields.digits.cells import CELL_PX

BATCH_SIZE = 256
MAX_BEND = 0.06
"""How far a stroke is bent at most (standard deviation, half an image is 1)."""
Labels = NDArray[np.int64]


def distort(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Rotate, scale, slant, shift and softly bend each image a little."""
    n = len(pictures)

    # Uniform in ±amount, one per image.
    def spread(amount: float) -> Tensor:
        return (torch.rand(n, generator=generator) * 2 - 1) * amount

    # Affine matrices: rotation (rad), slant, width, height and shift.
    turn, slant = spread(0.16), spread(0.18)
    wide, high = 1.04 + spread(0.14), 1.04 + spread(0.14)
    top = torch.stack([wide * turn.cos(), -high * turn.sin() + slant, spread(0.12)], 1)
    bottom = torch.stack([wide * turn.sin(), high * turn.cos(), spread(0.12)], 1)
    grid = nnf.affine_grid(
        torch.stack([top, bottom], 1), [n, 1, CELL_PX, CELL_PX], align_corners=False
    )
    # Elastic distortion (Simard et al. 2003) on a 5 × 5 grid, a different strength per image.
    coarse = (
        torch.randn(n, 2, 5, 5, generator=generator)
        * torch.rand(n, 1, 1, 1, generator=generator)
        * MAX_BEND
    )
    # Interpolate smoothly to every pixel.
    bend = nnf.interpolate(
        coarse, size=(CELL_PX, CELL_PX), mode="bicubic", align_corners=True
    ).permute(0, 2, 3, 1)
    return nnf.grid_sample(pictures, grid + bend, align_corners=False)


def iter_batches(
    pictures: Image, labels: Labels, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Pass once over the cells in a new order, with new distortions."""
    # A new permutation in every pass; an incomplete last batch is dropped.
    order = torch.randperm(len(labels), generator=generator).numpy()
    for start in range(0, len(order) - BATCH_SIZE + 1, BATCH_SIZE):
        chosen = order[start : start + BATCH_SIZE]
        cells = torch.from_numpy(pictures[chosen]).float().div_(255).unsqueeze(1)
        yield distort(cells, generator), torch.from_numpy(labels[chosen])
