"""A reviewer without a browser: speaks to the app as a browser does, so that the server has all the
work of a real session.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.request import Request, urlopen

from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

_WIDGETS = ("text_input", "button")
_WORKBENCH, _LOGIN = "efterskrift_workbench", "efterskrift_login"
_PATIENCE_S = 120.0
_TELLINGS = 3


@dataclass
class Colleague:
    """One session. `widgets` are the ids of what is on the screen, by key; `bench` is what the
    workbench got, and `ticket` what is exchanged for the login's cookie.
    """

    address: str
    widgets: dict[str, str] = field(default_factory=dict)
    bench: dict[str, Any] = field(default_factory=dict)
    ticket: dict[str, Any] = field(default_factory=dict)
    _login_id: str = ""
    _bench_id: str = ""
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
        self._run([])
        self._run(
            [
                WidgetState(id=self.widgets["login_name"], string_value=login),
                WidgetState(id=self.widgets["login_password"], string_value=password),
                WidgetState(id=self.widgets["login_submit"], trigger_value=True),
            ]
        )
        self._exchange_ticket()

    def entry(self) -> str:
        """The entry that is up, or an empty text."""
        return str((self.bench.get("now") or {}).get("entry", ""))

    def type(self, said: Mapping[str, str]) -> None:
        """Type what is in the fields, so that the client comes up."""
        self._act("draft", said)

    def save(self, said: Mapping[str, str]) -> float:
        """Save all fields, and wait until the next entry is drawn; answers with the seconds that it
        took.
        """
        values = {one["name"]: one["value"] for one in self.bench["now"]["fields"]}
        begun = time.perf_counter()
        self._act("save", values | {name: said[name] for name in said if name in values})
        return time.perf_counter() - begun

    def end(self) -> None:
        """Close the session."""
        self._held.close()

    def _act(self, kind: str, values: Mapping[str, Any]) -> None:
        now = self.bench["now"]
        message = {
            "n": self.bench["heard"] + 1,
            "kind": kind,
            "entry": now["entry"],
            "revision": now["revision"],
            "values": dict(values),
        }
        for _ in range(_TELLINGS):  # as the browser does: once more if nothing came of it
            self._tell(self._bench_id, "act", message, self._fragment)
            if self.bench["heard"] >= message["n"]:
                return
        raise AssertionError(f"{kind} was not heard")

    def _exchange_ticket(self) -> None:
        """Post the ticket of the login, as the browser does, and tell that it was taken."""
        ask = Request(
            self.address + self.ticket["path"],
            data=self.ticket["ticket"].encode(),
            headers={"Origin": self.address, "Sec-Fetch-Site": "same-origin"},
        )
        with urlopen(ask, timeout=_PATIENCE_S) as answer:
            assert answer.status == HTTPStatus.NO_CONTENT
        self._tell(self._login_id, "answered", "given")

    def _tell(self, component: str, event: str, value: object, fragment: str = "") -> None:
        """Send what a component triggers."""
        told = json.dumps([{"event": event, "value": value}])
        trigger = _make_trigger_id(component, "events")
        self._run([WidgetState(id=trigger, json_trigger_value=told)], fragment)

    def _run(self, states: list[WidgetState], fragment: str = "") -> None:
        """One run of the script, or of its fragment, with these states of the widgets."""
        assert self._socket is not None
        ask = BackMsg()
        ask.rerun_script.widget_states.widgets.extend(states)
        ask.rerun_script.fragment_id = fragment
        self._socket.send(ask.SerializeToString())
        while True:
            said = ForwardMsg()
            received = self._socket.recv(timeout=_PATIENCE_S)
            assert isinstance(received, bytes)
            said.ParseFromString(received)
            if said.WhichOneof("type") == "script_finished":
                if said.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    continue
                return
            self._note(said)

    def _note(self, said: ForwardMsg) -> None:
        element = said.delta.new_element
        kind = element.WhichOneof("type")
        if kind in _WIDGETS:
            widget = getattr(element, kind).id
            self.widgets[widget.split("-", 2)[2]] = widget  # $$ID-<digest>-<key>
        component = element.bidi_component
        if kind == "bidi_component" and component.component_name == _WORKBENCH:
            self.bench = json.loads(component.json or component.mixed.json)
            self._bench_id, self._fragment = component.id, said.delta.fragment_id
        if kind == "bidi_component" and component.component_name == _LOGIN:
            self.ticket = json.loads(component.json or component.mixed.json)
            self._login_id = component.id
