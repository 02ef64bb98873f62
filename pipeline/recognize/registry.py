"""Which reader reads which kind of field."""

from __future__ import annotations

from pipeline.field_spec import Kind
from pipeline.recognize import choice, digits, handwriting, letters, lines, marks, printed, signature
from pipeline.recognize.crop import Recognizer

RECOGNIZERS: dict[Kind, Recognizer] = {
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
