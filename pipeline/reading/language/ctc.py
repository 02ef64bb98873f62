"""Decode CTC probabilities to texts by prefix beam search, optionally with a guide.

A. Graves et al., ICML 2006 (CTC); A. Hannun et al., arXiv:1408.2873 (prefix beam search); C.
Gulcehre et al., arXiv:1503.03535 (shallow fusion).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

DEFAULT_BEAMS = 5
"""Prefixes that the search keeps at each time step."""
MIN_CHARACTER_P = 1e-3
"""Least probability of a character at a time step, unless the caller gives another."""
CERTAIN_BLANK_P = 0.995
"""Time steps with at least this probability of blank are skipped."""
PRUNE_NATS = 7.0
"""Prefixes this far behind the best are dropped, nats."""
IMAGE_WEIGHT = 0.2
"""Exponent of the image's own probability in the p of a guided text.

The best of all texts may still be poorly legible. Values from 0 to 1 were tried.
"""
SAME_PLACE_STEPS = 2
"""Two texts have a character at the same place if its time steps differ by at most this."""


StateT = TypeVar("StateT")
_LikelyStep = tuple[int, float, list[tuple[str, float]]]
"""Index of a time step, the probability of blank, and the likely characters with theirs."""


class SearchGuide(Protocol[StateT]):
    """Weighs texts while they grow; a state is what it has to know of a text so far."""

    def start(self) -> StateT:
        """Return the state of the empty text."""

    def extended(self, state: StateT, character: str) -> StateT | None:
        """Return the state after one more character; None if no text may continue so."""

    def value(self, state: StateT) -> float:
        """Return what is added to the log probability of a prefix."""

    def closed(self, state: StateT) -> float:
        """Return what is added for a whole text; minus infinity if it may not end here."""


class UnguidedSearch:
    """A guide that allows every text and adds nothing."""

    def start(self) -> bool:
        """Return a state that is never used."""
        return True

    def extended(self, state: bool, character: str) -> bool:
        """Allow any character."""
        del character
        return state

    def value(self, state: bool) -> float:
        """Add nothing to the image's probability."""
        del state
        return 0.0

    closed = value


@dataclass(frozen=True, slots=True)
class Transcript:
    """A possible text, its probability, and that of each of its characters.

    Without a guide `p` is the probability of all alignments together, and a character has the
    highest that it reached at a time step. With a guide `p` is the text's share of all texts
    kept; for the best text a character's p is that of all texts with it at that place. Both are
    lowered by poor legibility. `image_p` is always the probability by the image alone. Of a line,
    `other_words` has the other texts of each word.
    """

    text: str
    p: float
    characters: tuple[float, ...]
    image_p: float = 0.0
    other_words: tuple[tuple[str, ...], ...] = ()


@dataclass(slots=True)
class _Beam(Generic[StateT]):
    """A prefix in the search.

    `blank` and `non_blank` are the probabilities that it ends in CTC's blank or in its last
    character; `characters` and `steps` are those of its most probable alignment.
    """

    state: StateT
    guide_value: float = 0.0
    blank: float = 0.0
    non_blank: float = 0.0
    best_addition: float = -1.0
    characters: tuple[float, ...] = ()
    steps: tuple[int, ...] = ()

    @property
    def total(self) -> float:
        return self.blank + self.non_blank

    def add(
        self, blank: float, non_blank: float, characters: tuple[float, ...], steps: tuple[int, ...]
    ) -> None:
        self.blank += blank
        self.non_blank += non_blank
        if blank + non_blank > self.best_addition:
            self.best_addition, self.characters, self.steps = blank + non_blank, characters, steps


def decode_ctc(
    steps: NDArray[np.float32], alphabet: str, beams: int = DEFAULT_BEAMS
) -> list[Transcript]:
    """Return the most probable texts, best first.

    `steps` is (time steps, 1 + len(alphabet)) with CTC's blank in column 0.
    """
    return [
        Transcript(text, image_p, beam.characters, image_p)
        for text, beam, image_p in _search(
            _likely_steps(steps, alphabet, MIN_CHARACTER_P), beams, UnguidedSearch()
        )
    ]


def decode_guided(
    steps: NDArray[np.float32],
    alphabet: str,
    beams: int,
    guide: SearchGuide[StateT],
    min_p: float = MIN_CHARACTER_P,
) -> list[Transcript]:
    """Return the texts that are most probable by image and guide, best first.

    There are none if the guide allows none.
    """
    return _weigh_results(_search(_likely_steps(steps, alphabet, min_p), beams, guide), guide)


def _search(
    time_steps: Iterable[_LikelyStep], beams: int, guide: SearchGuide[StateT]
) -> list[tuple[str, _Beam[StateT], float]]:
    """Search for the best texts; return each with its beam and the image's probability."""
    beams_by_text = {"": _Beam(guide.start(), blank=1.0)}
    log_scale = 0.0
    for time_step, blank_p, likely in time_steps:
        # Between characters nothing can be added.
        if blank_p >= CERTAIN_BLANK_P:
            for beam in beams_by_text.values():
                beam.blank, beam.non_blank = beam.total * blank_p, 0.0
            continue
        # Extend all prefixes, keep the best, and scale them against underflow.
        beams_by_text = _best_beams(
            _advance_beams(beams_by_text, time_step, blank_p, likely, guide), beams
        )
        top = max((beam.total for beam in beams_by_text.values()), default=1.0)
        log_scale += math.log(top)
        for beam in beams_by_text.values():
            beam.blank /= top
            beam.non_blank /= top
    return [(text, beam, beam.total * math.exp(log_scale)) for text, beam in beams_by_text.items()]


