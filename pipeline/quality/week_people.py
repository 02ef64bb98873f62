"""People in the simulation: how often they slip, what they overlook, and how many keys they press. All rates are assumptions or published ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from pipeline.confidence import HIGH_CONFIDENCE
from pipeline.field_spec import Editor, FieldSpec, Format
from pipeline.model import Reading, State, Value
from pipeline.quality.week_ink import another, look_alike, written, wrong_word
from pipeline.review import Answer, agree

TAB, SAVE, CHOOSE = 1, 2, 1
"""Keys for going to the next field, for Ctrl+Enter, and for choosing one of two values."""
FIND = 3
"""Keys for reaching a word in a text."""


@dataclass(frozen=True, slots=True)
class Slips:
    """What people do wrong.

    `keying`: fields keyed wrongly by one person (Paulsen 2012: 0.370 per 100). `misread`: share of these that take the ink for what it looks like,
    rather than pressing a wrong key. `hard`: how many times more often ink is misread that the machine misread too. `unseen`: share of wrong values
    that are overlooked where they are shown as sure, `unseen_doubtful` where they are marked as doubtful, `unseen_grouped` in a grid of alike ones.
    `spoiled`: share of right ones that are changed for a wrong one. `chosen`: share of disagreements that are settled wrongly.
    """

    keying: float = 0.0037
    misread: float = 0.5
    hard: float = 5.0
    unseen: float = 0.4
    unseen_doubtful: float = 0.15
    unseen_grouped: float = 0.4
    spoiled: float = 0.0005
    chosen: float = 0.01


DOUBTFUL_SIGN = 0.9
"""Below this a character of a text is."""


@dataclass(slots=True)
class Keyer:
    """A person at a keyboard, and the keys pressed so far."""

    slips: Slips
    chance: Random
    keys: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)

    def press(self, spec: FieldSpec | None, keys: int) -> None:
        """Count keys, by kind of field."""
        kind = "text" if spec is not None and spec.traits.is_multiline else "fields"
        self.keys += keys
        self.by_kind[kind] = self.by_kind.get(kind, 0) + keys

    def typed(self, spec: FieldSpec, true: Answer, *, hard: bool) -> Answer:
        """What is typed by one who sees the ink alone."""
        answer = self.keyed(spec, true, hard=hard)
        self.press(spec, keys_of(spec, answer) + TAB)
        return answer

    def confirmed(self, spec: FieldSpec, true: Answer, shown: Reading, *, hard: bool, folded: bool = False) -> Answer:
        """What becomes of a field that is shown filled in; a folded one is passed without a key, and opened to be changed."""
        if spec.traits.is_multiline and true.state is State.READ and shown.state is State.READ:
            return self._text(spec, str(true.value), shown)
        self.press(spec, 0 if folded else TAB)
        right = agree(spec, true, shown)
        overlooks = self.slips.unseen if shown.p >= HIGH_CONFIDENCE else self.slips.unseen_doubtful
        leaves = self.chance.random() >= self.slips.spoiled if right else self.chance.random() < overlooks
        if leaves:
            return Answer(shown.value, shown.state)
        answer = another(spec, true, self.chance) if right else self.keyed(spec, true, hard=hard)
        self.press(spec, keys_of(spec, answer) + (SAVE + TAB if folded else 0))
        return answer

    def chosen(self, spec: FieldSpec, true: Answer, sides: tuple[Answer, ...]) -> Answer:
        """What is chosen of two values by one who sees the ink and both; typed where neither is right."""
        right = [side for side in sides if agree(spec, true, as_reading(side))]
        wrong = [side for side in sides if not agree(spec, true, as_reading(side))]
        if right and not (wrong and self.chance.random() < self.slips.chosen):
            self.press(spec, CHOOSE + TAB)
            return right[0]
        if right or self.chance.random() < self.slips.unseen_doubtful:
            self.press(spec, CHOOSE + TAB)
            return wrong[0]
        return self.typed(spec, true, hard=True)

    def saves(self) -> None:
        """The end of an entry."""
        self.press(None, SAVE)

    def keyed(self, spec: FieldSpec, true: Answer, *, hard: bool) -> Answer:
        """What comes of reading the ink and keying it, keys not counted."""
        if spec.traits.is_multiline and true.state is State.READ:
            words = [[wrong_word(w, self.chance) if self.chance.random() < self.slips.keying else w for w in row.split(" ")] for row in rows(true)]
            return Answer("\n".join(" ".join(row) for row in words))
        misread = self.slips.keying * self.slips.misread * (self.slips.hard if hard else 1.0)
        draw = self.chance.random()
        if draw < misread:
            return look_alike(spec, true)
        return another(spec, true, self.chance) if draw < misread + self.slips.keying * (1 - self.slips.misread) else true

    def _text(self, spec: FieldSpec, true: str, shown: Reading) -> Answer:
        """Word by word over a text that stands there already."""
        said, at = [], 0
        for row, read in zip(true.split("\n"), str(shown.value).split("\n"), strict=True):
            words = []
            for word, there in zip(row.split(" "), read.split(" "), strict=True):
                sure = min(shown.characters[at : at + len(there)], default=1.0) >= DOUBTFUL_SIGN
                at += len(there) + 1
                overlooked = word == there or self.chance.random() < (self.slips.unseen if sure else self.slips.unseen_doubtful)
                slipped = not overlooked and self.chance.random() < self.slips.keying
                words.append(there if overlooked else wrong_word(word, self.chance) if slipped else word)
                self.press(spec, 0 if overlooked else FIND + len(word))
            said.append(" ".join(words))
        self.press(spec, TAB)
        return Answer("\n".join(said))


def rows(answer: Answer) -> list[str]:
    """The rows of a text."""
    return str(answer.value).split("\n")


def as_reading(answer: Answer) -> Reading:
    """An answer to compare with."""
    return Reading(answer.value, 1.0, answer.state)


def keys_of(spec: FieldSpec, answer: Answer) -> int:
    """The keys that an answer takes: dates as ÅÅMMDD, times as four digits, one for a mark or a choice, one for tomt."""
    if answer.state is not State.READ or not isinstance(answer.value, str) or spec.traits.editor is Editor.BUTTONS:
        return 1
    if spec.format is Format.DATE:
        return len("260217")
    return len(answer.value.replace(":", "")) if spec.format is Format.TIME else len(answer.value)


def keyed_twice(spec: FieldSpec, says: Value, keyers: tuple[Keyer, Keyer, Keyer], *, hard: bool) -> Answer:
    """The way to compare with: two people key everything, and a third settles what differs. An empty field that may be left out is passed by."""
    true, third = written(spec, says), keyers[2]
    first, second = (_passed(spec, true, keyer, hard=hard) for keyer in keyers[:2])
    if agree(spec, first, as_reading(second)):
        return first
    if spec.traits.is_multiline:
        return _words_settled(true, first, second, third, spec)
    return third.chosen(spec, true, (first, second))


def _passed(spec: FieldSpec, true: Answer, keyer: Keyer, *, hard: bool) -> Answer:
    if true.state is State.EMPTY:
        answer = keyer.keyed(spec, true, hard=hard)
        keyer.press(spec, TAB if answer == true else TAB + keys_of(spec, answer))
        return answer
    return keyer.typed(spec, true, hard=hard)


def _words_settled(true: Answer, first: Answer, second: Answer, third: Keyer, spec: FieldSpec) -> Answer:
    settled = []
    for row, one, other in zip(rows(true), rows(first), rows(second), strict=True):
        words = []
        for word, a, b in zip(row.split(" "), one.split(" "), other.split(" "), strict=True):
            differs = a != b
            third.press(spec, CHOOSE if differs else 0)
            wrong = third.chance.random() < third.slips.chosen
            words.append(a if not differs else (a if a != word else b) if wrong else word)
        settled.append(" ".join(words))
    return Answer("\n".join(settled))
