"""`efterskrift read`: the JSON contract, without a database."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from rich.console import Console

from pipeline.cli import operations, reading
from pipeline.cli.context import describe_issue
from pipeline.cli.reading import PageOutput, page_object
from pipeline.domain.errors import (
    BrokenFileError,
    EfterskriftError,
    ExitCode,
    MissingProgramError,
    ReadingError,
)
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Outcome, PageReading, Reading, State
from pipeline.domain.settings import ROOT
from pipeline.files.images import ScannedPage
from pipeline.files.page_files import read_pages
from pipeline.files.sandbox_process import SandboxProcess
from pipeline.forms.printing import make_blank_sheets, print_sheets
from pipeline.operations import health

pytestmark = [pytest.mark.slow, pytest.mark.patient]

FORM = Forms.load(ROOT / "forms")["hsl-anteckning", 1]
FIELD_KEYS = {"value", "p", "state", "alternatives", "box_px"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A printed form, a page of nothing, and a file that is no document."""
    folder = tmp_path_factory.mktemp("stack")
    form, paper, broken = folder / "form.pdf", folder / "blank.png", folder / "broken.pdf"
    form.write_bytes(print_sheets(FORM, make_blank_sheets(1, "Hemsjukvården Centrum")))
    Pillow.fromarray(np.full((1754, 1240), 250, np.uint8)).save(paper)
    broken.write_bytes(b"%PDF-1.7 cut off")
    return [broken, form, paper]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """As a program of its own, which is the contract; and its processes must not take a test runner
    for their parent.
    """
    return _run_plain("--json", *arguments)


def _run_plain(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from pipeline.cli.app import main; main()",
        "read",
        "--processes",
        "1",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="module")
def pages(
    stack: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[dict[str, object]]]:
    """The stack as the command reads it; nothing is stored."""
    workspace = tmp_path_factory.mktemp("none") / "nowhere"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EFTERSKRIFT_WORKSPACE", str(workspace))
        result = _run(*map(str, stack))
        assert result.returncode == 0, result.stderr
        yield [json.loads(line) for line in result.stdout.splitlines()]
    assert not workspace.exists()


def test_each_page_is_one_object_and_a_bad_file_fails_alone(
    pages: list[dict[str, object]],
) -> None:
    assert [page["outcome"] for page in pages] == ["failed", "read", "blank"]
    assert [Path(str(page["source"])).name for page in pages] == [
        "broken.pdf",
        "form.pdf",
        "blank.png",
    ]
    assert pages[0]["problems"]
    assert pages[1]["form"] == "hsl-anteckning"


def test_what_failed_is_said_in_words_and_by_the_exit_code(
    stack: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was `broken_file`, and the command ended as if all had been read."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "nowhere"))
    result = _run_plain(*map(str, stack))
    assert result.returncode == ExitCode.INTAKE
    assert "The file is damaged" in result.stdout
    assert "hsl-anteckning v1" in result.stdout
    assert "blank" in result.stdout


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ReadingError("too_few_printed_marks"), ExitCode.READING),
        (BrokenFileError("image_damaged", media_type="image/png"), ExitCode.INTAKE),
        (MissingProgramError("tesseract_not_installed"), ExitCode.MISSING_PROGRAM),
    ],
)
def test_the_exit_code_says_of_which_kind_the_failure_is_whatever_its_words(
    error: EfterskriftError, code: ExitCode, stack: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It depended on whether there was a blank in the reason."""

    class Failing:
        def read(self, _data: bytes, _kind: str) -> None:
            raise error

    monkeypatch.setattr(reading, "_reader", Failing())
    (page,) = read_pages(stack[2])
    said = reading._read_page((str(stack[2]), page))
    assert said.page_object["problems"] == [error.message]
    assert said.exit_code is code
    assert reading._most_urgent_error([code]).exit_code is code
    (broken,) = read_pages(stack[0])
    assert reading._read_page((str(stack[0]), broken)).exit_code is ExitCode.INTAKE
    assert reading._most_urgent_error([code, ExitCode.INTAKE]).exit_code is (
        ExitCode.MISSING_PROGRAM if code is ExitCode.MISSING_PROGRAM else ExitCode.INTAKE
    )


def test_what_is_shown_to_people_is_whole_whatever_stands_in_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A file called `bunt [/kopia].pdf` ended the command, and a text's second line was in no
    column.
    """
    values = {
        "personnummer": Reading(None, 0.8, State.ILLEGIBLE),
        "anteckning": Reading("Sår rent.\n[Se] baksidan " + 30 * "mer ", 0.9, State.READ),
    }
    page = page_object(PageReading(Outcome.READ, rotation_deg=-0.001, fields=values))
    reading._print_page({"source": "Åsas bunt [/kopia].pdf", "page": 1} | page, Console(width=80))
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Åsas bunt [/kopia].pdf page 1: read")
    assert said[1].endswith("(illegible)")
    assert said[3] == " " * said[2].index("Sår") + "[Se] baksidan " + 30 * "mer "
    assert str(page["rotation_deg"]) == "0.0"


def test_the_doctor_shows_a_workspace_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        operations, "check_health", lambda _: [health.HealthFinding("Store", "/srv/[/x]")]
    )
    operations.doctor()
    assert "[/x]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("code_missing:2", "One of the two codes cannot be read"),
        (
            "covered:rad01.dos",
            "rad01.dos: The field is covered, torn off or too dark to be read safely",
        ),
        (
            "sum_differs:summa",
            "summa: The sum does not agree with the numbers that it should consist of",
        ),
        ("of_tomorrow:summa", "summa: of tomorrow"),
        ("Tesseract gave no answer within 120 s.", "Tesseract gave no answer within 120 s."),
    ],
)
def test_problems_in_words(problem: str, words: str) -> None:
    assert describe_issue(problem) == words


