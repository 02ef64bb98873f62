"""Triage: which entries come first, by a versioned table of rules (`data/triage.yaml`).

A table is read from its top, and the first rule that fits gives the level: 1 comes first, 6 last.
The rules look at the form and at what was read, however sure the machine is; they only order work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, LiteralString, Self

from pydantic import Field, StringConstraints, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError
from rapidfuzz.distance import Levenshtein

from pipeline.domain.form.field import FieldSpec, Format, Meaning, Name, StrictModel
from pipeline.domain.form.form import Area, Form, FormId
from pipeline.domain.form.rules import load_rules_file
from pipeline.domain.law.duties import ANY_RULE, find_deadline_rule
from pipeline.domain.model import Reading, State, Value

TRIAGE_FILE = Path(__file__).resolve().parents[3] / "data" / "triage.yaml"
FIRST_LEVEL, LAST_LEVEL = 1, 6
LEVEL_BY_CLASS: Mapping[str, int] = {"A": 3, "B": 4, "C": 5}
"""The level of an entry that no rule of a table fits."""
_FUZZY_LETTERS = 6
"""From so many letters on one letter of a word may be misread."""
_SHORTEST_WORD = 2
_MOST_WORDS = 200
"""Words of an entry that are kept; the longest forms have about as many."""
_MOST_KNOWN_WORDS = 200_000
"""Words whose beginnings are remembered; a process that runs for weeks meets more."""
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_NAMES = frozenset(
    {
        Meaning.CLIENT_PID,
        Meaning.CLIENT_NAME,
        Meaning.CLIENT_PRINTED,
        Meaning.AUTHOR_NAME,
        Meaning.AUTHOR_SIGNATURE,
    }
)
"""Fields whose words are names: nobody comes first for being called Fall."""
FieldCondition = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(=[a-z0-9_]+)?$")]
RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class Limit(StrictModel):
    """A number of a field that is below or above a limit."""

    field: Name
    below: float | None = None
    above: float | None = None

    def is_passed(self, number: float) -> bool:
        """Whether a number is outside the limits."""
        return (self.below is not None and number < self.below) or (
            self.above is not None and number > self.above
        )


class TriageRule(StrictModel):
    """One row of a table: conditions, the level that they give, and the reason in words.

    Form, area, class, deadline and number of words have to be met, where they are given, and one
    of the fields, words and values. A row that is not `on` is skipped.
    """

    id: RuleId
    level: Annotated[int, Field(ge=FIRST_LEVEL, le=LAST_LEVEL)]
    reason: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    forms: tuple[FormId, ...] = ()
    areas: tuple[Area, ...] = ()
    classes: tuple[Annotated[str, StringConstraints(pattern="^[ABC]$")], ...] = ()
    fields: tuple[FieldCondition, ...] = ()
    words: tuple[Annotated[str, StringConstraints(min_length=3, max_length=60)], ...] = ()
    values: tuple[Limit, ...] = ()
    deadline_days: Annotated[int, Field(ge=0)] | None = None
    most_words: Annotated[int, Field(ge=1)] | None = None
    on: bool = True

    @model_validator(mode="after")
    def _check_conditions(self) -> Self:
        conditions = (self.forms, self.areas, self.classes, self.fields, self.words, self.values)
        if not any(conditions) and self.deadline_days is None:
            message: LiteralString = "the rule has no condition"
            raise PydanticCustomError("triage_no_condition", message)
        return self


class TriageTable(StrictModel):
    """A version of the product's table, in force from a day on."""

    version: Annotated[int, Field(ge=1)]
    from_: Annotated[date, Field(alias="from")]
    rules: tuple[TriageRule, ...]

    @model_validator(mode="after")
    def _check_ids(self) -> Self:
        require_different_ids(self.rules)
        return self


def require_different_ids(rules: Iterable[TriageRule]) -> None:
    """Check that no two rules have the same id, by which entries name theirs."""
    ids = [rule.id for rule in rules]
    if len(set(ids)) < len(ids):
        message: LiteralString = "two rules have the same id"
        raise PydanticCustomError("triage_id_twice", message)


