"""The fiducials of every sheet: corner markers, the code (twice) and the serial.

The code is a QR code in alphanumeric mode: `E1.<FORM ID>.<version>.<page>.<pages>.<serial>`.
"""

from __future__ import annotations

import hashlib
import re
import secrets

import cv2

from pipeline.domain.form.page import PAGE_HEIGHT_MM, PAGE_WIDTH_MM
from pipeline.domain.model import Box, SheetCode

MARKER_DICTIONARY = cv2.aruco.DICT_4X4_50
MARKER_MM = 8.0
MARKER_INSET_MM = 9.0
QR_MM = 16.0
_FAR_X = PAGE_WIDTH_MM - MARKER_INSET_MM - MARKER_MM
_FAR_Y = PAGE_HEIGHT_MM - MARKER_INSET_MM - MARKER_MM

MARKER_BOXES: dict[int, Box] = {
    0: Box(MARKER_INSET_MM, MARKER_INSET_MM, MARKER_MM, MARKER_MM),
    1: Box(_FAR_X, MARKER_INSET_MM, MARKER_MM, MARKER_MM),
    2: Box(_FAR_X, _FAR_Y, MARKER_MM, MARKER_MM),
    3: Box(MARKER_INSET_MM, _FAR_Y, MARKER_MM, MARKER_MM),
}
"""The black square of each ArUco marker, mm, by its id; clockwise from the top left."""

CODE_BOXES: tuple[Box, Box] = (
    Box(20.0, MARKER_INSET_MM, QR_MM, QR_MM),
    Box(PAGE_WIDTH_MM - 20.0 - QR_MM, PAGE_HEIGHT_MM - MARKER_INSET_MM - QR_MM, QR_MM, QR_MM),
)
"""The two QR codes without their quiet zone, mm: top left and bottom right."""

SERIAL_BOXES: tuple[Box, Box] = (Box(152.0, 9.0, 38.0, 7.5), Box(20.0, 283.0, 130.0, 5.0))
"""The printed serial, mm: on the right of the header, and in the line of the footer."""

ORGANISATION_BOX = Box(40.0, 17.0, 149.0, 5.0)
"""The organisation's name in the header, mm."""

CONTENT_BOX = Box(12.0, 28.0, 186.0, 241.0)
"""The area for fields, clear of markers and codes, mm."""

SERIAL_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so that a serial can be read aloud."""
SERIAL_LENGTH = 8

_CODE_PATTERN = re.compile(r"E1\.([A-Z][A-Z0-9-]*)\.(\d{1,2})\.(\d{1,2})\.(\d{1,2})\.([0-9A-Z]{8})")


def format_code(code: SheetCode) -> str:
    """Format the text of the QR code."""
    return f"E1.{code.form.upper()}.{code.version}.{code.page_no}.{code.pages}.{code.serial}"


def parse_code(text: str) -> SheetCode | None:
    """Parse a QR code; None if it is not Efterskrift's or its serial's check character is wrong."""
    match = _CODE_PATTERN.fullmatch(text.strip())
    if match is None or not is_serial(match[5]):
        return None
    return SheetCode(match[1].lower(), int(match[2]), int(match[3]), int(match[4]), match[5])


def new_serial() -> str:
    """Make a random serial: seven characters (34 thousand million) and a check character."""
    # A cryptographic random source: serials cannot be guessed from one another.
    body = "".join(secrets.choice(SERIAL_ALPHABET) for _ in range(SERIAL_LENGTH - 1))
    return body + _check_character(body)


def serial_of(content: bytes) -> str:
    """Return the serial that a content always gets, so that it is known when it comes again."""
    digest = hashlib.sha256(content).digest()
    body = "".join(SERIAL_ALPHABET[byte % 32] for byte in digest[: SERIAL_LENGTH - 1])
    return body + _check_character(body)


def is_serial(text: str) -> bool:
    """Whether a text is a serial with a right check character."""
    has_format = len(text) == SERIAL_LENGTH and set(text) <= set(SERIAL_ALPHABET)
    return has_format and _check_character(text[:-1]) == text[-1]


def normalize_serial(typed: str) -> str:
    """Normalize a serial as a person types it.

    It may be in lower case, with hyphen or blanks, O for 0 and I or L for 1.
    """
    return re.sub(r"[\s-]", "", typed.upper()).translate(str.maketrans("OIL", "011"))


def format_serial(serial: str) -> str:
    """Format a serial as it is printed: two groups of four."""
    return f"{serial[:4]}-{serial[4:]}"


def format_serial_or_id(serial: str | None) -> str:
    """Format a serial as it is printed; another id, such as that of a page, stays as it is."""
    return format_serial(serial) if serial and is_serial(serial) else serial or ""


def _check_character(body: str) -> str:
    """Compute the check character by Luhn's algorithm modulo 32.

    It detects every single wrong character and nearly all swaps of neighbours.
    """
    size = len(SERIAL_ALPHABET)
    total = 0
    for i, character in enumerate(reversed(body)):
        # Every other value is doubled; the digits (base 32) of the results are added up.
        doubled = SERIAL_ALPHABET.index(character) * (2 if i % 2 == 0 else 1)
        total += doubled // size + doubled % size
    # The character that makes the sum a multiple of 32.
    return SERIAL_ALPHABET[-total % size]
