"""Read words with low confidence again: a little wider, and by a second network.

The second network was trained on other lines. Each pass over a word proposes texts, and the text
counts that all passes, which count alike, and the Swedish language model together find likeliest.
Two networks are seldom wrong in the same way (L. Hansen, P. Salamon, IEEE PAMI 12:10, 1990);
reading every word twice would cost more than it gains. Numbers are read by both networks: a number
has no spelling that would reveal a missed comma, so one that they read differently gets low
confidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from pipeline.domain.model import Image
from pipeline.domain.settings import load_settings
from pipeline.reading.fields.handwriting.network import (
    ALPHABET,
    LINE_HEIGHT,
    MAX_LINE_WIDTH_PX,
    MIN_LINE_WIDTH_PX,
    SECOND_HANDWRITING_MODEL,
    STEP_PX,
    Steps,
    find_network_file,
    find_second_file,
    read_steps,
)
from pipeline.reading.fields.handwriting.word_boxes import MIN_P, align_characters
from pipeline.reading.language.ctc import (
    IMAGE_WEIGHT,
    SearchGuide,
    StateT,
    Transcript,
    decode_ctc,
)

MAX_RUN_STEPS = 60
"""Time steps, some twenty letters. Of longer runs a search holds too few texts for another pass to
choose among.
"""
WIDENING_FACTOR = 1.1
"""How many times wider an image is read in the second pass."""
COLUMNS_BY_SIGN = {sign: column for column, sign in enumerate(ALPHABET, start=1)}
"""The column of `Steps` for each character."""

PassSteps = list[Steps]
"""The network's answer in each pass; all count alike."""


class SecondPass(Protocol):
    """More passes over a line from one time step up to another."""

    def at_word(self, start: int, end: int) -> PassSteps:
        """Return a wider pass, and one by the second network."""

    def at_number(self, start: int, end: int) -> Steps:
        """Return the answer of the second network."""


@dataclass(frozen=True, slots=True)
class ImageSecondPass:
    """Passes over one line's image, by two networks."""

    picture: Image
    first: Path
    second: Path

    def at_word(self, start: int, end: int) -> PassSteps:
        """Return a wider pass, and one by the second network."""
        # The first network reads a wider image, the second the image as it is.
        part = self._part(start, end)
        height, width = part.shape
        wide_part = cv2.resize(
            part, (max(1, round(width * WIDENING_FACTOR)), height), interpolation=cv2.INTER_CUBIC
        )
        (wider,) = read_steps([np.asarray(wide_part, np.uint8)], self.first)
        return [wider, self.at_number(start, end)]

    def at_number(self, start: int, end: int) -> Steps:
        """Return the answer of the second network."""
        (steps,) = read_steps([self._part(start, end)], self.second)
        return steps

    def _part(self, start: int, end: int) -> Image:
        """Return the columns of the image that some of its time steps show."""
        height, width = self.picture.shape
        # The width of a time step in the image, which the network scaled.
        step = STEP_PX * float(
            np.clip(height / LINE_HEIGHT, width / MAX_LINE_WIDTH_PX, width / MIN_LINE_WIDTH_PX)
        )
        left, right = round(start * step), round(end * step)
        return self.picture[:, left : max(right, left + 1)]


SecondPassFactory = Callable[[Image], SecondPass | None]
"""Makes the second pass over a line's image; None if there is none."""


def make_second_pass() -> SecondPassFactory:
    """Return a factory by the setting, which is read once for all lines read together.

    There is no second pass if no second network is installed or the setting wants other weights.
    """
    first, second = find_network_file(), find_second_file()
    return lambda picture: None if second is None else ImageSecondPass(picture, first, second)


class SecondNetworkReader:
    """The second network as a further reader: whole lines, without a language model."""

    def read_lines(self, lines: Sequence[Image]) -> list[tuple[str, float]]:
        """Return the likeliest text of each line, and the mean probability of its characters."""
        network = load_settings().models / SECOND_HANDWRITING_MODEL
        best = [decode_ctc(steps, ALPHABET)[0] for steps in read_steps(lines, network)]
        return [(one.text, fmean(one.characters or (0.0,))) for one in best]


@dataclass(frozen=True, slots=True)
class _TextCandidate:
    """A text that some pass proposed.

    `image_score` is the mean log probability in all passes, `rank` that with the language model's.
    """

    text: str
    image_score: float
    rank: float


