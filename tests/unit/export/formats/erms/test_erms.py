"""ERMS 2.1.2: valid by the published schema and its co-occurrence rules, and true to what a diary
needs.
"""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree
from lxml.isoschematron import Schematron  # type: ignore[import-not-found]

from pipeline.domain.model import Client, Value
from pipeline.domain.record import PreviousExport, Record
from pipeline.export.authorities.erms.elements import ERMS_NS
from pipeline.export.authorities.erms.exporter import NO_DATE, NO_REGULATION, NO_TITLE
from pipeline.export.exporter import TEMPORARY_CLIENT
from pipeline.texts import Text
from tests.support.shared_data import shared
from tests.support.store.export_examples import (
    EARLIER,
    FORMS,
    SIV,
    made,
    record,
    stamp,
    terms,
    unzip,
)
from tests.support.store.targets import TARGETS
from tests.support.texts import in_swedish

NS = {"e": ERMS_NS}
LETTER: dict[str, Value] = {
    "arende": "Klagomål på städning",
    "diarienummer": "SN 2021-0412",
    "avsandare": "Elsa Ek",
    "handlaggare": "Bo Alm",
    "handlingstyp": "brev",
}
SECRET: dict[str, Value] = {"sekretess": True, "sekretess_lagrum": "OSL 26 kap. 1 §"}
NOBODY = Client("", "", "Norr")


def letter(fields: dict[str, Value] | None = None, **other: object) -> Record:
    return record("inkommen-handling", LETTER | (fields or {}), **{"client": NOBODY} | other)


def document(*records: Record, amends: PreviousExport | None = None) -> etree._Element:
    return etree.fromstring(unzip(made("erms", *records, amends=amends))["erms.xml"])


def found(root: etree._Element, path: str) -> list[str]:
    given: Any = root.xpath(path, namespaces=NS)
    return [str(each) if isinstance(each, str) else each.text or "" for each in given]


EXAMPLES = {
    "letter": letter(),
    "empty": record(
        "inkommen-handling",
        author="",
        author_title="",
        written_at=None,
        verified=None,
        place="",
        serial="",
    ),
    "secret": letter(SECRET),
    "void": letter(voided="fel person", revision=2),
    "meeting": record("krisledningsmote", {"beslut1_vad": "Ring alla"}, client=NOBODY),
    "protected": letter(
        client=Client(SIV.pid, SIV.name, "Norr", protected=True), signed=stamp("Eva Lind", 11)
    ),
    "odd characters": letter({"arende": "a\x00b & < > ]]> \ud83d"}),
}


