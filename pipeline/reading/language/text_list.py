"""Closed lists of texts that a line may hold: names of staff, titles, clients with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rapidfuzz import fuzz, process

MAX_NEAREST = 6
"""Listed texts that are compared with the image of a line."""
MIN_SIMILARITY = 55.0
"""Least similarity (0–100) of a listed text to the one read.

Among names of real writers the right one is below it only where nothing is legible.
"""


def _spell_once(text: str) -> tuple[str, ...]:
    return (text,)


class TextList:
    """Texts, of which a line may hold one."""

    def __init__(
        self,
        texts: Iterable[str] = (),
        spellings: Callable[[str], tuple[str, ...]] = _spell_once,
    ) -> None:
        """Take texts, and the ways in which people write a text."""
        self.texts = tuple(dict.fromkeys(texts))
        self._spellings = spellings
        self._lower = [text.lower() for text in self.texts]

    def find_nearest(self, read: str) -> list[tuple[str, str]]:
        """Return the texts most similar to what was read, each with all of its spellings."""
        found = process.extract(
            read.lower(),
            self._lower,
            scorer=fuzz.ratio,
            limit=MAX_NEAREST,
            score_cutoff=MIN_SIMILARITY,
        )
        return [
            (self.texts[i], spelling)
            for _, _, i in found
            for spelling in self._spellings(self.texts[i])
        ]


NO_TEXTS = TextList()
"""An empty list."""
