"""Text that a person wrote stays as it was written."""

from __future__ import annotations

import pytest

from ui.markdown import md, plain, plain_with_code

JOINER = "\u2060"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Elsa Fjällberg, 1930-10-10", "Elsa Fjällberg, 1930-10-10"),
        ("![x](http://a)", rf"!\[x\](http:{JOINER}//a)"),
        ("<b>fet</b>", r"\<b\>fet\</b\>"),
        (":red[rött]", rf":{JOINER}red\[rött\]"),
        ("$x$ och `y`", r"\$x\$ och \`y\`"),
        ("[l](javascript:1)", r"\[l\](javascript:1)"),
        ("**fet** _kursiv_ ~~x~~", r"\*\*fet\*\* \_kursiv\_ \~\~x\~\~"),
        ("# rubrik\n- punkt\n1. ett", "\\# rubrik\n\\- punkt\n1\\. ett"),
        ("    kod", "\u00a0" * 4 + "kod"),
        ("&lt; | \\", r"\&lt; \| \\"),
        ("www.a.se a@b.se", f"www{JOINER}.a.se a@{JOINER}b.se"),
        ("kl. 10:30", "kl. 10:30"),
    ],
)
def test_nothing_in_a_text_is_formatted(written: str, sent: str) -> None:
    assert plain(written) == sent


def test_the_catalogues_text_is_formatted_and_what_fills_it_is_not() -> None:
    assert md("accounts.password_of", name="*a*", login="a") == (
        r"Förseglat lösenord för **\*a\*** (a):"
    )


def test_a_command_in_an_error_is_code_and_the_rest_is_plain() -> None:
    assert plain_with_code("Kör `efterskrift *` om *x*") == r"Kör `efterskrift *` om \*x\*"
