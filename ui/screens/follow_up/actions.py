"""The message of the screen Uppföljning, which its sections share."""

from __future__ import annotations

from ui.widgets.messages import Message

MESSAGE = Message("follow_up_said")
