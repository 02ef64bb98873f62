"""Which form printed elsewhere, without our codes, a page is of. A page that no form fits well, or that two fit about alike, is of none.

Features propose; print decides: the page is laid on each form that they propose, and the form's print must be found where it should be, within
the gate, at places that were not used for the fit, and so must its words, for forms share lines and boxes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from pipeline import plane
from pipeline.blanks import blank, blank_file
from pipeline.issues import Issue, IssueCode
from pipeline.model import Box, Image
from pipeline.plane import Matrix
from pipeline.print_features import Features, Placement, blank_features, picture_features, placed
from pipeline.printed_words import Words, seen_words, words
from pipeline.register import Registration, lay
from pipeline.template import Form

_SIDES = (1800, 3200)
"""Longer side, px, of the pictures in which features are sought: first the smaller, which is quicker."""
_LAID = 3
"""So many forms, those with most matches, are laid on a page."""
_MARGIN = 1.15
"""A form must explain so much more of a page than the next best."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen on a page without codes.

    `form` is None when the page is refused; `laid` is then how it lies on the form that came nearest, if any was laid. `problems` may hold
    `residual_over_gate`, `words_differ` (other words stand where the form's should) or `form_uncertain` (two forms fit about alike).
    """

    form: Form | None = None
    laid: Registration | None = None
    rotation_deg: float = 0.0
    problems: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class _Trial:
    form: Form
    laid: Registration
    turn: float
    words: Words

    @property
    def explained(self) -> float:
        """Print seen, times its share of all: print that the form lacks counts against it, and print that the page lacks."""
        return (self.laid.seen + self.words.seen) ** 2 / max(1, self.laid.sought + self.words.sought)

    def problems(self, gate_mm: float) -> tuple[Issue, ...]:
        """Why the page is not of this form; none if it may be."""
        if self.laid.residual_mm > gate_mm:
            return (*self.laid.problems, Issue(IssueCode.RESIDUAL_OVER_GATE))
        return () if self.words.everywhere else (Issue(IssueCode.WORDS_DIFFER),)


def sighted(image: Image, forms: Iterable[Form], gate_mm: float) -> Sighting:
    """The form of a page without our codes, and the page laid on it; forms that we printed ourselves are passed over.

    Raises:
        FormError: the picture of an unfilled form cannot be read.
    """
    candidates = _newest(form for form in forms if form.printed_elsewhere)
    best = Sighting()
    for side in _SIDES if candidates else ():
        best = _sighted(image, candidates, side, gate_mm)
        if best.form or Issue(IssueCode.FORM_UNCERTAIN) in best.problems or side >= max(image.shape[:2]):
            break
    return best


def _newest(forms: Iterable[Form]) -> list[Form]:
    """Of versions on the same paper only the newest: nothing on the paper tells them apart."""
    found: dict[tuple[str, str], Form] = {}
    for form in sorted(forms, key=lambda form: form.version):
        page = form.pages[0]
        assert page.blank
        found[form.id, _paper(page.blank, page.size)] = form
    return list(found.values())


@lru_cache(maxsize=64)
def _paper(path: Path, size_mm: tuple[float, float]) -> str:
    return hashlib.sha256(blank_file(path, size_mm).tobytes()).hexdigest()


def _sighted(image: Image, forms: list[Form], side: int, gate_mm: float) -> Sighting:
    trials = [_laid(image, form, at) for form, at in _proposed(image, forms, side)[:_LAID]]
    if not trials:
        return Sighting()
    trials.sort(key=lambda trial: trial.explained, reverse=True)
    fitting = [trial for trial in trials if not trial.problems(gate_mm)]
    if not fitting:
        nearest = min(trials, key=lambda trial: trial.laid.residual_mm)
        return Sighting(None, nearest.laid, nearest.turn, nearest.problems(gate_mm))
    if len(fitting) > 1 and fitting[0].explained < _MARGIN * fitting[1].explained:
        return Sighting(None, fitting[0].laid, fitting[0].turn, (Issue(IssueCode.FORM_UNCERTAIN),))
    return Sighting(fitting[0].form, fitting[0].laid, fitting[0].turn, fitting[0].laid.problems)


def _proposed(image: Image, forms: list[Form], side: int) -> list[tuple[Form, Matrix]]:
    """Forms whose features are seen in the picture, most matches first, and how they lie in it (mm → px)."""
    small = plane.shrunk(image, side / max(image.shape[:2]))
    to_image, seen = plane.between(small, image), picture_features(small)
    found: list[tuple[Form, Placement]] = []
    for form in forms:
        page = form.pages[0]
        assert page.blank
        if at := placed(_features(page.blank, page.size), Box(0, 0, *page.size), seen, (small.shape[1], small.shape[0])):
            found.append((form, replace(at, lies=to_image @ at.lies)))
    found.sort(key=lambda item: item[1].matches, reverse=True)
    return [(form, at.lies) for form, at in found]


@lru_cache(maxsize=64)
def _features(path: Path, size_mm: tuple[float, float]) -> Features:
    return blank_features(blank_file(path, size_mm))


def _laid(image: Image, form: Form, lies: Matrix) -> _Trial:
    unfilled = blank(form, 1)
    laid = lay(image, lies, unfilled)
    page = plane.page_of(unfilled)
    seen = seen_words(laid.upright, unfilled, words(unfilled, form.fields))
    return _Trial(form, laid, plane.turn_at_centre(np.linalg.inv(laid.to_mm), page), seen)
