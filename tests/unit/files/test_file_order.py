"""The order of the pages of a stack that comes as one file a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.files.page_files import order_files


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("Scan 1.jpg|Scan 10.jpg|Scan 2.jpg", "Scan 1.jpg|Scan 2.jpg|Scan 10.jpg"),
        ("bunt/s10.png|bunt/s9.png", "bunt/s9.png|bunt/s10.png"),
        ("b1 s10.png|b1 s2.png|b2 s1.png", "b1 s2.png|b1 s10.png|b2 s1.png"),
        (
            "Scan 10.jpg|Scan 1.jpg|Scan 2.jpg",
            "Scan 10.jpg|Scan 1.jpg|Scan 2.jpg",
        ),  # no shell's order: it was meant so
        ("Scan 10.jpg|bilaga 2.jpg", "Scan 10.jpg|bilaga 2.jpg"),
        ("a 10.jpg|b 2.jpg", "a 10.jpg|b 2.jpg"),
        ("Scan 1.jpg|Scan 1.jpg", "Scan 1.jpg|Scan 1.jpg"),
        ("Scan 01.jpg|Scan 1.jpg", "Scan 01.jpg|Scan 1.jpg"),
    ],
)
def test_numbered_files_in_the_shells_order_are_a_stack_in_that_of_their_numbers(
    given: str, meant: str
) -> None:
    assert order_files([Path(name) for name in given.split("|")]) == [
        Path(name) for name in meant.split("|")
    ]
