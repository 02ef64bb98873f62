"""The training data of the handwriting network.

People's words and lines, text composed from their letters, and text rendered in fonts.

Lines in capitals are found whatever their labels say: a person who types labels often types small
letters where a writer prints in capitals. A network that is trained on such labels learns to read
capitals as small letters: one held-out writer went from 0.15 to 0.77 of its characters so. The
network as shipped distinguishes the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from numpy.random import Generator

from pipeline.reading.fields.handwriting.network import ALPHABET, find_shipped_file, read_steps
from pipeline.reading.language.language_model import capital_share
from research.training.handwriting.augment import spoil
from research.training.handwriting.compose_lines import LetterWriters, make_letter_writers
from research.training.handwriting.evaluate import greedy_text
from research.training.handwriting.lines import (
    TrainingLine,
    can_draw,
    find_fonts,
    join_words,
    load_archive,
    load_dhsd,
    render_line,
)
from research.training.handwriting.texts import draw_half_dose, draw_text, normalize_label
from research.training.strokes.sources import StrokeSource

MIN_LETTERS = 6
"""Letters that are needed to tell whether a line is in capitals."""
MIN_CAPITAL_SHARE = 0.8
"""Share of letters that are read as capitals where a line is in capitals.

And share that are not where the label says so too.
"""
COMPOSED_SHARE = 0.25
"""Share of lines composed from pieces.

It would be reached if no text had numbers or letters that a writer lacks.
"""
CAPITALS_SHARE = 0.12
"""Share of lines that are in capitals throughout, as many people write on forms."""
STROKES_SHARE, STROKES_SHARE_BESIDE_LINES = 0.5, 0.4
"""Share of UNIPEN's writers without and with lines of other people."""
HALVES_SHARE = 0.03
"""Share of doses with a half.

People write them in many ways, and other text hardly has any.
"""
CAPITALS_FROM_LETTERS_SHARE = 0.5
"""Share of lines in capitals that are composed from people's letters, of any writer.

Most writers have few capitals.
"""
MAX_FONT_TRIES = 20
"""How many fonts are tried for one that has all characters of a text.

One in seven has no ½.
"""


def label_capitals(lines: Sequence[TrainingLine]) -> list[TrainingLine]:
    """Return the lines, with labels in capitals where the writer uses them.

    A line that cannot be labelled so is left out.

    Raises:
        MissingProgramError: the network as shipped is not installed.
    """
    # Read with the shipped network, which tells capitals from small letters.
    read_texts = (
        greedy_text(steps, ALPHABET)
        for steps in read_steps([line.picture for line in lines], find_shipped_file())
    )
    labelled = (
        replace(line, text=line.text.upper()) if is_in_capitals(text, line.text) else line
        for line, text in zip(lines, read_texts, strict=True)
    )
    return [line for line in labelled if normalize_label(line.text) is not None]


def is_in_capitals(read_text: str, label: str) -> bool:
    """Return whether a line is read in capitals, though its label has small letters."""
    # Enough letters, mostly capitals as read, and not so in the label.
    return sum(map(str.isalpha, read_text)) >= MIN_LETTERS and capital_share(
        read_text
    ) >= MIN_CAPITAL_SHARE > capital_share(label)


