"""What is pressed twice is done once; what is pressed for something else meanwhile is done too."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from pipeline.errors import UsageError
from pipeline.store.clock import utc_now
from ui.components import once
from ui.components.once import Once


@pytest.mark.parametrize(
    ("what", "second", "done"), [("Norr", 1, ["Norr"]), ("Norr", 9.2, ["Norr"]), ("Norr", 11, ["Norr", "Norr"]), ("Söder", 1, ["Norr", "Söder"])]
)
def test_a_press_while_it_is_done_or_just_after_is_not_meant_twice(
    monkeypatch: pytest.MonkeyPatch, what: str, second: float, done: list[str]
) -> None:
    start = utc_now()
    clock = iter(start + timedelta(seconds=seconds) for seconds in (0, 9, second, 20))  # pressed, ended; pressed again, ended
    monkeypatch.setattr(once, "utc_now", lambda: next(clock))
    made, acts = Once[str](), list[str]()

    def act(unit: str) -> str:
        acts.append(unit)
        return unit

    for each in ("Norr", what):
        made.do(each, partial(act, each))
    assert acts == done
    assert made.result() == what


def test_what_failed_has_no_result_and_can_be_tried_again() -> None:
    made = Once[str]()
    made.do("Norr", lambda: "Norr")

    def failing() -> str:
        raise UsageError("no_such_account")

    with pytest.raises(UsageError):
        made.do("Söder", failing)
    assert made.result() is None
    made.do("Söder", lambda: "Söder")
    assert made.result() == "Söder"
