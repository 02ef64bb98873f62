"""The screen Uppföljning: what could not simply be entered."""