@dataclass(frozen=True, slots=True)
class TrainingSources:
    """What is trained on.

    `lines` are whole lines of people's, `words` single words, `fonts` faces to render text in,
    `hands` letters of people's, `strokes` movements of people's pens.
    """

    words: list[TrainingLine]
    lines: list[list[TrainingLine]]
    fonts: list[Path]
    hands: LetterWriters | None = None
    strokes: StrokeSource | None = None

    def drawn(self, rng: Generator) -> TrainingLine:
        """Draw one line.

        If there are strokes, half or two fifths of them. Of other sources some in capitals; of the
        rest up to a quarter Swedish text in people's letters; of what then
        is left 40 % whole lines of people's, else words, words put together, and rendered text.

        Without people's lines more words are put together: trained on single words and fonts
        alone, the network forgets what a line looks like.
        """
        # Other people's strokes, by a share of their own.
        share = STROKES_SHARE_BESIDE_LINES if self.lines else STROKES_SHARE
        if self.strokes and rng.random() < share:
            return self.strokes.drawn(rng)
        # Capitals first, then half doses.
        kind = rng.random()
        if kind < CAPITALS_SHARE:
            return self._in_capitals(rng)
        if kind < CAPITALS_SHARE + HALVES_SHARE:
            return self._rendered(rng, draw_half_dose(rng))
        # Swedish text in people's letters, if a writer has the letters for it.
        kind = rng.random()
        if (
            self.hands
            and self.hands.single
            and kind < COMPOSED_SHARE
            and (line := self.hands.composed(draw_text(rng), rng))
        ):
            return _spoil_line(line, rng, real=True)
        # Whole lines of people.
        kind = rng.random()
        if self.lines and kind < 0.4:
            lines = self.lines[int(rng.integers(len(self.lines)))]
            return _spoil_line(lines[int(rng.integers(len(lines)))], rng, real=True)
        # Single words, words put together, and rendered text for the rest.
        kind = rng.random()
        if kind < (0.35 if self.lines else 0.15):
            return _spoil_line(self.words[int(rng.integers(len(self.words)))], rng, real=True)
        if kind < 0.5:
            return _spoil_line(self._joined(rng), rng, real=True)
        return self._rendered(rng)

    def _in_capitals(self, rng: Generator) -> TrainingLine:
        text = draw_text(rng).upper()
        # Few writers have all capitals, so the letters may come from any.
        if (
            self.hands
            and rng.random() < CAPITALS_FROM_LETTERS_SHARE
            and (line := self.hands.composed(text, rng, borrowed=1.0))
        ):
            return _spoil_line(line, rng, real=True)
        return self._rendered(rng, text)

    def _rendered(self, rng: Generator, text: str | None = None) -> TrainingLine:
        # Try fonts until one has all characters of the text.
        text = text or draw_text(rng)
        faces = (self.fonts[int(rng.integers(len(self.fonts)))] for _ in range(MAX_FONT_TRIES))
        face = next((face for face in faces if can_draw(face, text)), self.fonts[0])
        return _spoil_line(render_line(face, rng, text), rng, real=False)

    def with_hands(self) -> TrainingSources:
        """Return these sources, with text composed from pieces of all lines."""
        return replace(
            self,
            hands=make_letter_writers(
                [*self.words, *(line for archive in self.lines for line in archive)]
            ),
        )

    def _joined(self, rng: Generator) -> TrainingLine:
        # Two to four words of the same writer.
        first = self.words[int(rng.integers(len(self.words)))]
        same = [w for w in self.words if w.writer == first.writer]
        return join_words(
            [first, *(same[int(rng.integers(len(same)))] for _ in range(int(rng.integers(1, 4))))],
            rng,
        )


def _spoil_line(line: TrainingLine, rng: Generator, *, real: bool) -> TrainingLine:
    return TrainingLine(spoil(line.picture, rng, real=real), line.text, line.writer)


def load_sources(
    data: Path, archives: Sequence[Path], fonts: Sequence[Path] = ()
) -> TrainingSources:
    """Load everything into memory, cut as the product cuts.

    `fonts` are folders with more faces, all of which are trained on.
    """
    # Only writers, fonts and lines that are not held out.
    words = load_dhsd(data / "dhsd_words.npz", held=False)
    lines = [label_capitals(load_archive(a, held=False)) for a in archives]
    faces = [
        *find_fonts(data / "fonts_train", held=False),
        *(file for more in fonts for file in sorted(more.glob("*.ttf"))),
    ]
    return TrainingSources(words, lines, faces)
