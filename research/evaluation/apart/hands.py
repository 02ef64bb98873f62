"""Hands of real people, as pen strokes: UNIPEN writers whom no network here was trained on.

Each sign is one that the person wrote, chosen at random each time. UNIPEN keeps no sizes, so small
letters get those of print; rings and dots of å ä ö, and signs between words, are added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Stroke = NDArray[np.float64]
"""(n, 2) places of a pen: x to the right, y downwards, 0 on the line of writing."""
Strokes = tuple[Stroke, ...]

_EVERY = 6
"""The rule of the training: of each contributor every sixth writer, by name, is held out."""
_MISCUT = frozenset({"ibm"})
"""A contributor whose digits are partly cut wrongly."""
_LEAST = {"digit": 9, "capital": 18, "small": 18}
"""How many different signs a writer needs; the others are those of a neighbour in the list."""
_LEAST_OF_OTHERS = {"digit": 0, "capital": 0, "small": 14}
"""The same for writers whose pages only judge."""
_ODD_WIDTH = 1.9
"""A sign so many times wider or narrower than usual says something else than its label."""
_TALL, _DEEP = "bdfhkl", "gpqy"
_ROOF, _CAPITAL, _DIGIT, _DEPTH = 1.75, 1.7, 1.65, 0.7
"""Heights in those of a small x; how far g, j, p, q and y reach below the line."""
_BASE = {"å": "a", "ä": "a", "ö": "o", "é": "e", "Å": "A", "Ä": "A", "Ö": "O", "É": "E"}


@dataclass(frozen=True, slots=True)
class Hand:
    """How one person writes.

    Attributes:
        name: `contributor/writer`.
        signs: what they wrote of each digit and letter, in heights of a small x.
    """

    name: str
    signs: Mapping[str, Sequence[Strokes]]

    def write_sign(self, character: str, rng: Generator) -> Strokes:
        """Return a sign on the line of writing, its left edge at 0.

        Raises:
            KeyError: nobody wrote such a sign.
        """
        if character in _MARKS:
            return tuple(np.array(line) + rng.normal(0, 0.03, 2) for line in _MARKS[character])
        base = _BASE.get(character, character)
        drawn = self.signs[base][int(rng.integers(len(self.signs[base])))]
        scale = rng.normal(1, 0.05)
        moved = tuple(line * scale for line in drawn)
        return moved if base == character else (*moved, *self._accent(character, moved, rng))

    def _accent(self, character: str, drawn: Strokes, rng: Generator) -> Strokes:
        places = np.concatenate(drawn)
        middle = float(places[:, 0].mean() + rng.normal(0, 0.08))
        top = float(places[:, 1].min() - rng.uniform(0.2, 0.42))
        if character in "åÅ":
            # The ring is the writer's own o, made small.
            ring = self.signs["o"][int(rng.integers(len(self.signs["o"])))]
            corner = np.concatenate(ring)
            size = rng.uniform(0.34, 0.5) / max(1e-3, float(np.ptp(corner[:, 1])))
            shift = np.array([middle - corner[:, 0].mean() * size, top])
            return tuple(line * size + shift for line in ring)
        if character in "éÉ":
            return (np.array([[middle - 0.1, top], [middle + 0.2, top - 0.25]]),)
        apart = rng.uniform(0.2, 0.34)
        return tuple(
            np.array([[x, top], [x + rng.normal(0.03, 0.03), top + rng.uniform(0.02, 0.14)]])
            for x in (middle - apart, middle + apart)
        )


def held_out_names(writers: Iterable[str]) -> set[str]:
    """Return the writers held out from training, by its rule.

    Left out are those whose name another contributor gave to a writer who is trained on: they may
    be one person.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for writer in sorted(set(writers)):
        groups[writer.split("/")[0]].append(writer)
    alone = [names[0] for names in groups.values() if len(names) == 1]
    several = [names for names in groups.values() if len(names) > 1]
    held = {name for names in (alone, *several) for name in names[::_EVERY]}
    trained = {writer.split("/")[1] for writer in writers if writer not in held}
    return {name for name in held if name.split("/")[1] not in trained}


def load_hands(file: Path) -> tuple[list[Hand], list[Hand]]:
    """Load the held-out writers of `unipen_strokes.npz`, by name.

    Returns:
        Those who wrote nearly all signs, and those who wrote most small letters only. What a person
        did not write is by neighbours in the same list.
    """
    packed = np.load(file)
    data = {name: packed[name] for name in packed.files}
    names = bytes(data["writers"]).decode().split("\n")
    found = _find_signs(data, names, held_out_names(names))
    usual = {
        sign: float(np.median(ratios))
        for sign, ratios in _group(
            (sign, _ratio(drawn))
            for own in found.values()
            for sign, all_drawn in own.items()
            for drawn in all_drawn
        ).items()
    }
    rich, others = [], []
    for name in sorted(found):
        signs = {
            sign: [one for one in drawn if _is_usual(_ratio(one), usual[sign])]
            for sign, drawn in found[name].items()
        }
        own = {sign: [_place(sign, one) for one in drawn] for sign, drawn in signs.items() if drawn}
        if _has_signs(own, _LEAST):
            rich.append(Hand(name, own))
        elif _has_signs(own, _LEAST_OF_OTHERS):
            others.append(Hand(name, own))
    return _lend_signs(rich), _lend_signs(others)


