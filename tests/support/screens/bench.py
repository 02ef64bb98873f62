"""The browser's side of the workbench in tests without a browser: what it got, and what it asks
for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st
from streamlit.testing.v1 import AppTest

_ACT_KEY, _DATA_KEY = "bench_act", "bench_data"


def play_browser(data: Mapping[str, Any], on_act: Callable[[Any], None]) -> None:
    """Take the place of `ui.browser.workbench`: keep the data, and pass on what a test asks for."""

    def hear() -> None:
        on_act(json.loads(st.session_state[_ACT_KEY]))

    st.session_state[_DATA_KEY] = json.loads(json.dumps(data))
    st.text_area("bench", key=_ACT_KEY, on_change=hear)


class Bench:
    """A person at the workbench of an app that was opened with Granska."""

    def __init__(self, app: AppTest) -> None:
        self.app = app
        self._values: dict[str, Any] = {}
        self._turn = ""

    @property
    def data(self) -> dict[str, Any]:
        """What the browser got last."""
        data: dict[str, Any] = self.app.session_state[_DATA_KEY]
        return data

    @property
    def card(self) -> dict[str, Any]:
        """The entry on the screen."""
        card: dict[str, Any] = self.data["now"]
        return card

    @property
    def is_up(self) -> bool:
        """Whether an entry is on the screen."""
        return any(area.key == _ACT_KEY for area in self.app.text_area)

    @property
    def entry(self) -> str:
        """The id of the entry on the screen."""
        return str(self.card["entry"])

    @property
    def names(self) -> list[str]:
        """The fields that are asked for, in order."""
        return [field["name"] for field in self.card["fields"]]

    def field(self, name: str) -> dict[str, Any]:
        """The card of a field."""
        return next(field for field in self.card["fields"] if field["name"] == name)

    def value(self, name: str) -> Any:  # noqa: ANN401 - a text or the index of an option
        """What is in a field."""
        return self._typed().get(name, self.field(name)["value"])

    def options(self, name: str) -> list[str]:
        """What can be chosen in a field."""
        return [option["label"] for option in self.field(name)["options"]]

    def chosen(self, name: str) -> str | None:
        """The option that is chosen in a field."""
        value = self.value(name)
        index = value["choice"] if isinstance(value, dict) else value
        return self.options(name)[index] if index >= 0 else None

    def type(self, name: str, text: str) -> Bench:
        """Type a text into a field; in a second review, another value."""
        is_second = self.field(name)["kind"] == "second"
        self._typed()[name] = {"choice": -1, "other": text} if is_second else text
        return self

    def choose(self, name: str, label: str) -> Bench:
        """Choose an option of a field."""
        index = self.options(name).index(label)
        is_second = self.field(name)["kind"] == "second"
        self._typed()[name] = {"choice": index, "other": ""} if is_second else index
        return self

    def tick(self, name: str, *, on: bool) -> Bench:
        """Tick a field, or not."""
        self._typed()[name] = on
        return self

    def act(self, kind: str, **more: Any) -> Bench:  # noqa: ANN401 - whatever the act needs
        """Ask for something, with what was typed."""
        message = {
            "n": self.data["heard"] + 1,
            "entry": self.entry,
            "revision": self.card["revision"],
            "kind": kind,
            "values": dict(self._typed()),
            **more,
        }
        self.app.text_area(key=_ACT_KEY).set_value(json.dumps(message)).run()
        assert not self.app.exception, self.app.exception
        return self

    def save(self, **more: Any) -> Bench:  # noqa: ANN401 - answers to a question, a tick
        """Press "Spara och nästa": all fields are sent."""
        values = {name: self.value(name) for name in self.names}
        return self.act("save", values=values, **more)

    def reject(self, reason: str, **given: str) -> Bench:
        """Reject the entry for a reason, with what the reason needs (`outside`, `why`, `name`)."""
        if (self.card["question"] or {}).get("kind") != "reject":
            self.act("reject")
        return self.save(question={"choice": reason, **given})

    def errors(self) -> dict[str, str]:
        """What is said at each field."""
        return {field["name"]: field["error"] for field in self.card["fields"] if field["error"]}

    def sent(self) -> str:
        """All that the browser got, as text."""
        elements = [str(element.proto) for element in self.app.main]
        data = json.dumps(self.data, ensure_ascii=False) if self.is_up else ""
        return "\n".join([*elements, data])

    def _typed(self) -> dict[str, Any]:
        turn = f"{self.entry}-{self.card['revision']}"
        if turn != self._turn:
            self._turn, self._values = turn, {}
        return self._values
