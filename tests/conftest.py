"""What all tests share."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests measured, also of those that passed."""
    reports = [report for group in ("passed", "failed") for report in terminalreporter.stats.get(group, []) if hasattr(report, "user_properties")]
    lines = [str(value) for report in reports for name, value in report.user_properties if name == "measured"]
    if lines:
        terminalreporter.section("measured")
        for line in sorted(lines):
            terminalreporter.write_line(line)


# Also imported as plain modules, perhaps before the first test module that names them as plugins.
pytest.register_assert_rewrite("tests.databases", "tests.offices", "tests.fhir_servers")
