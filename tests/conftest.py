"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from argon2 import PasswordHasher

from pipeline.files.sandbox import tables
from pipeline.files.sandbox.process import SandboxProcess
from pipeline.store.accounts.login import password_hashes
from tests.support.store.passwords import CHEAP


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHasher]:
    """Passwords are hashed with cheap parameters: that it is slow is meant against thieves, and
    costs each test with staff half a second.

    Gives what the program itself hashes with.
    """
    real = password_hashes._hasher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(password_hashes, "_hasher", CHEAP)
        password_hashes._dummy_hash.cache_clear()
        yield real
    password_hashes._dummy_hash.cache_clear()


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


@pytest.fixture(scope="session", autouse=True)
def one_process_opens_all_tables() -> Iterator[None]:
    """Tables are opened in one process: a new one for each would take most of the tests' time."""
    process = SandboxProcess()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "SandboxProcess", lambda: nullcontext(process))
        yield
    process.end()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave a test's PostgreSQL half to the night, unless it says that it depends on the
    database.
    """
    for item in items:
        if item.get_closest_marker("postgres") and not item.get_closest_marker("both_databases"):
            item.add_marker(pytest.mark.nightly)


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
)
