"""The tools that measure speed."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.cli import benchmark, context
from pipeline.domain.errors import MissingProgramError, ReadingError, UsageError
from pipeline.domain.form.form import Forms
from pipeline.domain.settings import ROOT
from pipeline.files.images import decode_image
from pipeline.files.page_files import JPEG
from pipeline.reading.identify.identify import identify_page
from research.benchmark import compare
from research.benchmark.compare import Pace
from research.benchmark.pages import A4_AT_300_DPI, draw_every_page, load_pages
from research.benchmark.soak import SoakResult
from research.benchmark.stage_times import collect_times

pytestmark = pytest.mark.slow


def test_stages_of_a_page_are_timed_only_on_request() -> None:
    form = Forms.load(ROOT / "forms").latest("normberakning")
    page = next(iter(draw_every_page(Forms({(form.id, form.version): form}))))
    compare.start_reading()
    with collect_times() as times:
        compare.read_page_outcome(page)
    before = dict(times)
    compare.read_page_outcome(page)
    assert times == before
    assert {"decode", "identify", "register", "resolve", "page checks", "encode"} < set(times)
    assert any(name.endswith(" fields") for name in times)


def test_given_pages_are_scaled_to_300_dpi(tmp_path: Path) -> None:
    path = tmp_path / "sida.png"
    cv2.imwrite(str(path), np.full((585, 413), 255, np.uint8))
    (page,) = load_pages([path], 5)
    assert decode_image(page, JPEG).shape == A4_AT_300_DPI[::-1]


def test_each_page_of_a_form_is_read_for_memory() -> None:
    form = Forms.load(ROOT / "forms").latest("normberakning")
    pages = list(draw_every_page(Forms({(form.id, form.version): form})))
    codes = [identify_page(decode_image(page, JPEG)).code for page in pages]
    assert [code and code.page_no for code in codes] == [1, 2]


def test_files_without_pages_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "tom.pdf"
    path.touch()
    with pytest.raises(UsageError):
        load_pages([path], 5)


def test_missing_competitor_error_names_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(MissingProgramError, match="apt install ocrmypdf"):
        compare.measure_ocrmypdf([b""], 1)


def test_competitor_beside_python_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "ocrmypdf"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    page = cv2.imencode(".jpg", np.full((40, 30), 255, np.uint8))[1].tobytes()
    with pytest.raises(ReadingError, match="code 3"):
        compare.measure_ocrmypdf([page], 1)


def test_missing_research_package_error_has_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(context, "ROOT", tmp_path)
    monkeypatch.setattr(context, "find_spec", lambda _: None)
    with pytest.raises(MissingProgramError) as refused:
        benchmark.bench(None)
    assert "source checkout" in refused.value.remedy


def test_speed_is_reported_by_wall_and_cpu_time() -> None:
    pace = Pace(10, 5.0, 8.0)
    assert (pace.per_second, pace.cpu_ms) == (2.0, 800.0)


def test_growth_is_measured_over_second_half() -> None:
    soaked = SoakResult((10, 20, 30, 40, 50, 60), (100.0, 300.0, 400.0, 401.0, 402.0, 403.0))
    assert soaked.peak_mib == 403.0
    assert soaked.growth_mib == pytest.approx(100.0)
