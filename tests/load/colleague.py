"""A reviewer without a browser: speaks to the app as a browser does, so that the server has all the
work of a real session.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

_WIDGETS = ("text_input", "text_area", "radio", "button", "checkbox")
_WORKBENCH = "efterskrift_workbench"
_PATIENCE_S = 120.0


@dataclass
class Colleague:
    """One session. `widgets` are the ids of what is on the screen, by key; `bench` is what the
    workbench got last, and `bench_id` its widget, with the fragment that an act draws again.
    """

    address: str
    widgets: dict[str, str] = field(default_factory=dict)
    bench: dict[str, Any] = field(default_factory=dict)
    bench_id: str = ""
    _fragment: str = ""
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
        return str(self.bench["now"]["entry"]) if self.bench else ""

    def save(self, said: Mapping[str, str]) -> float:
        """Answer the fields by name, save, and wait until the next entry has come; answers with the
        seconds that it took.
        """
        card = self.bench["now"]
        values = {field["name"]: field["value"] for field in card["fields"]}
        message = {
            "n": self.bench["heard"] + 1,
            "entry": card["entry"],
            "revision": card["revision"],
            "kind": "save",
            "values": values | {name: said[name] for name in values if name in said},
        }
        begun = time.perf_counter()
        self._act(message)
        return time.perf_counter() - begun

    def run(self, texts: Mapping[str, str], button: str = "") -> None:
        """One run of the script with these texts in the widgets, and a button pressed."""
        states = [WidgetState(id=widget, string_value=text) for widget, text in texts.items()]
        states += [WidgetState(id=button, trigger_value=True)] if button else []
        self._ask(states)

    def _act(self, message: Mapping[str, Any]) -> None:
        """Send what the script of the workbench sends: one event, for its fragment only."""
        event = json.dumps([{"event": "act", "value": message}])
        widget = f"$$STREAMLIT_INTERNAL_KEY_{self.bench_id}__events"
        self._ask([WidgetState(id=widget, json_trigger_value=event)], self._fragment)

    def _ask(self, states: list[WidgetState], fragment: str = "") -> None:
        assert self._socket is not None
        ask = BackMsg()
        ask.rerun_script.widget_states.widgets.extend(states)
        ask.rerun_script.fragment_id = fragment
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

    def _note(self, said: ForwardMsg) -> None:
        element = said.delta.new_element
        kind = element.WhichOneof("type")
        if kind in _WIDGETS:
            widget = getattr(element, kind).id
            self.widgets[widget.split("-", 2)[2]] = widget  # $$ID-<digest>-<key>
        if kind == "bidi_component" and element.bidi_component.component_name == _WORKBENCH:
            sent = element.bidi_component
            mixed = sent.WhichOneof("data") == "mixed"
            self.bench = json.loads(sent.mixed.json if mixed else sent.json)
            self.bench_id, self._fragment = sent.id, said.delta.fragment_id
