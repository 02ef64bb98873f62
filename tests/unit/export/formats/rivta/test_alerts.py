"""GetAlertInformation 2.0: what the paper warns of, by the domain's published types.

The contract's own schema file is not at hand: its response element is put together here of the
domain's types, which are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from lxml import etree

from pipeline.domain.model import Value
from pipeline.domain.record import Record
from pipeline.export.rivta.alerts import RESPONDER_NS
from pipeline.export.rivta.elements import DOMAIN_NS, EXTENSION_NS
from tests.support.shared_data import shared
from tests.support.store.export_examples import (
    EARLIER,
    FORMS,
    in_all_states,
    items,
    made,
    record,
    run,
    terms,
)
from tests.support.store.rivta_archives import rivta_document, rivta_documents
from tests.support.store.targets import TARGETS
from tests.support.texts import in_swedish

NS = {"r": RESPONDER_NS, "c": DOMAIN_NS}
WARNED: dict[str, Value] = {
    "overkanslighet": True,
    "overkanslighet_mot": "Penicillin",
    "overkanslighet_reaktion": "andnöd",
    "smitta_vilken": "MRSA",
    "diagnos": "Stroke 2019",
}


def admitted(fields: dict[str, Value] | None = None, **other: object) -> Record:
    return record("ny-patient", WARNED if fields is None else fields, version=2, **other)


def alerts(data: bytes) -> dict[str, etree._Element]:
    """By the box of each."""
    found = rivta_document(data).iter(f"{{{RESPONDER_NS}}}alertInformation")
    return {(one.findtext(".//c:documentId", "", NS)).rpartition(":")[2]: one for one in found}


def said(data: bytes, box: str, name: str) -> str:
    return alerts(data)[box].findtext(f".//c:{name}", "", NS)


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    """A response of the domain's alerts and result."""
    core = shared("schemas", "rivta", "healthcond_description_2.1.1", "core_components")
    domain, extension = (
        (core / f"clinicalprocess_healthcond_description_2.1{name}.xsd").as_uri()
        for name in ("", "_ext")
    )
    place = tmp_path_factory.mktemp("schema") / "response.xsd"
    place.write_text(
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:c="{DOMAIN_NS}"'
        f' xmlns:e="{EXTENSION_NS}" targetNamespace="{RESPONDER_NS}"'
        ' elementFormDefault="qualified">'
        f'<xs:import namespace="{DOMAIN_NS}" schemaLocation="{domain}"/>'
        f'<xs:import namespace="{EXTENSION_NS}" schemaLocation="{extension}"/>'
        '<xs:element name="GetAlertInformationResponse"><xs:complexType><xs:sequence>'
        '<xs:element name="alertInformation" type="c:AlertInformationType" minOccurs="0"'
        ' maxOccurs="unbounded"/><xs:element ref="e:result"/>'
        "</xs:sequence></xs:complexType></xs:element></xs:schema>"
    )
    return etree.XMLSchema(etree.parse(place))


@pytest.mark.shared
@pytest.mark.parametrize("version", [1, 2])
def test_every_state_of_the_form_is_valid_by_the_domain_s_types(
    schema: etree.XMLSchema, version: int
) -> None:
    options = terms("varningar")
    carried = [
        item
        for item in in_all_states(FORMS["ny-patient", version], frozenset({"smitta"}))
        if TARGETS["varningar"].unsupported_reason(item.record, options) is None
    ]
    assert len(carried) >= 5
    documents = rivta_documents(TARGETS["varningar"].make(carried, run("varningar"), options))
    assert len(documents) > 1
    for document in documents:
        schema.assertValid(document)


@pytest.mark.shared
def test_the_types_would_notice_an_alert_without_a_time(schema: etree.XMLSchema) -> None:
    document = rivta_document(made("varningar", admitted()))
    (period, *_) = document.iter(f"{{{DOMAIN_NS}}}validityTimePeriod")
    parent = period.getparent()
    assert parent is not None
    parent.remove(period)
    assert not schema.validate(document)


