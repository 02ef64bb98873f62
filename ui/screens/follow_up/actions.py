"""Actions of the screen Uppföljning, each in a transaction, with a message about the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from ui.i18n import t
from ui.session import requires_open_session
from ui.widgets.messages import Message, errors_to
from ui.workspace import AppContext

MESSAGE = Message("follow_up_said")


@requires_open_session
def run_and_report(
    context: AppContext,
    success_key: str,
    action: Callable[[Connection], object],
    also: Sequence[str] = (),
) -> None:
    """Run the action and set its result as the message.

    `success_key` is the key of the text for success, `also` what is shown after it.
    """
    with errors_to(MESSAGE.failed):
        with context.store.begin() as conn:
            action(conn)
        MESSAGE.done(" ".join([t(success_key), *also]))
