"""The damage series run: printed forms, filled in by several hands, spoilt in every way at rising strength, and read.

What was written, and where each field truly lies, is known; so every page is either refused, right, in doubt, or silently wrong.
"""

from __future__ import annotations

import multiprocessing
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial

import cv2
import numpy as np

from pipeline.digitize import DEFAULT_GATE_MM, Reader
from pipeline.model import Value
from pipeline.one_thread import one_thread_each
from pipeline.printing import Sheet
from pipeline.quality.damage_kinds import BY_NAME, SCAN_DPI, Series
from pipeline.quality.damage_outcome import KINDS, PageOutcome, page_outcome
from pipeline.quality.damage_paper import Damaged
from pipeline.quality.damage_place import change_dpi
from pipeline.quality.filled_values import values_for
from pipeline.quality.filling import fill, printed_page
from pipeline.quality.hands import hands
from pipeline.resolve import Context
from pipeline.settings import ROOT
from pipeline.template import Form, Forms

SERIAL = "0DAMAGEB"
WRITERS = 4
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Trial:
    """One page to be read: sheet number `sheet` of a form, with a kind of damage (its name) at a strength."""

    form: str
    sheet: int
    kind: str
    strength: float


@dataclass(frozen=True, slots=True)
class Written:
    """A filled page as printed (300 dpi) and as scanned, and what is written on it."""

    printed: Damaged
    scanned: Damaged
    values: dict[str, Value]


def trials(forms: Sequence[str], series: Sequence[Series], sheets: int) -> list[Trial]:
    """Every strength of every kind of damage, on so many filled sheets of each form; those of one sheet together."""
    return [Trial(form, sheet, one.name, strength) for form in forms for sheet in range(sheets) for one in series for strength in one.strengths]


def run(plan: Sequence[Trial], processes: int) -> Iterator[tuple[Trial, PageOutcome]]:
    """Each trial and what became of it, in order, as they end."""
    one_thread_each()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_single_thread) as pool:
        yield from zip(plan, pool.map(outcome, plan, chunksize=_AT_ONCE), strict=True)


def _single_thread() -> None:
    cv2.setNumThreads(1)


def outcome(trial: Trial) -> PageOutcome:
    """Damage one page and read it."""
    form = _form(trial.form)
    written = written_sheet(trial.form, trial.sheet)
    damaged = damage(trial, written)
    data = cv2.imencode(".png", damaged.image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
    reading = _reader().read(data, "image/png").reading
    return page_outcome(reading, form.pages[0], written.values, damaged.where)


def damage(trial: Trial, written: Written) -> Damaged:
    """The page as it arrives. One sheet suffers the same accident at every strength."""
    series = BY_NAME[trial.kind]
    state = written.scanned if series.scanned else written.printed
    rng = np.random.default_rng([zlib.crc32(trial.kind.encode()), trial.sheet])
    for step in series.steps(trial.strength):
        state = step(state, rng)
    return state


@lru_cache(maxsize=2)
def written_sheet(form_id: str, sheet: int) -> Written:
    """The filled sheet that the trials of this form and number start from."""
    form = _form(form_id)
    rng = np.random.default_rng([zlib.crc32(form_id.encode()), sheet])
    hand = hands(WRITERS, seed=11)[sheet % WRITERS]
    values = values_for(form, rng)
    page = fill(printed_page(form, Sheet(SERIAL, "Hemsjukvården Centrum")), form.pages[0], values, hand, rng)
    printed = Damaged(page, lambda points: points)
    return Written(printed, partial(change_dpi, dpi=SCAN_DPI)(printed, rng), values)


def form_ids() -> list[str]:
    """The forms that there are."""
    return sorted({form.id for form in _forms().values()})


@lru_cache(maxsize=1)
def _forms() -> Forms:
    return Forms.load(ROOT / "forms")


def _form(form_id: str) -> Form:
    return _forms().latest(form_id)


@lru_cache(maxsize=1)
def _reader() -> Reader:
    return Reader(_forms(), Context(None), DEFAULT_GATE_MM, KINDS)
