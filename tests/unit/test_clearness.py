"""A page through which its back shines, that lies in shadow, or whose picture is blurred is said to be so, and no other; nothing on it is sure."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

import cv2
import numpy as np
import pytest

from pipeline import plane
from pipeline.blanks import blank
from pipeline.clearness import no_surer, unclear
from pipeline.confidence import POOR_IMAGE_MAX_P
from pipeline.issues import IssueCode
from pipeline.model import Image, Reading, State
from pipeline.print_contrast import seen_on
from pipeline.printing import issue
from pipeline.quality.damage_light import blur, jpeg, motion_blur, noise, one_bit, uneven_light
from pipeline.quality.damage_paper import Damage, Damaged, bleed_through, dust
from pipeline.quality.damage_place import change_dpi
from pipeline.quality.filled_values import values_for
from pipeline.quality.filling import fill, printed_page
from pipeline.quality.hands import hands
from pipeline.settings import ROOT
from pipeline.template import Forms

pytestmark = pytest.mark.slow

FORMS = {form.id: form for form in Forms.load(ROOT / "forms").values()}
SOME = ("besokslista", "hsl-anteckning", "signeringslista")


@cache
def _page(form_id: str) -> Image:
    """A filled page as it is printed, 300 dpi."""
    form, rng = FORMS[form_id], np.random.default_rng(5)
    (hand,), (sheet,) = hands(1, seed=11), issue(1)
    return plane.grey(fill(printed_page(form, sheet), form.pages[0], values_for(form, rng), hand, rng))


def _found(form_id: str, *damage: Damage) -> tuple[IssueCode, ...]:
    state, rng = Damaged(_page(form_id), lambda points: points), np.random.default_rng(7)
    for step in damage:
        state = step(state, rng)
    upright = np.asarray(cv2.resize(state.image, (1680, 2376), interpolation=cv2.INTER_AREA), np.uint8)
    unfilled = blank(FORMS[form_id], 1)
    return unclear(FORMS[form_id].pages[0].all_fields, upright, unfilled, seen_on(upright, unfilled))


@pytest.mark.parametrize("form_id", SOME)
def test_a_filled_page_that_was_scanned_is_clear(form_id: str) -> None:
    assert _found(form_id, partial(noise, sigma=3)) == ()


BORNE: dict[str, Damage] = {
    "a little shines through": partial(bleed_through, strength=0.1),
    "uneven light": partial(uneven_light, darkest=0.35),
    "1 bit": partial(one_bit, threshold=190),
    "compressed": partial(jpeg, quality=15),
    "75 dpi": partial(change_dpi, dpi=75),
    "dust": partial(dust, specks=300),
    "a little out of focus": partial(blur, millimetres=0.1),
}


@pytest.mark.parametrize("form_id", SOME)
@pytest.mark.parametrize("damage", BORNE.values(), ids=BORNE)
def test_what_is_borne_leaves_a_page_clear(form_id: str, damage: Damage) -> None:
    assert _found(form_id, damage) == ()


UNCLEAR: dict[str, tuple[Damage, IssueCode]] = {
    "writing on the back": (partial(bleed_through, strength=0.35), IssueCode.SHADED),
    "strong writing on the back": (partial(bleed_through, strength=0.9), IssueCode.SHADED),
    "a hand that moved": (partial(motion_blur, millimetres=0.9), IssueCode.BLURRED),
    "out of focus": (partial(blur, millimetres=0.33), IssueCode.BLURRED),
}


@pytest.mark.parametrize("form_id", SOME)
@pytest.mark.parametrize(("damage", "what"), UNCLEAR.values(), ids=UNCLEAR)
def test_what_is_not_clear_is_said_to_be_so(form_id: str, damage: Damage, what: IssueCode) -> None:
    assert _found(form_id, damage, partial(noise, sigma=3)) == (what,)


@pytest.mark.parametrize(("p", "why", "after"), [(0.999, [IssueCode.BLURRED], POOR_IMAGE_MAX_P), (0.4, [IssueCode.BLURRED], 0.4), (0.999, [], 0.999)])
def test_nothing_is_sure_on_a_page_that_is_not_clear(p: float, why: list[IssueCode], after: float) -> None:
    reading = Reading("12:30", p, State.READ)
    assert no_surer({"a": reading}, why) == {"a": replace(reading, p=after)}
