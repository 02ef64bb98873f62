"""A page whose lines begin with the names of several clients."""

from __future__ import annotations

import pytest

from pipeline.domain.review.shared_page import names_several
from tests.support.screens.seeding import CLIENTS


@pytest.mark.parametrize(
    ("text", "is_shared"),
    [
        ("Mån 20/12\nelsa F: läkare kl 10\nGunnar Å: ring apoteket", True),
        ("Elsa: läkare\n  Gunnar: sov", True),
        ("Elsa Fjällberg sov\nGunnar Ågren föll", True),
        ("Elsa F: läkare\nElsa: sov", False),
        ("Elsa sov. Gunnar föll.", False),
        ("Elsa sov\nGunnar föll", False),
        ("Hej!\nMamma ramlade i natt\nHälsningar Stina", False),
        ("", False),
    ],
)
def test_two_clients_are_named_at_the_beginning_of_lines(text: str, is_shared: bool) -> None:
    assert names_several([text], CLIENTS) is is_shared
