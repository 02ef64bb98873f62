"""From probabilities a step to texts: prefix beam search for connectionist temporal classification,
perhaps guided by what a text should be.

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
"""Beginnings of a text that the search keeps at each step."""
MIN_CHARACTER_P = 1e-3
"""Characters less probable than this at a step are not followed, unless the caller says otherwise."""
CERTAIN_BLANK_P = 0.995
"""Steps that are as surely a pause are not looked into."""
PRUNE_NATS = 7.0
"""Beginnings so far (nats) behind the best are given up."""
IMAGE_WEIGHT = 0.2
"""What is surely the best text may still be badly seen: the picture's own p goes into its p with
this power (0–1 tried).
"""
SAME_PLACE_STEPS = 2
"""The same character of two texts is written at the same place, give or take this."""


StateT = TypeVar("StateT")
_LikelyStep = tuple[int, float, list[tuple[str, float]]]
"""A step's number, the p of a pause, and the likely characters with theirs."""


class SearchGuide(Protocol[StateT]):
    """Weighs texts while they grow; a state is what it has to know of a text so far."""

    def start(self) -> StateT:
        """Nothing is written."""
        ...

    def extended(self, state: StateT, sign: str) -> StateT | None:
        """One more sign; None when no text may go on so."""
        ...

    def value(self, state: StateT) -> float:
        """What a beginning counts beside the logarithm of its probability."""
        ...

    def closed(self, state: StateT) -> float:
        """What a whole text counts; minus infinity when it may not end here."""
        ...


class UnguidedSearch:
    """The guide that lets every text be what it is."""

    def start(self) -> bool:
        """Nothing has to be known."""
        return True

    def extended(self, state: bool, sign: str) -> bool:
        """Anything may follow."""
        del sign
        return state

    def value(self, state: bool) -> float:
        """Nothing counts but the picture."""
        del state
        return 0.0

    closed = value


@dataclass(frozen=True, slots=True)
class Transcript:
    """One possible text, how probable it is, and how probable each of its characters.

    Without a guide `p` is the probability of all alignments together and a character has the
    highest that it reached at a step. With a guide, `p` is the text's share of all texts held,
    and for the best text a character's that of all texts with it at that place, both less for
    what is badly seen. `seen` is always what the picture alone says of the text.
    """

    text: str
    p: float
    characters: tuple[float, ...]
    seen: float = 0.0


@dataclass(slots=True)
class _Beam(Generic[StateT]):
    """A prefix: probability that it ends in CTC's blank, that it ends in its last character; its
    characters' p and steps; its guide's state.
    """

    state: StateT
    value: float = 0.0
    blank: float = 0.0
    ended: float = 0.0
    best: float = -1.0
    characters: tuple[float, ...] = ()
    places: tuple[int, ...] = ()

    @property
    def total(self) -> float:
        return self.blank + self.ended

    def add(
        self, blank: float, ended: float, characters: tuple[float, ...], places: tuple[int, ...]
    ) -> None:
        self.blank += blank
        self.ended += ended
        if blank + ended > self.best:
            self.best, self.characters, self.places = blank + ended, characters, places


def decode_ctc(
    steps: NDArray[np.float32], alphabet: str, beams: int = DEFAULT_BEAMS
) -> list[Transcript]:
    """The most probable texts, best first; `steps` is (steps, 1 + len(alphabet)) with CTC's blank
    in column 0.
    """
    return [
        Transcript(text, seen, beam.characters, seen)
        for text, beam, seen in _search(
            _likely_steps(steps, alphabet, MIN_CHARACTER_P), beams, UnguidedSearch()
        )
    ]


def decode_guided(
    steps: NDArray[np.float32],
    alphabet: str,
    beams: int,
    guide: SearchGuide[StateT],
    least: float = MIN_CHARACTER_P,
) -> list[Transcript]:
    """The texts that the picture and the guide together find most probable, best first; none if the
    guide allows none.
    """
    return _weigh_results(_search(_likely_steps(steps, alphabet, least), beams, guide), guide)


def _search(
    rows: Iterable[_LikelyStep], beams: int, guide: SearchGuide[StateT]
) -> list[tuple[str, _Beam[StateT], float]]:
    """Each text held at the end, with the picture's own probability."""
    held = {"": _Beam(guide.start(), blank=1.0)}
    scale = 0.0
    for at, pause, likely in rows:
        if pause >= CERTAIN_BLANK_P:
            for beam in held.values():
                beam.blank, beam.ended = beam.total * pause, 0.0
            continue
        held = _best_beams(_advance_beams(held, at, pause, likely, guide), beams)
        top = max((beam.total for beam in held.values()), default=1.0)
        scale += math.log(top)
        for beam in held.values():
            beam.blank /= top
            beam.ended /= top
    return [(text, beam, beam.total * math.exp(scale)) for text, beam in held.items()]


