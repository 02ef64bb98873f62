"""Finds how much the knowledge of Swedish should count beside the picture: the numbers of `recognize/language.py`'s `Shares`.

    pip install -e '.[train]'
    python -m pipeline.training.decoding FOLDER [--network EARLY.onnx] [--lines 300]

`FOLDER` holds `fonts_train/*.ttf`. Lines are written in the fonts that the network was trained on, spoiled twice over so that it errs, with phrases
that the language model does not know; and every tenth word is taken from the lexicon, for people write words that no list has. One number after the
other is set to what gives the lowest character error. Nothing that is measured on elsewhere is looked at.

A network reads fonts that it was trained on better than hands it never saw, and would be trusted too much. So the numbers are chosen with an early
checkpoint of the training (`handwriting export`), which errs on these lines about as often as the final one does on real hands.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from pipeline.recognize.language import Language, Shares, swedish
from pipeline.recognize.lexicon import Lexicon
from pipeline.recognize.network import Steps, read_steps
from pipeline.recognize.transcription import transcripts
from pipeline.settings import ROOT
from pipeline.training.handwriting_data import Line, font_files, rendered
from pipeline.training.handwriting_spoiling import spoiled
from pipeline.training.handwriting_text import drawn_text
from pipeline.training.language import unknown_phrases

SEED = 11
TAKEN_OUT = 10
TRIED = {
    "weight": (0.3, 0.45, 0.6, 0.8, 1.0),
    "letter": (0.6, 1.0, 1.5, 2.0, 2.5),
    "word": (0.0, 1.0, 2.0, 3.0),
    "joined": (0.02, 0.05, 0.1, 0.2),
    "unknown": (0.05, 0.1, 0.15, 0.25, 0.4),
}


def drawn_lines(fonts: Sequence[Path], count: int) -> list[Line]:
    """Hard lines, the fonts in turn."""
    rng = np.random.default_rng(SEED)
    lines = []
    for number in range(count):
        line = rendered(fonts[number % len(fonts)], rng, drawn_text(rng, unknown_phrases()))
        picture = spoiled(spoiled(line.picture, rng, real=False), rng, real=False)
        lines.append(replace(line, picture=picture))
    return lines


def with_words_unlisted(language: Language) -> Language:
    """The language without every tenth word, chosen by the word itself."""
    kept = {word: language.general.p(word) for word in language.general.words if zlib.crc32(word.encode()) % TAKEN_OUT}
    return replace(language, general=Lexicon.of(kept))


def error(lines: Sequence[Line], steps: Sequence[Steps], language: Language) -> float:
    """Character error rate."""
    read = (transcripts(answer, language)[0].text for answer in steps)
    return sum(Levenshtein.distance(text, line.text) for text, line in zip(read, lines, strict=True)) / sum(len(line.text) for line in lines)


def found_shares(lines: Sequence[Line], steps: Sequence[Steps], language: Language) -> Shares:
    """The best numbers, each tried while the others stay, twice over."""
    best = language.shares
    lowest = error(lines, steps, language)
    for name, tried in [*TRIED.items()] * 2:
        for value in tried:
            other = replace(best, **{name: value})
            rate = error(lines, steps, replace(language, shares=other))
            print(f"{name} {value:g}: {rate:.4f}", flush=True)
            if rate < lowest:
                best, lowest = other, rate
    return best


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--network", type=Path, help="instead of the one that the setting chooses")
    parser.add_argument("--lines", type=int, default=300)
    args = parser.parse_args()
    lines = drawn_lines(font_files(args.folder / "fonts_train", held=False), args.lines)
    steps = read_steps([line.picture for line in lines], args.network)
    print(found_shares(lines, steps, with_words_unlisted(swedish(ROOT / "data" / "models"))))


if __name__ == "__main__":
    main()
