"""A file names the law that was in force when the entry was written, not today's."""

from __future__ import annotations

from datetime import datetime

import pytest

from pipeline.domain.form.form import Form, Forms, LegalBasis
from pipeline.export.fhir.questionnaire import questionnaire_resource
from pipeline.export.record_text import record_day, record_law
from tests.support.store.export_examples import FORMS, SETTINGS, record

FORM = FORMS.latest("tjansteanteckning").model_copy(
    update={"law": (LegalBasis(rule="sol-bistand"), LegalBasis(ref="FL 27 §", source="SFS"))}
)
KNOWN = Forms({(FORM.id, FORM.version): FORM})
OLD, NEW = datetime(2021, 12, 17, 8, 15), datetime(2026, 2, 1, 8, 15)


@pytest.mark.parametrize(
    ("moment", "law"),
    [
        (OLD, "Lagrum: Socialtjänstlagen (2001:453) 4 kap. 1 §; FL 27 §."),
        (NEW, "Lagrum: Socialtjänstlagen (2025:400) 11 kap. 1 §; FL 27 §."),
    ],
)
def test_a_record_carries_the_law_of_its_day(moment: datetime, law: str) -> None:
    assert record_law(record(FORM.id, event_at=moment), KNOWN) == law


def test_a_record_without_a_day_counts_from_when_it_was_written_or_scanned() -> None:
    written = record(FORM.id, event_at=None, written_at=OLD)
    assert record_day(written) == OLD.date()
    scanned = record(FORM.id, event_at=None, written_at=None)
    assert record_day(scanned) == scanned.scanned.at.date()


def test_a_record_of_a_form_that_is_gone_names_no_law() -> None:
    assert record_law(record(FORM.id), Forms()) == ""


@pytest.mark.parametrize(("moment", "law"), [(OLD, "(2001:453)"), (NEW, "(2025:400)")])
def test_the_questionnaire_names_the_law_of_its_entries(moment: datetime, law: str) -> None:
    found = _questionnaire(FORM, moment)
    assert law in found
    assert "FL 27 §" in found


def _questionnaire(form: Form, moment: datetime) -> str:
    return str(questionnaire_resource(form, moment.date(), SETTINGS)["description"])
