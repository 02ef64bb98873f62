"""Confirmed entries that the tests learn from."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import (
    Reading,
    State,
)
from pipeline.operations.learning import curves, words
from pipeline.operations.learning.learn import (
    LearningContext,
    LearningResult,
    TrainingPermit,
    learn_from_entries,
)
from pipeline.reading.fields.field_image import FieldImage
from pipeline.review.decisions import Decision, decide_entry
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import AnswerOrigin, DecidedAnswer
from pipeline.store.entries.sheet_entries import save_page_reading
from tests.support.store.ward import (
    ADMIN,
    EVA,
    FORMS,
    FREE,
    NOW,
    SAID,
    Ward,
    answers,
    page_reading,
)

SERIALS = [f"{i:07d}X" for i in range(70)]


PERMIT = TrainingPermit(
    "Träna nätet på kommunens egen handstil",
    "Samtycke enligt artikel 6.1 a",
    "Alla skribenter har skrivit under",
    True,
    "admin",
    NOW,
)


class Overconfident:
    """Says what the paper says but for a share of the fields, always with the same p."""

    def __init__(self, p: float, wrong: float) -> None:
        self.p, self.wrong, self.random = p, wrong, np.random.default_rng(3)

    def __call__(self, crops: Sequence[FieldImage]) -> list[Reading]:
        return [self._read(crop.spec) for crop in crops]

    def _read(self, spec: FieldSpec) -> Reading:
        said = SAID.get(spec.name)
        if said is None:
            return Reading.empty(self.p)
        return Reading("9" if self.random.random() < self.wrong else said, self.p, State.READ)


def confirmed(store: Store, count: int, author: str = "Disa Penn") -> None:
    """So many sheets of the form without second page, confirmed by a person."""
    ward = Ward(store).begin()
    picture = cv2.imencode(".jpg", np.full((2376, 1680), 255, np.uint8))[1].tobytes()
    upright = store.images.put(picture)
    for i, serial in enumerate(SERIALS[:count]):
        said = {**SAID, "skribent": f"{author} {i % 3}"}
        page = ward.scan()
        with store.begin() as conn:
            save_page_reading(
                conn,
                page,
                page_reading(FREE, serial, said),
                upright_sha256=upright,
                form=FREE,
                reader_version="test 1",
            )
        with store.begin() as conn:
            decide_entry(
                conn,
                FORMS,
                EVA,
                Decision(f"{serial}-00", 0, answers({**said, "enhet": None} | said)),
                NOW,
            )


def with_reader(monkeypatch: pytest.MonkeyPatch, p: float, wrong: float) -> None:
    reader = Overconfident(p, wrong)
    monkeypatch.setattr(curves, "FIELD_READERS", dict.fromkeys(Kind, reader))
    monkeypatch.setattr(words, "FIELD_READERS", dict.fromkeys(Kind, reader))


def taught(school: LearningContext) -> LearningResult:
    return learn_from_entries(school, ADMIN, lambda _done, _total: None)


def said_in(text: str, sheet: str, writer: str) -> curves.ConfirmedField:
    spec = FieldSpec(name="f", label="f", kind=Kind.TEXT, box=(0, 0, 50, 9))
    crop = FieldImage(np.full((72, 400), 255, np.uint8), spec)
    return curves.ConfirmedField(
        crop,
        Reading("", 0.1, State.READ),
        DecidedAnswer(answers({"f": text})["f"], AnswerOrigin.CHANGED, True),
        sheet,
        writer,
    )
