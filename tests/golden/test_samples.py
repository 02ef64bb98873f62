"""The committed sample stack: pages have the result of its README, and are read no worse than
before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from pipeline.domain.errors import BrokenFileError
from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.identity_numbers import make_client_code
from pipeline.domain.model import ClientCode, Outcome, PageReading, Reading, State
from pipeline.domain.review.attachment_title import propose_day, propose_title
from pipeline.domain.review.depth import find_deviations
from pipeline.domain.settings import ROOT, Settings
from pipeline.files.page_files import read_pages
from pipeline.operations.demo import HOME_CARE, list_code_holders
from pipeline.reading.read_page import PageReader, PageResult
from pipeline.registers.clients import ClientRegister, load_client_register
from pipeline.store.entries.client_identities import FIRST_CODE_NUMBER
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


def test_stack_has_paper_that_is_not_typed_whole() -> None:
    """An aid case with eight attachments, a shared page, a month grid, and short client codes."""
    pages = _expected()
    attached = Counter(page["attached"]["to"] for page in pages if "attached" in page)
    sheets = {page["serial"]: page["form"] for page in pages if page.get("form")}
    assert {sheets[serial]: count for serial, count in attached.items()} == {
        "ansokan-ekonomiskt": 8,
        "bilaga": 1,
    }
    (parts,) = [page["parts"] for page in pages if "parts" in page]
    assert len({part["client"] for part in parts}) == len(parts) == 4
    assert sum(len(page["coded"]) for page in pages if "coded" in page) == 6
    assert any("rad1_dag17" in page["values"] for page in pages)


def _choose(pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A page of the forms that stand for all, of each result and of each way of scanning."""
    chosen: list[dict[str, Any]] = []
    seen: set[tuple[str, Any]] = set()
    for page in pages:
        kinds = {("outcome", page["outcome"]), ("way", page.get("way"))}
        kinds |= {("form", page["form"])} if page.get("form") in FEW else set()
        # The days are on the last page of a month's list
        kinds |= {(key, "") for key in ("attached", "coded") if key in page}
        kinds |= {("grid", "")} if "rad1_dag17" in page["values"] else set()
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
def results(pages: list[dict[str, Any]]) -> dict[tuple[str, int], PageResult]:
    """The pages, read with the register, the client codes and the outage of the demo."""
    settings = Settings(
        workspace=SAMPLES,
        outage_start=datetime(2021, 12, 16, 3),
        outage_end=datetime(2022, 1, 10, 8),
    )
    clients = load_client_register(SAMPLES / "klienter.csv").clients
    codes = [
        ClientCode(HOME_CARE, make_client_code(FIRST_CODE_NUMBER + place), pid)
        for place, pid in enumerate(list_code_holders(clients))
    ]
    reader = PageReader.of(settings, ())
    register = ClientRegister(clients, codes=codes)
    reader = replace(reader, context=replace(reader.context, register=register))
    wanted = {(page["file"], page["page"]) for page in pages}
    return {
        (path.name, page.source_page): _read(reader, page)
        for path in sorted((SAMPLES / "stack").iterdir())
        for page in read_pages(path)
        if (path.name, page.source_page) in wanted
    }


def _read(reader: PageReader, page: Any) -> PageResult:  # noqa: ANN401 - a ScannedPage
    if page.data is None:
        return PageResult(PageReading(Outcome.FAILED, issues=(page.problem,)))
    try:
        return reader.read(page.data, page.media_type)
    except BrokenFileError:
        return PageResult(PageReading(Outcome.FAILED))


@pytest.fixture
def readings(
    results: dict[tuple[str, int], PageResult],
) -> dict[tuple[str, int], PageReading]:
    """What was read on each page."""
    return {page: result.reading for page, result in results.items()}


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
        form = FORMS[page["form"], reading.code.version]
        for spec in form.pages[reading.code.page_no - 1].all_fields:
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


@pytest.mark.slow
def test_title_and_day_of_printed_papers_are_proposed(
    pages: list[dict[str, Any]], results: dict[tuple[str, int], PageResult]
) -> None:
    said = {
        (page["file"], page["page"]): (page["attached"]["title"], page["attached"]["day"])
        for page in pages
        if "attached" in page
    }
    found = {
        place: (propose_title(results[place].words), propose_day(results[place].words))
        for place in said
    }
    assert found == said


@pytest.mark.slow
def test_client_codes_mean_their_clients(
    pages: list[dict[str, Any]], readings: dict[tuple[str, int], PageReading]
) -> None:
    """A code that is not read for certain leaves its number empty, and never names another."""
    for page in pages:
        fields = readings[page["file"], page["page"]].fields
        found = {name: fields[name].value for name in page.get("coded", {})}
        right = [name for name, pid in page.get("coded", {}).items() if found[name] == pid]
        wrong = {name for name, value in found.items() if value} - set(right)
        assert not wrong
        assert len(right) >= len(found) - 1


@pytest.mark.slow
def test_deviations_of_month_grid_are_found(
    pages: list[dict[str, Any]], readings: dict[tuple[str, int], PageReading]
) -> None:
    """All of them, and few boxes more: a deviation that nobody is asked about is lost."""
    for page in pages:
        if "rad1_dag17" not in page["values"]:
            continue
        reading = readings[page["file"], page["page"]]
        form = FORMS[page["form"], 2]
        # The times that say what is planned are on the page before
        times = {
            spec.planned_by: Reading("08:00", 0.99, State.READ)
            for spec in form.fields
            if spec.name in page["values"] and spec.planned_by
        }
        planned = {f"rad{line}_dag{day}" for line in range(1, 6) for day in range(17, 32)}
        said = {name for name in planned if not str(page["values"].get(name, "")).isalpha()}
        found = find_deviations(form, {**times, **reading.fields})
        assert said <= found
        assert len(found - said) <= len(planned) / 10
