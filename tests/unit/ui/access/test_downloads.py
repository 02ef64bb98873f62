"""Whose the files are that wait to be fetched, and how often each may be."""

from __future__ import annotations

from ui.access.downloads import Downloads

_URL = "/media/0123abc.pdf"


def test_whoever_has_fetched_a_file_no_longer_may_although_others_wait_for_the_same() -> None:
    downloads = Downloads()
    downloads.add(_URL, "one")
    downloads.add(_URL, "other")
    downloads.finish(_URL, {"one"})
    assert downloads.owners(_URL) == {"other"}