@cache
def load_triage_table(file: Path = TRIAGE_FILE) -> TriageTable:
    """Load the product's latest table.

    Raises:
        FormError: the file is missing or does not match the schema.
    """
    tables = load_rules_file(file, TypeAdapter(tuple[TriageTable, ...]))
    return max(tables, key=lambda table: table.version)


@dataclass(frozen=True, slots=True)
class EntryContent:
    """What an entry says, as far as rules look at it.

    `fields` are names of fields with anything in them, and `name=option` of choices. Words are in
    small letters, names of people left out.
    """

    fields: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    numbers: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return the content as it is stored."""
        return {
            "f": sorted(self.fields),
            "w": sorted(self.words),
            "n": dict(sorted(self.numbers.items())),
        }

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> EntryContent:
        """Return the content that was stored."""
        return cls(frozenset(stored["f"]), frozenset(stored["w"]), stored["n"])


def content_of_readings(
    form: Form, row: int | None, readings: Mapping[str, Reading]
) -> EntryContent:
    """Return what was read of an entry, with all its alternatives, however unsure it is."""

    def values(spec: FieldSpec) -> Iterator[Value]:
        reading = readings.get(spec.name)
        # What is crossed out says nothing; a field without a reading is on a page that is missing
        if reading is None or reading.state in (State.EMPTY, State.CANCELLED):
            return
        yield reading.value
        if spec.traits.is_handwriting:
            yield from (value for value, _ in reading.alternatives)

    return _collect_content(form, row, values)


def content_of_values(form: Form, row: int | None, values: Mapping[str, Value]) -> EntryContent:
    """Return what a confirmed entry says; values are by name without the row's prefix."""
    return _collect_content(form, row, lambda spec: iter((values.get(spec.column),)))


def _collect_content(
    form: Form, row: int | None, values_of: Callable[[FieldSpec], Iterator[Value]]
) -> EntryContent:
    fields, words, numbers = set[str](), set[str](), dict[str, float]()
    for spec in form.entry_fields(row):
        if not spec.traits.filled_by_hand:
            continue
        for value in values_of(spec):
            if value is None or value is False or value == "":
                continue
            fields.add(spec.column)
            if spec.options:
                fields.add(f"{spec.column}={value}")
            if spec.format is Format.NUMBER and _NUMBER.fullmatch(str(value)):
                numbers.setdefault(spec.column, float(str(value).replace(",", ".")))
            if spec.traits.is_handwriting and spec.means not in _NAMES:
                words.update(_split_words(str(value)))
    return EntryContent(frozenset(fields), frozenset(sorted(words)[:_MOST_WORDS]), numbers)


def _split_words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.casefold()) if len(word) >= _SHORTEST_WORD]


def shortest_deadline_days(form: Form, day: date, open_rules: frozenset[str] | None) -> int | None:
    """Return the days of the shortest legal deadline of a duty, by the rules of a day; None: none.

    Args:
        form: names the deadlines.
        day: the day whose law holds.
        open_rules: the rules of the deadlines that run; None: any of the form may.

    Raises:
        FormError: the form names a deadline without a rule.
    """
    rules = [
        find_deadline_rule(each.rule, day)
        for each in form.all_deadlines
        if each.after is None
        and (open_rules is None or not open_rules.isdisjoint({each.rule, ANY_RULE}))
    ]
    return min((rule.most_days for rule in rules if rule.is_duty and rule.has_time), default=None)


