"""Foreign files are opened in a process with limits; nothing stops the other pages."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from pipeline.domain.errors import (
    BrokenFileError,
    MissingProgramError,
    ProgramKilledError,
)
from pipeline.files import page_files, pdf_input, pdf_render
from pipeline.files import sandbox_process as process_module
from pipeline.files.page_files import count_pages, read_pages
from pipeline.files.sandbox_limits import is_cut_off
from pipeline.files.sandbox_pages import ForeignPages
from pipeline.files.sandbox_process import (
    KEPT_VARIABLES,
    ReaderEndedError,
    ReaderTooSlowError,
    SandboxProcess,
)
from tests.support.pages.small_pages import pdf

pytestmark = [pytest.mark.slow, pytest.mark.patient]

PAGES = 4
LIBRARY_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    ImportError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    StopIteration,
    SyntaxError,
    TypeError,
    UnicodeError,
    ValueError,
    pikepdf.PdfError,
    pikepdf.DependencyError,
    Pillow.DecompressionBombError,
    BrokenFileError,
)
"""Also some that no library is known to raise."""


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of each kind with several pages."""
    folder = tmp_path_factory.mktemp("stacks")
    frames = [Pillow.new("L", (40, 60), 60 * number) for number in range(PAGES)]
    for name in ("tif", "gif", "webp"):
        frames[0].save(folder / f"a.{name}", save_all=True, append_images=frames[1:])
    return {"pdf": pdf(folder / "a.pdf", PAGES)} | {
        name: folder / f"a.{name}" for name in ("tif", "gif", "webp")
    }


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kind=st.sampled_from(["pdf", "tif", "gif", "webp"]),
    at=st.integers(1, PAGES),
    error=st.sampled_from(LIBRARY_ERRORS),
    place=st.sampled_from(["scan", "render", "both"]),
)
def test_whatever_error_a_page_raises_every_page_is_accounted_for(
    stacks: dict[str, Path], kind: str, at: int, error: type[Exception], place: str
) -> None:
    reads = 0

    def fail(*_: object, **__: object) -> None:
        raise error("drawn")

    def failing(function: str, module: object, number: object) -> object:
        real = getattr(module, function)
        return lambda *given, **named: (fail if is_at(number, given) else real)(*given, **named)

    def is_at(number: object, given: tuple[object, ...]) -> bool:
        nonlocal reads
        if callable(number):
            return bool(number(given))
        reads += 1
        return reads == at

    with pytest.MonkeyPatch.context() as patch:
        if kind == "pdf":
            if place in ("scan", "both"):
                patch.setattr(
                    pdf_input,
                    "_find_full_page_scan",
                    failing("_find_full_page_scan", pdf_input, None),
                )
            if place in ("render", "both"):
                patch.setattr(
                    pdf_input,
                    "render_page",
                    failing("render_page", pdf_input, lambda given: given[1] == at),
                )
        else:
            patch.setattr(
                page_files, "_reencode_frame", failing("_reencode_frame", page_files, None)
            )
        pages = list(read_pages(stacks[kind]))
    assert [page.source_page for page in pages] == list(range(1, PAGES + 1))
    assert all((page.data is None) == bool(page.problem) for page in pages)
    assert all(page.data is not None for page in pages if page.source_page != at)


def test_a_flipped_bit_in_one_page_leaves_the_other_pages(tmp_path: Path) -> None:
    path = pdf(tmp_path / "a.pdf", PAGES)
    whole = path.read_bytes()
    with pikepdf.open(path) as file:
        (image,) = pikepdf.Page(file.pages[1]).resources["/XObject"].as_dict().values()
        start = whole.index(image.read_raw_bytes())
    for offset in range(0, 24):
        damaged = bytearray(whole)
        damaged[start + offset] ^= 0x10
        path.write_bytes(damaged)
        pages = list(read_pages(path))
        assert len(pages) == count_pages(path) == PAGES
        assert [bool(page.data) for page in (pages[0], *pages[2:])] == [True] * (PAGES - 1)


class Dying(SandboxProcess):
    """A process that dies or hangs at a page."""

    def __init__(self, page: int, deaths: int, error: type[Exception]) -> None:
        super().__init__()
        self.page, self.deaths, self.error = page, deaths, error

    def ask(self, action: str, *of: object, data: bytes | None = None) -> tuple[object, bytes]:
        if (action, *of) == ("read", self.page) and self.deaths:
            self.deaths -= 1
            self.end()
            raise self.error
        return super().ask(action, *of, data=data)


