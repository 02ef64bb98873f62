"""Build `data/models/swedish.npz`: what the decoding of handwriting knows of Swedish.

    pip install -e '.[train]'
    python -m research.training.language_model.build

Two things: words with their probabilities, and how probable a letter is after the three before it,
for unlisted words. Words and frequencies come from `wordfreq` (CC BY-SA 4.0), the trade's own from
`data/vocabulary` and the phrases of `handwriting_phrases.txt`, of which every fifth is left out so
that decoding can be measured on phrases it does not know. The file carries wordfreq's licence; its
card is `data/models/swedish.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.settings import ROOT
from pipeline.reading.language.language_model import LOWERCASE_LETTERS, split_letter_words
from research.training.handwriting.texts import load_phrases

TRADE_SHARE = 0.25
"""The trade's share of all probability.

Half of it to the vocabulary, half to the words of the phrases by their number.
"""
RARE_TYPE_POWER = 0.3
"""Frequencies are raised to this power for the letter model.

Letters follow each other in unlisted words as in listed ones, rare ones counting nearly as much
as frequent ones.
"""
NGRAM_ORDER = 4
STEP_NATS = 0.08
"""Log probabilities are stored as whole numbers of this, downwards from 0, at most 255."""
HELD_OUT_EVERY = 5
WordWeights = dict[str, float]


def load_general_words() -> WordWeights:
    """Return Swedish words of letters only with their frequencies, adding up to 1."""
    from wordfreq import get_frequency_dict

    # Words of Swedish letters only; others cannot be decoded as words.
    known = set(LOWERCASE_LETTERS)
    words = {
        w: float(p) for w, p in get_frequency_dict("sv", wordlist="best").items() if set(w) <= known
    }
    return _scale_weights(words, 1.0)


def load_trade_words(folder: Path, phrase_lines: Iterable[str]) -> WordWeights:
    """Return the trade's words, adding up to 1."""
    # Listed words count alike, words of phrases by their number.
    listed = {
        word
        for file in sorted(folder.glob("*.txt"))
        for line in _read_lines(file)
        for word in split_letter_words(line)
    }
    counted = Counter(
        word for line in phrase_lines for word in split_letter_words(_drop_slots(line))
    )
    return _mix_weights(
        _scale_weights(dict.fromkeys(listed, 1.0), 1.0), _scale_weights(counted, 1.0), 0.5
    )


def known_phrases() -> list[str]:
    """Return the phrases that the language model knows."""
    return [line for i, line in enumerate(load_phrases()) if i % HELD_OUT_EVERY]


def unknown_phrases() -> list[str]:
    """Return the phrases that it does not know."""
    return load_phrases()[::HELD_OUT_EVERY]


def mix_word_weights(phrase_lines: Iterable[str]) -> WordWeights:
    """Return all words with their probabilities."""
    return _mix_weights(
        load_general_words(),
        load_trade_words(ROOT / "data" / "vocabulary", phrase_lines),
        TRADE_SHARE,
    )


def letter_log_probabilities(weights: Mapping[str, float]) -> NDArray[np.uint8]:
    """Return how probable a letter is after three others.

    (32, 32, 32, 32) logarithms in steps; 0 is the edge of a word.

    Interpolated over shorter contexts by the number of different letters seen (Witten, Bell,
    IEEE Trans. IT 37, 1991).
    """
    # Letters and the edge of a word.
    size = len(LOWERCASE_LETTERS) + 1
    rarest = min(weights.values())
    codes = [
        [0] * (NGRAM_ORDER - 1) + [LOWERCASE_LETTERS.index(c) + 1 for c in word] + [0]
        for word in weights
    ]
    # Weight of each word: its flattened frequency.
    share = [(p / rarest) ** RARE_TYPE_POWER for p in weights.values()]
    # All windows of four letters, padded with edges.
    grams = np.array(
        [g for code in codes for g in zip(*(code[i:] for i in range(NGRAM_ORDER)), strict=False)],
        np.int64,
    )
    each = np.repeat(share, [len(code) - NGRAM_ORDER + 1 for code in codes])
    # Start from the uniform distribution, and refine by contexts of 0, 1, 2 and 3 letters.
    p = np.full(size, 1.0 / size)
    for order in range(1, NGRAM_ORDER + 1):
        # Weighted counts of each context and letter.
        place = np.ravel_multi_index(tuple(grams[:, NGRAM_ORDER - order :].T), (size,) * order)
        counts = np.bincount(place, each, size**order).reshape(-1, size)
        # Witten–Bell: the number of different letters after a context is the weight of shorter
        # contexts.
        kinds = (counts > 0).sum(-1, keepdims=True).astype(float)
        shorter = np.broadcast_to(
            p, (counts.shape[0] // p.reshape(-1, size).shape[0], *p.reshape(-1, size).shape)
        ).reshape(-1, size)
        p = (counts + kinds * shorter) / np.maximum(counts.sum(-1, keepdims=True) + kinds, 1e-12)
        # An unseen context falls back on the shorter one.
        p = np.where(kinds > 0, p, shorter)
    return quantize_log_p(p.reshape((size,) * NGRAM_ORDER))


def quantize_log_p(p: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return logarithms as whole steps."""
    return np.clip(np.round(-np.log(np.maximum(p, 1e-12)) / STEP_NATS), 0, 255).astype(np.uint8)


def write_model(weights: WordWeights, file: Path) -> None:
    """Write the file that the handwriting decoder reads."""
    listed = sorted(weights)
    text = np.frombuffer("\n".join(listed).encode(), np.uint8)
    p = quantize_log_p(np.array([weights[word] for word in listed]))
    np.savez_compressed(
        file, words=text, p=p, letters=letter_log_probabilities(weights), step=np.float64(STEP_NATS)
    )


def _read_lines(file: Path) -> list[str]:
    return [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]


def _drop_slots(phrase: str) -> str:
    # The text after each closing brace, and before the first opening one.
    return " ".join(
        part.partition("}")[2] if i else part for i, part in enumerate(phrase.split("{"))
    )


def _scale_weights(weights: Mapping[str, float], total: float) -> WordWeights:
    scale = total / sum(weights.values())
    return {word: weight * scale for word, weight in weights.items()}


def _mix_weights(first: WordWeights, second: WordWeights, share: float) -> WordWeights:
    return {
        word: (1 - share) * first.get(word, 0.0) + share * second.get(word, 0.0)
        for word in first.keys() | second.keys()
    }


if __name__ == "__main__":
    write_model(mix_word_weights(known_phrases()), ROOT / "data" / "models" / "swedish.npz")
