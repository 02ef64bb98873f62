"""Makes `data/models/swedish.npz`: what the decoding of handwriting knows of Swedish.

    pip install -e '.[train]'
    python -m pipeline.training.language

Two things: words with their probabilities, and how likely a letter is after the three before it, for words that nobody listed. Words and frequencies
come from `wordfreq` (CC BY-SA 4.0), the trade's own from `data/vocabulary` and the phrases of `handwriting_phrases.txt`, of which every fifth is left
out so that decoding can be measured on phrases it does not know. The file carries wordfreq's licence; its card is `data/models/swedish.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.recognize.lexicon import LETTERS, letter_words
from pipeline.settings import ROOT
from pipeline.training.handwriting_text import phrases

TRADE_SHARE = 0.25
"""Of all probability; half of it to the vocabulary, half to the words of the phrases by their number."""
RARE_TYPES = 0.3
"""Letters follow each other in words unlisted as in words listed, rare ones counting nearly as much as frequent ones: frequency to this power."""
ORDER = 4
STEP_NATS = 0.08
"""Logarithms of probabilities are kept as whole numbers of this, downwards from 0, at most 255."""
EVERY = 5
Weights = dict[str, float]


def general() -> Weights:
    """Swedish words of letters only with their frequencies, adding up to 1."""
    from wordfreq import get_frequency_dict

    known = set(LETTERS)
    words = {w: float(p) for w, p in get_frequency_dict("sv", wordlist="best").items() if set(w) <= known}
    return _scaled(words, 1.0)


def trade(folder: Path, phrase_lines: Iterable[str]) -> Weights:
    """The trade's words, adding up to 1."""
    listed = {word for file in sorted(folder.glob("*.txt")) for line in _lines(file) for word in letter_words(line)}
    counted = Counter(word for line in phrase_lines for word in letter_words(_without_slots(line)))
    return _mixed(_scaled(dict.fromkeys(listed, 1.0), 1.0), _scaled(counted, 1.0), 0.5)


def known_phrases() -> list[str]:
    """The phrases that the language model knows."""
    return [line for i, line in enumerate(phrases()) if i % EVERY]


def unknown_phrases() -> list[str]:
    """The phrases that it does not know."""
    return phrases()[::EVERY]


def words(phrase_lines: Iterable[str]) -> Weights:
    """All words with their probabilities."""
    return _mixed(general(), trade(ROOT / "data" / "vocabulary", phrase_lines), TRADE_SHARE)


def letters(weights: Mapping[str, float]) -> NDArray[np.uint8]:
    """How likely a letter is after three others: (32, 32, 32, 32) logarithms in steps; 0 is the edge of a word.

    Interpolated over shorter contexts by the number of different letters seen (Witten, Bell, IEEE Trans. IT 37, 1991).
    """
    size = len(LETTERS) + 1
    rarest = min(weights.values())
    codes = [[0] * (ORDER - 1) + [LETTERS.index(c) + 1 for c in word] + [0] for word in weights]
    share = [(p / rarest) ** RARE_TYPES for p in weights.values()]
    grams = np.array([g for code in codes for g in zip(*(code[i:] for i in range(ORDER)), strict=False)], np.int64)
    each = np.repeat(share, [len(code) - ORDER + 1 for code in codes])
    p = np.full(size, 1.0 / size)
    for order in range(1, ORDER + 1):
        place = np.ravel_multi_index(tuple(grams[:, ORDER - order :].T), (size,) * order)
        counts = np.bincount(place, each, size**order).reshape(-1, size)
        kinds = (counts > 0).sum(-1, keepdims=True).astype(float)
        shorter = np.broadcast_to(p, (counts.shape[0] // p.reshape(-1, size).shape[0], *p.reshape(-1, size).shape)).reshape(-1, size)
        p = (counts + kinds * shorter) / np.maximum(counts.sum(-1, keepdims=True) + kinds, 1e-12)
        p = np.where(kinds > 0, p, shorter)
    return quantized(p.reshape((size,) * ORDER))


def quantized(p: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Logarithms as whole steps."""
    return np.clip(np.round(-np.log(np.maximum(p, 1e-12)) / STEP_NATS), 0, 255).astype(np.uint8)


def write(weights: Weights, file: Path) -> None:
    """The file that `recognize/language.py` reads."""
    listed = sorted(weights)
    text = np.frombuffer("\n".join(listed).encode(), np.uint8)
    p = quantized(np.array([weights[word] for word in listed]))
    np.savez_compressed(file, words=text, p=p, letters=letters(weights), step=np.float64(STEP_NATS))


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]


def _without_slots(phrase: str) -> str:
    return " ".join(part.partition("}")[2] if i else part for i, part in enumerate(phrase.split("{")))


def _scaled(weights: Mapping[str, float], total: float) -> Weights:
    scale = total / sum(weights.values())
    return {word: weight * scale for word, weight in weights.items()}


def _mixed(first: Weights, second: Weights, share: float) -> Weights:
    return {word: (1 - share) * first.get(word, 0.0) + share * second.get(word, 0.0) for word in first.keys() | second.keys()}


if __name__ == "__main__":
    write(words(known_phrases()), ROOT / "data" / "models" / "swedish.npz")
