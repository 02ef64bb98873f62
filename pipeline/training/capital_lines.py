"""Lines that people wrote in capitals, whatever their labels say.

Whoever types what is written often types small letters where a hand prints in capitals. A network that is trained on such labels learns to read
capitals as small letters: one hand that was set aside went from 0.15 to 0.77 of its characters so. The network as shipped knows the two apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.recognize.language import capitals
from pipeline.recognize.network import ALPHABET, read_steps, shipped_file
from pipeline.training.handwriting_data import Line
from pipeline.training.handwriting_measures import greedy
from pipeline.training.handwriting_text import plain

FEWEST = 6
"""Letters that tell whether a line is in capitals."""
MOSTLY = 0.8
"""So many of its letters are seen as capitals where a line is in capitals, and so few are not where the label says so too."""


def as_written(lines: Sequence[Line]) -> list[Line]:
    """The lines, with labels in capitals where the hand writes them; a line that cannot be labelled so is left out.

    Raises:
        MissingProgramError: the network as shipped is not installed.
    """
    seen = (greedy(steps, ALPHABET) for steps in read_steps([line.picture for line in lines], shipped_file()))
    labelled = (replace(line, text=line.text.upper()) if is_in_capitals(text, line.text) else line for line, text in zip(lines, seen, strict=True))
    return [line for line in labelled if plain(line.text) is not None]


def is_in_capitals(seen: str, label: str) -> bool:
    """Whether a line is seen in capitals, though its label has small letters."""
    return sum(map(str.isalpha, seen)) >= FEWEST and capitals(seen) >= MOSTLY > capitals(label)