@pytest.mark.shared
@pytest.mark.parametrize("each", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_is_valid_against_the_schema(each: Record) -> None:
    etree.XMLSchema(etree.parse(shared("schemas", "erms", "ERMS.xsd"))).assertValid(
        document(each, letter(entry_id="K7M3PX-01"))
    )


@pytest.mark.shared
def test_the_schema_would_notice_a_time_with_a_full_stop() -> None:
    schema = etree.XMLSchema(etree.parse(shared("schemas", "erms", "ERMS.xsd")))
    data = unzip(made("erms", letter()))["erms.xml"]
    broken = data.replace(b"2021-12-17T08:15:00", b"2021-12-17T08.15.00")
    assert not schema.validate(etree.fromstring(broken))


def co_occurrence_rules() -> Schematron:
    """The published rules. They announce XSLT 2 and ask for nothing that XSLT 1 lacks, so the
    announcement alone is taken away.
    """
    rules = shared("schemas", "erms", "erms.sch").read_bytes()
    assert b' queryBinding="xslt2"' in rules
    return Schematron(etree.fromstring(rules.replace(b' queryBinding="xslt2"', b"")))


@pytest.mark.shared
@pytest.mark.parametrize("each", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_other_always_says_what_other(each: Record) -> None:
    rules, given = co_occurrence_rules(), document(each)
    assert rules.validate(given)
    for agent in given.iter(f"{{{ERMS_NS}}}agent"):
        if agent.get("agentType") == "other":
            del agent.attrib["otherAgentType"]
    assert not rules.validate(given)


def test_what_a_diary_has_to_hold_is_in_its_place() -> None:
    root = document(letter())
    assert found(root, "//e:record/e:title") == ["Klagomål på städning"]
    assert found(root, "//e:record/e:parentAggregationId") == ["SN 2021-0412"]
    assert found(root, "//e:agent[@agentType='sender']/e:name") == ["Elsa Ek"]
    assert found(root, "//e:agent[@agentType='responsible_person']/e:name") == ["Bo Alm"]
    assert found(root, "//e:record/e:dates/e:date[@dateType='received']") == ["2021-12-17T08:15:00"]
    assert found(root, "//e:record/e:dispatchMode") == ["Brev"]
    assert found(root, "//e:record/e:physicalLocations//e:currentLocation") == ["pärm 3"]
    assert not found(root, "//e:restriction/e:regulation | //e:otherTitle")


def test_secrecy_is_carried_with_its_regulation_and_a_title_that_may_be_seen() -> None:
    root = document(letter(SECRET))
    assert found(root, "//e:restriction[@restrictionType='confidential']/e:regulation") == [
        "OSL 26 kap. 1 §"
    ]
    assert found(root, "//e:otherTitle[@titleType='public']") == ["Inkommen handling"]


@pytest.mark.parametrize(
    ("fields", "illegible", "regulation"),
    [
        ({"sekretess": True}, frozenset[str](), in_swedish(NO_REGULATION)),
        ({"sekretess_lagrum": "OSL 25:1"}, frozenset[str](), "OSL 25:1"),
        ({}, frozenset({"sekretess"}), in_swedish(NO_REGULATION)),
        ({}, frozenset({"sekretess_lagrum"}), "[oläsligt]"),
    ],
)
def test_half_a_mark_of_secrecy_is_secrecy(
    fields: dict[str, Value], illegible: frozenset[str], regulation: str
) -> None:
    assert found(document(letter(fields, illegible=illegible)), "//e:restriction/e:regulation") == [
        regulation
    ]


def test_a_protected_identity_is_marked_beside_other_secrecy() -> None:
    root = document(letter(SECRET, client=Client(SIV.pid, SIV.name, "Norr", protected=True)))
    assert len(found(root, "//e:restriction/e:regulation")) == 2
    assert found(root, "//e:agent[e:idNumber]/e:protectedIdentity") == ["true"]


def test_an_amendment_replaces_what_its_run_carried_and_a_voided_one_is_obliterated() -> None:
    root = document(letter(revision=3, voided="fel person"), amends=EARLIER)
    assert found(root, "//e:relation[@relationType='replaces']") == [
        f"{letter().entry_id}, version 1, körning {EARLIER.run}"
    ]
    assert found(root, "//e:status/@value") == ["obliterated"]
    assert found(document(letter()), "//e:status/@value") == ["received"]


@pytest.mark.parametrize(
    ("each", "reason"),
    [
        (letter(), None),
        (letter({"arende": None}), NO_TITLE),
        (letter(illegible=frozenset({"arende"})), NO_TITLE),
        (letter(event_at=None, written_at=None), NO_DATE),
        (letter(client=Client("TILLFABCDEFG", "Okänd", "Norr")), TEMPORARY_CLIENT),
    ],
)
def test_what_a_diary_cannot_take_is_said(each: Record, reason: Text | None) -> None:
    assert TARGETS["erms"].unsupported_reason(each, terms("erms")) == reason


def test_the_decisions_of_a_crisis_meeting_are_actions_and_its_words_are_notes() -> None:
    said: dict[str, Value] = {
        "beslut1_vad": "Öppna trygghetspunkt",
        "beslut3_vad": "Ring alla",
        "beslut3_ansvarig": "Bo Ek",
        "narvarande": "Eva, Bo",
    }
    root = document(record("krisledningsmote", said, client=NOBODY))
    assert found(root, "//e:action/e:actionText") == ["Öppna trygghetspunkt", "Ring alla"]
    assert found(root, "//e:note[@noteType='Närvarande']") == ["Eva, Bo"]
    assert "Bo Ek" in found(root, "//e:note"), (
        "who has to do it is left out by the mapping and stands all the same"
    )
    assert found(root, "//e:record/e:title") == [FORMS.latest("krisledningsmote").title]
    assert found(root, "//e:status/@value") == ["closed"]