def _likely_steps(steps: NDArray[np.float32], alphabet: str, min_p: float) -> Iterable[_LikelyStep]:
    """Prepare the likely characters of each time step."""
    blank_ps = steps[:, 0].tolist()
    # Only characters with enough probability, listed by time step.
    step_indices, columns = np.nonzero(steps[:, 1:] > min_p)
    likely: list[list[tuple[str, float]]] = [[] for _ in blank_ps]
    for step, column, p in zip(
        step_indices.tolist(),
        columns.tolist(),
        steps[step_indices, columns + 1].tolist(),
        strict=True,
    ):
        likely[step].append((alphabet[column], p))
    return (
        (i, blank_p, characters)
        for i, (blank_p, characters) in enumerate(zip(blank_ps, likely, strict=True))
    )


def _advance_beams(
    beams_by_text: dict[str, _Beam[StateT]],
    time_step: int,
    blank_p: float,
    likely: Sequence[tuple[str, float]],
    guide: SearchGuide[StateT],
) -> dict[str, _Beam[StateT]]:
    """Extend all prefixes by one time step."""
    extended: dict[str, _Beam[StateT]] = {}
    for prefix, beam in beams_by_text.items():
        # Blank: the prefix stays as it is.
        _merge_into(extended, prefix, beam).add(
            beam.total * blank_p, 0.0, beam.characters, beam.steps
        )
        last = prefix[-1:]
        for character, p in likely:
            # The last character goes on; written twice it needs a blank between.
            if character == last:
                characters = (*beam.characters[:-1], max(beam.characters[-1], p))
                extended[prefix].add(0.0, beam.non_blank * p, characters, beam.steps)
            # A new character makes a longer prefix.
            start_p = beam.blank if character == last else beam.total
            if start_p > 0.0 and (grown := _extend_beam(extended, prefix + character, beam, guide)):
                grown.add(0.0, start_p * p, (*beam.characters, p), (*beam.steps, time_step))
    return extended


def _extend_beam(
    extended: dict[str, _Beam[StateT]], text: str, beam: _Beam[StateT], guide: SearchGuide[StateT]
) -> _Beam[StateT] | None:
    """Return the beam of a text that is one character longer; None if not allowed."""
    longer = extended.get(text)
    if longer is None:
        state = guide.extended(beam.state, text[-1])
        if state is None:
            return None
        longer = extended[text] = _Beam(state, guide.value(state))
    return longer


def _merge_into(
    extended: dict[str, _Beam[StateT]], prefix: str, beam: _Beam[StateT]
) -> _Beam[StateT]:
    # Paths that lead to the same prefix are added up.
    merged = extended.get(prefix)
    if merged is None:
        merged = extended[prefix] = _Beam(beam.state, beam.guide_value)
    return merged


def _best_beams(beams_by_text: dict[str, _Beam[StateT]], beams: int) -> dict[str, _Beam[StateT]]:
    ranked = [
        (math.log(beam.total) + beam.guide_value, text)
        for text, beam in beams_by_text.items()
        if beam.total > 0.0
    ]
    # Drop prefixes that are far behind the best.
    ranked.sort(reverse=True)
    return {
        text: beams_by_text[text]
        for rank, text in ranked[:beams]
        if rank > ranked[0][0] - PRUNE_NATS
    }


def _weigh_results(
    searched: Sequence[tuple[str, _Beam[StateT], float]], guide: SearchGuide[StateT]
) -> list[Transcript]:
    """Combine the image and the guide to the final probabilities, best first."""
    # Shares of all texts kept, by image and guide together.
    scores = [
        math.log(max(image_p, 1e-300)) + guide.closed(beam.state) for _, beam, image_p in searched
    ]
    max_score = max(scores, default=-math.inf)
    if max_score == -math.inf:
        return []
    shares = [math.exp(score - max_score) for score in scores]
    total = sum(shares)
    order = sorted((i for i, share in enumerate(shares) if share > 0.0), key=lambda i: -shares[i])
    shared = [(searched[i][0], searched[i][1].steps, shares[i] / total) for i in order]
    # Lower p if the image itself gives the best text a low probability.
    image_factor = min(1.0, searched[order[0]][2]) ** IMAGE_WEIGHT
    transcripts = [
        Transcript(text, image_factor * p, searched[i][1].characters, searched[i][2])
        for i, (text, _, p) in zip(order, shared, strict=True)
    ]
    # Characters of the best text get the share of texts that agree on them.
    agreements = _shared_characters(transcripts[0].text, shared[0][1], shared)
    characters = tuple(
        share * p**IMAGE_WEIGHT
        for share, p in zip(agreements, transcripts[0].characters, strict=True)
    )
    return [replace(transcripts[0], characters=characters), *transcripts[1:]]


def _shared_characters(
    text: str, steps: Sequence[int], shared: Sequence[tuple[str, tuple[int, ...], float]]
) -> tuple[float, ...]:
    """Return for each character the share of all texts that have it at its place."""
    agreements = [0.0] * len(text)
    # Another text agrees if it has the character at about the same time step.
    for other, other_steps, p in shared:
        steps_by_character: dict[str, list[int]] = {}
        for character, step in zip(other, other_steps, strict=True):
            steps_by_character.setdefault(character, []).append(step)
        for i, (character, step) in enumerate(zip(text, steps, strict=True)):
            if any(
                abs(step - other_step) <= SAME_PLACE_STEPS
                for other_step in steps_by_character.get(character, ())
            ):
                agreements[i] += p
    return tuple(min(1.0, p) for p in agreements)
