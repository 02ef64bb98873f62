"""Codes that a plain scanner types: the client's values at another computer, without a network.

A scanner that is set up as a keyboard types each character of a QR code; a TAB goes on to the next
field. Which layout it types for is set in the scanner, so a code to try it with comes first.
"""

from __future__ import annotations

from enum import StrEnum

import segno

from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.model import Client
from pipeline.export.manual_entry.block import EntryBlock

MAX_BYTES = 430
"""Of one code: with error correction L 73 × 73 modules, 40 mm wide at 0.55 mm a module."""
TRIAL_TEXT = "Prov: åäö ÅÄÖ é 1234567890 a-Z_/;+?'\""
"""Typed to try a scanner: its marks lie on other keys in other layouts."""
_TURNED_CASE = TRIAL_TEXT.swapcase()


class ScanResult(StrEnum):
    """What a code that was scanned for a trial says of the scanner."""

    RIGHT = "right"
    CAPS_LOCK = "caps_lock"
    LETTERS_LOST = "letters_lost"
    CUT = "cut"
    OTHER_LAYOUT = "other_layout"


def judge_scan(typed: str) -> ScanResult:
    """Compare what a scanner typed with the text of the code to try it with."""
    typed = typed.strip()
    if typed == TRIAL_TEXT:
        return ScanResult.RIGHT
    if typed == _TURNED_CASE:
        return ScanResult.CAPS_LOCK
    if TRIAL_TEXT.startswith(typed):
        return ScanResult.CUT
    # Only what stands between the letters of Swedish is as it should be: they were dropped, or
    # typed in another character set.
    plain = "".join(each for each in typed if each.isascii())
    if plain.split() == "".join(each for each in TRIAL_TEXT if each.isascii()).split():
        return ScanResult.LETTERS_LOST
    return ScanResult.OTHER_LAYOUT


def make_code(text: str) -> segno.QRCode:
    """Return the QR code of a text, of at most `MAX_BYTES`."""
    return segno.make_qr(text, error="l", boost_error=False)


def client_text(client: Client) -> str:
    """Return what opens the client in the other system; empty where no code may be shown."""
    return "" if client.protected or not client.pid else format_pid(client.pid)


def entry_parts(block: EntryBlock) -> list[str]:
    """Return what is typed of an entry: values with fields of their own, then the note.

    Divided between words, so that each part is one code; together they are the whole text.
    """
    values = (*(text for _, text in block.own_rows), block.note_text)
    return _divide("\t".join(value.replace("\t", " ") for value in values))


def _divide(text: str) -> list[str]:
    parts = []
    while len(text.encode()) > MAX_BYTES:
        head = text.encode()[:MAX_BYTES].decode(errors="ignore")
        end = max(head.rfind(blank) for blank in " \n\t") + 1 or len(head)
        parts.append(text[:end])
        text = text[end:]
    return [*parts, text]
