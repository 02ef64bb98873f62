"""Further readers (`tests/support/plugin/`, and the program's own) keep the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.errors import ExitCode, SettingsError
from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import UNSEEN_P, Image, Reading, State
from pipeline.domain.settings import ROOT, Settings
from pipeline.files.plug_ins import READERS, find_plug_ins
from pipeline.files.sandbox_process import reaches_network
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.fill_sheet import fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.check_reader import check_reader
from pipeline.reading.further_readers import (
    FurtherReader,
    FurtherReaderError,
    find_differences,
    make_further_readers,
)
from pipeline.reading.read_page import PageReader

PLUGIN = Path(__file__).parents[1] / "support" / "plugin"
OWN = "second-network"
PATIENCE, NO_PATIENCE = 100.0, 0.2
STROKES, HANGING, DYING = "prov-strokes", "prov-hanging", "prov-dying"


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package is there, as after `pip install`."""
    monkeypatch.syspath_prepend(PLUGIN)
    monkeypatch.setenv("PYTHONPATH", str(PLUGIN))
    find_plug_ins.cache_clear()
    yield
    find_plug_ins.cache_clear()


@pytest.fixture
def reader(request: pytest.FixtureRequest) -> Iterator[FurtherReader]:
    made = FurtherReader.of(request.param, PATIENCE)
    yield made
    made.process.end()


def _tally(strokes: int) -> Image:
    line = np.full((48, 200), 255, np.uint8)
    for at in range(strokes):
        cv2.line(line, (20 + 20 * at, 8), (20 + 20 * at, 40), 0, 3)
    return line


def _spec(name: str, form: Format | None = None) -> FieldSpec:
    return FieldSpec.model_construct(
        name=name, label=name, kind=Kind.TEXT, box=(0, 0, 10, 5), format=form
    )


def _read(value: str, *strokes: int) -> Reading:
    return Reading(value, 0.97, State.READ, lines=tuple(map(_tally, strokes)))


def _codes(found: list[Issue]) -> set[tuple[str, str]]:
    return {(str(issue.code), issue.field) for issue in found}


@pytest.mark.parametrize("name", [STROKES, OWN])
def test_each_keeps_the_rules(name: str) -> None:
    found = check_reader(name, Settings(plug_in_seconds=PATIENCE))
    assert found.problems == ()
    assert found.is_cut_off is not reaches_network()
    assert name != OWN or found.right == found.lines


@pytest.mark.parametrize(
    ("name", "seconds", "problem"),
    [
        (HANGING, NO_PATIENCE, "too_slow"),
        (DYING, PATIENCE, "ended"),
        ("prov-sloppy", PATIENCE, "failed"),
    ],
)
def test_the_kit_finds_what_breaks_a_rule(name: str, seconds: float, problem: str) -> None:
    assert check_reader(name, Settings(plug_in_seconds=seconds)).problems == (problem,)


def test_the_command_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, code in ((STROKES, ExitCode.OK), ("prov-sloppy", ExitCode.READING)):
        assert CliRunner().invoke(build_app(), ["check-reader", name]).exit_code == code
    monkeypatch.setenv("EFTERSKRIFT_READERS", '["gone"]')
    with pytest.raises(SettingsError, match="gone, which the setting readers"):
        make_further_readers(Settings())


def test_without_the_setting_none_is_loaded() -> None:
    assert make_further_readers(Settings()) == ()
    assert PageReader.of(Settings(), None).further == ()
    # The program's own is known, but not used until it is named.
    assert set(find_plug_ins(READERS, ())) == {OWN}


@pytest.mark.parametrize("reader", [STROKES], indirect=True)
def test_only_what_is_read_otherwise_becomes_unsure(reader: FurtherReader) -> None:
    specs = [_spec(name) for name in ("alike", "other", "named", "white", "unread")]
    specs.append(_spec("time", Format.NUMBER))
    readings = {
        "alike": _read("3 ", 3),
        "other": _read("4", 3),
        "named": _read("x", 2),
        "white": _read("5", 0),
        "unread": Reading(None, 0.5, State.ILLEGIBLE, lines=(_tally(2),)),
        "time": _read("2", 2),
    }
    resolved = readings | {"named": _read("2.", 2)}
    found = find_differences([reader], specs, readings, resolved)
    assert _codes(found) == {("readers_differ", "other")}


@pytest.mark.parametrize("reader", ["prov-curious"], indirect=True)
def test_it_sees_the_lines_and_no_secret(
    reader: FurtherReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_DATABASE_URL", "postgresql://secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    ((seen, score),) = reader.read([_tally(1)])
    assert "PATH" in seen.split()
    assert not [name for name in seen.split() if name.startswith(("EFTERSKRIFT", "AWS"))]
    assert (score > 0.5) is not reaches_network()


@pytest.mark.parametrize("reader", [DYING], indirect=True)
def test_one_that_dies_is_given_up_after_a_few_pages(reader: FurtherReader) -> None:
    for reason in ("ended", "ended", "ended", "given_up"):
        with pytest.raises(FurtherReaderError, match=reason):
            reader.read([_tally(1)])


@pytest.mark.slow
def test_a_page_is_read_with_and_without_them() -> None:
    page = _note_page("Sov gott hela natten.")
    (plain, _), (hung, issues), (doubted, differ) = (
        _read_note(page, *readers)
        for readers in ((), ((HANGING, NO_PATIENCE), (DYING, PATIENCE)), ((STROKES, PATIENCE),))
    )
    assert hung == plain
    assert {f"reader_left_out:{HANGING}", f"reader_left_out:{DYING}"} <= set(issues)
    # The value is the first reader's, with low confidence; what the other read is nowhere.
    assert (doubted.value, doubted.p) == (plain.value, min(plain.p, UNSEEN_P))
    assert f"{IssueCode.READERS_DIFFER}:anteckning" in differ
    assert doubted.alternatives == plain.alternatives
    assert not doubted.lines


def _note_page(text: str) -> bytes:
    form = Forms.load(ROOT / "forms")["hsl-anteckning", 1]
    blank = render_sheet_page(form, Sheet("0" * 8, "Norra"))
    writer, chance = make_writers(1, 3)[0], np.random.default_rng(3)
    filled = fill_field(blank, form.pages[0], {"anteckning": text}, writer, chance)
    return cv2.imencode(".png", filled)[1].tobytes()


def _read_note(page: bytes, *readers: tuple[str, float]) -> tuple[Reading, tuple[str, ...]]:
    further = tuple(FurtherReader.of(*each) for each in readers)
    reader = PageReader.of(Settings(), None)
    reading = PageReader(
        reader.forms, reader.context, reader.gate_mm, reader.kinds, further=further
    ).read(page, "image/png")
    for each in further:
        each.process.end()
    return reading.reading.fields["anteckning"], reading.reading.issues
