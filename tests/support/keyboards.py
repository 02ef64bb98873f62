"""A scanner that types a text on a keyboard of one layout, into a computer set to another."""

from __future__ import annotations

_KEYS = {
    "us": (
        "`1234567890-=qwertyuiop[]asdfghjkl;'\\zxcvbnm,./",
        '~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"|ZXCVBNM<>?',
    ),
    "se": (
        "§1234567890+´qwertyuiopå¨asdfghjklöä'zxcvbnm,.-",
        '½!"#¤%&/()=?`QWERTYUIOPÅ^ASDFGHJKLÖÄ*ZXCVBNM;:_',
    ),
}
"""What each key types, without and with Shift, in the same order of keys."""
_DEAD_KEYS = {"é": "´e"}


def scanned(text: str, scanner: str, computer: str = "se") -> str:
    """What stands in a field; a character that the scanner's layout has no key for is left out."""
    typed = ""
    for char in text:
        if char in " \t\n" or (char in _DEAD_KEYS and scanner == computer):
            typed += char
        else:
            for of_scanner, of_computer in zip(_KEYS[scanner], _KEYS[computer], strict=True):
                if (place := of_scanner.find(char)) >= 0:
                    typed += of_computer[place]
    return typed
