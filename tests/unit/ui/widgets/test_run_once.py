"""What is pressed twice is done once; what is pressed for something else meanwhile is done too."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from pipeline.domain.errors import UsageError
from pipeline.store.schema.clock import utc_now
from ui.widgets import run_once
from ui.widgets.run_once import RunOnce


@pytest.mark.parametrize(
    ("what", "second", "done"),
    [
        ("Norr", 1, ["Norr"]),
        ("Norr", 9.2, ["Norr"]),
        ("Norr", 11, ["Norr", "Norr"]),
        ("Söder", 1, ["Norr", "Söder"]),
    ],
)
def test_a_press_while_it_is_done_or_just_after_is_not_meant_twice(
    monkeypatch: pytest.MonkeyPatch, what: str, second: float, done: list[str]
) -> None:
    start = utc_now()
    clock = iter(
        start + timedelta(seconds=seconds) for seconds in (0, 9, second, 20)
    )  # pressed, ended; pressed again, ended
    monkeypatch.setattr(run_once, "utc_now", lambda: next(clock))
    made, acts = RunOnce[str](), list[str]()

    def act(unit: str) -> str:
        acts.append(unit)
        return unit

    for each in ("Norr", what):
        made.run(each, partial(act, each))
    assert acts == done
    assert made.result() == what


def test_what_failed_has_no_result_and_can_be_tried_again() -> None:
    made = RunOnce[str]()
    made.run("Norr", lambda: "Norr")

    def failing() -> str:
        raise UsageError("no_such_account")

    with pytest.raises(UsageError):
        made.run("Söder", failing)
    assert made.result() is None
    made.run("Söder", lambda: "Söder")
    assert made.result() == "Söder"