@pytest.mark.parametrize(
    ("deaths", "error", "problem"),
    [
        (1, ReaderEndedError, ""),
        (2, ReaderEndedError, "opening_failed"),
        (1, ReaderTooSlowError, "too_large"),
        (1, MemoryError, "too_large"),
    ],
)
def test_a_page_that_kills_its_reader_twice_has_failed_and_the_others_are_read(
    stacks: dict[str, Path], deaths: int, error: type[Exception], problem: str
) -> None:
    with Dying(2, deaths, error) as process:
        pages = ForeignPages(process, stacks["tif"])
        problems = [pages.read(number).problem for number in range(1, pages.page_count + 1)]
    assert problems == ["", problem, "", ""]


def test_a_file_whose_pages_kill_their_reader_is_given_up(stacks: dict[str, Path]) -> None:
    class Deadly(Dying):
        def ask(self, action: str, *of: object, data: bytes | None = None) -> tuple[object, bytes]:
            if action == "read":
                self.deaths += 1
                raise ReaderEndedError
            return super().ask(action, *of, data=data)

    with Deadly(0, 0, ReaderEndedError) as process:
        pages = ForeignPages(process, stacks["tif"])
        found = [pages.read(number) for number in range(1, pages.page_count + 1)]
    assert {page.problem for page in found} == {"opening_failed"}
    assert len(found) == PAGES
    assert process.deaths == 4


@pytest.fixture
def process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


def test_the_process_has_limits_and_no_network(process: SandboxProcess) -> None:
    process.ask("open", str(Path(__file__)))
    assert process._process is not None
    folder = Path(f"/proc/{process._process.pid}")
    limits = {
        line[:26].strip(): line[26:].split()[0]
        for line in (folder / "limits").read_text().splitlines()[1:]
    }
    assert int(limits["Max address space"]) <= 1 << 30
    assert int(limits["Max file size"]) <= 400_000_000
    assert int(limits["Max cpu time"]) <= 120
    own, other = (Path(f"/proc/{pid}/ns/net").readlink() for pid in ("self", process._process.pid))
    if own == other:
        pytest.skip("this system permits no network namespace")
    devices = (folder / "net" / "dev").read_text().splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices] == ["lo"]
    assert len(socket.if_nameindex()) >= 1