def _likely_steps(steps: NDArray[np.float32], alphabet: str, least: float) -> Iterable[_LikelyStep]:
    pauses = steps[:, 0].tolist()
    at, column = np.nonzero(steps[:, 1:] > least)
    likely: list[list[tuple[str, float]]] = [[] for _ in pauses]
    for step, place, p in zip(
        at.tolist(), column.tolist(), steps[at, column + 1].tolist(), strict=True
    ):
        likely[step].append((alphabet[place], p))
    return ((i, pause, found) for i, (pause, found) in enumerate(zip(pauses, likely, strict=True)))


def _advance_beams(
    held: dict[str, _Beam[StateT]],
    at: int,
    pause: float,
    likely: Sequence[tuple[str, float]],
    guide: SearchGuide[StateT],
) -> dict[str, _Beam[StateT]]:
    after: dict[str, _Beam[StateT]] = {}
    for prefix, beam in held.items():
        _merge_into(after, prefix, beam).add(beam.total * pause, 0.0, beam.characters, beam.places)
        last = prefix[-1:]
        for character, p in likely:
            if character == last:
                stays = (*beam.characters[:-1], max(beam.characters[-1], p))
                after[prefix].add(0.0, beam.ended * p, stays, beam.places)
            start = beam.blank if character == last else beam.total
            if start > 0.0 and (grown := _extend_beam(after, prefix + character, beam, guide)):
                grown.add(0.0, start * p, (*beam.characters, p), (*beam.places, at))
    return after


def _extend_beam(
    after: dict[str, _Beam[StateT]], text: str, beam: _Beam[StateT], guide: SearchGuide[StateT]
) -> _Beam[StateT] | None:
    """The beam of a text that is one character longer."""
    found = after.get(text)
    if found is None:
        state = guide.extended(beam.state, text[-1])
        if state is None:
            return None
        found = after[text] = _Beam(state, guide.value(state))
    return found


def _merge_into(after: dict[str, _Beam[StateT]], prefix: str, beam: _Beam[StateT]) -> _Beam[StateT]:
    found = after.get(prefix)
    if found is None:
        found = after[prefix] = _Beam(beam.state, beam.value)
    return found


def _best_beams(after: dict[str, _Beam[StateT]], beams: int) -> dict[str, _Beam[StateT]]:
    ranked = [
        (math.log(beam.total) + beam.value, text)
        for text, beam in after.items()
        if beam.total > 0.0
    ]
    ranked.sort(reverse=True)
    return {text: after[text] for rank, text in ranked[:beams] if rank > ranked[0][0] - PRUNE_NATS}


def _weigh_results(
    searched: Sequence[tuple[str, _Beam[StateT], float]], guide: SearchGuide[StateT]
) -> list[Transcript]:
    ranks = [math.log(max(seen, 1e-300)) + guide.closed(beam.state) for _, beam, seen in searched]
    top = max(ranks, default=-math.inf)
    if top == -math.inf:
        return []
    shares = [math.exp(rank - top) for rank in ranks]
    whole = sum(shares)
    order = sorted((i for i, share in enumerate(shares) if share > 0.0), key=lambda i: -shares[i])
    shared = [(searched[i][0], searched[i][1].places, shares[i] / whole) for i in order]
    believed = min(1.0, searched[order[0]][2]) ** IMAGE_WEIGHT
    found = [
        Transcript(text, believed * p, searched[i][1].characters, searched[i][2])
        for i, (text, _, p) in zip(order, shared, strict=True)
    ]
    agreed = _shared_characters(found[0].text, shared[0][1], shared)
    characters = tuple(
        share * p**IMAGE_WEIGHT for share, p in zip(agreed, found[0].characters, strict=True)
    )
    return [replace(found[0], characters=characters), *found[1:]]


def _shared_characters(
    text: str, places: Sequence[int], shared: Sequence[tuple[str, tuple[int, ...], float]]
) -> tuple[float, ...]:
    """For each character the share of all texts that have it at its place."""
    agreed = [0.0] * len(text)
    for other, where, p in shared:
        there: dict[str, list[int]] = {}
        for character, place in zip(other, where, strict=True):
            there.setdefault(character, []).append(place)
        for i, (character, place) in enumerate(zip(text, places, strict=True)):
            if any(abs(place - at) <= SAME_PLACE_STEPS for at in there.get(character, ())):
                agreed[i] += p
    return tuple(min(1.0, p) for p in agreed)