def test_an_unfilled_form_reads_as_empty(pages: list[dict[str, object]]) -> None:
    fields = pages[1]["fields"]
    assert isinstance(fields, dict)
    assert set(fields) == {spec.name for spec in FORM.fields}
    assert all(set(field) >= FIELD_KEYS for field in fields.values())
    filled = {name for name, field in fields.items() if field["state"] != "empty"}
    assert filled == {"enhet"}
    assert fields["enhet"]["value"] == "Hemsjukvården Centrum"


def test_a_wrong_row_of_the_register_is_named(stack: list[Path], tmp_path: Path) -> None:
    register = tmp_path / "klienter.csv"
    register.write_text(
        "personnummer;namn;enhet\n192501019217;Astrid Åkerström;Hemtjänst Öst\n", "utf-8"
    )
    result = _run("--clients", str(register), str(stack[1]))
    assert (result.returncode, result.stdout) == (2, "")
    assert "row 2" in result.stderr


@pytest.mark.parametrize("error", [RuntimeError("drawn"), MemoryError(), RecursionError()])
def test_an_error_of_the_program_fails_its_page_only(
    error: Exception, stack: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended the command, and the pages behind it were never read."""

    class Failing:
        def read(self, _data: bytes, _kind: str) -> None:
            raise error

    monkeypatch.setattr(reading, "_reader", Failing())
    (page,) = read_pages(stack[2])
    output = reading._read_page((str(stack[2]), page))
    assert output.exit_code is ExitCode.READING
    assert output.page_object["outcome"] == "failed"
    assert output.page_object["problems"][0].startswith(f"not_read: {type(error).__name__}")
    assert "drawn" not in str(output)


class Futures:
    """A pool whose process is killed by one page, whatever else it was given."""

    def __init__(self, deadly: int) -> None:
        self.deadly, self.is_broken = deadly, False

    def submit(self, _: object, page: tuple[str, ScannedPage]) -> Future[PageOutput]:
        future: Future[PageOutput] = Future()
        self.is_broken |= page[1].source_page == self.deadly
        if self.is_broken:
            future.set_exception(BrokenProcessPool())
        else:
            future.set_result(PageOutput({"page": page[1].source_page}))
        return future

    def shutdown(self, **_: object) -> None:
        """Nothing runs."""


@pytest.mark.parametrize("deadly", [0, 1, 2, 3])
def test_a_page_that_kills_its_process_fails_alone(
    deadly: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ProcessPoolExecutor", lambda *_, **__: Futures(deadly))
    pages = [("a.pdf", ScannedPage("a.pdf", number, b"", "image/png")) for number in (1, 2, 3)]
    with reading.ReadingPool(reading.RegisterFiles(), 1) as pool:
        output = list(pool.read(pages))
    assert [page.page_object["page"] for page in output] == [1, 2, 3]
    failed = [page.page_object["page"] for page in output if page.exit_code]
    assert failed == ([deadly] if deadly else [])


def test_a_file_that_is_gone_is_a_failed_page_and_the_others_are_read(tmp_path: Path) -> None:
    Pillow.new("L", (40, 60)).save(tmp_path / "b.png")
    with SandboxProcess() as process:
        gone, whole = (
            page
            for name in ("a.png", "b.png")
            for page in reading._iter_pages(process, tmp_path / name)
        )
    assert isinstance(gone, PageOutput)
    assert (gone.exit_code, gone.page_object["page"]) == (ExitCode.INTAKE, 1)
    assert not isinstance(whole, PageOutput)
