"""The image of one field, as a reader gets it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rapidfuzz import fuzz, process

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.model import Image, Reading
from pipeline.reading.language.language_model import NO_NAMES, Lexicon

# Closed lists of texts that a line may hold: names of staff, titles, clients with their number.

MAX_NEAREST = 6
"""Listed texts that are compared with the image of a line."""
MIN_SIMILARITY = 55.0
"""Least similarity (0–100) of a listed text to the one read.

Among names read by real hands the right one is below it only where nothing is legible.
"""


class TextList:
    """Texts, of which a line may hold one."""

    def __init__(
        self,
        texts: Iterable[str] = (),
        spellings: Callable[[str], tuple[str, ...]] = lambda text: (text,),
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


@dataclass(frozen=True, slots=True)
class FieldImage:
    """A field cut out with `margin_mm` around it.

    `image` is grey (h, w), 0 = black. `template_image` is the same part of the unfilled form, same
    shape, or None for an image from elsewhere; then the field is taken to fill the image.
    `px_per_mm` is the scale (None if unknown). `expected_names` are words of the registers that
    handwriting may well hold, `listed` the whole texts of which its line may be one. Images with
    the same `sheet_number`, if it is not 0, are of one page and one writer: check boxes are
    compared with the others of their page. `one_bit` says that the page was scanned without shades
    of grey.
    """

    image: Image
    spec: FieldSpec
    template_image: Image | None = None
    px_per_mm: float | None = None
    margin_mm: float = 0.0
    expected_names: Lexicon = NO_NAMES
    sheet_number: int = 0
    listed: TextList = NO_TEXTS
    one_bit: bool = False


class FieldReader(Protocol):
    """Reads fields of one kind."""

    def __call__(self, crops: Sequence[FieldImage]) -> list[Reading]:
        """Return one reading per field image, in the same order."""
        ...


MAX_GROUP_PX = 150_000
"""Field images are taken together up to this many pixels, which the processor's cache holds."""


def group_alike(crops: Sequence[FieldImage]) -> list[list[int]]:
    """Return the indices of field images that are cut alike, so that they can be one array.

    They have the same size, scale and margin, and all or none have a template.
    """
    alike: dict[Hashable, list[int]] = defaultdict(list)
    for i, crop in enumerate(crops):
        height = crop.spec.box[3] if crop.px_per_mm is None else 0.0
        cut = crop.image.shape, crop.px_per_mm, crop.margin_mm, height, crop.template_image is None
        alike[cut].append(i)
    # Few enough at once.
    groups = []
    for indices in alike.values():
        count = max(1, MAX_GROUP_PX // max(1, crops[indices[0]].image.size))
        groups += [indices[i : i + count] for i in range(0, len(indices), count)]
    return groups
