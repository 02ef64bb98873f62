"""Uppföljning."""
