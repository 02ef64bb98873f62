from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.form.confidence import PREFILL_FROM_BY_KIND
from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import Reading, State
from pipeline.domain.review.rules import is_routine
from pipeline.review.batch_candidates import BatchKey, can_batch, largest_batch
from tests.support.store.ward import NOTE, VISITS

MARK = VISITS.by_name["rad01.mat"]
SURE = Reading(True, 0.995, State.READ)


def test_a_sure_mark_of_class_b_is_routine() -> None:
    assert is_routine(VISITS, MARK, SURE)
    assert is_routine(VISITS, MARK, Reading.empty(0.995, False))


def test_class_a_is_never_routine() -> None:
    assert not is_routine(VISITS.model_copy(update={"criticality": "A"}), MARK, SURE)
    assert not any(is_routine(NOTE, spec, SURE) for spec in NOTE.fields)


@pytest.mark.parametrize(
    ("spec", "reading"),
    [
        (MARK.model_copy(update={"critical": True}), SURE),
        (MARK, replace(SURE, p=PREFILL_FROM_BY_KIND[Kind.MARK] - 0.001)),
        (MARK, Reading(False, 0.995, State.CANCELLED)),
        (MARK, Reading(None, 0.995, State.ILLEGIBLE)),
        (MARK, None),
        (MARK, replace(SURE, evidence=("implausible",))),
        (MARK.model_copy(update={"required": True}), Reading.empty(0.995, False)),
        (VISITS.by_name["rad01.tid"], Reading("08:15", 0.995, State.READ)),  # says when
        (VISITS.by_name["rad01.sign"], SURE),  # says who
        (VISITS.by_name["rad01.pnr"], Reading("189001019802", 0.995, State.READ)),
        (VISITS.by_name["skribent"], Reading("Disa Penn", 0.995, State.READ)),
    ],
)
def test_what_is_critical_doubtful_or_odd_is_not_routine(
    spec: FieldSpec, reading: Reading | None
) -> None:
    assert not is_routine(VISITS, spec, reading)


def test_a_field_that_the_page_tells_of_is_not_routine() -> None:
    assert is_routine(VISITS, MARK, SURE, ("struck_out:rad02.mat",))
    assert not is_routine(VISITS, MARK, SURE, ("struck_out:rad01.mat",))


def test_only_fields_of_one_entry_may_be_grouped() -> None:
    assert can_batch(VISITS, MARK, 1)
    assert not can_batch(VISITS, VISITS.by_name["datum"], 1)


def test_the_largest_sort_is_chosen_and_the_first_of_equals() -> None:
    yes, no = (
        BatchKey.of(VISITS, MARK, state, value)
        for state, value in ((State.READ, True), (State.EMPTY, False))
    )
    assert largest_batch([no, yes, yes], 2) == yes
    assert largest_batch([no, yes, yes, no], 2) == no
    assert largest_batch([no, yes, yes], 3) is None
    assert largest_batch([], 1) is None


def test_an_empty_field_is_the_same_however_its_reader_says_so() -> None:
    assert BatchKey.of(VISITS, MARK, State.EMPTY, False) == BatchKey.of(
        VISITS, VISITS.by_name["rad02.mat"], State.EMPTY, None
    )


def test_a_box_that_nobody_acts_on_alone_is_routine_in_class_a_but_never_in_a_batch() -> None:
    heading = MARK.model_copy(update={"routine": True})
    form = VISITS.model_copy(update={"criticality": "A"})
    assert is_routine(form, heading, Reading(True, 0.9, State.READ))
    assert not is_routine(form, heading, Reading(True, 0.89, State.READ))
    assert not is_routine(form, heading.model_copy(update={"critical": True}), SURE)
    assert not can_batch(form, heading, heading.row)