def test_a_tick_or_words_become_an_alert_with_type_and_words() -> None:
    data = made("varningar", admitted())
    assert list(alerts(data)) == ["overkanslighet", "smitta"]
    assert said(data, "overkanslighet", "typeOfAlertInformation/c:code") == "Överkänslighet"
    assert said(data, "overkanslighet", "hypersensitivityAgent") == "Penicillin"
    assert said(data, "smitta", "communicableDiseaseCode/c:originalText") == "MRSA"
    assert said(data, "smitta", "validityTimePeriod/c:start") == "20211217081500"


def test_the_comment_says_what_belongs_to_it_and_what_is_not_carried() -> None:
    comment = said(made("varningar", admitted()), "overkanslighet", "alertInformationComment")
    assert "Reaktion, hur allvarlig: andnöd" in comment
    assert "Originalanteckning på papper av Gun Ek" in comment
    assert "skrivs inte av här: Diagnos och anledning till inskrivning." in comment
    assert "Stroke" not in comment


@pytest.mark.parametrize(
    ("fields", "is_warned"),
    [
        ({"overkanslighet": True}, True),
        ({"overkanslighet_mot": "Ingen penicillin!"}, True),
        ({"overkanslighet_mot": "INGEN KÄND"}, False),
        ({"overkanslighet_mot": "Inga kända."}, False),
        ({"overkanslighet_reaktion": "utslag"}, False),
        ({}, False),
    ],
)
def test_an_empty_box_or_none_known_is_no_alert(fields: dict[str, Value], is_warned: bool) -> None:
    reason = TARGETS["varningar"].unsupported_reason(admitted(fields), terms("varningar"))
    assert (in_swedish(reason) == "") is is_warned


def test_an_illegible_box_warns_with_its_name() -> None:
    each = admitted({"smitta": None}, illegible=frozenset({"smitta"}))
    assert said(made("varningar", each), "smitta", "communicableDiseaseCode/c:originalText") == (
        "Smitta"
    )


def test_none_known_stands_in_the_comment_of_another_alert() -> None:
    fields: dict[str, Value] = {"overkanslighet_mot": "Ingen känd", "smitta": True}
    comment = said(made("varningar", admitted(fields)), "smitta", "alertInformationComment")
    assert "Mot vad, eller INGEN KÄND: Ingen känd" in comment


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"voided": "fel person"}, "fel person"), ({"fields": {"smitta": True}}, "Tas bort")],
)
def test_a_void_or_removed_alert_is_obsolete_under_its_id(
    change: dict[str, Any], reason: str
) -> None:
    first, second = (
        made("varningar", admitted()),
        made("varningar", admitted(**change, revision=2), amends=EARLIER),
    )
    ids = [said(data, "overkanslighet", "documentId") for data in (first, second)]
    assert ids[0] == ids[1] != ""
    assert said(first, "overkanslighet", "obsoleteTime") == ""
    assert said(second, "overkanslighet", "obsoleteTime") == "20220112091500"
    assert reason in said(second, "overkanslighet", "obsoleteComment")


def test_a_day_without_a_time_is_said_to_be_one() -> None:
    each = admitted(event_at=datetime(2021, 12, 17), clock_unknown=frozenset({"event_at"}))
    data = made("varningar", each)
    assert said(data, "smitta", "validityTimePeriod/c:start") == "20211217000000"
    assert "klockslaget framgår inte" in said(data, "smitta", "alertInformationComment")


def test_both_versions_of_the_form_go_there() -> None:
    options = terms("varningar")
    for version in (1, 2):
        each = record("ny-patient", {"smitta": True}, version=version)
        assert options.takes(each)
        data = TARGETS["varningar"].make(items(each), run("varningar"), options)
        assert list(alerts(data)) == ["smitta"]
