"""Align a line's known text with its image, by the answer of the handwriting network.

Viterbi's algorithm over the states of connectionist temporal classification (Graves et al., ICML
2006) gives the most probable alignment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.fields.handwriting.network import LINE_HEIGHT, STEP_PX, read_all_characters
from research.training.handwriting.lines import TrainingLine

MIN_P = 1e-6
UNREACHABLE = -1e9
LogProbabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AlignedLine:
    """A line and the middle of each of its characters, px of its image from the left.

    `fit` is the mean logarithm of p per character.
    """

    line: TrainingLine
    middles: tuple[float, ...]
    fit: float


def align_lines(lines: Sequence[TrainingLine]) -> list[AlignedLine]:
    """Align the lines that the network can have read so.

    Lines with more characters than time steps, or with characters that the network lacks, are left
    out.

    Raises:
        MissingProgramError: the network's file is not installed.
    """
    found = []
    for line, (steps, characters) in zip(
        lines, read_all_characters([line.picture for line in lines]), strict=True
    ):
        # Skip texts that the network cannot have read.
        if all(sign in characters for sign in line.text) and len(steps) >= len(line.text):
            # The classes of the text; class 0 is the blank.
            logs = np.log(np.maximum(steps.astype(np.float64), MIN_P))
            places, total = find_best_alignment(
                logs, [characters.index(sign) + 1 for sign in line.text]
            )
            # From time steps to px of the image.
            scale = _px_per_step(line.picture)
            found.append(
                AlignedLine(
                    line,
                    tuple((place + 0.5) * scale for place in places),
                    total / max(1, len(line.text)),
                )
            )
    return found


def _px_per_step(picture: Image) -> float:
    return float(STEP_PX * picture.shape[0] / LINE_HEIGHT)


def find_best_alignment(
    logs: LogProbabilities, columns: Sequence[int]
) -> tuple[list[float], float]:
    """Return the mean time step of each character on the most probable path, and its logarithm.

    `logs` are logarithms (steps, classes), class 0 none; `columns` the classes of the text.
    """
    # States of CTC (Graves et al. 2006): a blank before, between and after characters.
    states = np.zeros(2 * len(columns) + 1, np.intp)
    states[1::2] = columns
    # A blank may be skipped between different characters.
    leaps = np.zeros(len(states), bool)
    leaps[3::2] = states[3::2] != states[1:-2:2]
    # Viterbi: start in the first blank or the first character.
    best = np.full(len(states), UNREACHABLE)
    best[:2] = logs[0, states[:2]]
    back = np.zeros((len(logs), len(states)), np.intp)
    for step in range(1, len(logs)):
        # Stay, advance by one state, or skip a blank.
        ways = np.stack(
            [
                best,
                np.r_[UNREACHABLE, best[:-1]],
                np.where(
                    leaps, np.r_[UNREACHABLE, UNREACHABLE, best[:-2]][: len(best)], UNREACHABLE
                ),
            ]
        )
        back[step] = ways.argmax(axis=0)
        best = ways.max(axis=0) + logs[step, states]
    # End in the last character or the last blank.
    state = len(states) - 1 if best[-1] >= best[-2:].max() else len(states) - 2
    total, steps_by_character = float(best[state]), [list[int]() for _ in columns]
    # Trace back, and note at which time steps each character was read.
    for step in range(len(logs) - 1, -1, -1):
        if state % 2:
            steps_by_character[state // 2].append(step)
        state -= int(back[step, state])
    return [float(np.mean(steps)) if steps else 0.0 for steps in steps_by_character], total
