"""Further readers: plug-ins that read the handwritten lines of a page again, blind.

Such a reader is never the first. It gets pictures of single lines and nothing else: no form, field,
client, author or name of a file, and not what was read before. Its text is compared and dropped,
never shown or stored: where it reads something else the field gets low confidence, and where it
agrees nothing changes. It works in a process of its own, without a network where the system permits
that. If it ends or takes too long, the page is read without it and has an issue that says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Image, Reading, State
from pipeline.domain.settings import Settings
from pipeline.files.plug_ins import READERS, LineAnswer, find_plug_ins
from pipeline.files.sandbox_process import ReaderEndedError, ReaderTooSlowError, SandboxProcess
from pipeline.reading.fields.segmentation.lines import STRUCK_PLACEHOLDER
from pipeline.reading.language.formats import parse_values

MEMORY_BYTES = 4 << 30
"""Address space of the process of a reader."""
SHARE_OF_PAGE = 1 / 3
"""The share of `page_seconds` that all readers have together: one that ends is started again."""
_MAX_FAILURES = 3
"""Pages in a row without an answer after which a process does not ask a reader any more."""
_ATTEMPTS = 2
_IGNORED = re.compile(r"(?<!\d)[\s.,;:!?\"'()]+|[\s.,;:!?\"'()]+(?!\d)")
"""Spaces and punctuation, except between digits, where they change a number."""


class FurtherReaderError(Exception):
    """A further reader gave no answer that is of use; its text is why, in a word."""


@dataclass(slots=True)
class FurtherReader:
    """A further reader in its process, which starts at the first page."""

    name: str
    process: SandboxProcess
    failures: int = 0

    @classmethod
    def of(cls, name: str, seconds: float) -> Self:
        """Return a reader that has so much time for the lines of a page."""
        return cls(name, SandboxProcess(MEMORY_BYTES, seconds))

    def read(self, lines: Sequence[Image]) -> list[LineAnswer]:
        """Return what it reads in each line; at least one is needed.

        Raises:
            FurtherReaderError: it does not answer, not in time, or not with a text for each line.
        """
        if self.failures >= _MAX_FAILURES:
            raise FurtherReaderError("given_up")
        self.failures += 1
        answers = self._ask(lines)
        self.failures = 0
        return answers

    def _ask(self, lines: Sequence[Image]) -> list[LineAnswer]:
        data, shapes = b"".join(line.tobytes() for line in lines), [line.shape for line in lines]
        for _ in range(_ATTEMPTS):
            try:
                head, _ = self.process.ask("lines", self.name, shapes, data=data)
            except ReaderEndedError:
                continue
            except ReaderTooSlowError:
                raise FurtherReaderError("too_slow") from None
            if "failed" in head:
                raise FurtherReaderError("failed")
            return [(text, score) for text, score in head["lines"]]
        raise FurtherReaderError("ended")


def make_further_readers(settings: Settings) -> tuple[FurtherReader, ...]:
    """Return the readers that the setting `readers` names, in its order.

    Raises:
        SettingsError: no installed package registers one of them.
    """
    names = settings.readers
    find_plug_ins(READERS, names)
    longest = settings.page_seconds * SHARE_OF_PAGE / max(1, len(names))
    return tuple(FurtherReader.of(name, min(settings.plug_in_seconds, longest)) for name in names)


def find_differences(
    readers: Sequence[FurtherReader],
    specs: Sequence[FieldSpec],
    readings: Mapping[str, Reading],
    resolved: Mapping[str, Reading],
) -> list[Issue]:
    """Let each reader read the lines of a page; return the fields in which one differs.

    A text differs that is neither what was read nor what that was resolved to, for instance by the
    client register.
    """
    asked = [
        spec
        for spec in specs
        if readings[spec.name].lines and resolved[spec.name].state is State.READ
    ]
    lines = [line for spec in asked for line in readings[spec.name].lines]
    issues: list[Issue] = []
    for reader in readers if lines else ():
        try:
            answers = iter(reader.read(lines))
        except FurtherReaderError:
            issues.append(Issue(IssueCode.READER_LEFT_OUT, reader.name))
            continue
        for spec in asked:
            of_field = list(islice(answers, len(readings[spec.name].lines)))
            known = (readings[spec.name].value, resolved[spec.name].value)
            if _differs(spec, of_field, [str(value) for value in known]):
                issues.append(Issue(IssueCode.READERS_DIFFER, spec.name))
    return list(dict.fromkeys(issues))


def _differs(spec: FieldSpec, answers: Sequence[LineAnswer], known: Sequence[str]) -> bool:
    # Without an opinion of each line there is none of the field.
    if not all(score for _, score in answers):
        return False
    text = " ".join(text for text, _ in answers)
    texts = (text, *parse_values(spec.format, text)) if spec.format else (text,)
    return {_simplify(each) for each in texts}.isdisjoint(map(_simplify, known))


def _simplify(text: str) -> str:
    return _IGNORED.sub("", text.replace(STRUCK_PLACEHOLDER, " ").casefold())
