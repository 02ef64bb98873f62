"""What the handwriting network is trained on: people's words and lines, text put together from their letters, and text rendered in fonts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from numpy.random import Generator

from pipeline.training.capital_lines import as_written
from pipeline.training.handwriting_composed import Hands, hands
from pipeline.training.handwriting_data import Line, dhsd, draws, folder, font_files, joined, rendered
from pipeline.training.handwriting_spoiling import spoiled
from pipeline.training.handwriting_text import drawn_half, drawn_text

OF_COMPOSED = 0.25
"""So many lines would be text put together from pieces, if no text had numbers or letters that a hand lacks."""
OF_CAPITALS = 0.12
"""So many lines are in capitals throughout, as many people write on forms."""
OF_HALVES = 0.03
"""So many are doses with a half, which people write in many ways and which other text hardly has."""
IN_LETTERS = 0.5
"""So many lines in capitals are put together from people's letters, of any hand, as most hands have few capitals."""
FACES = 20
"""So many are tried for one that has all signs of a text: one in seven has no ½."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What is trained on. `lines` are whole lines of people's, `words` single words, `fonts` faces to render text in, `hands` letters of people's."""

    words: list[Line]
    lines: list[list[Line]]
    fonts: list[Path]
    hands: Hands | None = None

    def drawn(self, rng: Generator) -> Line:
        """One line: some in capitals; of the rest up to a quarter Swedish text in people's letters; of what then is left 40 % whole lines of
        people's, else words, words put together, and rendered text.

        Without people's lines more words are put together: trained on single words and fonts alone, the network forgets what a line looks like.
        """
        kind = rng.random()
        if kind < OF_CAPITALS:
            return self._in_capitals(rng)
        if kind < OF_CAPITALS + OF_HALVES:
            return self._rendered(rng, drawn_half(rng))
        kind = rng.random()
        if self.hands and self.hands.single and kind < OF_COMPOSED and (line := self.hands.composed(drawn_text(rng), rng)):
            return _spoiled(line, rng, real=True)
        kind = rng.random()
        if self.lines and kind < 0.4:
            lines = self.lines[int(rng.integers(len(self.lines)))]
            return _spoiled(lines[int(rng.integers(len(lines)))], rng, real=True)
        kind = rng.random()
        if kind < (0.35 if self.lines else 0.15):
            return _spoiled(self.words[int(rng.integers(len(self.words)))], rng, real=True)
        if kind < 0.5:
            return _spoiled(self._joined(rng), rng, real=True)
        return self._rendered(rng)

    def _in_capitals(self, rng: Generator) -> Line:
        text = drawn_text(rng).upper()
        if self.hands and rng.random() < IN_LETTERS and (line := self.hands.composed(text, rng, borrowed=1.0)):
            return _spoiled(line, rng, real=True)
        return self._rendered(rng, text)

    def _rendered(self, rng: Generator, text: str | None = None) -> Line:
        text = text or drawn_text(rng)
        faces = (self.fonts[int(rng.integers(len(self.fonts)))] for _ in range(FACES))
        face = next((face for face in faces if draws(face, text)), self.fonts[0])
        return _spoiled(rendered(face, rng, text), rng, real=False)

    def with_hands(self) -> Sources:
        """These, and text put together from pieces of all lines."""
        return replace(self, hands=hands([*self.words, *(line for archive in self.lines for line in archive)]))

    def _joined(self, rng: Generator) -> Line:
        first = self.words[int(rng.integers(len(self.words)))]
        same = [w for w in self.words if w.writer == first.writer]
        return joined([first, *(same[int(rng.integers(len(same)))] for _ in range(int(rng.integers(1, 4))))], rng)


def _spoiled(line: Line, rng: Generator, *, real: bool) -> Line:
    return Line(spoiled(line.picture, rng, real=real), line.text, line.writer)


def sources(data: Path, archives: Sequence[Path], fonts: Sequence[Path] = ()) -> Sources:
    """Everything in memory, cut as the product cuts; `fonts` are folders with more faces, all of which are trained on."""
    words = dhsd(data / "dhsd_words.npz", held=False)
    lines = [as_written(folder(a, held=False)) for a in archives]
    faces = [*font_files(data / "fonts_train", held=False), *(file for more in fonts for file in sorted(more.glob("*.ttf")))]
    return Sources(words, lines, faces)
