"""A week of the workbench, simulated: `python -m pipeline.quality.week`. docs/review.md says what is assumed and what came out.

Readings with errors are put into a real store (SQLite), and invented people take entries from the real queue, type, confirm, settle, control and
correct through the functions that the screens call. Only the people's eyes and fingers, and the ink, are made up.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from sqlalchemy import Connection

from pipeline.client_guard import AboutClient
from pipeline.errors import InvalidAnswerError, MissingAnswerError, UnknownClientError
from pipeline.field_spec import FieldSpec, Kind
from pipeline.model import EntryState, Outcome, PageReading, Person, Reading, Role, SheetCode, State
from pipeline.professions import ALL_AREAS
from pipeline.quality.week_groups import stands_folded, work_group
from pipeline.quality.week_ink import Machine, written
from pipeline.quality.week_paper import UNIT, Sheet, clients, sheets
from pipeline.quality.week_people import Keyer, Slips, as_reading, keyed_twice, rows
from pipeline.review import Answer, agree, asked
from pipeline.settings import ROOT, Settings
from pipeline.store import claims, controls, decisions, pages, registers
from pipeline.store.answers import decided
from pipeline.store.control_tables import control_key
from pipeline.store.database import Store, open_store
from pipeline.store.decisions import NOTHING_SAID
from pipeline.store.entries import entry_id
from pipeline.store.entry_views import EntryView, FieldView
from pipeline.store.plants import last_missed, planted
from pipeline.store.sheets import save_reading
from pipeline.store.third_looks import third_look
from pipeline.template import Forms

OUTSIDE = AboutClient(outside="ny klient")

STAFF = 6
START = datetime(2022, 1, 10, 7, tzinfo=UTC)
STEP = timedelta(seconds=20)
"""Between two decisions of one person; only the order matters."""
A_GO = 60
"""Decisions in one transaction: so that the simulation does not wait for the disk."""


@dataclass(slots=True)
class Week:
    """What came out: counts by name. Names are `<what>.<kind>`, where kind is critical, shown, text or words; `of.<kind>.<kind of field>` and
    `after.<kind>.<kind of field>` tell them by what is written: marks, digits, initials."""

    counts: Counter[str] = field(default_factory=Counter)

    def share(self, wrong: str, of: str) -> float:
        """One count as a share of another."""
        return self.counts[wrong] / max(1, self.counts[of])


def simulate(
    seed: int, parts: int = 10, slips: Slips | None = None, *, control_share: float = 0.02, plant_share: float = 0.005, groups: bool = True
) -> Week:
    """One week.

    Args:
        parts: how much paper; a part is the sheets of `week_paper.MIX`.
        slips: how people slip.
        groups: whether the queue offers groups of alike pieces too.
    """
    with TemporaryDirectory() as folder:
        settings = Settings(workspace=Path(folder), database_url="", control_share=control_share, plant_share=plant_share)
        store = open_store(settings, create=True)
        try:
            return _Bench(store, settings, seed, slips or Slips(), groups=groups).run(parts)
        finally:
            store.close()


class _Bench:
    """One run: the paper, what was read, and the people."""

    def __init__(self, store: Store, settings: Settings, seed: int, slips: Slips, *, groups: bool) -> None:
        self.store, self.settings, self.slips, self.groups = store, settings, slips, groups
        self.forms = Forms.load(ROOT / "forms")
        self.chance = Random(f"{seed} people")
        self.paper, self.ink = Random(f"{seed} paper"), Random(f"{seed} ink")
        self.keyer = Keyer(slips, self.chance)
        self.staff = [Person(f"p{n}", f"Person {n}", "sjuksköterska", Role.REVIEWER, frozenset({UNIT}), ALL_AREAS) for n in range(STAFF)]
        self.says: dict[str, Sheet] = {}
        self.read: dict[tuple[str, str], Reading] = {}
        self.now = START
        self.seed = seed
        self.week = Week()

    def run(self, parts: int) -> Week:
        with self.store.begin() as conn:
            self._begin(conn)
            for sheet in sheets(self.forms, parts, self.paper):
                self._scan(conn, sheet)
        busy = True
        while busy:
            busy = False
            with self.store.begin() as conn:
                for go in reversed(range(A_GO // STAFF)):
                    for person in self.staff:
                        self.now += STEP / STAFF
                        busy |= self._decide(conn, person)
                        busy |= go == 0 and self._control(conn, person)
        with self.store.read() as conn:
            self._score(conn)
        self._key_twice()
        return self.week

    def _begin(self, conn: Connection) -> None:
        registers.save_units(conn, {UNIT: "HSL"})
        registers.save_clients(conn, clients())
        secret = hashlib.sha256(f"{self.seed}".encode()).hexdigest()
        conn.execute(control_key.insert().values(id=1, secret=secret))
        self.batch = pages.add_batch(conn, UNIT, "", "p0")

    def _scan(self, conn: Connection, sheet: Sheet) -> None:
        machine, form = Machine.shipped(), sheet.form
        self.says[sheet.serial] = sheet
        for number, page in enumerate(form.pages, 1):
            here = [spec for spec in page.all_fields if spec.row is None or spec.row in sheet.rows or not spec.traits.filled_by_hand]
            readings = {spec.name: Reading.empty(0.99) for spec in page.all_fields}
            readings |= {spec.name: machine.reading(spec, sheet.says.get(spec.name), self.ink) for spec in here if spec.traits.filled_by_hand}
            self.read |= {(sheet.serial, name): reading for name, reading in readings.items()}
            sha = hashlib.sha256(f"{sheet.serial}-{number}".encode()).hexdigest()
            new = pages.NewPage(self.batch, len(self.read), "bunt.pdf", number, None, sha, "image/png")
            code = SheetCode(form.id, form.version, number, len(form.pages), sheet.serial)
            reading = PageReading(Outcome.READ, code, 0.0, 0.1, (), readings)
            save_reading(conn, pages.add_page(conn, new, "p0"), reading, upright_sha256=sha, form=form, reader_version="simulated")

    def _true(self, serial: str, spec: FieldSpec) -> Answer:
        return written(spec, self.says[serial].says.get(spec.name))

    def _hard(self, serial: str, spec: FieldSpec) -> bool:
        return not agree(spec, self._true(serial, spec), self.read[serial, spec.name])

    def _decide(self, conn: Connection, person: Person) -> bool:
        share = self.settings.plant_share
        if self.groups and (done := work_group(conn, self.forms, person, self.now, share, self.keyer, self._true)) is not None:
            self.week.counts["groups"] += 1
            self.week.counts["groups.kept"] += done.kept
            self.week.counts["plants.missed"] += len(done.missed)
            return True
        view = claims.claim_next(conn, self.forms, person, self.now)
        if view is None:
            return False
        view = planted(conn, person, view, share, self.now)
        given = {f.spec.name: a for f in view.fields if f.open and f.spec.traits.filled_by_hand and (a := self._answer(view, f)) is not None}
        self.week.counts["looks.second" if view.second else "looks.first"] += 1
        state = self._save(conn, person, view, given)
        while state is EntryState.REVIEW:
            state = self._again(conn, person, view.entry.id, given)
        return True

    def _answer(self, view: EntryView, one: FieldView) -> Answer | None:
        """What the person says of a field; None leaves an empty field alone."""
        serial, spec = view.entry.sheet, one.spec
        if one.grouped:
            return None
        true = self._true(serial, spec)
        if view.second:
            sides = tuple(side for side in (one.first, Answer(one.reading.value, one.reading.state) if one.reading else None) if side is not None)
            return self.keyer.chosen(spec, true, sides)
        if one.draft is not None:
            return self.keyer.confirmed(spec, true, as_reading(one.draft), hard=self._hard(serial, spec))
        if one.blind or one.reading is None:
            if true.state is State.EMPTY and not spec.required:
                self.keyer.press(spec, 1)
                return None
            return self.keyer.typed(spec, true, hard=self._hard(serial, spec))
        return self.keyer.confirmed(spec, true, one.reading, hard=self._hard(serial, spec), folded=stands_folded(view, one))

    def _save(self, conn: Connection, person: Person, view: EntryView, given: dict[str, Answer], *, outside: bool = False) -> EntryState:
        """Save; what is asked about is looked at once more."""
        self.keyer.saves()
        entry, specs = view.entry, view.form.by_name
        try:
            return decisions.save_answers(
                conn, self.forms, person, entry.id, entry.revision, given, self.now, about=OUTSIDE if outside else NOTHING_SAID
            )
        except (MissingAnswerError, InvalidAnswerError) as error:
            for name in error.fields:
                given[name] = self.keyer.typed(specs[name], self._true(entry.sheet, specs[name]), hard=self._hard(entry.sheet, specs[name]))
        except UnknownClientError as error:
            before = {name: given[name] for name in error.fields}
            for name in error.fields:
                given[name] = self.keyer.typed(specs[name], self._true(entry.sheet, specs[name]), hard=self._hard(entry.sheet, specs[name]))
            outside = all(given[name] == answer for name, answer in before.items())
        return self._save(conn, person, view, given, outside=outside)

    def _again(self, conn: Connection, person: Person, entry: str, given: dict[str, Answer]) -> EntryState:
        """The person has been told of a planted value, looks at that field, and keeps the other answers."""
        name = last_missed(conn, person, entry)
        view = claims.open_entry(conn, self.forms, person, entry, self.now)
        told = next(one for one in view.fields if one.spec.name == name)
        shown = as_reading(told.draft) if told.draft else told.reading
        self.week.counts["plants.missed"] += 1
        if shown is None:
            raise AssertionError(name)
        given[told.spec.name] = self.keyer.confirmed(told.spec, self._true(view.entry.sheet, told.spec), shown, hard=False)
        return self._save(conn, person, view, given)

    def _control(self, conn: Connection, person: Person) -> bool:
        task = controls.next_control(conn, self.forms, person, self.now, 15)
        if task is None:
            return False
        serial = task.page.sheet or ""
        true = self._true(serial, task.spec)
        if not task.third:
            answer = self.keyer.typed(task.spec, true, hard=self._hard(serial, task.spec))
            outcome = controls.type_control(conn, person, task, answer, self.now)
        else:
            answer = self.keyer.chosen(task.spec, true, task.sides)
            outcome = third_look(conn, person, task, answer, self.now, about=OUTSIDE)
        self.keyer.saves()
        self.week.counts[f"controls.{outcome.value}"] += 1
        return True

    def _score(self, conn: Connection) -> None:
        counts = self.week.counts
        for serial, sheet in self.says.items():
            for place, row in enumerate(sheet.rows):
                answers = decided(conn, entry_id(serial, row))
                specs = [spec for spec in asked(sheet.form, row) if spec.row is not None or place == 0]
                self._score_entry(serial, specs, {name: one.answer for name, one in answers.items()})
                counts["entries"] += 1
        counts["keys"], counts["keys.text"] = self.keyer.keys, self.keyer.by_kind.get("text", 0)

    def _score_entry(self, serial: str, specs: list[FieldSpec], answers: Mapping[str, Answer]) -> None:
        before, after = set[str](), set[str]()
        for spec in specs:
            reading = self.read[serial, spec.name]
            kind = group(spec)
            self.week.counts[f"fields.{kind}"] += 1
            self.week.counts[f"of.{kind}.{spec.kind}"] += 1
            for name, said, wrong in (("before", Answer(reading.value, reading.state), before), ("after", answers.get(spec.name), after)):
                if said is None or self._wrong(f"{name}.words", serial, spec, said):
                    self.week.counts[f"{name}.{kind}"] += 1
                    self.week.counts[f"{name}.{kind}.{spec.kind}"] += 1
                    wrong.add("any" if kind in ("text", "notes") else "fields")
        for name, wrong in (("before", before), ("after", after)):
            self.week.counts[f"entries.{name}.fields"] += "fields" in wrong
            self.week.counts[f"entries.{name}.any"] += bool(wrong)

    def _wrong(self, words: str, serial: str, spec: FieldSpec, said: Answer) -> bool:
        """Whether a value is not what the paper says; counts the words of texts that are not."""
        true = self._true(serial, spec)
        if spec.traits.is_multiline and true.state is State.READ:
            there = rows(said) if said.state is State.READ else []
            pairs = [(a, b) for row, read in zip(rows(true), there, strict=False) for a, b in zip(row.split(" "), read.split(" "), strict=False)]
            of = sum(len(row.split(" ")) for row in rows(true))
            self.week.counts[words] += of - sum(a == b for a, b in pairs)
            self.week.counts[f"{words}.of"] += of
        return not agree(spec, true, as_reading(said))

    def _key_twice(self) -> None:
        """The same paper keyed twice by people who slip as often."""
        one, other, third = (Keyer(self.slips, Random(f"{self.seed} keyer {n}")) for n in range(3))
        for sheet in self.says.values():
            specs = [spec for spec in sheet.form.fields if spec.traits.filled_by_hand and (spec.row is None or spec.row in sheet.rows)]
            for spec in specs:
                says = sheet.says.get(spec.name)
                if self._wrong("twice.words", sheet.serial, spec, keyed_twice(spec, says, (one, other, third), hard=self._hard(sheet.serial, spec))):
                    self.week.counts[f"twice.{group(spec)}"] += 1
            for keyer in (one, other):
                keyer.saves()
        self.week.counts["keys.twice"] = sum(keyer.keys for keyer in (one, other, third))
        self.week.counts["keys.twice.text"] = sum(keyer.by_kind.get("text", 0) for keyer in (one, other, third))


def group(spec: FieldSpec) -> str:
    """How fields are told apart in the figures: critical, shown (marks, choices, digits, signatures), text (names and the like) and notes."""
    if spec.critical:
        return "critical"
    return {Kind.TEXT: "text", Kind.LINES: "notes"}.get(spec.kind, "shown")
