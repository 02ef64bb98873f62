"""Shows how much the knowledge of Swedish should count beside the picture: the numbers of `recognize/language.py`'s `Shares`.

    pip install -e '.[train]'
    python -m pipeline.training.decoding FOLDER [--lines 360]

`FOLDER` holds `dhsd_words.npz` and `copiste_lines48.zip`. Hands that no network was taught write (1) Swedish, put together from pieces of their
lines, with phrases that the language model does not know and without every tenth word of its list, for people write words that no list has; and (2)
what they wrote themselves: German names and French, which Swedish misleads. Every number is tried by itself while the others stay. Of the values
with which foreign names are read about as well that is taken which reads most Swedish. Fonts are read too well to choose by. The words of Swedish
people that quality is measured on are not looked at.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from pipeline.quality.handwritten import plain
from pipeline.recognize.language import Language, swedish
from pipeline.recognize.lexicon import Lexicon
from pipeline.recognize.narrow_writing import read_spread
from pipeline.recognize.network import Steps
from pipeline.recognize.second_look import LookAgain, Looks, looking_again
from pipeline.recognize.transcription import transcripts
from pipeline.settings import ROOT
from pipeline.training.handwriting_composed import Hands, hands
from pipeline.training.handwriting_data import Line, dhsd, folder
from pipeline.training.handwriting_text import drawn_text
from pipeline.training.language import unknown_phrases

SEED = 11
TAKEN_OUT = 10
FRENCH_EVERY = 4
TRIED = {
    "weight": (0.4, 0.5, 0.6, 0.7, 0.9),
    "unknown": (0.02, 0.05, 0.1, 0.25),
    "joined": (0.02, 0.05, 0.1, 0.2),
    "letter": (1.5, 2.0, 2.5),
    "word": (0.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class Kept:
    """More looks at one line, each taken once whatever the language counts."""

    again: LookAgain
    words: dict[tuple[int, int], Looks] = field(default_factory=dict)
    numbers: dict[tuple[int, int], Steps] = field(default_factory=dict)

    def at_word(self, start: int, end: int) -> Looks:
        """As `LookAgain`."""
        if (start, end) not in self.words:
            self.words[start, end] = self.again.at_word(start, end)
        return self.words[start, end]

    def at_number(self, start: int, end: int) -> Steps:
        """As `LookAgain`."""
        if (start, end) not in self.numbers:
            self.numbers[start, end] = self.again.at_number(start, end)
        return self.numbers[start, end]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a line says, and what the networks see of it."""

    text: str
    steps: Steps
    again: Kept | None


def composed_lines(people: Hands, count: int) -> list[Line]:
    """Swedish in people's letters."""
    rng = np.random.default_rng(SEED)
    lines: list[Line] = []
    while len(lines) < count:
        if (line := people.composed(drawn_text(rng, unknown_phrases()), rng)) is not None:
            lines.append(line)
    return lines


def with_words_unlisted(language: Language) -> Language:
    """The language without every tenth word, chosen by the word itself."""
    kept = {word: language.general.p(word) for word in language.general.words if zlib.crc32(word.encode()) % TAKEN_OUT}
    return replace(language, general=Lexicon.of(kept))


def seen(lines: Sequence[Line]) -> list[Seen]:
    """The lines as they are read before the language counts."""
    looks = looking_again()
    read = ((line, steps, looks(picture)) for line, (picture, steps) in zip(lines, read_spread([line.picture for line in lines]), strict=True))
    return [Seen(line.text, steps, Kept(again) if again else None) for line, steps, again in read]


def error(lines: Sequence[Seen], language: Language) -> float:
    """Character error rate."""
    read = (transcripts(line.steps, language, line.again)[0].text for line in lines)
    return sum(Levenshtein.distance(text, line.text) for text, line in zip(read, lines, strict=True)) / sum(len(line.text) for line in lines)


def errors(sets: Mapping[str, Sequence[Seen]], language: Language) -> str:
    """Of each set, to be read."""
    return ", ".join(f"{name} {error(lines, language):.4f}" for name, lines in sets.items())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lines", type=int, default=360)
    args = parser.parse_args()
    german, french = (
        [replace(line, text=plain(line.text)) for line in lines if "ß" not in line.text]
        for lines in (dhsd(args.folder / "dhsd_words.npz", held=True), folder(args.folder / "copiste_lines48.zip", held=True))
    )
    swedish_lines = composed_lines(hands([*german, *french]), args.lines)
    sets = {"Swedish": seen(swedish_lines), "German names": seen(german), "French": seen(french[::FRENCH_EVERY])}
    language = with_words_unlisted(swedish(ROOT / "data" / "models"))
    print(f"{language.shares}: {errors(sets, language)}")
    for name, tried in TRIED.items():
        for value in tried:
            print(f"{name} {value:g}: {errors(sets, replace(language, shares=replace(language.shares, **{name: value})))}", flush=True)


if __name__ == "__main__":
    main()
