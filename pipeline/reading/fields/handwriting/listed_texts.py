"""Compare the texts of a closed list with what the network saw in a line.

The search for the likeliest text keeps a few texts; that of the list may not be among them, or be
far behind one that nobody is called. So each listed text near to it gets the probability of the
network's output over all its alignments (the forward variables of CTC, A. Graves et al., ICML
2006), relative to that of the text that was read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import TextLikelihoods
from pipeline.reading.fields.handwriting.network import ALPHABET, Steps
from pipeline.reading.language.text_list import TextList

MISREAD_P = 0.05
"""The share of each time step that is spread over all characters: a network is sometimes wrong with
high confidence.
"""
IMAGE_TRUST = 0.5
"""Exponent of the likelihood ratio of two texts.

Errors of neighbouring time steps go together, so that the product over them says too much. With 1
six of 646 names of a list were wrong with high confidence, with 0.5 one.
"""
_LOWER = ALPHABET.lower()
_COLUMNS = {character: _LOWER.index(character) + 1 for character in _LOWER}
"""The first column of each character in small letters: that of its capital, if it has one."""
Floats = NDArray[np.float64]


def weigh_listed(steps: Steps, read: str, listed: TextList) -> TextLikelihoods:
    """Return the listed texts near to the one read, with their likelihood relative to it.

    It is at most 1, that of the likeliest spelling, without regard to capitals. Texts with
    characters that the network does not know are left out.

    Args:
        steps: the network's output for the whole line.
        read: the text that was read from it.
        listed: the texts that the line may hold.
    """
    spelt = [pair for pair in listed.find_nearest(read) if _is_writable(pair[1])]
    if not spelt or not _is_writable(read):
        return ()
    written = [read.lower(), *(spelling.lower() for _, spelling in spelt)]
    logs = _log_likelihoods(_fold_capitals(steps), written)
    ratios = np.exp(IMAGE_TRUST * np.minimum(0.0, logs[1:] - logs[0])).tolist()
    likeliest: dict[str, float] = {}
    for (text, _), ratio in zip(spelt, ratios, strict=True):
        likeliest[text] = max(ratio, likeliest.get(text, 0.0))
    return tuple(sorted(likeliest.items(), key=lambda pair: -pair[1]))


def _is_writable(text: str) -> bool:
    return bool(text) and all(character in _COLUMNS for character in text.lower())


def _fold_capitals(steps: Steps) -> Floats:
    """Return the steps with capitals and small letters as one character, and with some noise."""
    folded = np.zeros((len(steps), len(ALPHABET) + 1))
    columns = [0, *(_COLUMNS[character] for character in _LOWER)]
    np.add.at(folded.T, columns, steps.T)
    return np.asarray((1 - MISREAD_P) * folded + MISREAD_P / folded.shape[1], np.float64)


def _log_likelihoods(steps: Floats, texts: Sequence[str]) -> Floats:
    """Return the log probability of each text over all its alignments."""
    # States: pauses, with a character between any two; shorter texts end before the last state.
    lengths = np.array([2 * len(text) for text in texts])
    columns = np.zeros((len(texts), int(lengths.max()) + 1), np.intp)
    for row, text in enumerate(texts):
        columns[row, 1 : 2 * len(text) : 2] = [_COLUMNS[character] for character in text]

    # A pause may be skipped between two unlike characters.
    skips = np.zeros(columns.shape)
    skips[:, 2:] = (columns[:, 2:] != 0) & (columns[:, 2:] != columns[:, :-2])

    # Sum over all paths step by step, scaled against underflow.
    forward, logs = np.zeros(columns.shape), np.zeros(len(texts))
    forward[:, 0] = 1.0
    for step in steps:
        advanced = forward.copy()
        advanced[:, 1:] += forward[:, :-1]
        advanced[:, 2:] += skips[:, 2:] * forward[:, :-2]
        advanced *= step[columns]
        top = advanced.max(axis=1)
        forward = advanced / top[:, None]
        logs += np.log(top)
    rows = np.arange(len(texts))
    ends = forward[rows, lengths] + forward[rows, lengths - 1]
    return np.asarray(logs + np.log(np.maximum(ends, np.finfo(np.float64).tiny)))
