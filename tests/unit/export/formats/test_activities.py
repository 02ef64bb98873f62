"""ProcessActivities 1.0: valid against the public schema; given, not given and declined
distinguished; who signed.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from pydantic import ValidationError

from pipeline.domain.model import Client, StaffMember, Value
from pipeline.domain.record import Record, Stamp
from pipeline.export.exporter import ExportOptions
from pipeline.export.rivta.activities import DOMAIN_NS, RESPONDER_NS, planned_slots
from pipeline.export.rivta.elements import EFTERSKRIFT_NS
from pipeline.export.rivta.mapping import ActivityMapping, Outcome, Slot
from tests.support.shared_data import shared
from tests.support.store.export_examples import EARLIER, items, made, record, run, terms
from tests.support.store.rivta_archives import rivta_files, rivta_manifest
from tests.support.store.targets import TARGETS
from tests.support.texts import in_swedish

NS = {"r": RESPONDER_NS, "c": DOMAIN_NS, "e": EFTERSKRIFT_NS}
ORDERED: dict[str, Value] = {
    "insats": "Alvedon 500 mg",
    "ordination": "1 tablett",
    "typ": "lakemedel",
    "tid1": "08:00",
    "tid2": "12:00",
    "tid3": "20:00",
}
DAY: dict[str, Value] = ORDERED | {
    "given1": "GE – Gun Ek",
    "given2": "AÖ",
    "avvikelse2": "avbojd",
    "avvikelse3": "ej_given",
}
STAFF = (
    StaffMember("Anna Öst", "undersköterska", "AÖ", "Norr"),
    StaffMember("Åke Öman", "undersköterska", "ÅÖ", "Norr"),
)


def day(fields: dict[str, Value] | None = None, **other: object) -> Record:
    facts = {"event_at": datetime(2021, 12, 17), "clock_unknown": frozenset({"event_at"})} | other
    return record("signeringslista", DAY if fields is None else fields, **facts)


def told(
    each: Record,
    given: ExportOptions | None = None,
    **other: Any,  # noqa: ANN401
) -> dict[int, etree._Element]:
    """Requests by the number of the time."""
    data = TARGETS["aktiviteter"].make(
        items(each, **other), run("aktiviteter"), given or terms("aktiviteter")
    )
    return {
        int(name.removesuffix(".xml").rpartition("-")[2]): etree.fromstring(content)
        for name, content in rivta_files(data).items()
    }


def said(request: etree._Element, path: str) -> str | None:
    return request.findtext(path, namespaces=NS)


def outcome(request: etree._Element) -> tuple[str | None, ...]:
    return tuple(
        said(request, f"r:activityType/{path}")
        for path in ("c:status/c:code", "c:status/c:displayName", "e:outcome")
    )


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    """The contract's schema, and the domain's types as elements: so that what the request carries
    beside the activity is checked too.
    """
    folder = shared("schemas", "rivta", "activity_actions_1.0")
    core = folder / "core_components" / "clinicalprocess_activity_actions_1.0.xsd"
    place = tmp_path_factory.mktemp("schema")
    beside = {
        "patient": "PatientType",
        "performerRole": "PerformerRoleType",
        "legalAuthenticator": "LegalAuthenticatorType",
        "sourceSystem": "SourceSystemType",
    }
    elements = "".join(
        f'<xs:element name="{name}" type="c:{kind}"/>' for name, kind in beside.items()
    )
    _write(
        place / "core.xsd",
        f'targetNamespace="{DOMAIN_NS}" xmlns:c="{DOMAIN_NS}"',
        f'<xs:include schemaLocation="{core.as_uri()}"/>{elements}',
    )
    responder = (
        folder
        / "interactions"
        / "ProcessActivitiesInteraction"
        / "ProcessActivitiesResponder_1.0.xsd"
    )
    imports = ((DOMAIN_NS, "core.xsd"), (RESPONDER_NS, responder.as_uri()))
    _write(
        place / "all.xsd",
        "",
        "".join(f'<xs:import namespace="{space}" schemaLocation="{at}"/>' for space, at in imports),
    )
    return etree.XMLSchema(etree.parse(place / "all.xsd"))


def _write(path: Path, attributes: str, inside: str) -> None:
    path.write_text(
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" {attributes}>{inside}</xs:schema>'
    )


CASES = {
    "day": day(),
    "no-clock": day({"given4": True}),
    "marked-present": day(ORDERED | {"given1": True}),
    "author-unknown": day(author="", author_title="", written_at=None),
    "signed": day(signed=Stamp(datetime(2022, 7, 1, 10, 0, tzinfo=UTC), "Eva Lind")),
    "midnight": day(ORDERED | {"tid1": "24:00", "given1": True}),
    "void": day(voided="fel person", revision=2),
    "amended": day(ORDERED, revision=2),
    "odd-characters": day(DAY | {"insats": "a\x00b\x1f & < > ]]> \ud83d"}),
}


@pytest.mark.shared
@pytest.mark.parametrize("each", CASES.values(), ids=CASES)
def test_is_valid_against_the_schema(schema: etree.XMLSchema, each: Record) -> None:
    requests = told(each)
    assert requests
    for request in requests.values():
        schema.assertValid(request)


@pytest.mark.shared
def test_every_request_is_valid_against_the_published_file_alone() -> None:
    folder = shared(
        "schemas", "rivta", "activity_actions_1.0", "interactions", "ProcessActivitiesInteraction"
    )
    published = etree.XMLSchema(etree.parse(folder / "ProcessActivitiesResponder_1.0.xsd"))
    for each in CASES.values():
        for request in told(each).values():
            published.assertValid(request)


@pytest.mark.shared
@pytest.mark.parametrize("broken", ["c:patient/c:dateOfBirth", "r:activityType/c:time/c:start"])
def test_the_schema_would_notice_a_wrong_time_in_and_beside_the_activity(
    schema: etree.XMLSchema, broken: str
) -> None:
    request = told(day())[1]
    element = request.find(broken, NS)
    assert element is not None
    element.text = "2021-12-17"
    assert not schema.validate(request)


def test_given_declined_and_not_given_are_told_apart() -> None:
    requests = told(day())
    assert outcome(requests[1]) == ("completed", "Given", "given")
    assert outcome(requests[2]) == ("cancelled", "Avböjd av den enskilde", "declined")
    assert outcome(requests[3]) == ("cancelled", "Ej given", "not_given")
    starts = [
        str(said(requests[n], "r:activityType/c:description")).split(",")[0] for n in (1, 2, 3)
    ]
    assert starts == ["Given", "Avböjd av den enskilde", "Ej given"]


def test_marks_instead_of_a_choice_say_the_same() -> None:
    slots = (Slot(given="given1", not_given="avv_e", declined="avv_a"),)
    mapping = (
        terms("aktiviteter")
        .mapping("signeringslista", ActivityMapping)
        .model_copy(update={"slots": slots})
    )
    for fields, expected in (
        ({"avv_e": True}, Outcome.NOT_GIVEN),
        ({"avv_a": True}, Outcome.DECLINED),
        ({"given1": True}, Outcome.GIVEN),
        ({}, None),
    ):
        assert [one.outcome for one in planned_slots(day(fields), mapping, ())] == [expected]  # type: ignore[arg-type]


def test_an_empty_box_is_neither_given_nor_not() -> None:
    requests = told(day(ORDERED | {"given1": True}))
    assert list(requests) == [1]
    assert "Inget skrivet på papperet samma dag för: 12:00, 20:00." in str(
        said(requests[1], "r:activityType/c:description")
    )


def test_initials_become_the_person_or_stay_as_read() -> None:
    def performer(value: Value, staff: tuple[StaffMember, ...] = STAFF) -> tuple[str | None, str]:
        request = told(
            day(ORDERED | {"given1": value}), replace(terms("aktiviteter"), staff=staff)
        )[1]
        return said(request, "c:performerRole/c:person/c:name"), str(
            said(request, "r:activityType/c:description")
        )

    assert performer("GE – Gun Ek")[0] == "Gun Ek"
    assert performer("AÖ")[0] == "Anna Öst"
    assert performer("aö")[0] == "Anna Öst"
    name, words = performer("XY")
    assert name == "XY"
    assert "signerad XY, utan namn i signaturlistan" in words
    assert performer("AÖ", (*STAFF, StaffMember("Alf Öberg", "", "AÖ", "Norr")))[0] == "AÖ"
    assert performer("AÖ", (replace(STAFF[0], unit="Söder"),))[0] == "AÖ"
    name, words = performer(True)
    assert name is None
    assert "signerad på papperet, oklart av vem" in words


def test_an_ordered_time_is_not_when_it_was_done() -> None:
    requests = told(day(ORDERED | {"tid2": "24:00", "given1": True, "given2": True}))
    for number, ordered in ((1, "20211217080000"), (2, "20211218000000")):
        paths = ("c:time/c:start", "c:time/c:end", "e:actualTime", "e:orderedTime")
        assert [said(requests[number], f"r:activityType/{path}") for path in paths] == [
            "20211217000000",
            "20211217235959",
            "unknown",
            ordered,
        ]
    words = str(said(requests[1], "r:activityType/c:description"))
    assert "Ordinerat till 2021-12-17 08:00; när det gjordes framgår inte av papperet." in words


def test_without_a_time_of_day_it_is_the_whole_day() -> None:
    request = told(day({"given4": True}))[4]
    assert [said(request, f"r:activityType/c:time/c:{end}") for end in ("start", "end")] == [
        "20211217000000",
        "20211217235959",
    ]
    assert "Klockslag saknas på papperet." in str(said(request, "r:activityType/c:description"))


def test_what_was_ordered_and_where_it_comes_from_stands_in_words() -> None:
    words = str(said(told(day())[1], "r:activityType/c:description"))
    assert "Alvedon 500 mg" in words
    assert "1 tablett" in words
    assert "Originalanteckning på papper av Gun Ek" in words


def test_the_kind_follows_the_form() -> None:
    codes = [
        said(told(day(DAY | {"typ": kind}))[1], "r:activityType/c:value/c:code")
        for kind in ("lakemedel", "delegerad", None)
    ]
    assert codes == ["lakemedel", "delegerad", "annan"]


def test_a_kind_that_no_code_says_stands_in_words() -> None:
    unread = told(day(DAY | {"typ": None}, illegible=frozenset({"typ"})))[1]
    assert "[oläsligt]" in str(said(unread, "r:activityType/c:description"))
    given = terms("aktiviteter")
    mapping = given.mapping("signeringslista", ActivityMapping)
    kind = mapping.kind.model_copy(update={"codes": {}})
    given = replace(given, mappings={"signeringslista": mapping.model_copy(update={"kind": kind})})
    words = str(
        said(told(day(DAY | {"typ": "delegerad"}), given)[1], "r:activityType/c:description")
    )
    assert "elegerad" in words


def test_patient_source_and_run_go_with_every_activity() -> None:
    for request in told(day()).values():
        assert said(request, "c:patient/c:id/c:extension") == "192801287158"
        assert said(request, "c:sourceSystem/c:id/c:extension") == "SE2120002692-EFTERSKRIFT"
        assert said(request, "e:run") == run("aktiviteter").id


def test_a_row_with_its_own_time_is_one_activity() -> None:
    fields: dict[str, Value] = {
        "ordination": "Morfin 5 mg sc",
        "dos": "5 mg",
        "signatur": "AÖ – Anna Öst",
        "kontroll": "GE – Gun Ek",
    }
    requests = told(record("palliativ-hemakt", fields))
    assert list(requests) == [1]
    for path in ("c:time/c:start", "e:actualTime"):
        assert said(requests[1], f"r:activityType/{path}") == "20211217081500"
    assert said(requests[1], "c:performerRole/c:person/c:name") == "Anna Öst"
    words = str(said(requests[1], "r:activityType/c:description"))
    for part in (
        "Given, signerad AÖ (Anna Öst). Klockslaget är papperets.",
        "Morfin 5 mg sc",
        "Kontroll: GE – Gun Ek",
    ):
        assert part in words


@pytest.mark.parametrize("dose", [{}, {"dos": ""}])
def test_what_is_signed_without_a_dose_is_not_said_to_be_given(dose: dict[str, Value]) -> None:
    """The form has no box for what was refused, and prescriptions by telephone are written on its
    rows too.
    """
    row = record(
        "palliativ-hemakt",
        {"ordination": "Morfin 2,5 mg sc", "signatur": "EL", "anmarkning": "Avböjer, sover"} | dose,
    )
    assert "utan given dos" in in_swedish(
        TARGETS["aktiviteter"].unsupported_reason(row, terms("aktiviteter"))
    )
    given = record(
        "palliativ-hemakt", {"ordination": "Morfin 2,5 mg sc", "signatur": "EL", "dos": "2,5 mg"}
    )
    assert in_swedish(TARGETS["aktiviteter"].unsupported_reason(given, terms("aktiviteter"))) == ""


@pytest.mark.shared
def test_a_row_with_its_own_time_is_valid_against_the_schema(schema: etree.XMLSchema) -> None:
    for request in told(
        record("palliativ-hemakt", {"ordination": "Morfin", "signatur": True})
    ).values():
        schema.assertValid(request)


def test_a_void_entry_nullifies_what_it_told() -> None:
    requests = told(day(voided="fel person", revision=2), amends=EARLIER)
    assert {outcome(request)[0] for request in requests.values()} == {"nullified"}
    assert all(
        "Makulerad: fel person." in str(said(request, "r:activityType/c:description"))
        for request in requests.values()
    )


def test_a_correction_nullifies_under_the_old_id_what_the_entry_says_no_longer() -> None:
    first, second = told(day()), told(day(DAY | {"given1": False}, revision=2), amends=EARLIER)
    assert [outcome(requests[1])[2] for requests in (first, second)] == ["given", "nullified"]
    assert said(first[1], "r:activityType/c:id/c:extension") == said(
        second[1], "r:activityType/c:id/c:extension"
    )
    assert outcome(second[2])[2] == "declined"
    assert str(said(second[1], "r:activityType/c:description")).startswith("Tas bort")


def test_the_archive_is_the_same_every_time_and_in_order() -> None:
    one, two = day(), day(entry_id="A2B3C4-01")
    assert made("aktiviteter", one, two) == made("aktiviteter", one, two)
    data = made("aktiviteter", one, two)
    names = [
        [f"0000{n}-{entry}-{time}.xml" for time in (1, 2, 3)]
        for n, entry in ((1, "K7M3PX-01"), (2, "A2B3C4-01"))
    ]
    assert list(rivta_files(data)) == [name for group in names for name in group]
    assert [item["files"] for item in rivta_manifest(data)["items"]] == names
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert all(info.date_time == (2022, 1, 12, 9, 15, 0) for info in archive.infolist())


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"event_at": None}, "Tidpunkt saknas"),
        ({"client": Client("22950606FH20", "X", "Norr")}, "födelsedatum"),
        ({"fields": ORDERED}, "Inget är signerat"),
        ({"illegible": frozenset({"given2"})}, "tid 2 är oläslig"),
        ({"illegible": frozenset({"avvikelse1"})}, "tid 1 är oläslig"),
        ({"illegible": frozenset({"tid3"})}, "tid 3 är oläslig"),
        ({"fields": DAY | {"avvikelse1": "annat"}}, "Avvikelsen för tid 1"),
    ],
)
def test_what_it_cannot_say_for_certain_is_said_beforehand(
    other: dict[str, object], reason: str
) -> None:
    assert reason in in_swedish(
        TARGETS["aktiviteter"].unsupported_reason(
            day(**other),  # type: ignore[arg-type]
            terms("aktiviteter"),
        )
    )


def test_both_marks_at_once_are_a_doubt() -> None:
    given = terms("aktiviteter")
    mapping = given.mapping("signeringslista", ActivityMapping)
    marks = mapping.model_copy(
        update={"slots": (Slot(given="given1", not_given="avv_e", declined="avv_a"),)}
    )
    each = day({"avv_e": True, "avv_a": True})
    assert "både som ej given och som avböjd" in in_swedish(
        TARGETS["aktiviteter"].unsupported_reason(
            each, replace(given, mappings={"signeringslista": marks})
        )
    )


def test_what_it_can_say_is_fit() -> None:
    assert in_swedish(TARGETS["aktiviteter"].unsupported_reason(day(), terms("aktiviteter"))) == ""
    assert (
        in_swedish(
            TARGETS["aktiviteter"].unsupported_reason(
                day(ORDERED, revision=2), terms("aktiviteter")
            )
        )
        == ""
    )


def test_no_mapping_may_give_what_was_not_given_the_status_of_what_was() -> None:
    mapping = terms("aktiviteter").mapping("signeringslista", ActivityMapping)
    wrong = {**mapping.status, Outcome.DECLINED: mapping.status[Outcome.GIVEN]}
    with pytest.raises(ValidationError, match="also that of something else"):
        ActivityMapping.model_validate(mapping.model_dump() | {"status": wrong})
    del wrong[Outcome.DECLINED]
    with pytest.raises(ValidationError, match="no status for declined"):
        ActivityMapping.model_validate(mapping.model_dump() | {"status": wrong})
