"""Real forms that were printed elsewhere: known by their print, laid on their blank and read, and
compared with what a person reads.

The blanks and sheets are third-party data that is not part of the project; form definitions and
truth are ours. The measured agreement is in the summary at the end of the test run.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Outcome, PageReading, Value
from pipeline.domain.settings import ROOT
from pipeline.files.page_files import read_pages
from pipeline.reading.read_page import PageReader
from tests.support.shared_data import shared

HERE = Path(__file__).resolve().parents[2] / "data" / "forms_elsewhere"
IDS = sorted(path.parent.name for path in HERE.glob("*/truth.yaml"))
TRUTHS: dict[str, dict[str, Any]] = {
    form_id: yaml.safe_load((HERE / form_id / "truth.yaml").read_text("utf-8")) for form_id in IDS
}
SHEETS = [(form_id, sheet) for form_id, truth in TRUTHS.items() for sheet in truth["sheets"]]
MARKS = {Kind.MARK, Kind.CHOICE}

pytestmark = [pytest.mark.shared, pytest.mark.slow]


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Forms:
    """All forms of `tests/data/forms_elsewhere`, each with its template image beside it."""
    folder = tmp_path_factory.mktemp("forms")
    for form_id in IDS:
        shutil.copytree(HERE / form_id, folder / form_id)
        blank = shared("scans", TRUTHS[form_id]["blank"])
        shutil.copy(blank, folder / form_id / f"blank{blank.suffix}")
    return Forms.load(folder)


def _read(sheet: str, forms: Forms) -> PageReading:
    page = next(read_pages(shared("scans", sheet)))
    assert page.data
    return PageReader.of_forms(forms).read(page.data, page.media_type).reading


@pytest.fixture(scope="module")
def agreement() -> Iterator[dict[str, Counter[str]]]:
    """Agreement by kind of field, printed at the end."""
    counts: dict[str, Counter[str]] = {}
    yield counts
    for kind, count in sorted(counts.items()):
        print(
            f"\n{kind}: {count['right']} of {count.total()} as a person reads, "
            f"{count['sure_and_wrong']} wrong with p ≥ 0.99"
        )


def _same(spec_kind: Kind, truth: Value, got: Value) -> bool:
    if spec_kind is Kind.DIGITS and isinstance(truth, str) and isinstance(got, str):
        return (truth.lstrip("0") or "0") == (got.lstrip("0") or "0")
    return (got or None) == truth if spec_kind is not Kind.MARK else got == truth


@pytest.mark.parametrize(
    ("form_id", "sheet"),
    [
        pytest.param(*case, id=case[1], marks=[] if number == 0 else pytest.mark.nightly)
        for number, case in enumerate(SHEETS)
    ],
)
def test_a_sheet_is_known_and_its_marks_are_read(
    form_id: str, sheet: str, forms: Forms, agreement: dict[str, Counter[str]]
) -> None:
    reading = _read(sheet, forms)
    assert reading.outcome is Outcome.READ
    assert reading.code
    assert reading.code.form == form_id
    assert reading.residual_mm is not None
    assert reading.residual_mm <= 0.5
    form, truth = forms.latest(form_id), TRUTHS[form_id]["sheets"][sheet]
    wrong_marks = []
    for spec in form.fields:
        expected = truth.get(spec.name, False if spec.kind is Kind.MARK else None)
        got = reading.fields[spec.name]
        right = _same(spec.kind, expected, got.value)
        surely_wrong = not right and got.p >= 0.99
        agreement.setdefault(spec.kind, Counter())[
            "right" if right else "sure_and_wrong" if surely_wrong else "wrong"
        ] += 1
        print(
            f"{spec.kind:8} {'ok ' if right else 'NOT'} {spec.name}: {expected!r} "
            f"{got.value!r} p={got.p:.3f}"
        )
        wrong_marks += [spec.name] if spec.kind in MARKS and surely_wrong else []
    assert wrong_marks == []


@pytest.mark.nightly
@pytest.mark.parametrize(("form_id", "sheet"), SHEETS, ids=[sheet for _, sheet in SHEETS])
def test_a_sheet_offered_only_other_forms_is_refused(
    form_id: str, sheet: str, forms: Forms
) -> None:
    others: dict[tuple[str, int], Form] = {
        key: form for key, form in forms.items() if key[0] != form_id
    }
    reading = _read(sheet, Forms(others))
    assert reading.outcome is Outcome.UNIDENTIFIED
    assert reading.code is None


@pytest.mark.nightly
def test_our_own_sheets_are_none_of_them(forms: Forms) -> None:
    page = next(read_pages(min((ROOT / "data" / "samples").rglob("*.pdf"))))
    assert page.data
    reading = PageReader.of_forms(forms).read(page.data, page.media_type).reading
    assert reading.outcome is not Outcome.READ