def test_the_process_and_its_programs_know_no_secret_and_get_no_rights(
    process: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The helper program writes down what it knows and is, as a flaw in it would."""
    seen = tmp_path / "seen"
    _write_program(tmp_path, "pdftoppm", f"cat /proc/$$/environ /proc/$$/status > {seen}; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    secrets = {"AWS_SECRET_ACCESS_KEY", "EFTERSKRIFT_DATABASE_URL", "FHIR_CLIENT_SECRET", "HOME"}
    for name in secrets:
        monkeypatch.setenv(name, "hemligt")
    drawn = pikepdf.new()
    drawn.add_blank_page()
    drawn.save(tmp_path / "a.pdf")
    ForeignPages(process, tmp_path / "a.pdf").read(1)
    assert process._process is not None
    folder = Path(f"/proc/{process._process.pid}")
    own = [(folder / name).read_bytes() for name in ("environ", "status")]
    for content in (b"\0".join(own), seen.read_bytes()):
        assert b"hemligt" not in content
        assert b"NoNewPrivs:\t1" in content
    names = {line.partition(b"=")[0].decode() for line in own[0].split(b"\0") if line}
    assert names <= {*KEPT_VARIABLES, "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}


def test_a_process_with_users_of_its_own_reads_no_environment_of_the_program() -> None:
    """Any account but root has users of its own with the network; so has root without rights."""
    ask = (
        "import os\n"
        "from pipeline.files.sandbox_process import SandboxProcess\n"
        "with SandboxProcess() as process:\n"
        "    process.ask('cut_off')\n"
        "    own, other = (os.readlink(f'/proc/{pid}/ns/user')\n"
        "        for pid in ('self', process._process.pid))\n"
        "    print('same' if own == other else 'own')\n"
        "    process.ask('open', f'/proc/{os.getpid()}/environ')"
    )
    without_rights = (
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if not os.getuid() else []
    )
    done = subprocess.run(
        [*without_rights, sys.executable, "-c", ask], capture_output=True, text=True, check=False
    )
    if done.stdout.strip() != "own":
        pytest.skip("this system permits no users of its own")
    assert "PermissionError" in done.stderr


def test_doctor_says_that_opened_files_reach_no_network_or_do() -> None:
    """The second time where the system makes no namespaces, as in most containers."""
    say = (
        "from pipeline.domain.settings import Settings\n"
        "from pipeline.operations.health import check_installation\n"
        "[one] = [x for x in check_installation(Settings()) if x.part == 'Foreign files']\n"
        "print(one.state, one.remedy)"
    )
    refuse = (
        "echo 0 > /proc/sys/user/max_net_namespaces\n"
        'echo 0 > /proc/sys/user/max_user_namespaces\nexec "$@"'
    )
    if is_cut_off() or subprocess.run(["unshare", "-Ur", "true"], check=False).returncode:
        pytest.skip("this system has no network, or permits no namespaces to begin with")
    doctor = [sys.executable, "-c", say]
    said = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for command in (doctor, ["unshare", "-Ur", "sh", "-c", refuse, "sh", *doctor])
    ]
    assert said[0].startswith("opened without network")
    assert "IPAddressDeny" in said[1]


def test_a_killed_process_is_replaced(process: SandboxProcess, stacks: dict[str, Path]) -> None:
    pages = ForeignPages(process, stacks["pdf"])
    assert process._process is not None
    os.kill(process._process.pid, signal.SIGKILL)
    assert pages.read(2).problem == ""


def test_a_process_that_does_not_answer_is_ended(
    process: SandboxProcess, stacks: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    process.ask("open", str(stacks["pdf"]))
    assert process._process is not None
    os.kill(process._process.pid, signal.SIGSTOP)
    monkeypatch.setattr(process_module, "WALL_SECONDS", 0)
    with pytest.raises(ReaderTooSlowError):
        process.ask("read", 1)
    assert not process.is_running


def _write_program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(("kills", "is_drawn"), [(1, True), (9, False)])
def test_a_helper_program_that_the_machine_kills_is_run_again_and_is_no_fault_of_the_page(
    kills: int, is_drawn: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was `broken_page`."""
    _write_program(
        tmp_path,
        "pdftoppm",
        f"echo x >> {tmp_path}/count; [ $(wc -l < {tmp_path}/count) -gt {kills} ] || kill -9 $$\n"
        'for last; do :; done; printf "P5 2 2 255\\n1234" > "$last.pgm"',
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(pdf_render, "PAUSES_S", (0.0, 0.0, 0.0))
    drawn = pikepdf.new()
    drawn.add_blank_page()
    drawn.save(tmp_path / "a.pdf")
    if is_drawn:
        assert [page.problem for page in read_pages(tmp_path / "a.pdf")] == [""]
    else:
        with pytest.raises(ProgramKilledError):
            list(read_pages(tmp_path / "a.pdf"))


@pytest.mark.parametrize(("errors", "is_drawn"), [(1, True), (9, False)])
def test_an_own_page_that_is_drawn_with_an_error_is_drawn_again(
    errors: int, is_drawn: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was drawn without its text, which made a good original look worn."""
    count = tmp_path / "count"
    _write_program(
        tmp_path,
        "pdftoppm",
        f'echo x >> {count}; [ $(wc -l < {count}) -gt {errors} ] || echo "Syntax Error: font" >&2\n'
        f'exec {shutil.which("pdftoppm")} "$@"',
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(pdf_render, "PAUSES_S", (0.0, 0.0, 0.0))
    own = pikepdf.new()
    own.add_blank_page()
    own.save(tmp_path / "a.pdf")
    pdf = (tmp_path / "a.pdf").read_bytes()
    if is_drawn:
        assert pdf_render.render_own_pdf(pdf, 1, dpi=30).size > 0
        assert count.read_text().split() == ["x", "x"]
    else:
        with pytest.raises(ProgramKilledError):
            pdf_render.render_own_pdf(pdf, 1, dpi=30)


@pytest.mark.parametrize(
    ("script", "problem"),
    [("kill -ABRT $$", "too_large"), ("kill -SEGV $$", "broken_page"), ("exit 1", "broken_page")],
)
def test_a_helper_program_that_crashes_on_a_page_is_the_fault_of_the_page(
    script: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_program(tmp_path, "pdftoppm", script)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    drawn = pikepdf.new()
    drawn.add_blank_page()
    drawn.save(tmp_path / "a.pdf")
    assert [page.problem for page in read_pages(tmp_path / "a.pdf")] == [problem]


def test_a_missing_program_crosses_to_the_parent(
    process: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = pikepdf.new()
    drawn.add_blank_page()
    drawn.save(tmp_path / "a.pdf")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgramError):
        ForeignPages(process, tmp_path / "a.pdf").read(1)


@pytest.mark.parametrize("name", ["bmp", "gif", "webp", "heic"])
def test_pictures_of_phones_and_programs_are_taken_in(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{name}"
    if name == "heic":
        path.write_bytes((Path(__file__).parents[2] / "data" / "phone.heic").read_bytes())
    else:
        Pillow.new("L", (40, 60), 200).save(path)
    (page,) = read_pages(path)
    assert (page.problem, page.media_type) == ("", "image/png")


def test_a_picture_of_200_megapixels_is_refused(tmp_path: Path) -> None:
    Pillow.new("1", (16_000, 12_000)).save(tmp_path / "a.png")
    (page,) = read_pages(tmp_path / "a.png")
    assert page.problem == "too_large"
