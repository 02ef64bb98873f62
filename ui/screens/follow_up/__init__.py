"""The screen Uppföljning: what could not simply be entered."""

from ui.widgets.messages import Message

MESSAGE = Message("follow_up_said")
"""What the last press on the screen did; its sections share it."""
