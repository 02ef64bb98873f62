"""The measurement of names on lists: another name is one letter away, and the table counts both."""

from __future__ import annotations

import numpy as np
from rapidfuzz.distance import Levenshtein

from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Reading, State
from pipeline.domain.settings import ROOT
from research.evaluation.persons.listed_names import (
    NAME,
    NAMES_FORM,
    Finding,
    WeighedLine,
    format_table,
    make_names,
    name_alike,
    with_meaning,
)


def test_name_alike_is_one_letter_away() -> None:
    rng = np.random.default_rng(1)
    for name in make_names(50, rng):
        assert Levenshtein.distance(name, name_alike(name, rng)) == 1


def test_only_one_column_is_read_and_means_what_is_asked() -> None:
    form = Forms.load(ROOT / "forms").latest(NAMES_FORM)
    for means in (None, Meaning.CLIENT_PRINTED):
        fields = with_meaning(form, NAME, means).pages[0].all_fields
        assert {(spec.column, spec.means) for spec in fields} == {(NAME, means)}


def test_table_counts_what_is_sure_and_what_of_it_is_wrong() -> None:
    def read(text: str, p: float) -> Reading:
        return Reading(text, p, State.READ)

    lines = (
        WeighedLine("Bo Ek", read("Bo Ek", 0.5), read("Bo Ek", 0.95)),
        WeighedLine("Bo Ek", read("Bo Eh", 0.95), read("Bo Eh", 0.95)),
    )
    row = format_table([Finding("author", lines)]).splitlines()[-1]
    assert row.startswith("| author | 2 | 50.0% | 50.0% | 50.0% | 100.0% | 1 of 1")
    assert "| 1 of 2" in row
