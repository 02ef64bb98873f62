"""The people of the simulation: how often they slip, what they overlook, which keys they press.

All rates are assumptions or published ones. In batch review a person looks over similar field
images and marks those that seem odd.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from pipeline.domain.form.confidence import PREFILL_FROM
from pipeline.domain.form.field import Editor, FieldSpec, Format
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.rules import Answer, agrees_with_reading, is_routine
from pipeline.review.batches import BatchItem, BatchResult, BatchReview, ReviewBatch
from pipeline.store.entries.entry_view import EntryView, FieldView
from research.simulation.readings import lookalike_answer, misread_word, other_answer, to_answer

FIND_WORD_KEYS = 3
"""Keys for reaching a word in a text."""
LOW_CHARACTER_CONFIDENCE = 0.9
"""A character of a text below this probability is shown as low confidence."""
FIND_ITEM_KEYS = 4
"""Keys for reaching an odd item with the arrows and marking it."""
TrueAnswer = Callable[[str, FieldSpec], Answer]
"""What the paper with this serial says in a field."""


TAB_KEYS, SAVE_KEYS, CHOOSE_KEYS = 1, 2, 1
"""Keys for going to the next field, for Ctrl+Enter, and for choosing one of two values."""


@dataclass(frozen=True, slots=True)
class SlipRates:
    """How often people make each kind of mistake.

    `keying`: fields keyed wrongly by one person (Paulsen 2012: 0.370 per 100). `misread`: share
    of these that take the ink for what it looks like, rather than pressing a wrong key. `hard`:
    how many times more often ink is misread that the machine misread too. `unseen`: share of
    wrong values that are overlooked where they have high confidence, `unseen_doubtful` where they
    are shown with low confidence, `unseen_grouped` in a batch of similar field images,
    `unseen_in_row` in the line of a row of a list.
    `spoiled`: share of right ones that are changed for a wrong one. `chosen`: share of
    disagreements that are settled wrongly.
    """

    keying: float = 0.0037
    misread: float = 0.5
    hard: float = 5.0
    unseen: float = 0.4
    unseen_doubtful: float = 0.15
    unseen_grouped: float = 0.4
    unseen_in_row: float = 0.4
    spoiled: float = 0.0005
    chosen: float = 0.01


@dataclass(slots=True)
class Keyer:
    """A person at a keyboard, and the keys pressed so far."""

    slips: SlipRates
    chance: Random
    keys: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)

    def press(self, spec: FieldSpec | None, keys: int) -> None:
        """Count keys, by kind of field."""
        kind = "text" if spec is not None and spec.traits.is_multiline else "fields"
        self.keys += keys
        self.by_kind[kind] = self.by_kind.get(kind, 0) + keys

    def typed(self, spec: FieldSpec, true: Answer, *, hard: bool) -> Answer:
        """Return what is typed by a person who sees the ink only."""
        answer = self.keyed(spec, true, hard=hard)
        self.press(spec, count_keys(spec, answer) + TAB_KEYS)
        return answer

    def confirmed(
        self, spec: FieldSpec, true: Answer, shown: Reading, *, hard: bool, folded: bool = False
    ) -> Answer:
        """Return what becomes of a field that is shown filled in.

        A folded field is passed without a key, and opened to be changed.
        """
        # Free text is corrected word by word.
        if spec.traits.is_multiline and true.state is State.READ and shown.state is State.READ:
            return self._text(spec, str(true.value), shown)
        # A key to pass the field, unless it is folded.
        self.press(spec, 0 if folded else TAB_KEYS)
        right = agrees_with_reading(spec, true, shown)
        # Low confidence is shown, so errors there are overlooked less often.
        overlooks = self.slips.unseen if shown.p >= PREFILL_FROM else self.slips.unseen_doubtful
        # A right value may be changed by mistake, a wrong one overlooked.
        leaves = (
            self.chance.random() >= self.slips.spoiled
            if right
            else self.chance.random() < overlooks
        )
        if leaves:
            return Answer(shown.value, shown.state)
        # Key the true value, or spoil a right one.
        answer = (
            other_answer(spec, true, self.chance) if right else self.keyed(spec, true, hard=hard)
        )
        # A folded field has to be opened and saved.
        self.press(spec, count_keys(spec, answer) + (SAVE_KEYS + TAB_KEYS if folded else 0))
        return answer

    def chosen(self, spec: FieldSpec, true: Answer, sides: tuple[Answer, ...]) -> Answer:
        """Return which of two values is chosen by a person who sees the ink and both.

        It is typed where neither is right.
        """
        # The sides that agree with the paper, and the others.
        right = [side for side in sides if agrees_with_reading(spec, true, to_reading(side))]
        wrong = [side for side in sides if not agrees_with_reading(spec, true, to_reading(side))]
        # The right side is chosen, except for a small share of slips.
        if right and not (wrong and self.chance.random() < self.slips.chosen):
            self.press(spec, CHOOSE_KEYS + TAB_KEYS)
            return right[0]
        # A wrong side is chosen by a slip, or because both are wrong and neither is noticed.
        if right or self.chance.random() < self.slips.unseen_doubtful:
            self.press(spec, CHOOSE_KEYS + TAB_KEYS)
            return wrong[0]
        return self.typed(spec, true, hard=True)

    def saves(self) -> None:
        """Count the keys at the end of an entry."""
        self.press(None, SAVE_KEYS)

    def keyed(self, spec: FieldSpec, true: Answer, *, hard: bool) -> Answer:
        """Return what comes of reading the ink and keying it, without counting keys."""
        # A slip in a text changes one word.
        if spec.traits.is_multiline and true.state is State.READ:
            words = [
                [
                    misread_word(w, self.chance) if self.chance.random() < self.slips.keying else w
                    for w in row.split(" ")
                ]
                for row in text_rows(true)
            ]
            return Answer("\n".join(" ".join(row) for row in words))
        # Slips are misread ink or wrong keys; hard ink is misread more often.
        misread = self.slips.keying * self.slips.misread * (self.slips.hard if hard else 1.0)
        draw = self.chance.random()
        if draw < misread:
            return lookalike_answer(spec, true)
        return (
            other_answer(spec, true, self.chance)
            if draw < misread + self.slips.keying * (1 - self.slips.misread)
            else true
        )

    def _text(self, spec: FieldSpec, true: str, shown: Reading) -> Answer:
        """Return a text that is corrected word by word."""
        rows, at = [], 0
        for row, read in zip(true.split("\n"), str(shown.value).split("\n"), strict=True):
            words = []
            for word, there in zip(row.split(" "), read.split(" "), strict=True):
                # The confidence of a word is that of its least certain character.
                is_confident = (
                    min(shown.characters[at : at + len(there)], default=1.0)
                    >= LOW_CHARACTER_CONFIDENCE
                )
                at += len(there) + 1
                # A wrong word is corrected unless overlooked.
                overlooked = word == there or self.chance.random() < (
                    self.slips.unseen if is_confident else self.slips.unseen_doubtful
                )
                # The correction itself may contain a slip.
                slipped = not overlooked and self.chance.random() < self.slips.keying
                words.append(
                    there if overlooked else misread_word(word, self.chance) if slipped else word
                )
                self.press(spec, 0 if overlooked else FIND_WORD_KEYS + len(word))
            rows.append(" ".join(words))
        self.press(spec, TAB_KEYS)
        return Answer("\n".join(rows))


def text_rows(answer: Answer) -> list[str]:
    """Return the rows of a text."""
    return str(answer.value).split("\n")


def to_reading(answer: Answer) -> Reading:
    """Return an answer as a reading, to compare with."""
    return Reading(answer.value, 1.0, answer.state)


def count_keys(spec: FieldSpec, answer: Answer) -> int:
    """Return the number of keys for an answer.

    Dates as ÅÅMMDD, times as four digits, one for a mark or a choice, one for tomt.
    """
    if (
        answer.state is not State.READ
        or not isinstance(answer.value, str)
        or spec.traits.editor is Editor.BUTTONS
    ):
        return 1
    # As ÅÅMMDD.
    if spec.format is Format.DATE:
        return len("260217")
    return len(answer.value.replace(":", "")) if spec.format is Format.TIME else len(answer.value)


def key_twice(
    spec: FieldSpec, says: Value, keyers: tuple[Keyer, Keyer, Keyer], *, hard: bool
) -> Answer:
    """Return the result of double keying: two people key everything, a third settles differences.

    An empty optional field is passed.
    """
    true, third = to_answer(spec, says), keyers[2]
    # Two people key independently.
    first, second = (_key_or_pass(spec, true, keyer, hard=hard) for keyer in keyers[:2])
    # They agree: done without a third.
    if agrees_with_reading(spec, first, to_reading(second)):
        return first
    # Notes are compared word by word.
    if spec.traits.is_multiline:
        return _settle_words(true, first, second, third, spec)
    return third.chosen(spec, true, (first, second))


def _key_or_pass(spec: FieldSpec, true: Answer, keyer: Keyer, *, hard: bool) -> Answer:
    # An empty field costs a Tab, unless something is keyed there by mistake.
    if true.state is State.EMPTY:
        answer = keyer.keyed(spec, true, hard=hard)
        keyer.press(spec, TAB_KEYS if answer == true else TAB_KEYS + count_keys(spec, answer))
        return answer
    return keyer.typed(spec, true, hard=hard)


def _settle_words(
    true: Answer, first: Answer, second: Answer, third: Keyer, spec: FieldSpec
) -> Answer:
    settled = []
    for row, one, other in zip(text_rows(true), text_rows(first), text_rows(second), strict=True):
        words = []
        for word, a, b in zip(row.split(" "), one.split(" "), other.split(" "), strict=True):
            # The third person looks only at words that differ.
            differs = a != b
            third.press(spec, CHOOSE_KEYS if differs else 0)
            wrong = third.chance.random() < third.slips.chosen
            # With a slip, a version that is not what the paper says.
            words.append(a if not differs else (a if a != word else b) if wrong else word)
        settled.append(" ".join(words))
    return Answer("\n".join(settled))


def work_batch(
    review: BatchReview, shown_at: datetime, keyer: Keyer, true: TrueAnswer
) -> BatchResult | None:
    """Decide the next batch, if there is one."""
    # Claim a batch of similar field images.
    group = review.claim(lambda *_: None)
    if group is None:
        return None
    # Mark the images that seem to say something else, and confirm the others.
    marks = {cell.id: _is_marked_odd(group, cell, keyer, true) for cell in group.items}
    keyer.saves()
    return review.confirm(group.id, marks, shown_at)


def is_folded(view: EntryView, one: FieldView) -> bool:
    """Return whether a field is read over on its sheet rather than passed with Tab."""
    return (
        not view.is_second_review
        and not one.is_blind
        and one.draft is None
        and is_routine(view.form, one.spec, one.reading, view.problems)
    )


def _is_marked_odd(group: ReviewBatch, cell: BatchItem, keyer: Keyer, true: TrueAnswer) -> bool:
    right = agrees_with_reading(
        cell.spec, true(cell.page.serial or "", cell.spec), to_reading(group.answer)
    )
    # A right one may be marked by mistake, a wrong one overlooked.
    odd = (
        keyer.chance.random() < keyer.slips.spoiled
        if right
        else keyer.chance.random() >= keyer.slips.unseen_grouped
    )
    keyer.press(cell.spec, FIND_ITEM_KEYS if odd else 0)
    return odd