def _lend_signs(hands: Sequence[Hand]) -> list[Hand]:
    """Complete each writer by its neighbours before it, the nearest first."""
    complete = []
    for place in range(len(hands)):
        signs: dict[str, Sequence[Strokes]] = {}
        for step in range(len(hands)):
            signs = {**hands[place - step].signs, **signs}
        complete.append(Hand(hands[place].name, signs))
    return complete


def _find_signs(
    data: Mapping[str, Any], names: Sequence[str], held: set[str]
) -> dict[str, dict[str, list[Strokes]]]:
    kinds = bytes(data["kinds"]).decode().split("\n")
    texts = bytes(data["text"]).decode().split("\n")
    points = np.cumsum(data["delta"].astype(np.int64), axis=0)
    found: dict[str, dict[str, list[Strokes]]] = defaultdict(lambda: defaultdict(list))
    for place, (writer, kind) in enumerate(zip(data["writer"], data["kind"], strict=True)):
        name = names[writer]
        if name not in held or name.split("/")[0] in _MISCUT or kinds[kind] not in _LEAST:
            continue
        if len(texts[place]) == 1 and texts[place].isalnum():
            first, last = data["sample"][place : place + 2]
            edges = data["stroke"][first : last + 1]
            strokes = tuple(
                points[start:end].astype(np.float64)
                for start, end in pairwise(edges)
                if end > start
            )
            found[name][texts[place]].append(strokes)
    return found


def _group(pairs: Iterable[tuple[str, float]]) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def _ratio(strokes: Strokes) -> float:
    width, height = np.ptp(np.concatenate(strokes), axis=0)
    return float((width + 20) / (height + 20))


def _is_usual(ratio: float, usual: float) -> bool:
    return usual / _ODD_WIDTH < ratio < usual * _ODD_WIDTH


def _has_signs(signs: Mapping[str, object], least: Mapping[str, int]) -> bool:
    counts = {
        "digit": sum(sign.isdigit() for sign in signs),
        "capital": sum(sign.isupper() for sign in signs),
        "small": sum(sign.islower() for sign in signs),
    }
    return all(counts[kind] >= count for kind, count in least.items())


def _place(sign: str, strokes: Strokes) -> Strokes:
    """Return a sign in heights of a small x, with its foot where that of its kind is."""
    everything = np.concatenate(strokes)
    low, high = everything.min(axis=0), everything.max(axis=0)
    top, foot = _reach(sign, strokes)
    scale = (top + foot) / max(1.0, float(high[1] - low[1]))
    return tuple((line - (low[0], high[1])) * scale + (0, foot) for line in strokes)


def _reach(sign: str, strokes: Strokes) -> tuple[float, float]:
    """Return how far a sign reaches above and below the line."""
    if sign.isdigit():
        return _DIGIT, 0.0
    if sign.isupper():
        return _CAPITAL, 0.0
    if sign in "ij":
        # Without its dot it is as high as other letters.
        return (1.5 if len(strokes) > 1 else 1.0), (_DEPTH if sign == "j" else 0.0)
    if sign == "t":
        return 1.5, 0.0
    if sign in _DEEP:
        return 1.0, _DEPTH
    return (_ROOF if sign in _TALL else 1.0), 0.0


_MARKS: Mapping[str, Sequence[Sequence[tuple[float, float]]]] = {
    ".": [[(0.05, -0.03), (0.1, 0.0)]],
    ",": [[(0.12, -0.08), (0.02, 0.28)]],
    ":": [[(0.08, -0.1), (0.1, -0.05)], [(0.1, -0.75), (0.12, -0.7)]],
    "-": [[(0.05, -0.55), (0.5, -0.58)]],
    "/": [[(0.6, -1.75), (0.0, 0.1)]],
    "§": [
        [(0.5, -1.6), (0.25, -1.7), (0.05, -1.45), (0.45, -1.05), (0.5, -0.75), (0.25, -0.6)],
        [(0.3, -1.15), (0.05, -0.9), (0.1, -0.7), (0.5, -0.35), (0.5, 0.0), (0.25, 0.15), (0, 0)],
    ],
    "@": [
        [(0.7, -0.9), (0.4, -1.0), (0.3, -0.6), (0.5, -0.4), (0.75, -0.9), (0.75, -0.45)],
        [(0.75, -0.45), (1.0, -0.5), (1.0, -1.1), (0.6, -1.4), (0.1, -1.1), (0.1, -0.3), (0.7, 0)],
    ],
}
"""Signs that the file lacks, as the pen goes."""
