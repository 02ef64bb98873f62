"""Confirmed fields read once more: the readers' own scores beside what people say, and the pictures to train on.

The fields are read again instead of taking the probabilities of then: these came from other curves, and were already weighed with the register.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from pipeline import review
from pipeline.calibration_fit import Evidence
from pipeline.field_crops import field_crops
from pipeline.field_spec import FieldSpec, Kind, Meaning
from pipeline.model import Image, IssuedSheet, Outcome, Reading
from pipeline.recognize.crop import Crop
from pipeline.recognize.curves import features_of, hands_of, key_of
from pipeline.recognize.lexicon import NO_NAMES, Lexicon
from pipeline.recognize.registry import NETWORKS, READERS
from pipeline.store.answers import Decided, How
from pipeline.store.database import Store
from pipeline.store.reviewed import ReviewedSheet
from pipeline.template import Form

NOTICED = 0.6
"""Share of a machine's errors that people are taken to notice in fields shown to them filled in: there each noticed one stands for 1 / 0.6 errors."""


@dataclass(frozen=True, slots=True)
class Reread:
    """A confirmed field: its crop, what its reader says of it now, and what people said.

    `writer` is whose hand it is as far as that is known: the confirmed author's name, else the sheet. `hand` as in `curves.hands_of`.
    """

    crop: Crop
    reading: Reading
    said: Decided
    sheet: str
    writer: str
    hand: float = 0.0

    @property
    def right(self) -> bool:
        """Whether the reader says what people say."""
        return review.agree(self.crop.spec, self.said.answer, self.reading)

    @property
    def network(self) -> str:
        """The fingerprint of the network that read it."""
        return NETWORKS[self.crop.spec.kind]()

    def evidence(self) -> Evidence:
        """For fitting. In a field that was shown filled in, an error that was noticed counts for those that were not."""
        shown = self.said.how in (How.KEPT, How.CHANGED, How.GROUP)
        weight = 1 / NOTICED if shown and not self.right else 1.0
        spec, source = self.crop.spec, "shown" if shown else "blind"
        return Evidence(key_of(spec, self.reading), features_of(spec, self.reading, self.hand), self.right, self.sheet, source, weight)


def reread(store: Store, form: Form, sheet: ReviewedSheet, names: Lexicon = NO_NAMES) -> list[Reread]:
    """The confirmed fields of a sheet. A page that was never laid on its form, or lies badly on it, gives none. `names` as in `Crop`.

    Raises:
        StoreError: a picture is missing or has been changed.
    """
    writer = author(form, sheet) or sheet.sheet
    crops = [crop for page_no, upright in _pages(store, form, sheet) for crop in _answered(upright, form, page_no, sheet, names)]
    by_kind: dict[Kind, list[Crop]] = defaultdict(list)
    for crop in crops:
        by_kind[crop.spec.kind].append(crop)
    pairs = [pair for kind, some in by_kind.items() for pair in zip(some, READERS[kind](some), strict=True)]
    hands = hands_of([reading for _, reading in pairs])
    return [
        Reread(crop, reading, sheet.answers[crop.spec.name], sheet.sheet, writer, hand) for (crop, reading), hand in zip(pairs, hands, strict=True)
    ]


def author(form: Form, sheet: ReviewedSheet) -> str:
    """Who wrote a sheet, as confirmed and in small letters; empty if nobody said."""
    spec = form.meaning(Meaning.AUTHOR_NAME)
    value = sheet.answers[spec.name].answer.value if spec and spec.name in sheet.answers else None
    return " ".join(value.split()).casefold() if isinstance(value, str) else ""


def _pages(store: Store, form: Form, sheet: ReviewedSheet) -> Iterator[tuple[int, Image]]:
    """Each page once, the one scanned last."""
    laid = (page for page in sheet.pages if page.outcome is Outcome.READ and page.form == form.id)
    found = {page.page_no or 1: page.upright_sha256 for page in laid if page.upright_sha256}
    for page_no, sha256 in found.items():
        if page_no <= len(form.pages):
            picture = cv2.imdecode(np.frombuffer(store.images.get(sha256), np.uint8), cv2.IMREAD_GRAYSCALE)
            yield page_no, np.asarray(picture, np.uint8)


def _answered(upright: Image, form: Form, page_no: int, sheet: ReviewedSheet, names: Lexicon) -> list[Crop]:
    wanted = [spec for spec in form.pages[page_no - 1].all_fields if spec.name in sheet.answers and not _is_printed(spec, sheet.issued)]
    return [replace(crop, names=names, sheet=page_no) for crop in field_crops(upright, form, page_no, wanted)]


def _is_printed(spec: FieldSpec, issued: IssuedSheet | None) -> bool:
    """Whether the program has printed what stands in a field (see `printing`): no hand wrote it."""
    if issued is None:
        return False
    if issued.rows and spec.row is None and spec.means is Meaning.EVENT_DATE:
        return True
    if any(one.row == spec.row and spec.column in dict(one.printed) for one in issued.rows):
        return True
    return issued.client_pid is not None and spec.row in (None, 1) and spec.means in (Meaning.CLIENT_PID, Meaning.CLIENT_NAME)
