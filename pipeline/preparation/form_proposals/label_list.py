"""What printed labels say about a field: `data/form_labels.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter
from rapidfuzz import fuzz

from pipeline.domain.form.field import Meaning
from pipeline.domain.form.yaml_loader import load_rules_file
from pipeline.domain.settings import ROOT
from pipeline.forms.field_types import FieldType

LABELS_FILE = ROOT / "data" / "form_labels.yaml"
_MIN_FUZZY_LENGTH, _MIN_FUZZY_SCORE = 6, 86
"""Phrases of so many letters may be misread, while they are so like the label (0–100)."""
_MIN_SHARE = 0.42
"""Share of a label that a phrase inside it must be."""
_WORD = re.compile(r"[^\w]+")
HintKind = Literal["date", "time", "personnummer", "choice", "marks"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelRule(_Strict):
    """Phrases of labels, and the type and meanings of the fields that have them."""

    phrases: tuple[str, ...]
    type: FieldType
    means: tuple[Meaning, ...] = ()
    source: str


class LabelList(_Strict):
    """The whole list; `choices` are sets of options that exclude each other."""

    version: int
    labels: tuple[LabelRule, ...]
    hints: Mapping[HintKind, tuple[str, ...]]
    choices: tuple[tuple[str, ...], ...]

    def find_rule(self, label: str) -> LabelRule | None:
        """Return the rule of the longest phrase that a label begins with, or mostly is."""
        text = f" {plain_words(label)} "
        found = [
            (len(phrase), rule)
            for rule in self.labels
            for phrase in rule.phrases
            if text.startswith(words := f" {plain_words(phrase)} ")
            or (words in text and len(words) >= _MIN_SHARE * len(text))
        ]
        if found:
            return max(found, key=lambda pair: pair[0])[1]
        like = self._find_like(text.strip())
        return like[1] if like else None

    def spell(self, label: str) -> str:
        """Return a label with the spelling of the phrase that it seems to be, misread."""
        text = plain_words(label)
        like = self._find_like(text)
        if not like or any(f" {plain_words(phrase)} " in f" {text} " for phrase in self._phrases):
            return label
        return like[0].capitalize()

    @property
    def _phrases(self) -> list[str]:
        return [phrase for rule in self.labels for phrase in rule.phrases]

    def _find_like(self, text: str) -> tuple[str, LabelRule] | None:
        """Return the phrase that a text is most like, with its rule."""
        likeness, phrase, rule = max(
            (
                (fuzz.ratio(plain_words(phrase), text), phrase, rule)
                for rule in self.labels
                for phrase in rule.phrases
                if len(phrase) >= _MIN_FUZZY_LENGTH
            ),
            key=lambda found: found[0],
        )
        return (phrase, rule) if likeness >= _MIN_FUZZY_SCORE else None

    def find_hint(self, text: str) -> HintKind | None:
        """Return the kind of the longest hint in a text."""
        small = _respell(text)
        found = [
            (len(word), kind)
            for kind, words in self.hints.items()
            for word in words
            if _respell(word) in small
        ]
        return max(found)[1] if found else None

    def without_hints(self, label: str) -> str:
        """Return a label without its hints, colons and rules of dots."""
        kept = label
        words = sorted((word for words in self.hints.values() for word in words), key=len)
        for word in reversed(words):
            if word != "kl.":
                kept = re.sub(re.escape(word), " ", kept, flags=re.IGNORECASE)
        kept = re.sub(r"[\s._…:|\[\]()]+$|^[\s._…:|\[\])*]+", "", kept)
        return re.sub(r"\s+", " ", kept).strip() or label.strip()

    def exclude_each_other(self, labels: Sequence[str]) -> bool:
        """Return whether options of these labels are always one choice."""
        words = {plain_words(label) for label in labels}
        return len(words) > 1 and any(words <= set(options) for options in self.choices)


@cache
def load_label_list() -> LabelList:
    """Load the list."""
    return load_rules_file(LABELS_FILE, TypeAdapter(LabelList))


def plain_words(text: str) -> str:
    """Return the words of a text in small letters, with single spaces."""
    return _WORD.sub(" ", text.casefold()).replace("_", " ").strip()


def _respell(text: str) -> str:
    """Write a hint as it is when rings over letters were not read, and without spaces."""
    return text.casefold().replace("å", "a").replace("ä", "a").replace(" ", "")
