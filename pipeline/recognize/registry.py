"""Which reader reads which kind of field, and how sure its answers are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.field_spec import FieldSpec, Kind
from pipeline.model import Reading
from pipeline.recognize import choice, digits, handwriting, letters, lines, marks, network, printed, signature
from pipeline.recognize.crop import Recognizer
from pipeline.recognize.curves import calibrated, fingerprint, hands_of, installed
from pipeline.settings import ROOT

READERS: dict[Kind, Recognizer] = {
    Kind.MARK: marks.recognize,
    Kind.CHOICE: choice.recognize,
    Kind.DIGITS: digits.recognize,
    Kind.LETTERS: letters.recognize,
    Kind.TEXT: handwriting.recognize,
    Kind.LINES: lines.recognize,
    Kind.PRINTED: printed.recognize,
    Kind.SIGNATURE: signature.recognize_signature,
    Kind.INITIALS: signature.recognize_initials,
}
"""Readers with their own scores as p."""


def _handwriting() -> str:
    return fingerprint(network.network_file())


def _marks() -> str:
    return fingerprint(ROOT / "data" / "models" / "marks.json")


def _digits() -> str:
    """Of both that look at digits."""
    return fingerprint(digits.MODEL)[:8] + fingerprint(digits.SECOND)[:8]


NETWORKS: dict[Kind, Callable[[], str]] = {
    Kind.MARK: _marks,
    Kind.CHOICE: _marks,
    Kind.DIGITS: _digits,
    Kind.LETTERS: _handwriting,
    Kind.TEXT: _handwriting,
    Kind.LINES: _handwriting,
    Kind.PRINTED: lambda: "tesseract",
    Kind.SIGNATURE: lambda: "rules",
    Kind.INITIALS: lambda: "rules",
}
"""Which network, by its fingerprint, reads a kind: another one needs curves of its own."""


def sure(specs: Sequence[FieldSpec], readings: Sequence[Reading], *, one_hand: bool = False) -> list[Reading]:
    """Readings with probabilities for the scores that their readers gave; `one_hand`: all of them were written by one person, such as a page."""
    curves, own = installed(), {kind: NETWORKS[kind]() for kind in {spec.kind for spec in specs}}
    hands = hands_of(readings) if one_hand else [0.0] * len(readings)
    return [calibrated(spec, reading, own[spec.kind], curves, hand) for spec, reading, hand in zip(specs, readings, hands, strict=True)]


def _sure(kind: Kind) -> Recognizer:
    return lambda crops: sure([crop.spec for crop in crops], READERS[kind](crops))


RECOGNIZERS: dict[Kind, Recognizer] = {kind: _sure(kind) for kind in READERS}
"""Readers with calibrated probabilities: what the program uses."""
