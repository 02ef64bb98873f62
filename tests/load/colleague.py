"""A reviewer without a browser: speaks to the app as a browser does, so that the server has all the
work of a real session.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

_WIDGETS = ("text_input", "text_area", "radio", "button", "checkbox")
_PATIENCE_S = 120.0


@dataclass
class Colleague:
    """One session. `widgets` are the ids of what is on the screen, by key; `chosen` what the
    choices say, which a browser sends back.
    """

    address: str
    widgets: dict[str, str] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)
    _socket: ClientConnection | None = None
    _held: ExitStack = field(default_factory=ExitStack)

    def begin(self, login: str, password: str) -> None:
        """Open the app and log in."""
        url = self.address.replace("http", "ws", 1) + "/_stcore/stream"
        opened = connect(
            url, subprotocols=[Subprotocol("streamlit")], max_size=None, origin=Origin(self.address)
        )
        self._socket = self._held.enter_context(opened)
        self.run({})
        self.run(
            {self.widgets["login_name"]: login, self.widgets["login_password"]: password},
            self.widgets["login_submit"],
        )

    def entry(self) -> str:
        """The entry that is up, or an empty text."""
        return next(
            (key.removeprefix("skip-") for key in self.widgets if key.startswith("skip-")), ""
        )

    def save(self, said: Mapping[str, str]) -> float:
        """Answer the fields by name, save, and wait until the next entry is drawn; answers with the
        seconds that it took.
        """
        entry = self.entry()
        fields = {
            widget: said[key.rpartition("-")[2]]
            for key, widget in self.widgets.items()
            if self._is_field(key, entry, said)
        }
        button = next(
            widget for key, widget in self.widgets.items() if key.startswith(f"save-{entry}-")
        )
        begun = time.perf_counter()
        self.run(fields, button)
        return time.perf_counter() - begun

    def run(self, texts: Mapping[str, str], button: str = "") -> None:
        """One run of the script with these texts in the widgets, and a button pressed."""
        assert self._socket is not None
        states = [
            WidgetState(id=widget, string_value=text)
            for widget, text in (self.chosen | dict(texts)).items()
        ]
        states += [WidgetState(id=button, trigger_value=True)] if button else []
        ask = BackMsg()
        ask.rerun_script.widget_states.widgets.extend(states)
        self._socket.send(ask.SerializeToString())
        self._forget()
        while True:
            said = ForwardMsg()
            received = self._socket.recv(timeout=_PATIENCE_S)
            assert isinstance(received, bytes)
            said.ParseFromString(received)
            if said.WhichOneof("type") == "script_finished":
                if said.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    self._forget()
                    continue
                return
            self._note(said)

    def end(self) -> None:
        """Close the session."""
        self._held.close()

    def _forget(self) -> None:
        self.widgets.clear()
        self.chosen.clear()

    def _note(self, said: ForwardMsg) -> None:
        element = said.delta.new_element
        kind = element.WhichOneof("type")
        if kind in _WIDGETS:
            widget = getattr(element, kind).id
            self.widgets[widget.split("-", 2)[2]] = widget  # $$ID-<digest>-<key>
        if kind == "radio" and element.radio.HasField("default"):
            self.chosen[element.radio.id] = element.radio.options[element.radio.default]

    @staticmethod
    def _is_field(key: str, entry: str, said: Mapping[str, str]) -> bool:
        return key.startswith(f"f-{entry}-") and key.rpartition("-")[2] in said
