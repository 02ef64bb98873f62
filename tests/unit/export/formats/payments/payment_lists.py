"""What the tests of payments pay."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import pytest
from lxml import etree

from pipeline.domain.model import Person
from pipeline.domain.settings import PaymentFormat
from pipeline.export.payments.approval import (
    Payment,
    approve_payment,
    list_payments,
)
from pipeline.export.runs import ExportContext
from pipeline.store.schema.clock import utc_now
from tests.support.store.export_examples import (
    SETTINGS,
)
from tests.support.store.export_office import (
    MONA,
)

BANK = SETTINGS.model_copy(
    update={
        "payment_account": "SE4550000000058398257466",
        "payment_bic": "ESSESESS",
        "organisation_number": "2120002692",
    }
)


@cache
def schema(version: PaymentFormat = PaymentFormat.VERSION_09) -> etree.XMLSchema:
    """The official schema, as PyPI's `sepaxml` brings it."""
    pytest.importorskip("sepaxml")
    return etree.XMLSchema(
        etree.fromstring((files("sepaxml") / "schemas" / f"{version}.xsd").read_bytes())
    )


def only(office: ExportContext, person: Person = MONA) -> Payment:
    found = list_payments(office, person)
    assert len(found) == 1
    return found[0]


def approved(office: ExportContext, *who: Person) -> None:
    for person in who:
        each = only(office, person)
        approve_payment(office, person, each.entry_id, each.last_decision, utc_now())
