"""What the last press did, told once at its place on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import EfterskriftError
from pipeline.texts import catalogue
from ui.i18n import current_language, t
from ui.markdown import plain_with_code
from ui.session import requires_open_session
from ui.workspace import StoreContext

# Efterskrift's errors in the user's language: what happened and what to do.


def error_text(error: EfterskriftError) -> str:
    """Return the text for an error's class, or for the nearest base class that has one.

    The text contains the error's own message.
    """
    texts = catalogue(current_language())
    detail = f"{error.message_in(current_language())} {error.remedy_in(current_language())}".strip()
    for kind in type(error).__mro__:
        if f"fault.{kind.__name__}" in texts:
            return t(f"fault.{kind.__name__}", detail=detail)
    return detail


def show_error(error: EfterskriftError) -> None:
    """Show an error."""
    st.error(plain_with_code(error_text(error)), icon=":material/error:")


@dataclass(frozen=True, slots=True)
class Message:
    """A place on a screen where a message is shown once; if `is_quiet` as mere information.

    A callback runs before its screen is drawn, so what it draws would be above everything: it
    leaves a message, and the screen shows it where the press was made.
    """

    key: str
    is_quiet: bool = False
    icon: str | None = None

    def done(self, text: str) -> None:
        """Tell that something is done."""
        st.session_state[self.key] = ("ok", text)

    def failed(self, text: str) -> None:
        """Tell why nothing was done."""
        st.session_state[self.key] = ("fault", text)

    def report(self, run: Callable[[], str]) -> None:
        """Run what returns a text about what it did; tell that, or why nothing was done."""
        with errors_to(self.failed):
            self.done(run())

    def show(self) -> str:
        """Show the message, once; return "ok" or "fault", empty if there is none."""
        # Taken, not read: a later run of the same screen, or of a fragment, shows it no more.
        kind, text = st.session_state.pop(self.key, ("", ""))
        if kind and self.is_quiet:
            st.info(plain_with_code(text), icon=":material/info:")
        elif kind:
            (st.success if kind == "ok" else st.error)(plain_with_code(text), icon=self.icon)
        return str(kind)


@contextmanager
def errors_to(
    tell: Callable[[str], object], describe: Callable[[EfterskriftError], str] = error_text
) -> Iterator[None]:
    """Tell of an error of the program instead of raising it; the rest of the block is left out."""
    try:
        yield
    except EfterskriftError as error:
        tell(describe(error))


def commit(
    context: StoreContext,
    message: Message,
    action: Callable[[Connection], Any],
    done: str | Callable[[Any], str] = "",
) -> None:
    """Do what a press asks for in one transaction, as `carry_out`."""

    def run() -> Any:  # noqa: ANN401 - what the action returns
        return context.store.change(action)

    carry_out(context, message, run, done)


@requires_open_session
def carry_out(
    _context: StoreContext,
    message: Message,
    action: Callable[[], Any],
    done: str | Callable[[Any], str] = "",
) -> None:
    """Do what a press asks for; tell that it is done, or why it is not.

    `done` is the key of a text, or makes the text from what the action returned; without it only
    an error is told. The text is made afterwards: nothing is told as done that was not stored.
    """
    with errors_to(message.failed):
        result = action()
        if done:
            message.done(t(done) if isinstance(done, str) else done(result))


def toast_error(text: str) -> None:
    """Show briefly why nothing was done."""
    st.toast(plain_with_code(text), icon=":material/error:")
