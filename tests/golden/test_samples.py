"""The committed sample stack: pages have the result of its README, and are read no worse than
before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from pipeline.domain.errors import BrokenFileError
from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Outcome, PageReading
from pipeline.domain.settings import ROOT, Settings
from pipeline.files.page_files import read_pages
from pipeline.reading.read_page import PageReader
from pipeline.registers.clients import load_client_register
from tests.support.pages.form_choice import FEW

SAMPLES = ROOT / "data" / "samples"
FORMS = Forms.load(ROOT / "forms")
FLOOR = {Kind.MARK: 0.995, Kind.CHOICE: 0.95, Kind.DIGITS: 0.93, Kind.PRINTED: 0.9}
"""Share of fields that are read right. May be raised, never lowered without a reason in the
changelog.
"""


def _expected() -> list[dict[str, Any]]:
    pages: list[dict[str, Any]] = json.loads((SAMPLES / "expected.json").read_text("utf-8"))
    return pages


def test_stack_has_every_form_with_pages_of_readme() -> None:
    """docs/coverage.md names the stack as evidence for every form."""
    pages = _expected()
    assert {page["form"] for page in pages if page["outcome"] == "read"} == {
        form_id for form_id, _ in FORMS
    }
    assert len(pages) >= 120
    assert f"{len(pages)} pages of every form" in (SAMPLES / "README.md").read_text("utf-8")


def _choose(pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A page of the forms that stand for all, of each result and of each way of scanning."""
    chosen: list[dict[str, Any]] = []
    seen: set[tuple[str, Any]] = set()
    for page in pages:
        kinds = {("outcome", page["outcome"]), ("way", page.get("way"))}
        kinds |= {("form", page["form"])} if page.get("form") in FEW else set()
        if kinds - seen:
            chosen.append(page)
        seen |= kinds
    return chosen


@pytest.fixture(
    scope="module", params=["each way", pytest.param("every page", marks=pytest.mark.nightly)]
)
def pages(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """What is expected of the pages that are read."""
    return _expected() if request.param == "every page" else _choose(_expected())


@pytest.fixture(scope="module")
def readings(pages: list[dict[str, Any]]) -> dict[tuple[str, int], PageReading]:
    """The pages, read with the register and the outage of the demo."""
    settings = Settings(
        workspace=SAMPLES,
        outage_start=datetime(2021, 12, 16, 3),
        outage_end=datetime(2022, 1, 10, 8),
    )
    reader = PageReader.of(settings, load_client_register(SAMPLES / "klienter.csv").clients)
    wanted = {(page["file"], page["page"]) for page in pages}
    return {
        (path.name, page.source_page): _read(reader, page)
        for path in sorted((SAMPLES / "stack").iterdir())
        for page in read_pages(path)
        if (path.name, page.source_page) in wanted
    }


def _read(reader: PageReader, page: Any) -> PageReading:  # noqa: ANN401 - a ScannedPage
    if page.data is None:
        return PageReading(Outcome.FAILED, issues=(page.problem,))
    try:
        return reader.read(page.data, page.media_type).reading
    except BrokenFileError:
        return PageReading(Outcome.FAILED)


@pytest.mark.slow
def test_pages_have_result_of_readme(
    pages: list[dict[str, Any]], readings: dict[tuple[str, int], PageReading]
) -> None:
    assert set(readings) == {(page["file"], page["page"]) for page in pages}
    for page in pages:
        reading = readings[page["file"], page["page"]]
        assert reading.outcome == page["outcome"], (
            page["file"],
            page["page"],
            page.get("way"),
            reading.issues,
            reading.residual_mm,
        )
        if page["outcome"] == "read":
            assert reading.code is not None
            assert (reading.code.form, reading.code.serial) == (page["form"], page["serial"])


@pytest.mark.slow
def test_all_writing_is_in_fields(readings: dict[tuple[str, int], PageReading]) -> None:
    """Also where client, unit and their labels are printed, which are not on the unfilled form; a
    changed title is found.
    """
    issues = {page: reading.issues for page, reading in readings.items()}
    assert not [
        (page, problem)
        for page, problems in issues.items()
        for problem in problems
        if problem.startswith("stray_writing")
    ]


@pytest.mark.slow
def test_fields_are_read_no_worse_than_before(
    pages: list[dict[str, Any]],
    readings: dict[tuple[str, int], PageReading],
    record_property: Callable[[str, object], None],
) -> None:
    right: Counter[Kind] = Counter()
    total: Counter[Kind] = Counter()
    for page in pages:
        if page["outcome"] != "read":
            continue
        reading = readings[page["file"], page["page"]]
        assert reading.code is not None
        for spec in FORMS.latest(page["form"]).pages[reading.code.page_no - 1].all_fields:
            truth = page["values"].get(spec.name)
            if spec.kind is Kind.MARK:
                truth = truth is True
            if truth is not None and spec.kind in FLOOR:
                total[spec.kind] += 1
                right[spec.kind] += reading.fields[spec.name].value == truth
    record_property(
        "measured",
        "samples: " + ", ".join(f"{kind} right {right[kind]}/{total[kind]}" for kind in total),
    )
    for kind in total:
        assert right[kind] / total[kind] >= FLOOR[kind], kind
