"""Simulate a week of the workbench: `python -m research.simulation.week`.

docs/review.md has the assumptions and results. Readings with errors are put into a real store
(SQLite), and invented people take entries from the real queue, type, confirm, settle, rekey and
correct through the functions that the screens call. Only the people's eyes and fingers, and the
ink, are simulated.
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
from typing import TypeVar

from sqlalchemy import Connection, select

from pipeline.domain.errors import InvalidAnswerError, MissingAnswerError, UnknownClientError
from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Depth, Forms
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import (
    EntryState,
    Outcome,
    PageReading,
    Person,
    Reading,
    Role,
    SheetCode,
    State,
)
from pipeline.domain.review.depth import is_left_in_image
from pipeline.domain.review.rules import Answer, agrees_with_reading, asked_fields
from pipeline.domain.settings import ROOT, Settings
from pipeline.registers.client_check import NO_CLIENT_STATEMENT, ClientStatement
from pipeline.review.batches import MIN_BATCH_VIEW_TIME, BatchReview
from pipeline.review.decisions import Decision
from pipeline.review.rekeying import Rekeying
from pipeline.review.rows import MIN_SHEET_VIEW_TIME, RowReview
from pipeline.review.session import Decided, Review, ReviewSession
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.entry import make_entry_id
from pipeline.store.entries.entry_depth import set_unit_depth
from pipeline.store.entries.entry_view import EntryView, FieldView
from pipeline.store.entries.sheet_entries import save_page_reading
from pipeline.store.paper import pages
from pipeline.store.registers import client_register
from pipeline.store.schema.review import control_key, plant
from research.simulation.lists import ListReader
from research.simulation.open_store import open_store_of
from research.simulation.paper import WEEK_UNIT, SimulatedSheet, load_sample_clients, make_sheets
from research.simulation.people import (
    Keyer,
    SlipRates,
    is_folded,
    key_twice,
    text_rows,
    to_reading,
    work_batch,
)
from research.simulation.readings import SimulatedReader, to_answer

LISTS = ("besokslista",)
"""The forms of the week that open as rows in their latest version."""
MANAGER = Person("chef", "Chef", "", Role.MANAGER, frozenset({WEEK_UNIT}), ALL_AREAS)
OUTSIDE_CLIENT = ClientStatement(outside="ny klient")

REVIEWER_COUNT = 6
START_TIME = datetime(2022, 1, 10, 7, tzinfo=UTC)
DECISION_INTERVAL = timedelta(seconds=20)
"""The time between two decisions of one person; only the order matters."""
DECISIONS_PER_TRANSACTION = 60
"""Decisions in one transaction, so that the simulation does not wait for the disk."""


@dataclass(slots=True)
class WeekResult:
    """The results as counts by name.

    Names are `<what>.<kind>`, where kind is critical, shown, text or words; `of.<kind>.<kind of
    field>` and `after.<kind>.<kind of field>` split them by what is written: marks, digits,
    initials.
    """

    counts: Counter[str] = field(default_factory=Counter)

    def share(self, wrong: str, of: str) -> float:
        """Return one count as a share of another."""
        return self.counts[wrong] / max(1, self.counts[of])


def simulate_week(
    seed: int,
    parts: int = 10,
    slips: SlipRates | None = None,
    *,
    control_share: float = 0.02,
    plant_share: float = 0.005,
    groups: bool = True,
    rows: bool = True,
) -> WeekResult:
    """Simulate one week.

    Args:
        parts: how much paper; a part is the sheets that `make_sheets` makes for one part.
        slips: how people slip.
        groups: whether the queue offers groups of alike pieces too.
        rows: whether lists open as rows; else their entries are typed as a whole, one by one.
    """
    # A database of its own, deleted afterwards.
    with TemporaryDirectory() as folder:
        settings = Settings(
            workspace=Path(folder),
            database_url="",
            control_share=control_share,
            plant_share=plant_share,
        )
        store = open_store(settings, create=True)
        try:
            week = _WeekSimulation(store, settings, seed, slips or SlipRates())
            week.groups, week.rows = groups, rows
            return week.run(parts)
        finally:
            store.close()


_Kind = TypeVar("_Kind", bound=Review)


class _WeekSimulation:
    """One run: the paper, what was read, and the people."""

    def __init__(self, store: Store, settings: Settings, seed: int, slips: SlipRates) -> None:
        self.store, self.settings, self.slips = store, settings, slips
        self.groups = self.rows = True
        self.forms = Forms.load(ROOT / "forms")
        # Separate sources of chance: the same paper and ink under all assumptions about people.
        self.chance = Random(f"{seed} people")
        self.paper, self.ink = Random(f"{seed} paper"), Random(f"{seed} ink")
        self.keyer = Keyer(slips, self.chance)
        self.staff = [
            Person(
                f"p{n}",
                f"Person {n}",
                "sjuksköterska",
                Role.REVIEWER,
                frozenset({WEEK_UNIT}),
                ALL_AREAS,
            )
            for n in range(REVIEWER_COUNT)
        ]
        self.readers = {
            person.login: ListReader(person, self.keyer, self._true, self._hard)
            for person in self.staff
        }
        self.says: dict[str, SimulatedSheet] = {}
        self.read: dict[tuple[str, str], Reading] = {}
        self.now = START_TIME
        self.seed = seed
        self.week = WeekResult()

    def run(self, parts: int) -> WeekResult:
        # Scan all paper, then work until nobody has anything to do.
        with self.store.begin() as conn:
            self._begin(conn)
            for sheet in make_sheets(self.forms, parts, self.paper):
                self._scan(conn, sheet)
        busy = True
        while busy:
            busy = False
            # Many decisions share a transaction; everyone takes turns.
            with self.store.begin() as conn:
                for go in reversed(range(DECISIONS_PER_TRANSACTION // REVIEWER_COUNT)):
                    for person in self.staff:
                        self.now += DECISION_INTERVAL / REVIEWER_COUNT
                        busy |= self._decide(conn, person)
                        # Rekeying of the sample comes in the last round of each transaction.
                        busy |= go == 0 and self._control(conn, person)
        with self.store.read() as conn:
            self._score(conn)
        self._key_twice()
        return self.week

    def _begin(self, conn: Connection) -> None:
        client_register.save_units(conn, {WEEK_UNIT: "HSL"})
        client_register.save_clients(conn, load_sample_clients())
        if self.rows:
            for form_id in LISTS:
                set_unit_depth(
                    conn, self.forms, MANAGER, WEEK_UNIT, form_id, Depth.DEVIATIONS, self.now
                )
        # A fixed secret makes the sample for double keying reproducible.
        secret = hashlib.sha256(f"{self.seed}".encode()).hexdigest()
        conn.execute(control_key.insert().values(id=1, secret=secret))
        self.batch = pages.create_batch(conn, WEEK_UNIT, "", "p0")

    def _scan(self, conn: Connection, sheet: SimulatedSheet) -> None:
        machine, form = SimulatedReader.shipped(), sheet.form
        self.says[sheet.serial] = sheet
        for number, page in enumerate(form.pages, 1):
            # Fields of rows that nobody wrote on stay empty.
            here = [
                spec
                for spec in page.all_fields
                if spec.row is None or spec.row in sheet.rows or not spec.traits.filled_by_hand
            ]
            # Empty fields are read as empty; the others by the simulated reader.
            readings = {spec.name: Reading.empty(0.99) for spec in page.all_fields}
            readings |= {
                spec.name: machine.reading(spec, sheet.says.get(spec.name), self.ink)
                for spec in here
                if spec.traits.filled_by_hand
            }
            self.read |= {(sheet.serial, name): reading for name, reading in readings.items()}
            sha = hashlib.sha256(f"{sheet.serial}-{number}".encode()).hexdigest()
            # No image is stored: the page has a hash only.
            new = pages.NewPage(
                self.batch, len(self.read), "bunt.pdf", number, None, sha, "image/png"
            )
            code = SheetCode(form.id, form.version, number, len(form.pages), sheet.serial)
            reading = PageReading(Outcome.READ, code, 0.0, 0.1, (), readings)
            save_page_reading(
                conn,
                pages.add_page(conn, new, "p0"),
                reading,
                upright_sha256=sha,
                form=form,
                reader_version="simulated",
            )

    def _true(self, serial: str, spec: FieldSpec) -> Answer:
        return to_answer(spec, self.says[serial].says.get(spec.name))

    def _hard(self, serial: str, spec: FieldSpec) -> bool:
        return not agrees_with_reading(spec, self._true(serial, spec), self.read[serial, spec.name])

    def _decide(self, conn: Connection, person: Person) -> bool:
        # Batches come first, if the queue offers them.
        if (
            self.groups
            and (
                done := work_batch(
                    self._work(BatchReview, conn, person),
                    self.now - MIN_BATCH_VIEW_TIME,
                    self.keyer,
                    self._true,
                )
            )
            is not None
        ):
            self.week.counts["groups"] += 1
            self.week.counts["groups.kept"] += done.confirmed
            self.week.counts["plants.missed"] += len(done.missed)
            return True
        # Otherwise the next entry, perhaps with a seeded error.
        session = self._work(ReviewSession, conn, person)
        view = session.next_entry(lambda *_: None)
        if view is None:
            return False
        if self._review_rows(conn, person, view):
            return True
        # Answer every open field.
        given = {
            f.spec.name: a
            for f in view.fields
            if f.is_open
            and f.spec.traits.filled_by_hand
            and (a := self._answer(view, f, person.login)) is not None
        }
        # Save, and answer again while the program reports a missed seeded error.
        self.week.counts["looks.second" if view.is_second_review else "looks.first"] += 1
        decided = self._save(session, view, given)
        while decided.state is EntryState.REVIEW:
            decided = self._again(session, view.entry.id, decided.missed_field, given)
        return True

    def _review_rows(self, conn: Connection, person: Person, view: EntryView) -> bool:
        """Review the rows of a list whose entry is due; return whether there are any."""
        review, keys = self._work(RowReview, conn, person), self.keyer.keys
        done = self.readers[person.login].review(review, view, self.now - MIN_SHEET_VIEW_TIME)
        if done is None:
            return False
        ready, result = done
        counts = self.week.counts
        counts["rows"] += len(ready)
        counts["rows.kept"] += len(result.confirmed)
        counts["looks.first"] += len(result.confirmed)
        counts["plants.missed"] += len(result.missed)
        counts["keys.rows"] += self.keyer.keys - keys
        return True

    def _answer(self, view: EntryView, one: FieldView, login: str) -> Answer | None:
        """Return what the person says of a field; None leaves an empty field alone."""
        serial, spec = view.entry.sheet, one.spec
        if one.is_batch_confirmed:
            return None
        true = self._true(serial, spec)
        if view.is_second_review:
            # A second reviewer sees both values.
            sides = tuple(
                side
                for side in (
                    one.first_answer,
                    Answer(one.reading.value, one.reading.state) if one.reading else None,
                )
                if side is not None
            )
            return self.keyer.chosen(spec, true, sides)
        # Seen to be wrong in the list: typed.
        if (view.entry.id, spec.name) in self.readers[login].noticed:
            return self.keyer.typed(spec, true, hard=self._hard(serial, spec))
        # An earlier draft is shown instead of the reading.
        if one.draft is not None:
            return self.keyer.confirmed(
                spec, true, to_reading(one.draft), hard=self._hard(serial, spec)
            )
        # Blind keying: only the ink is visible.
        if one.is_blind or one.reading is None:
            if true.state is State.EMPTY and not spec.required:
                self.keyer.press(spec, 1)
                return None
            return self.keyer.typed(spec, true, hard=self._hard(serial, spec))
        # Otherwise the reading is shown, and confirmed or changed.
        return self.keyer.confirmed(
            spec, true, one.reading, hard=self._hard(serial, spec), folded=is_folded(view, one)
        )

    def _save(
        self,
        session: ReviewSession,
        view: EntryView,
        given: dict[str, Answer],
        *,
        outside: bool = False,
    ) -> Decided:
        """Save an entry; what the program asks about is looked at once more."""
        self.keyer.saves()
        entry, specs = view.entry, view.form.by_name
        try:
            about = OUTSIDE_CLIENT if outside else NO_CLIENT_STATEMENT
            decision = Decision(entry.id, entry.revision, given, about=about)
            return session.decide(view, decision, self.now)
        except (MissingAnswerError, InvalidAnswerError) as error:
            # The program refuses the answer: key the field again.
            for name in error.fields:
                given[name] = self.keyer.typed(
                    specs[name],
                    self._true(entry.sheet, specs[name]),
                    hard=self._hard(entry.sheet, specs[name]),
                )
        except UnknownClientError as error:
            # If the number is the same when it is keyed again, the client is not in the register.
            before = {name: given[name] for name in error.fields}
            for name in error.fields:
                given[name] = self.keyer.typed(
                    specs[name],
                    self._true(entry.sheet, specs[name]),
                    hard=self._hard(entry.sheet, specs[name]),
                )
            outside = all(given[name] == answer for name, answer in before.items())
        return self._save(session, view, given, outside=outside)

    def _again(
        self, session: ReviewSession, entry: str, name: str | None, given: dict[str, Answer]
    ) -> Decided:
        """Answer again after a missed seeded error.

        The person looks at that field, and keeps the other answers.
        """
        # The field with the seeded error, as it is shown now.
        view = session.resume_entry(entry, lambda *_: None)
        if view is None:
            raise AssertionError(entry)
        missed_field = next(one for one in view.fields if one.spec.name == name)
        shown = to_reading(missed_field.draft) if missed_field.draft else missed_field.reading
        self.week.counts["plants.missed"] += 1
        if shown is None:
            raise AssertionError(name)
        given[missed_field.spec.name] = self.keyer.confirmed(
            missed_field.spec, self._true(view.entry.sheet, missed_field.spec), shown, hard=False
        )
        return self._save(session, view, given)

    def _work(self, kind: type[_Kind], conn: Connection, person: Person) -> _Kind:
        """Return the work of a person within a transaction."""
        return kind(open_store_of(conn), self.forms, self.settings, person, lambda: self.now)

    def _control(self, conn: Connection, person: Person) -> bool:
        rekeying = self._work(Rekeying, conn, person)
        task = rekeying.claim((), lambda *_: None)
        if task is None:
            return False
        serial = task.page.sheet or ""
        true = self._true(serial, task.spec)
        # Rekeying is blind; adjudication chooses between two values.
        if not task.is_adjudication:
            answer = self.keyer.typed(task.spec, true, hard=self._hard(serial, task.spec))
            outcome = rekeying.save_answer(task, answer)
        else:
            answer = self.keyer.chosen(task.spec, true, task.differing_answers)
            outcome = rekeying.adjudicate(task, answer, about=OUTSIDE_CLIENT)
        self.keyer.saves()
        self.week.counts[f"controls.{outcome.value}"] += 1
        return True

    def _score(self, conn: Connection) -> None:
        counts = self.week.counts
        for serial, sheet in self.says.items():
            # Fields outside the rows count once, with the first row.
            for place, row in enumerate(sheet.rows):
                answers = decided_answers(conn, make_entry_id(serial, row))
                specs = [
                    spec
                    for spec in asked_fields(sheet.form, row)
                    if spec.row is not None or place == 0
                ]
                self._score_entry(
                    serial, specs, {name: one.answer for name, one in answers.items()}
                )
                counts["entries"] += 1
        for entry_id, outcome in conn.execute(select(plant.c.entry, plant.c.outcome)):
            form_id = self.says[entry_id.rpartition("-")[0]].form.id
            counts[f"plants.{outcome}.{'lists' if form_id in LISTS else 'others'}"] += 1
        counts["keys"], counts["keys.text"] = self.keyer.keys, self.keyer.by_kind.get("text", 0)

    def _score_entry(
        self, serial: str, specs: list[FieldSpec], answers: Mapping[str, Answer]
    ) -> None:
        # Kinds of error in the entry as read and as decided.
        before, after = set[str](), set[str]()
        is_list = self.says[serial].form.id in LISTS
        for spec in specs:
            # What repeats the client in a list is not typed: it stays in the image.
            if spec.name not in answers and is_left_in_image(spec):
                self.week.counts["left_in_image"] += 1
                continue
            reading = self.read[serial, spec.name]
            kind = field_group(spec)
            self.week.counts[f"fields.{kind}"] += 1
            self.week.counts[f"of.{kind}.{spec.kind}"] += 1
            self.week.counts[f"fields.lists.{kind}"] += is_list
            # Compare the reading and the decision with the paper.
            for name, decided, wrong in (
                ("before", Answer(reading.value, reading.state), before),
                ("after", answers.get(spec.name), after),
            ):
                if decided is None or self._wrong(f"{name}.words", serial, spec, decided):
                    self.week.counts[f"{name}.{kind}"] += 1
                    self.week.counts[f"{name}.{kind}.{spec.kind}"] += 1
                    self.week.counts[f"{name}.lists.{kind}"] += is_list
                    wrong.add("any" if kind in ("text", "notes") else "fields")
        for name, wrong in (("before", before), ("after", after)):
            self.week.counts[f"entries.{name}.fields"] += "fields" in wrong
            self.week.counts[f"entries.{name}.any"] += bool(wrong)

    def _wrong(self, words: str, serial: str, spec: FieldSpec, answer: Answer) -> bool:
        """Return whether a value differs from the paper; count the wrong words of texts."""
        true = self._true(serial, spec)
        # Count wrong words; missing words count as wrong.
        if spec.traits.is_multiline and true.state is State.READ:
            there = text_rows(answer) if answer.state is State.READ else []
            pairs = [
                (a, b)
                for row, read in zip(text_rows(true), there, strict=False)
                for a, b in zip(row.split(" "), read.split(" "), strict=False)
            ]
            of = sum(len(row.split(" ")) for row in text_rows(true))
            self.week.counts[words] += of - sum(a == b for a, b in pairs)
            self.week.counts[f"{words}.of"] += of
        return not agrees_with_reading(spec, true, to_reading(answer))

    def _key_twice(self) -> None:
        """Key the same paper twice, by people who slip as often."""
        # Two keyers and an adjudicator, each with their own chance.
        one, other, third = (Keyer(self.slips, Random(f"{self.seed} keyer {n}")) for n in range(3))
        for sheet in self.says.values():
            specs = [
                spec
                for spec in sheet.form.fields
                if spec.traits.filled_by_hand and (spec.row is None or spec.row in sheet.rows)
            ]
            for spec in specs:
                says = sheet.says.get(spec.name)
                if self._wrong(
                    "twice.words",
                    sheet.serial,
                    spec,
                    key_twice(spec, says, (one, other, third), hard=self._hard(sheet.serial, spec)),
                ):
                    self.week.counts[f"twice.{field_group(spec)}"] += 1
            for keyer in (one, other):
                keyer.saves()
        self.week.counts["keys.twice"] = sum(keyer.keys for keyer in (one, other, third))
        self.week.counts["keys.twice.text"] = sum(
            keyer.by_kind.get("text", 0) for keyer in (one, other, third)
        )


def field_group(spec: FieldSpec) -> str:
    """Return the group of a field in the metrics.

    Critical, shown (marks, choices, digits, signatures), text (names and the like) and notes.
    """
    if spec.critical:
        return "critical"
    return {Kind.TEXT: "text", Kind.LINES: "notes"}.get(spec.kind, "shown")
