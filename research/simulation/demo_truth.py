"""What the papers of the sample stack say, by `data/samples/expected.json`, and what differs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.model import State, Value
from pipeline.domain.record import Record, TypedPart
from pipeline.domain.review.rules import Answer, normalize_answer
from pipeline.operations.demo import TRUTH_FILE

_SOLID_MARK = "solid"
"""A box that is filled in, and so cancelled."""
_PART_FIELDS = {"client": "personnummer", "day": "handelsedatum", "text": "anteckning"}
"""The fields of a free note for what a part of a page says."""


@dataclass(frozen=True, slots=True)
class PaperTruth:
    """What is true of one paper.

    `written` is what a person reads on it, by field; `known` what its entry says besides: what was
    printed before it went out, and whom a client code means. `attached` are title and day of what
    goes with it.
    """

    written: Mapping[str, Value] = field(default_factory=dict)
    known: Mapping[str, Value] = field(default_factory=dict)
    attached: tuple[tuple[str, str], ...] = ()

    def answer(self, spec: FieldSpec, *, is_looked_up: bool = False) -> Answer:
        """Return what a person answers who reads the paper, or looks up all that is known of it."""
        values = {**self.written, **self.known} if is_looked_up else self.written
        return _answer_of(spec, values.get(spec.name))

    def expected(self, spec: FieldSpec) -> Value:
        """Return the value that has to leave for a field, as it is stored."""
        return normalize_answer(spec, self.answer(spec, is_looked_up=True)).value

    def differing_fields(self, record: Record, form: Form) -> Iterator[str]:
        """Yield the fields in which an exported record is not what the paper says.

        What of a paper is not typed is in its image.
        """
        specs = {spec.column: spec for spec in form.entry_fields(record.row)}
        for column, spec in specs.items():
            if not spec.traits.filled_by_hand or (
                column not in record.fields and record.typed is not TypedPart.WHOLE
            ):
                continue
            if (record.fields.get(column) or None) != (self.expected(spec) or None):
                yield column
        yield from self._differing_facts(record, form)
        if [(one.title, one.day) for one in record.attachments] != list(self.attached):
            yield "attachments"

    def correct(self, record: Record, form: Form, names: Collection[str]) -> Record:
        """Return a record in which these fields are what the paper says."""
        specs = {spec.column: spec for spec in form.entry_fields(record.row)}
        changed = {name: self.expected(specs[name]) for name in names if name in record.fields}
        return replace(record, fields={**record.fields, **changed})

    def _differing_facts(self, record: Record, form: Form) -> Iterator[str]:
        """Yield the client and the day of the event where the record has others."""
        day = f"{record.event_at:%Y-%m-%d}" if record.event_at else ""
        for meaning, found in ((Meaning.CLIENT_PID, record.client.pid), (Meaning.EVENT_DATE, day)):
            spec = form.meaning(meaning, record.row)
            expected = self.expected(spec) if spec else None
            if spec is not None and expected and found != expected:
                yield spec.column


@dataclass(frozen=True, slots=True)
class LoosePage:
    """A page without a form: attached to a sheet, shared by clients (`parts`), or foreign."""

    attached: Mapping[str, str]
    parts: tuple[Mapping[str, Any], ...]

    def part(self, row: int) -> PaperTruth:
        """Return what a part of the page says, by its row."""
        said = self.parts[row - 1]
        return PaperTruth({name: said[key] for key, name in _PART_FIELDS.items()})


class SampleTruth:
    """The truth of all papers."""

    def __init__(self) -> None:
        self._pages: list[dict[str, Any]] = json.loads(TRUTH_FILE.read_text("utf-8"))

    @cached_property
    def sheets(self) -> Mapping[str, PaperTruth]:
        """The papers that are forms, by serial."""
        found: dict[str, PaperTruth] = {}
        for page in self._pages:
            if serial := page.get("serial"):
                before = found.get(serial, PaperTruth())
                known = {**page.get("coded", {}), **page.get("printed", {})}
                found[serial] = PaperTruth(
                    {**before.written, **page["values"]}, {**before.known, **known}
                )
        for page in self._pages:
            if to := page.get("attached"):
                paper = found[to["to"]]
                attached = (*paper.attached, (to["title"], to["day"]))
                found[to["to"]] = replace(paper, attached=attached)
        return found

    @cached_property
    def loose(self) -> Mapping[tuple[str, int], LoosePage]:
        """The pages without a form, by file and page of the file."""
        return {
            (page["file"], page["page"]): LoosePage(
                page.get("attached", {}), tuple(page.get("parts", ()))
            )
            for page in self._pages
            if page["outcome"] == "unidentified"
        }


def _answer_of(spec: FieldSpec, value: Value) -> Answer:
    if spec.traits.is_check_box and value == _SOLID_MARK:
        return Answer(False, State.CANCELLED)
    if value in (None, "", False):
        return Answer(False if spec.traits.is_check_box else None, State.EMPTY)
    return Answer(value)