@dataclass(frozen=True, slots=True)
class _Content:
    """The conditions of a rule about what is written; one of them is enough."""

    fields: frozenset[str]
    words: frozenset[str]
    phrases: tuple[frozenset[str], ...]
    limits: tuple[Limit, ...]

    @classmethod
    def of(cls, rule: TriageRule) -> _Content | None:
        """Return a rule's conditions; None if it has none of the kind."""
        if not (rule.fields or rule.words or rule.values):
            return None
        phrases = [frozenset(_split_words(phrase)) for phrase in rule.words]
        return cls(
            frozenset(rule.fields),
            frozenset[str]().union(*(phrase for phrase in phrases if len(phrase) == 1)),
            tuple(phrase for phrase in phrases if len(phrase) > 1),
            rule.values,
        )

    def is_met(self, content: EntryContent, said: frozenset[str]) -> bool:
        """Whether a field, the words `said` or a number is one that the rule names."""
        if not self.fields.isdisjoint(content.fields) or not self.words.isdisjoint(said):
            return True
        if said and any(phrase <= said for phrase in self.phrases):
            return True
        numbers = content.numbers
        return bool(numbers) and any(
            limit.field in numbers and limit.is_passed(numbers[limit.field])
            for limit in self.limits
        )


class TriageMatcher:
    """A table that is ready to be asked about many entries: what repeats is compared once."""

    def __init__(self, rules: Sequence[TriageRule]) -> None:
        self._rules = [(rule, _Content.of(rule)) for rule in rules if rule.on]
        self._stems = sorted(
            {stem for rule in rules if rule.on for p in rule.words for stem in _split_words(p)}
        )
        self._stems_by_word: dict[str, frozenset[str]] = {}
        self._rules_by_form: dict[
            tuple[str, int, date, frozenset[str] | None], list[tuple[TriageRule, _Content | None]]
        ] = {}

    def find(
        self,
        form: Form,
        content: EntryContent,
        day: date,
        deadlines: Iterable[str] | None = None,
    ) -> TriageRule | None:
        """Return the first rule that fits; None if none does.

        Args:
            form: the entry's form.
            content: what the entry says.
            day: the day whose law holds.
            deadlines: the rules of the legal deadlines that nobody has met; None: not known.
        """
        open_rules = None if deadlines is None else frozenset(deadlines)
        key = (form.id, form.version, day, open_rules)
        if key not in self._rules_by_form:
            days = shortest_deadline_days(form, day, open_rules)
            self._rules_by_form[key] = [
                (rule, written) for rule, written in self._rules if _is_about(rule, form, days)
            ]
        said = frozenset[str]().union(*map(self._stems_of, content.words))
        return next(
            (
                rule
                for rule, written in self._rules_by_form[key]
                if (rule.most_words is None or len(content.words) <= rule.most_words)
                and (written is None or written.is_met(content, said))
            ),
            None,
        )

    def _stems_of(self, word: str) -> frozenset[str]:
        """Return the beginnings of words of the table that a word has, perhaps misread."""
        stems = self._stems_by_word.get(word)
        if stems is None:
            if len(self._stems_by_word) >= _MOST_KNOWN_WORDS:
                self._stems_by_word.clear()
            stems = frozenset(stem for stem in self._stems if _begins_with(word, stem))
            self._stems_by_word[word] = stems
        return stems


def level_of(rule: TriageRule | None, criticality: str) -> int:
    """Return the level that a rule gives, or that of the class where no rule fits."""
    return rule.level if rule else LEVEL_BY_CLASS[criticality]


def _begins_with(word: str, stem: str) -> bool:
    if word.startswith(stem):
        return True
    # One letter more, less or other, within the length that the beginning then has
    return len(stem) >= _FUZZY_LETTERS and any(
        Levenshtein.distance(word[:length], stem, score_cutoff=1) <= 1
        for length in range(len(stem) - 1, len(stem) + 2)
        if length <= len(word)
    )


def _is_about(rule: TriageRule, form: Form, days: int | None) -> bool:
    """Whether the conditions of a rule about the form are met."""
    return (
        (not rule.forms or form.id in rule.forms)
        and (not rule.areas or form.area in rule.areas)
        and (not rule.classes or form.criticality in rule.classes)
        and (rule.deadline_days is None or (days is not None and days <= rule.deadline_days))
    )
