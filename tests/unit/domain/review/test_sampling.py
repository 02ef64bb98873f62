"""Drawing lots."""

from __future__ import annotations

import secrets

from pipeline.store.database.sampling_key import is_drawn, keyed_fraction

KEY = "ab" * 32


def test_the_same_key_and_thing_give_the_same_lot_and_other_keys_another() -> None:
    assert keyed_fraction(KEY, "plant", "AAAA-00", "text") == keyed_fraction(
        KEY, "plant", "AAAA-00", "text"
    )
    assert (
        len(
            {
                keyed_fraction(key, *what)
                for key in (KEY, secrets.token_hex(32))
                for what in (("a", "b"), ("ab", ""), ("b", "a"))
            }
        )
        == 6
    )


def test_about_the_share_is_drawn() -> None:
    drawn = sum(is_drawn(KEY, 0.02, "control", str(number)) for number in range(50_000))
    assert 870 <= drawn <= 1130
    assert not any(is_drawn(KEY, 0.0, str(number)) for number in range(100))
    assert all(is_drawn(KEY, 1.0, str(number)) for number in range(100))
