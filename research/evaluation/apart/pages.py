"""Pages filled in apart from all code that drew what the readers were trained or fitted on.

Nothing of the training, of the demo stack or of the drawn evidence is used: the unfilled page is
the printer's, strokes are those of people held out, contents and scanner are written here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from itertools import count
from pathlib import Path

import numpy as np
from numpy.random import Generator

from pipeline.domain.form.form import Form
from pipeline.domain.model import Image
from pipeline.files.pdf_render import render_own_pdf
from pipeline.forms.fiducials import serial_of
from pipeline.forms.printing import Sheet, print_sheets
from research.evaluation.apart.hands import Hand, load_hands
from research.evaluation.apart.paper import DPI, Paper
from research.evaluation.apart.people import UNITS, Municipality, make_municipality
from research.evaluation.apart.scanner import Scan, scan
from research.evaluation.apart.values import FilledPage, fill_in


class PageSet(Enum):
    """Which pages: those that the readers were improved with, or those that only judge them.

    The value seeds the pages. Nobody who wrote the one set wrote anything of the other.
    """

    DEVELOPMENT = 20261201
    JUDGING = 20261130


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """A filled page as it reaches the program, with what is true of it and who wrote it."""

    filled: FilledPage
    scan: Scan
    writer: str


def make_town(numbers_file: Path, pages: PageSet) -> Municipality:
    """Make the clients and the staff that all pages are about."""
    return make_municipality(numbers_file, np.random.default_rng([pages.value, 0]))


def draw_pages(
    forms: Sequence[Form], pages: PageSet, town: Municipality, strokes_file: Path
) -> Iterator[ScannedPage]:
    """Yield pages without end: all of all forms in turn, each by one held-out writer."""
    rich, others = load_hands(strokes_file)
    hands = others if pages is PageSet.JUDGING else rich
    sides = [(form, number + 1) for form in forms for number in range(len(form.pages))]
    order = np.random.default_rng([pages.value, 1]).permutation(len(sides))
    for place in count():
        form, page_no = sides[order[place % len(sides)]]
        rng = np.random.default_rng([pages.value, 2, place])
        yield draw_page(form, page_no, town, hands[place % len(hands)], rng)


def draw_page(
    form: Form, page_no: int, town: Municipality, hand: Hand, rng: Generator
) -> ScannedPage:
    """Fill in a page, write it by a writer, and scan it."""
    return write_page(fill_in(form, page_no, town, rng), hand, rng)


def write_page(filled: FilledPage, hand: Hand, rng: Generator) -> ScannedPage:
    """Write values on their page by a writer, and scan it; what has no room is left out."""
    paper = Paper(print_page(filled.form, filled.page_no), hand, rng)
    too_long = paper.write(filled)
    filled = replace(
        filled, values={name: v for name, v in filled.values.items() if name not in too_long}
    )
    return ScannedPage(filled, scan(paper.finish(), DPI, rng), hand.name)


def print_page(form: Form, page_no: int) -> Image:
    """Return an unfilled page of a form, grey, at `DPI`."""
    return _print_definition(form.model_dump_json(), page_no)


@lru_cache(maxsize=4)
def _print_definition(definition: str, page_no: int) -> Image:
    form = Form.model_validate_json(definition)
    sheet = Sheet(serial_of(f"{form.id} {page_no}".encode()), UNITS[form.area])
    return render_own_pdf(print_sheets(form, [sheet]), page_no, dpi=DPI)