def combine_passes(
    proposed: Sequence[str], passes: PassSteps, guide: SearchGuide[StateT]
) -> list[Transcript]:
    """Return the proposed texts, likeliest first, judged by all passes and a guide.

    See `Transcript` for what p means with a guide.
    """
    # Rank the texts, and turn ranks into shares of all texts.
    candidates = [_score_text(text, passes, guide) for text in dict.fromkeys(proposed)]
    top = max(candidate.rank for candidate in candidates)
    weights = np.exp([candidate.rank - top for candidate in candidates])
    ranked = sorted(
        zip((weights / weights.sum()).tolist(), candidates, strict=True), key=lambda pair: -pair[0]
    )

    # p is a text's share, less where even the best is not clear in the image.
    best = ranked[0][1]
    image_p = math.exp(best.image_score) ** IMAGE_WEIGHT
    transcripts = [
        Transcript(
            candidate.text,
            image_p * share,
            (image_p * share,) * len(candidate.text),
            math.exp(candidate.image_score),
        )
        for share, candidate in ranked
    ]

    # The best text's characters: the share of texts that have them, and how clear they are.
    shared = _shared_characters(best.text, [(share, text.text) for share, text in ranked])
    clear = _character_probabilities(best.text, passes)
    characters = tuple(share * p**IMAGE_WEIGHT for share, p in zip(shared, clear, strict=True))
    return [replace(transcripts[0], characters=characters), *transcripts[1:]]


def merge_number_readings(transcripts: Sequence[Transcript], second_text: str) -> list[Transcript]:
    """Return readings of a number, best first, with what the second network reads.

    If that is another text, both are as likely, and no other is more so.
    """
    # Both networks agree, or the second reads nothing.
    best = transcripts[0]
    if second_text in ("", best.text):
        return list(transcripts)
    half = best.p / 2
    # Characters that both networks read alike keep their probability.
    alike = {
        i
        for op in Levenshtein.opcodes(best.text, second_text)
        if op.tag == "equal"
        for i in range(op.src_start, op.src_end)
    }
    characters = tuple(p if i in alike else p / 2 for i, p in enumerate(best.characters))
    rest = [
        replace(transcript, p=min(transcript.p, half))
        for transcript in transcripts[1:]
        if transcript.text != second_text
    ]
    return [replace(best, p=half, characters=characters), Transcript(second_text, half, ()), *rest]


def _score_text(text: str, passes: PassSteps, guide: SearchGuide[StateT]) -> _TextCandidate:
    """Score a text by its probability in all passes and by the guide."""
    # Mean log probability over all passes.
    image_score = sum(text_log_probability(steps, text) for steps in passes) / len(passes)
    # The guide extends its state sign by sign; a text that it rejects scores -inf.
    state: StateT | None = guide.start()
    for sign in text:
        state = None if state is None else guide.extended(state, sign)
    language_score = -math.inf if state is None else guide.closed(state)
    return _TextCandidate(text, image_score, image_score + language_score)


def text_log_probability(steps: Steps, text: str) -> float:
    """Return the log probability of a text in one pass, over all alignments.

    The forward variables of CTC (A. Graves et al., ICML 2006).
    """
    # States: pauses, with a sign between any two.
    columns = np.zeros(2 * len(text) + 1, np.intp)
    columns[1::2] = [COLUMNS_BY_SIGN[sign] for sign in text]

    # A pause may be skipped between two unlike signs.
    skips = np.zeros(len(columns), np.bool_)
    skips[2:] = (columns[2:] != 0) & (columns[2:] != columns[:-2])

    # Sum over all paths, step by step; a path ends in the last sign or pause.
    logs = np.log(np.maximum(steps[:, columns], MIN_P), dtype=np.float64)
    forward = np.full(len(columns), -np.inf)
    forward[:2] = logs[0, :2]
    for step in logs[1:]:
        forward = _advance(forward, skips) + step
    return float(np.logaddexp.reduce(forward[-2:]))


def _advance(forward: NDArray[np.float64], skips: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Advance from each state to the next, and over a pause between two unlike signs."""
    # The log sum of staying, the state before, and the one before that.
    advanced = forward.copy()
    advanced[1:] = np.logaddexp(advanced[1:], forward[:-1])
    advanced[2:] = np.where(skips[2:], np.logaddexp(advanced[2:], forward[:-2]), advanced[2:])
    return advanced


def _shared_characters(text: str, others: Sequence[tuple[float, str]]) -> list[float]:
    """Return for each character the share of all texts that have it at its place."""
    shares = [0.0] * len(text)
    # Matching blocks of an edit alignment.
    for share, other in others:
        for operation in Levenshtein.opcodes(text, other):
            if operation.tag == "equal":
                for i in range(operation.src_start, operation.src_end):
                    shares[i] += share
    return [min(1.0, share) for share in shares]


def _character_probabilities(text: str, passes: PassSteps) -> list[float]:
    """Return each character's probability in the images alone (geometric mean of passes)."""
    logs = np.zeros(len(text))
    for steps in passes:
        # The highest probability within the character's time steps.
        spans = align_characters(steps, text) or []
        highest = [
            steps[first : last + 1, COLUMNS_BY_SIGN[sign]].max()
            for sign, (first, last) in zip(text, spans, strict=False)
        ]
        logs += np.log(np.maximum(highest or MIN_P, MIN_P)) / len(passes)
    return [float(p) for p in np.exp(logs)]
