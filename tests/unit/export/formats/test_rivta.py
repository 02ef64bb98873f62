"""GetCareDocumentation 2.1: valid against the public schema, and true to what the contract
means.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from pipeline.domain.identity_numbers import format_short_pid, pid_oid
from pipeline.domain.model import Client, Value
from pipeline.domain.record import CareProvider, Outage, OutageKind, Record, Stamp
from pipeline.domain.settings import Settings
from pipeline.export.mapping import CareUnit, NoteMapping
from pipeline.export.record_text import late_entry_text
from pipeline.export.rivta.care_documentation import RESPONDER_NS
from pipeline.export.rivta.elements import DOMAIN_NS, EXTENSION_NS
from tests.support.shared_data import shared
from tests.support.store.export_examples import (
    EARLIER,
    FORM_OF,
    NEEDED_FIELDS,
    SIV,
    items,
    made,
    record,
    run,
    terms,
)
from tests.support.store.rivta_archives import rivta_document
from tests.support.store.targets import TARGETS
from tests.support.texts import in_swedish

NS = {"r": RESPONDER_NS, "c": DOMAIN_NS, "e": EXTENSION_NS}
NOTE: dict[str, Value] = {
    "kontakttyp": "besok",
    "anteckning": "Såret ser bra ut.\nOmlagt.",
    "plan": "Ny omläggning på torsdag.",
    "information": True,
}


def document(data: bytes) -> etree._Element:
    return rivta_document(data)


def texts(data: bytes, name: str) -> list[str]:
    return [element.text or "" for element in document(data).iter(f"{{{DOMAIN_NS}}}{name}")]


def text(each: Record, name: str = "clinicalDocumentNoteText") -> str:
    return texts(made("rivta", each), name)[0]


@pytest.mark.shared
@pytest.mark.parametrize(
    "each",
    [
        record(fields=NOTE),
        record(),
        record(fields=NOTE, author="", author_title="", written_at=None),
        record(fields=NOTE, signed=Stamp(datetime(2022, 7, 1, 10, 0, tzinfo=UTC), "Eva Lind")),
        record(fields=NOTE, voided="fel person", revision=2),
        record(fields=NOTE | {"anteckning": "a\x00b\x1f & < > ]]> \ud83d"}),
    ],
    ids=["note", "empty", "author-unknown", "signed", "void", "odd-characters"],
)
def test_is_valid_against_the_schema(each: Record) -> None:
    schema = etree.XMLSchema(
        etree.parse(
            shared("schemas", "rivta", "healthcond_description_2.1.1", "interactions", *SCHEMA)
        )
    )
    schema.assertValid(document(made("rivta", each, record(fields=NOTE, entry_id="K7M3PX-01"))))


SCHEMA = ("GetCareDocumentationInteraction", "GetCareDocumentationResponder_2.1.xsd")


@pytest.mark.shared
def test_the_schema_would_notice_a_time_with_zone() -> None:
    schema = etree.XMLSchema(
        etree.parse(
            shared("schemas", "rivta", "healthcond_description_2.1.1", "interactions", *SCHEMA)
        )
    )
    broken = document(made("rivta", record(fields=NOTE)))
    (time,) = broken.iter(f"{{{DOMAIN_NS}}}authorTime")
    time.text = "20211217090500+01"
    assert not schema.validate(broken)


def test_times_are_swedish_wall_clock_in_winter_and_summer() -> None:
    summer, winter = (
        Stamp(datetime(2022, 7, 1, 10, 0, tzinfo=UTC), "E"),
        Stamp(datetime(2022, 1, 31, 23, 30, tzinfo=UTC), "E"),
    )
    assert text(record(signed=summer), "signatureTime") == "20220701120000"
    assert text(record(signed=winter), "signatureTime") == "20220201003000"
    assert text(record(), "authorTime") == "20211217090500"
    assert text(record(), "documentTime") == "20211217081500"


def test_a_missing_time_of_day_is_midnight_and_said() -> None:
    data = made(
        "rivta",
        record(event_at=datetime(2021, 12, 17), clock_unknown=frozenset({"event_at"})),
    )
    assert texts(data, "documentTime") == ["20211217000000"]
    assert "Gäller 2021-12-17 (klockslag saknas)." in texts(data, "clinicalDocumentNoteText")[0]


def test_a_note_says_where_it_comes_from_and_what_it_says() -> None:
    said = text(record(fields=NOTE))
    assert said.startswith(
        "Efterregistrering efter IT-avbrott 2021-12-16–2022-01-10. Gäller 2021-12-17 08:15. "
        "Originalanteckning på papper av Gun Ek, sjuksköterska, skriven 2021-12-17 09:05. "
        "Inskriven av Anna Öst 2022-01-12 10:30. Kontrollerad av Per Åhs 2022-01-12 "
        "11:30. Skan-id K7M3PX-00. Papperet finns i pärm 3."
    )
    assert "Anteckning\nSåret ser bra ut.\nOmlagt." in said
    assert "Plan\nNy omläggning på torsdag." in said
    assert "Patienten har fått information\nja" in said
    assert "Kontakt med läkare" not in said


def test_an_outage_that_goes_on_is_named_by_its_first_day() -> None:
    told = late_entry_text(record(), Settings(outage_start=datetime(2021, 12, 16, tzinfo=UTC)))
    assert told.startswith("Efterregistrering efter IT-avbrott som började 2021-12-16. Gäller")


def test_what_a_note_does_not_carry_is_named_where_it_is_filled_in() -> None:
    def told(**fields: Value) -> str:
        each = record(
            "utskrivningsklar", {"arende": "SIP 12", "planering": "Hemtjänst från måndag", **fields}
        )
        return text(each)

    assert "Ärende i Lifecare\nSIP 12" in told()
    assert "Hemtjänst" not in told()
    assert "Står på papperet och skrivs inte av här: Planering." in told()
    assert "skrivs inte av här" not in text(record("utskrivningsklar", {"arende": "SIP 12"}))


@pytest.mark.shared
@pytest.mark.parametrize(
    "form", ["tillagg-omvardnadsjournal", "palliativ-hemakt", "utskrivningsklar"]
)
def test_notes_of_other_forms_are_valid_too(form: str) -> None:
    schema = etree.XMLSchema(
        etree.parse(
            shared("schemas", "rivta", "healthcond_description_2.1.1", "interactions", *SCHEMA)
        )
    )
    schema.assertValid(
        document(made("rivta", record(form), record(form, voided="fel person", revision=2)))
    )


def test_a_box_without_a_mark_says_nothing() -> None:
    assert "information" not in text(record(fields=NOTE | {"information": False}))


def test_an_illegible_field_is_said_to_be_so() -> None:
    assert "Plan\n[oläsligt]" in text(
        record(fields=NOTE | {"plan": None}, illegible=frozenset({"plan"}))
    )


def test_an_unknown_author_is_neither_named_nor_numbered() -> None:
    data = made("rivta", record(author="", author_title=""))
    assert (
        texts(data, "healthcareProfessionalName")
        == texts(data, "healthcareProfessionalHSAId")
        == []
    )
    assert (
        "på papper av okänd (namnet är inte inskrivet)"
        in texts(data, "clinicalDocumentNoteText")[0]
    )


def test_people_and_unit_have_the_ids_of_the_registers_else_of_the_settings() -> None:
    signed = Stamp(datetime(2022, 1, 13, tzinfo=UTC), "Eva Lind", "eva", "SE5560000000-EVA")
    each = record(
        signed=signed,
        author_hsa_id="SE5560000000-GUN",
        author_role_code="201010",
        unit_hsa_id="SE5560000000-NORR",
    )
    data = made("rivta", each)
    assert texts(data, "healthcareProfessionalHSAId") == ["SE5560000000-GUN"]
    assert texts(data, "legalAuthenticatorHSAId") == ["SE5560000000-EVA"]
    assert texts(data, "healthcareProfessionalCareUnitHSAId") == ["SE5560000000-NORR"]
    settings = terms("rivta").settings.model_copy(
        update={"staff_hsa_ids": {"eva": "SE5560000000-SET"}}
    )
    fallen_back = TARGETS["rivta"].make(
        items(replace(each, signed=replace(signed, hsa_id=""))),
        run("rivta"),
        replace(terms("rivta"), settings=settings),
    )
    assert texts(fallen_back, "legalAuthenticatorHSAId") == ["SE5560000000-SET"]


def test_a_mapping_s_unit_goes_before_the_register_s() -> None:
    given = terms("rivta")
    note = given.mapping("hsl-anteckning", NoteMapping)
    own = note.model_copy(update={"units": {"Norr": CareUnit(hsa_id="SE5560000000-EGEN")}})
    data = TARGETS["rivta"].make(
        items(record(unit_hsa_id="SE5560000000-NORR")),
        run("rivta"),
        replace(given, mappings={"hsl-anteckning": own}),
    )
    assert texts(data, "orgUnitHSAId") == ["SE5560000000-EGEN"]


@pytest.mark.parametrize(
    ("facts", "coded"),
    [
        ({"author_title": "sjuksköterska"}, ["206090", "Sjuksköterska, allmän", ""]),
        ({"author_title": "", "author_role": "undersköterska"}, ["", "", "undersköterska"]),
        ({"author_title": "Överläkare"}, ["201010", "Överläkare", ""]),
        (
            {"author_title": "sjuksköterska", "author_role_code": "206010"},
            ["206010", "Anestesisjuksköterska", ""],
        ),
    ],
)
def test_a_role_is_a_code_or_words_and_never_both(facts: dict[str, Any], coded: list[str]) -> None:
    (role,) = document(made("rivta", record(**facts))).iter(
        f"{{{DOMAIN_NS}}}healthcareProfessionalRoleCode"
    )
    names = ("code", "displayName", "originalText")
    assert [role.findtext(f"c:{name}", "", NS) for name in names] == coded


def test_the_title_names_the_type_of_note_where_it_has_one() -> None:
    assert text(record(fields=NOTE), "documentTitle") == (
        "Besöksanteckning – Tillfällig journalanteckning HSL"
    )
    assert text(record(), "documentTitle") == "Tillfällig journalanteckning HSL"


def test_a_note_carries_text_and_never_a_picture() -> None:
    assert texts(made("rivta", record(fields=NOTE)), "multimediaEntry") == []


def test_only_a_signed_note_has_a_legal_authenticator() -> None:
    assert texts(made("rivta", record()), "legalAuthenticator") == []
    assert (
        text(
            record(signed=Stamp(datetime(2022, 1, 13, tzinfo=UTC), "Eva Lind")),
            "legalAuthenticatorName",
        )
        == "Eva Lind"
    )


def test_a_void_note_is_nullified_and_any_other_says_nothing_of_it() -> None:
    assert texts(made("rivta", record()), "nullified") == []
    void = made("rivta", record(voided="fel person"), amends=EARLIER)
    assert (texts(void, "nullified"), texts(void, "nullifiedReason")) == (["true"], ["fel person"])
    assert (
        "Makulering av tidigare överförd post (körning 20220110-091500-rivta-0a1b, "
        "2022-01-10 09:15)"
    ) in texts(void, "clinicalDocumentNoteText")[0]


def test_an_amendment_keeps_the_document_id() -> None:
    first, second = (
        made("rivta", record()),
        made("rivta", record(revision=2, fields=NOTE), amends=EARLIER),
    )
    assert texts(first, "documentId") == texts(second, "documentId") == ["K7M3PX-00"]
    assert "Rättelse av tidigare överförd post" in texts(second, "clinicalDocumentNoteText")[0]
    assert "Rättelse" not in texts(first, "clinicalDocumentNoteText")[0]


@pytest.mark.parametrize(
    ("marked", "code"),
    [("besok", "bes"), ("telefon", "auf"), ("bedomning", "utr"), ("atgard", "atb")],
)
def test_the_note_type_follows_the_contact(marked: str, code: str) -> None:
    assert text(record(fields={"kontakttyp": marked}), "clinicalDocumentNoteCode") == code


def test_an_unknown_contact_gets_no_type() -> None:
    assert texts(made("rivta", record()), "clinicalDocumentNoteCode") == []


def test_a_contact_that_no_type_says_stands_in_the_text() -> None:
    unread = text(record(fields={"kontakttyp": None}, illegible=frozenset({"kontakttyp"})))
    assert "Typ av kontakt: [oläsligt]" in unread
    assert "Typ av kontakt" not in text(record(fields=NOTE)) + text(record())
    given = terms("rivta")
    note = given.mapping("hsl-anteckning", NoteMapping)
    kind = note.kind.model_copy(update={"codes": {"besok": "bes"}})
    given = replace(given, mappings={"hsl-anteckning": note.model_copy(update={"kind": kind})})
    data = TARGETS["rivta"].make(
        items(record(fields={"kontakttyp": "telefon"})), run("rivta"), given
    )
    assert "Typ av kontakt: Telefon" in texts(data, "clinicalDocumentNoteText")[0]


def test_every_kind_of_number_has_its_series() -> None:
    assert pid_oid(SIV.pid) == "1.2.752.129.2.1.3.1"
    assert pid_oid("22950606FH20") == "1.2.752.74.9.1"
    assert (pid_oid("KX-17"), pid_oid("KX-17", "1.2.3"), pid_oid("", "1.2.3")) == ("", "1.2.3", "")


@pytest.mark.parametrize("pid", ["992021123456", "20211217LA12", "50-123456"])
def test_a_region_s_own_number_is_of_no_national_series_however_it_looks(pid: str) -> None:
    assert (pid_oid(pid), pid_oid(pid, "1.2.3")) == ("", "1.2.3")


@pytest.mark.parametrize("pid", ["192801287159", "192813287158", "2801287158", "22950606FH21"])
def test_a_personal_number_that_is_wrong_or_short_is_in_no_file(pid: str) -> None:
    """A person may be outside the register and the number be misread; as a personal number it would
    be filed with another person.
    """
    assert (pid_oid(pid), pid_oid(pid, "1.2.3")) == ("", "")
    client = Client(pid, "Siv Åkerlund", "Norr")
    for target in ("rivta", "fhir", "observationer", "aktiviteter", "khsl"):
        each = record(FORM_OF[target], NEEDED_FIELDS.get(target, {}), client=client)
        assert "ersonnummer" in in_swedish(
            TARGETS[target].unsupported_reason(each, terms(target))
        ), target


@pytest.mark.shared
def test_coordination_numbers_have_their_own_series() -> None:
    numbers = json.loads(
        shared("schemas", "identity", "skatteverket-testsamordningsnummer.json").read_text()
    )
    assert {pid_oid(number) for number in numbers} == {"1.2.752.129.2.1.3.3"}


def test_the_short_form_has_a_plus_from_the_hundredth_year() -> None:
    today = datetime(2021, 12, 20).date()
    assert format_short_pid(SIV.pid, today) == "280128-7158"
    assert format_short_pid(SIV.pid, today.replace(year=2028)) == "280128+7158"
    assert format_short_pid("22950606FH20", today) == "22950606FH20"


def test_what_the_schema_cannot_carry_is_said_beforehand() -> None:
    exporter, given = TARGETS["rivta"], terms("rivta")
    assert in_swedish(exporter.unsupported_reason(record(), given)) == ""
    assert "Tidpunkt saknas" in in_swedish(
        exporter.unsupported_reason(record(event_at=None, written_at=None), given)
    )
    assert "reservnummer" in in_swedish(
        exporter.unsupported_reason(record(client=Client("KX-17", "Okänd", "Norr")), given)
    )
    assert "Personnummer saknas" in in_swedish(
        exporter.unsupported_reason(record(client=Client("", "", "Norr")), given)
    )


@pytest.mark.parametrize("target", ["rivta", "observationer", "aktiviteter", "varningar"])
def test_all_that_is_missing_is_said_at_once(target: str) -> None:
    options = terms(target)
    without = replace(
        options, settings=options.settings.model_copy(update={"source_system_hsa_id": ""})
    )
    nobody = Client("", "", "Norr")
    bare = record(FORM_OF[target], event_at=None, written_at=None, client=nobody)
    reasons = tuple(TARGETS[target].unsupported_reasons(bare, without))
    said = " ".join(map(in_swedish, reasons))
    for part in ("Tidpunkt saknas", "source_system_hsa_id", "ersonnummer"):
        assert part in said
    assert reasons[0] == TARGETS[target].unsupported_reason(bare, without)


def test_protected_clients_are_never_open_to_the_patient() -> None:
    assert (
        text(record(client=Client(SIV.pid, "S", "Norr", protected=True)), "approvedForPatient")
        == "false"
    )


@pytest.mark.parametrize(
    ("outage", "words"),
    [
        (
            Outage(datetime(2021, 12, 16, 3), datetime(2021, 12, 23, 8), system="Patientjournal"),
            "IT-avbrott 2021-12-16–2021-12-23. System: Patientjournal.",
        ),
        (
            Outage(datetime(2021, 12, 16, 3), None, OutageKind.READ_ONLY),
            "systemet går bara att läsa sedan 2021-12-16.",
        ),
    ],
)
def test_the_note_says_the_outage_of_its_own_unit_and_system(outage: Outage, words: str) -> None:
    settings = terms("rivta").settings
    assert words in late_entry_text(record(outage=outage), settings)
    assert "2022-01-10" not in late_entry_text(record(outage=outage), settings)


def test_a_private_unit_exports_as_its_own_provider_and_by_the_unit_s_id() -> None:
    private = CareProvider("Omsorg AB", "SE5560000000-A1")
    options = terms("rivta")
    settings = options.settings.model_copy(update={"unit_hsa_ids": {"Norr": "SE5560000000-N"}})
    data = TARGETS["rivta"].make(
        items(record(provider=private)), run("rivta", 1), replace(options, settings=settings)
    )
    assert texts(data, "healthcareProfessionalCareGiverHSAId") == ["SE5560000000-A1"]
    assert texts(data, "healthcareProfessionalCareUnitHSAId") == ["SE5560000000-N"]


@pytest.mark.parametrize("target", ["rivta", "observationer", "aktiviteter", "varningar"])
@pytest.mark.parametrize("missing", ["care_provider_hsa_id", "source_system_hsa_id"])
@pytest.mark.parametrize("wrong", ["", "Kalix"])
def test_no_id_is_made_up_and_the_setting_is_named(target: str, missing: str, wrong: str) -> None:
    options = terms(target)
    without = replace(options, settings=options.settings.model_copy(update={missing: wrong}))
    told = in_swedish(TARGETS[target].unsupported_reason(record(FORM_OF[target]), without))
    assert missing in told
