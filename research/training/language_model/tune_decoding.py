"""Show how much the language model should count next to the image evidence.

    pip install -e '.[train]'
    python -m research.training.language_model.tune_decoding FOLDER [--lines 360]

The numbers are those of `MixtureWeights` in the language model. `FOLDER` has `dhsd_words.npz` and
`copiste_lines48.zip`. Writers that no network was trained on write (1) Swedish, composed from
pieces of their lines, with phrases that the language model does not know and without every tenth
word of its list, for people write words that no list has; and (2) what they wrote themselves:
German names and French, which Swedish misleads. Every number is tried by itself while the others
stay. Of the values with which foreign names are read about as well the one that reads most Swedish
is taken. Fonts are read too well to choose by. The words of Swedish people that quality is measured
on are not looked at.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from pipeline.domain.settings import ROOT
from pipeline.reading.fields.handwriting.network import Steps
from pipeline.reading.fields.handwriting.reader import read_condensed
from pipeline.reading.fields.handwriting.second_pass import PassSteps, SecondPass, make_second_pass
from pipeline.reading.fields.handwriting.transcription import find_transcripts
from pipeline.reading.language.language_model import LanguageModel, Lexicon, load_swedish
from research.evaluation.fields.handwriting import strip_accents
from research.training.handwriting.compose_lines import LetterWriters, make_letter_writers
from research.training.handwriting.lines import TrainingLine, load_archive, load_dhsd
from research.training.handwriting.texts import draw_text
from research.training.language_model.build import unknown_phrases

SEED = 11
HELD_OUT_WORD_EVERY = 10
FRENCH_EVERY = 4
TRIED_VALUES = {
    "weight": (0.4, 0.5, 0.6, 0.7, 0.9),
    "unknown": (0.02, 0.05, 0.1, 0.25),
    "joined": (0.02, 0.05, 0.1, 0.2),
    "letter": (1.5, 2.0, 2.5),
    "word": (0.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class CachedSecondPass:
    """Second passes over one line, each made once whatever the language model's weight."""

    again: SecondPass
    words: dict[tuple[int, int], PassSteps] = field(default_factory=dict)
    numbers: dict[tuple[int, int], Steps] = field(default_factory=dict)

    def at_word(self, start: int, end: int) -> PassSteps:
        """Return the second pass at a word."""
        # The network is asked once per place.
        if (start, end) not in self.words:
            self.words[start, end] = self.again.at_word(start, end)
        return self.words[start, end]

    def at_number(self, start: int, end: int) -> Steps:
        """Return the second pass at a number."""
        if (start, end) not in self.numbers:
            self.numbers[start, end] = self.again.at_number(start, end)
        return self.numbers[start, end]


@dataclass(frozen=True, slots=True)
class ObservedLine:
    """What a line says, and what the networks see of it."""

    text: str
    steps: Steps
    again: CachedSecondPass | None


def compose_lines(people: LetterWriters, count: int) -> list[TrainingLine]:
    """Return Swedish in people's letters."""
    rng = np.random.default_rng(SEED)
    lines: list[TrainingLine] = []
    while len(lines) < count:
        # Draw texts until enough can be composed.
        if (line := people.composed(draw_text(rng, unknown_phrases()), rng)) is not None:
            lines.append(line)
    return lines


def remove_words(language: LanguageModel) -> LanguageModel:
    """Return the language without every tenth word, chosen by the word itself."""
    # Hold words out by a hash, so that the choice depends on nothing else.
    kept = {
        word: language.general.p(word)
        for word in language.general.words
        if zlib.crc32(word.encode()) % HELD_OUT_WORD_EVERY
    }
    return replace(language, general=Lexicon.of(kept))


def observe_lines(lines: Sequence[TrainingLine]) -> list[ObservedLine]:
    """Return the lines as they are read before the language model counts."""
    looks = make_second_pass()
    # The networks' answers are computed once for all weights.
    read = (
        (line, steps, looks(picture))
        for line, (picture, steps) in zip(
            lines, read_condensed([line.picture for line in lines]), strict=True
        )
    )
    return [
        ObservedLine(line.text, steps, CachedSecondPass(again) if again else None)
        for line, steps, again in read
    ]


def character_error_rate(lines: Sequence[ObservedLine], language: LanguageModel) -> float:
    """Return the character error rate."""
    read = (find_transcripts(line.steps, language, line.again)[0].text for line in lines)
    # Edits divided by the characters written.
    return sum(
        Levenshtein.distance(text, line.text) for text, line in zip(read, lines, strict=True)
    ) / sum(len(line.text) for line in lines)


def format_errors(sets: Mapping[str, Sequence[ObservedLine]], language: LanguageModel) -> str:
    """Return the errors of each set, to be read."""
    return ", ".join(
        f"{name} {character_error_rate(lines, language):.4f}" for name, lines in sets.items()
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lines", type=int, default=360)
    args = parser.parse_args()
    # The held-out writers; ß is no Swedish letter.
    german, french = (
        [replace(line, text=strip_accents(line.text)) for line in lines if "ß" not in line.text]
        for lines in (
            load_dhsd(args.folder / "dhsd_words.npz", held=True),
            load_archive(args.folder / "copiste_lines48.zip", held=True),
        )
    )
    swedish_lines = compose_lines(make_letter_writers([*german, *french]), args.lines)
    sets = {
        "Swedish": observe_lines(swedish_lines),
        "German names": observe_lines(german),
        "French": observe_lines(french[::FRENCH_EVERY]),
    }
    language = remove_words(load_swedish(ROOT / "data" / "models"))
    print(f"{language.shares}: {format_errors(sets, language)}")
    # Change one parameter at a time.
    for name, tried in TRIED_VALUES.items():
        for value in tried:
            changed = replace(language, shares=replace(language.shares, **{name: value}))
            print(f"{name} {value:g}: {format_errors(sets, changed)}", flush=True)


if __name__ == "__main__":
    main()
