"""Lists in the simulation: a person looks over the rows of a sheet, and confirms those that fit.

What has to be typed is typed above the rows once and in its row; a row that seems to say something
else than its ink is unticked, and comes by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Depth, EntriesPer
from pipeline.domain.model import Person
from pipeline.domain.review.rules import Answer, agrees_with_reading
from pipeline.review.rows import RowReview, RowsResult, SeenRow, SheetRow
from pipeline.store.entries.entry_view import EntryView
from research.simulation.people import FIND_ITEM_KEYS, Keyer, TrueAnswer, to_reading

LEAST_ROWS = 2
"""So many rows that are done together open as rows."""
IsHard = Callable[[str, FieldSpec], bool]
"""Whether the machine misread the ink of a field."""


@dataclass(slots=True)
class ListReader:
    """What one person does with the rows of a sheet.

    `noticed` are the fields whose wrong value the person has seen, by entry: they are typed when
    the row comes by itself.
    """

    person: Person
    keyer: Keyer
    true: TrueAnswer
    hard: IsHard
    done_sheets: set[str] = field(default_factory=set)
    noticed: set[tuple[str, str]] = field(default_factory=set)

    def review(
        self, review: RowReview, view: EntryView, shown_at: datetime
    ) -> tuple[list[SheetRow], RowsResult] | None:
        """Review the rows of the sheet whose entry is due; None if it is reviewed by itself."""
        sheet = view.entry.sheet
        if (
            view.form.entries is not EntriesPer.ROW
            or view.depth is not Depth.DEVIATIONS
            or view.is_second_review
            or sheet in self.done_sheets
        ):
            return None
        rows, _ = review.open(sheet, lambda *_: None)
        ready = [row for row in rows if row.is_for_confirming]
        if len(ready) < LEAST_ROWS:
            return None
        self.done_sheets.add(sheet)
        seen = self._fitting(review, ready, self._typed(ready))
        self.keyer.saves()
        result = review.confirm(seen, shown_at)
        if result is None:
            raise AssertionError(sheet)
        return ready, result

    def _typed(self, rows: Sequence[SheetRow]) -> list[SeenRow]:
        """Type what is asked above the rows and in each, and untick those that seem odd."""
        head = self._corrected_head(rows[0])
        seen = []
        for row in rows:
            typed = {}
            for name in row.deviations:
                spec = row.form.by_name[name]
                if name not in head:
                    typed[name] = self._type(row, spec)
                if spec.row is None:
                    head[name] = typed.get(name, head.get(name, Answer(None)))
            given = {name: head.get(name, typed.get(name)) for name in (*row.deviations, *row.head)}
            answers = {name: answer for name, answer in given.items() if answer is not None}
            is_ticked = not self._seems_odd(row)
            seen.append(SeenRow(row.entry.id, row.entry.revision, answers, is_ticked=is_ticked))
        return seen

    def _corrected_head(self, row: SheetRow) -> dict[str, Answer]:
        """Look over what was read above the rows, and type what is seen to be wrong."""
        keyer, corrected = self.keyer, {}
        for name in row.head:
            spec = row.form.by_name[name]
            is_right = agrees_with_reading(
                spec, self.true(row.entry.sheet, spec), to_reading(row.answers[name])
            )
            if not is_right and keyer.chance.random() >= keyer.slips.unseen_in_row:
                corrected[name] = self._type(row, spec)
        return corrected

    def _type(self, row: SheetRow, spec: FieldSpec) -> Answer:
        serial = row.entry.sheet
        return self.keyer.typed(spec, self.true(serial, spec), hard=self.hard(serial, spec))

    def _seems_odd(self, row: SheetRow) -> bool:
        """Look over a row's client and line; what is wrong there may be overlooked."""
        keyer, number = self.keyer, row.form.meaning(Meaning.CLIENT_PID, row.entry.row)
        shown = [*row.line, *([number] if number and number.name in row.answers else [])]
        is_odd = False
        for spec in shown:
            true = self.true(row.entry.sheet, spec)
            if agrees_with_reading(spec, true, to_reading(row.answers[spec.name])):
                is_odd |= keyer.chance.random() < keyer.slips.spoiled
            elif keyer.chance.random() >= keyer.slips.unseen_in_row:
                self.noticed.add((row.entry.id, spec.name))
                is_odd = True
        keyer.press(None, FIND_ITEM_KEYS if is_odd else 0)
        return is_odd

    def _fitting(
        self, review: RowReview, rows: Sequence[SheetRow], seen: Sequence[SeenRow]
    ) -> list[SeenRow]:
        """Type again what the program refuses, and untick the rows that it refuses still."""
        by_id = {row.entry.id: row for row in rows}
        for is_last in (False, True):
            ticked = [each for each in seen if each.is_ticked]
            refused = {
                row.entry.id: row for row in review.check(ticked) if not row.can_be_confirmed
            }
            if not refused:
                break
            self.keyer.saves()
            again: dict[str, Answer] = {}
            for entry_id, row in {} if is_last else refused.items():
                for name in set(row.deviations) & set(by_id[entry_id].deviations) - set(again):
                    again[name] = self._type(by_id[entry_id], row.form.by_name[name])
            seen = [
                replace(
                    each,
                    typed={name: again.get(name, answer) for name, answer in each.typed.items()},
                    is_ticked=each.is_ticked and not (is_last and each.entry_id in refused),
                )
                for each in seen
            ]
            self.keyer.press(None, FIND_ITEM_KEYS * len(refused) if is_last else 0)
        return list(seen)
