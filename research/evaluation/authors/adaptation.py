"""Adapt the network's answers to one author by a few lines whose text is known.

An adaptation changes the log probabilities of each time step: by a scale, by a bias for each
character, or by a matrix times the probabilities, which also tells which of the author's characters
look like others. It begins as no change and is fitted to maximize the probability of the known
texts (CTC), less a penalty for being far from no change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.handwriting.network import ALPHABET, Steps

Numbers = NDArray[np.float64]

MIN_P = 1e-6
"""Least probability of a character at a time step, so that its logarithm is finite."""
ALIGNMENTS, ROUNDS, RATE = 4, 12, 0.05
"""How often the known texts are aligned, steps of descent (Adam) after each, and their size."""
COLUMNS = {character: column for column, character in enumerate(ALPHABET, start=1)}
FAR_NATS = -1e30
"""Logarithm of what is impossible; finite, so that differences stay numbers."""


class Change(StrEnum):
    """What is fitted to an author."""

    BIAS = "bias"
    SCALE = "bias, scale"
    MATRIX = "bias, matrix"


@dataclass(frozen=True, slots=True)
class Adaptation:
    """A change of the log probabilities of a time step: scale · log p + p · matrix + bias."""

    scale: float
    bias: Numbers
    matrix: Numbers

    def apply(self, steps: Steps) -> Steps:
        """Return the answers after the change, normalized."""
        return np.exp(self.changed(_log_steps(steps))).astype(np.float32)

    def changed(self, log_steps: Numbers) -> Numbers:
        """Return the log probabilities after the change, normalized."""
        return _log_softmax(self.scale * log_steps + np.exp(log_steps) @ self.matrix + self.bias)

    @classmethod
    def of(cls, values: Numbers) -> Adaptation:
        """Return the change whose numbers are in one row: scale, bias, matrix."""
        count = len(ALPHABET) + 1
        return cls(
            float(values[0]), values[1 : count + 1], values[count + 1 :].reshape(count, count)
        )


@dataclass(frozen=True, slots=True)
class _KnownLine:
    """The log probabilities of a line, and its text as columns with blanks between."""

    log_steps: Numbers
    labels: NDArray[np.int64]


def fit_adaptation(
    answers: Sequence[Steps], texts: Sequence[str], change: Change, penalty: float
) -> Adaptation:
    """Fit a change to lines whose text is known.

    Args:
        answers: the network's answers.
        texts: what is written; lines with a character outside the alphabet are left out.
        change: what is fitted.
        penalty: nats for a change of 1 in one number, squared.
    """
    known = [
        _KnownLine(_log_steps(steps), _interleave_blanks(text))
        for steps, text in zip(answers, texts, strict=True)
        if text and set(text) <= COLUMNS.keys() and len(steps) >= 2 * len(text)
    ]
    count = len(ALPHABET) + 1
    none = np.zeros(1 + count + count * count)
    none[0] = 1.0
    return _descend(known, none, change, penalty) if known else Adaptation.of(none)


def _descend(
    known: Sequence[_KnownLine], start: Numbers, change: Change, penalty: float
) -> Adaptation:
    """Return the change after aligning the texts and descending in turn."""
    values = start
    mean, square = np.zeros_like(values), np.zeros_like(values)
    log_steps = np.concatenate([line.log_steps for line in known])
    now = Adaptation.of(start)
    for step in range(ALIGNMENTS * ROUNDS):
        # Which column each time step should have, by what is fitted so far.
        if step % ROUNDS == 0:
            wanted = np.concatenate(
                [_share_of_columns(now.changed(line.log_steps), line.labels) for line in known]
            )
        gradient = _gradient(log_steps, wanted, now, change) + 2 * penalty * (values - start)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        values = values - RATE * (mean / (1 - 0.9 ** (step + 1))) / (
            np.sqrt(square / (1 - 0.99 ** (step + 1))) + 1e-8
        )
        now = Adaptation.of(values)
    return now


def _gradient(log_steps: Numbers, wanted: Numbers, now: Adaptation, change: Change) -> Numbers:
    """Return the gradient of the known texts' cost, of all numbers in one row."""
    too_much = np.exp(now.changed(log_steps)) - wanted
    scale = float((log_steps * too_much).sum()) if change is Change.SCALE else 0.0
    matrix = (
        np.exp(log_steps).T @ too_much if change is Change.MATRIX else np.zeros_like(now.matrix)
    )
    return np.concatenate([[scale], too_much.sum(0), matrix.ravel()])


def _share_of_columns(log_steps: Numbers, labels: NDArray[np.int64]) -> Numbers:
    """Return how likely each column is at each time step, given the text (forward-backward)."""
    emitted = log_steps[:, labels]
    forward = _pass_through(emitted, labels)
    backward = _pass_through(emitted[::-1, ::-1], labels[::-1])[::-1, ::-1]
    together = forward + backward - emitted
    weights = np.exp(together - together.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    shares = np.zeros_like(log_steps)
    np.add.at(shares.T, labels, weights.T)
    return shares


def _pass_through(emitted: Numbers, labels: NDArray[np.int64]) -> Numbers:
    """Return the log probability of all ways to each place of the text at each time step."""
    # A character may follow another without a blank between, unless it is the same.
    skips = (labels[2:] != 0) & (labels[2:] != labels[:-2])
    reached = np.full(emitted.shape, FAR_NATS)
    reached[0, :2] = emitted[0, :2]
    for step in range(1, len(emitted)):
        before = reached[step - 1]
        ways = np.full((3, len(before)), FAR_NATS)
        ways[0] = before
        ways[1, 1:] = before[:-1]
        ways[2, 2:] = np.where(skips, before[:-2], FAR_NATS)
        reached[step] = np.logaddexp.reduce(ways, axis=0) + emitted[step]
    return reached


def _interleave_blanks(text: str) -> NDArray[np.int64]:
    labels = np.zeros(2 * len(text) + 1, np.int64)
    labels[1::2] = [COLUMNS[character] for character in text]
    return labels


def _log_steps(steps: Steps) -> Numbers:
    return np.log(np.maximum(steps.astype(np.float64), MIN_P))


def _log_softmax(logits: Numbers) -> Numbers:
    highest = logits.max(-1, keepdims=True)
    return np.asarray(
        logits - highest - np.log(np.exp(logits - highest).sum(-1, keepdims=True)), np.float64
    )
