"""What all tests share."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from threading import RLock

import pytest
from argon2 import PasswordHasher
from hypothesis import settings
from sqlalchemy import create_engine

from pipeline.files import sandbox_process
from pipeline.files.sandbox_process import SandboxProcess
from pipeline.login import passwords
from pipeline.store.database import engines
from tests.support import shared_data
from tests.support.store.compiled_statements import CompiledStatements
from tests.support.store.passwords import CHEAP

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")
"""The same examples before each change; `scripts/test --all` draws others each night."""


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHasher]:
    """Passwords are hashed with cheap parameters: that it is slow is meant against thieves, and
    costs each test with staff half a second.

    Gives what the program itself hashes with.
    """
    real = passwords._hasher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", CHEAP)
        passwords._dummy_hash.cache_clear()
        yield real
    passwords._dummy_hash.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def non_commercial() -> Iterator[None]:
    """The invented municipality declares its use non-commercial, so that tests read with the best
    weights, which were measured.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EFTERSKRIFT_NON_COMMERCIAL", "true")
        yield


@pytest.fixture(scope="session", autouse=True)
def hsa_ids() -> Iterator[None]:
    """The invented municipality and its system have HSA-ids, which exports demand."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EFTERSKRIFT_CARE_PROVIDER_HSA_ID", "SE2120002692-0000")
        patch.setenv("EFTERSKRIFT_SOURCE_SYSTEM_HSA_ID", "SE2120002692-EFTERSKRIFT")
        yield


@pytest.fixture(autouse=True)
def own_main_module() -> Iterator[None]:
    """A screen under test takes the place of `__main__`, which a process started later runs."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session", autouse=True)
def one_process_opens_all_tables() -> Iterator[None]:
    """Tables are opened in one process: a new one for each would take most of the tests' time. Of
    several threads one asks at a time, and a forked process has one of its own: else one gets, or
    waits for ever for, the answer of another.
    """
    real, owner, turn = sandbox_process.SandboxProcess, os.getpid(), RLock()
    process = real()

    @contextmanager
    def borrowed() -> Iterator[SandboxProcess]:
        with turn:
            yield process

    def opened() -> AbstractContextManager[SandboxProcess]:
        return borrowed() if os.getpid() == owner else real()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox_process, "SandboxProcess", opened)
        yield
    process.end()


@pytest.fixture(scope="session", autouse=True)
def each_statement_is_compiled_once() -> Iterator[None]:
    """Every test has a database of its own, and would compile the same SQL for it: a fifth of the
    time of those that use one.
    """
    options = {"compiled_cache": CompiledStatements()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "create_engine", partial(create_engine, execution_options=options))
        yield


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Say whether the test may ask for third-party data."""
    shared_data.is_marked = item.get_closest_marker("shared") is not None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave a test's PostgreSQL half to the night, unless it says that it depends on the
    database; a browser and workers may be slow, whatever the machine does.
    """
    for item in items:
        if item.get_closest_marker("browser") or item.get_closest_marker("faults"):
            item.add_marker(pytest.mark.patient)
        if item.get_closest_marker("postgres") and not item.get_closest_marker("both_databases"):
            item.add_marker(pytest.mark.nightly)


def pytest_collection_finish() -> None:
    """Leave what is imported and collected, which stays, out of each search for garbage: that
    would take a tenth of the tests' time. What the tests make is searched as ever.
    """
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests measured, also of those that passed."""
    reports = [
        report
        for group in ("passed", "failed")
        for report in terminalreporter.stats.get(group, [])
        if hasattr(report, "user_properties")
    ]
    lines = [
        str(value)
        for report in reports
        for name, value in report.user_properties
        if name == "measured"
    ]
    if lines:
        terminalreporter.section("measured")
        for line in sorted(lines):
            terminalreporter.write_line(line)


# Also imported as plain modules, perhaps before the first test module that names them as plugins.
pytest.register_assert_rewrite(
    "tests.support.store.databases",
    "tests.support.store.offices",
    "tests.support.servers.fhir_servers",
    "tests.support.servers.object_store",
)
