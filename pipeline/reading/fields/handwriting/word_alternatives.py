"""Other words that may be written where a word of free text was read with low confidence.

They come from the texts that the search kept of each run, weighed by image and language model, and
from the care vocabulary. A person may choose one instead of typing; which words are offered at all:
`language/vocabulary.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import extract

from pipeline.domain.form.confidence import LOW_CONFIDENCE_BELOW
from pipeline.domain.model import OtherWords, Reading, WordBox
from pipeline.reading.language.ctc import Transcript
from pipeline.reading.language.language_model import Lexicon, split_letter_words
from pipeline.reading.language.vocabulary import bare_word, care_words, may_be_offered

MAX_ALTERNATIVES, MAX_SEARCHED = 4, 3
"""Other words that are kept of each word, and how many of the search come before the vocabulary's.

Of 35 words read wrong (22 Uppsala words, 13 of phrases in held-out fonts) the right one was among
those of the search alone 19 times, with the vocabulary 23 times.
"""
MIN_LIKENESS, MAX_NEAR = 0.5, 2
"""Least share of letters in common with a word of the vocabulary, and how many are offered."""


def find_other_words(runs: Sequence[Sequence[Transcript]]) -> OtherWords:
    """Return for each word of a line the likeliest others at its place, best first.

    `runs` has the texts of each run, the best one first.
    """
    return tuple(words for texts in runs for words in _find_in_run(texts))


def _find_in_run(texts: Sequence[Transcript]) -> list[tuple[str, ...]]:
    read = texts[0].text.split()
    shares = [defaultdict[str, float](float) for _ in read]
    for text in texts[1:]:
        words = text.text.split()
        # With more or fewer words it is not known which of them is at which place.
        if len(words) == len(read):
            for share, word in zip(shares, words, strict=True):
                share[bare_word(word)] += text.p
    return [
        tuple(
            other
            for other in sorted(share, key=share.__getitem__, reverse=True)
            if other not in ("", bare_word(word))
        )
        for word, share in zip(read, shares, strict=True)
    ]


def offer_other_words(
    reading: Reading, boxes: Sequence[WordBox], names: Lexicon
) -> tuple[WordBox, ...]:
    """Return the boxes of a line's words, with alternatives where a person may choose.

    `names` are those of the registers: no word that may be one of them has alternatives.
    """
    if len(boxes) != len(reading.other_words):
        return tuple(boxes)
    words = [str(reading.value)[box.start : box.end] for box in boxes]
    return tuple(
        replace(box, alternatives=_choose(word, before, others, names))
        if min(reading.characters[box.start : box.end], default=1.0) < LOW_CONFIDENCE_BELOW
        else box
        for box, word, before, others in zip(
            boxes, words, ["", *words[:-1]], reading.other_words, strict=True
        )
    )


def _choose(word: str, before: str, others: Sequence[str], names: Lexicon) -> tuple[str, ...]:
    parts = [part for each in (word, *others) for part in split_letter_words(each)]
    if not may_be_offered(word, before, others) or any(map(names.p, parts)):
        return ()
    bare = bare_word(word)
    near = extract(
        bare,
        care_words(),
        scorer=Levenshtein.normalized_similarity,
        score_cutoff=MIN_LIKENESS,
        limit=MAX_NEAR + 1,
    )
    vocabulary = [known for known, _, _ in near if known != bare][:MAX_NEAR]
    offered = dict.fromkeys([*others[:MAX_SEARCHED], *vocabulary, *others])
    return tuple(offered)[:MAX_ALTERNATIVES]
