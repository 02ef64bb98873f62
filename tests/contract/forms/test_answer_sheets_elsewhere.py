"""Answer sheets of others, scans and photographs: known by their print against their unfilled
sheet, laid on it and read as any form is.

Pictures are third-party data that is not part of the project; where the boxes are and what a
person sees in them is `tests/data/answer_sheets.yaml`. The unfilled sheet is made from another
filled one of the same form (`tests/support/pages/answer_sheet_forms.py`).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Outcome, PageReading
from pipeline.reading.read_page import PageReader
from research.evaluation.fields.marks import AnswerSheet, load_answer_sheets
from tests.support.pages.answer_sheet_forms import truth_of, written_form
from tests.support.shared_data import shared

SHEETS = {sheet.name: sheet for sheet in load_answer_sheets()}
FORMS = {
    "cartao": "cartao-1",
    "nus": "nus-1",
    "hotel": "hotel-1",
    "adrian": "adrian-1",
    "sandeep": "sandeep-1",
    "tech": "tech-2",
    "upsc": "upsc-key",
    "prayaas": "colour",
    "umar": "umar-1",
}
"""Forms, and the sheet that their unfilled one is made of."""
KNOWN = {
    "cartao-2": "cartao",
    "cartao-3": "cartao",
    "nus-2": "nus",
    "nus-3": "nus",
    "hotel-2": "hotel",
    "sandeep-2": "sandeep",
    "sandeep-3": "sandeep",
    "tech-3": "tech",
    "upsc-1": "upsc",
    "upsc-2": "upsc",
    "upsc-3": "upsc",
    "xerox": "prayaas",
    "umar-2": "umar",
}
"""Other sheets that are known as of their form, and the form."""
ALIKE = {"upsc", "prayaas"}
"""One form, of which other boxes are described for each: a page fits both."""
TELLING = ("hotel-2", "upsc-1")
"""Those tried before each change: a photograph, and a scan of forms that are alike. The others
are tried at night.
"""
TRIED = [
    pytest.param(name, form, marks=() if name in TELLING else pytest.mark.nightly)
    for name, form in KNOWN.items()
]
REFUSED = ("adrian-2", "tech-1")
"""Sheets that wait for a person: too little print to know the form by, and an older printing of a
form.
"""

pytestmark = [pytest.mark.shared, pytest.mark.slow]


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Forms:
    """All forms, as in a folder of forms."""
    folder = tmp_path_factory.mktemp("forms")
    scans = shared("scans", "omrchecker").parent
    for name, sheet in FORMS.items():
        written_form(folder, name, SHEETS[sheet], scans)
    return Forms.load(folder)


def _without(forms: Forms, names: set[str]) -> Forms:
    kept: dict[tuple[str, int], Form] = {
        key: form for key, form in forms.items() if key[0] not in names
    }
    return Forms(kept)


def _as_png(path: Path) -> bytes:
    picture = cv2.imread(str(path))
    assert picture is not None
    return cv2.imencode(".png", picture)[1].tobytes()


def _read(name: str, forms: Forms) -> PageReading:
    path: Path = shared("scans", SHEETS[name].image)
    data = path.read_bytes() if path.suffix == ".jpg" else _as_png(path)
    return (
        PageReader.of_forms(forms)
        .read(data, "image/jpeg" if path.suffix == ".jpg" else "image/png")
        .reading
    )


@pytest.mark.parametrize(("name", "form"), TRIED)
def test_a_sheet_is_known_and_read_and_nothing_is_surely_wrong(
    name: str, form: str, forms: Forms
) -> None:
    reading = _read(name, _without(forms, ALIKE - {form} if form in ALIKE else set()))
    assert reading.outcome is Outcome.READ
    assert reading.code
    assert reading.code.form == form
    wrong, surely, count = _wrong(reading, SHEETS[name])
    assert surely == 0
    assert wrong <= 0.01 * count


@pytest.mark.parametrize("name", REFUSED)
def test_a_sheet_that_fits_no_form_well_waits_for_a_person(name: str, forms: Forms) -> None:
    assert _read(name, forms).outcome is Outcome.UNIDENTIFIED


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "form"), TRIED)
def test_a_sheet_offered_only_other_forms_is_refused(name: str, form: str, forms: Forms) -> None:
    reading = _read(name, _without(forms, ALIKE if form in ALIKE else {form}))
    assert reading.outcome is Outcome.UNIDENTIFIED
    assert reading.code is None


def _wrong(reading: PageReading, sheet: AnswerSheet) -> tuple[int, int, int]:
    """Boxes read otherwise than a person does, those of them with p ≥ 0.99, and all on which people
    agree.
    """
    pairs = [
        (reading.fields[f"box_{i}"], truth)
        for i, truth in enumerate(truth_of(sheet))
        if truth is not None
    ]
    wrong = [got for got, truth in pairs if got.value is not truth]
    return len(wrong), sum(got.p >= 0.99 for got in wrong), len(pairs)
