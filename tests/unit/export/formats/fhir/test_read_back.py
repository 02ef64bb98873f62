"""What the server has is compared with what was exported: "sent" is not "arrived"."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from pipeline.domain.errors import ExportError, NotAllowedError
from pipeline.domain.model import EntryState
from pipeline.domain.record import RecordAttachment
from pipeline.export.fhir.amendments import end_earlier_versions, is_ended
from pipeline.export.fhir.read_back.comparison import (
    ServerContent,
    compare_transaction,
    difference_text,
)
from pipeline.export.fhir.read_back.read_run import (
    Reading,
    RunProofs,
    load_run_proofs,
    read_back_run,
)
from pipeline.export.fhir.server import connect_fhir_server
from pipeline.export.runs import ExportContext, fetch_run_file
from pipeline.export.runs.receipts import open_run_items
from pipeline.store.database.clock import utc_now
from pipeline.store.exports.proofs import Finding
from pipeline.store.exports.run_items import RunItem
from tests.support.servers.fhir_servers import Served
from tests.support.store.export_examples import EARLIER, record
from tests.support.store.export_office import ANNA, STIG, TORA, agree, confirm, correct, state
from tests.support.store.route_steps import make_run
from tests.unit.export.formats.fhir.test_fhir import GIVEN, bundle
from tests.unit.export.formats.fhir.test_fhir_sending import NOTE, VALUES, at, made_run, sent
from tests.unit.export.formats.fhir.test_fhir_warnings import Kept

pytest_plugins = (
    "tests.support.store.databases",
    "tests.support.store.offices",
    "tests.support.servers.fhir_servers",
)
Resource = dict[str, Any]


def server_has(transaction: Resource) -> list[Resource]:
    """What a server has of a transaction: its own addresses in place of names."""
    addresses = {
        entry["fullUrl"]: f"{entry['resource']['resourceType']}/{number}"
        for number, entry in enumerate(transaction["entry"], 1)
    }
    text = json.dumps([entry["resource"] for entry in transaction["entry"]])
    for urn, address in addresses.items():
        text = text.replace(urn, address)
    resources: list[Resource] = json.loads(text)
    return [
        resource | {"id": str(number), "text": {"status": "generated"}}
        for number, resource in enumerate(resources, 1)
    ]


def found(transaction: Resource, held: list[Resource], *others: Resource) -> list[str]:
    """The differences between a transaction and what a server has."""
    by_address = {f"{each['resourceType']}/{each['id']}": each for each in held}
    entry = [each for each in held if each["resourceType"] not in ("Patient", "Binary")]
    content = ServerContent(entry, others, by_address.get)
    return compare_transaction(transaction, content, is_ended)


WARD_ROUND = record("matvarden", {"puls": "72", "temp": "37.5"}, pages=("a",))
NEW_PATIENT = record("ny-patient", {"overkanslighet": True, "overkanslighet_mot": "penicillin"})


@pytest.mark.parametrize("one", [WARD_ROUND, NEW_PATIENT], ids=["measurements", "warnings"])
def test_what_is_there_as_exported_has_no_difference(one: Any) -> None:  # noqa: ANN401 - a record
    transaction = bundle(one)
    assert found(transaction, server_has(transaction)) == []


def _of(held: list[Resource], kind: str, number: int = 0) -> Resource:
    return [each for each in held if each["resourceType"] == kind][number]


def other_client(held: list[Resource]) -> None:
    _of(held, "Patient")["identifier"][0]["value"] = "189010299802"


def other_status(held: list[Resource]) -> None:
    _of(held, "DocumentReference")["status"] = "superseded"


def other_text(held: list[Resource]) -> None:
    attachment = _of(held, "DocumentReference")["content"][0]["attachment"]
    attachment["data"] = base64.b64encode(b"Puls: 27").decode()


def no_sheet(held: list[Resource]) -> None:
    _of(held, "DocumentReference")["content"].pop()


def other_value(held: list[Resource]) -> None:
    _of(held, "Observation")["valueQuantity"]["value"] = 27


def measurement_without_its_reason(held: list[Resource]) -> None:
    _of(held, "Observation")["interpretation"] = [{"text": "hög"}]


def no_measurement(held: list[Resource]) -> None:
    held.remove(_of(held, "Observation", 1))


def measurement_twice(held: list[Resource]) -> None:
    held.append(_of(held, "Observation", 1) | {"id": "99"})


def strange_measurement(held: list[Resource]) -> None:
    other = copy.deepcopy(_of(held, "Observation"))
    other["identifier"][0]["value"] += "2"
    other["code"]["text"] = "Vikt"
    held.append(other | {"id": "99"})


def no_secrecy(held: list[Resource]) -> None:
    _of(held, "DocumentReference")["meta"]["security"] = []


def other_time(held: list[Resource]) -> None:
    _of(held, "DocumentReference")["context"]["period"]["start"] = "2021-12-17T08:16:00+01:00"


@pytest.mark.parametrize(
    ("change", "differences"),
    [
        (other_client, ["client"]),
        (other_status, ["status"]),
        (other_text, ["text"]),
        (no_sheet, ["sheet"]),
        (other_value, ["observation Hjärtfrekvens"]),
        (measurement_without_its_reason, ["observation Hjärtfrekvens"]),
        (no_measurement, ["missing observation Kroppstemperatur"]),
        (measurement_twice, ["twice observation Kroppstemperatur"]),
        (strange_measurement, ["besides observation Vikt"]),
        (no_secrecy, ["labels"]),
        (other_time, ["element context"]),
    ],
)
def test_each_difference_is_named(
    change: Callable[[list[Resource]], None], differences: list[str]
) -> None:
    transaction = bundle(WARD_ROUND)
    held = server_has(transaction)
    change(held)
    names = found(transaction, held)
    assert [name for name in names if name != "origin"] == differences
    for name in names:
        assert difference_text(name).in_language("sv")


def test_what_a_server_may_change_is_no_difference() -> None:
    transaction = bundle(WARD_ROUND)
    held = server_has(transaction)
    # Times in another zone, numbers with decimals, contained people by other names.
    text = json.dumps(held).replace("2021-12-17T08:15:00+01:00", "2021-12-17T07:15:00Z")
    text = text.replace('"value": 72', '"value": 72.0').replace("utforare", "p1")
    held = json.loads(text)
    # The sheet as a Binary of its own.
    sheet = _of(held, "DocumentReference")["content"][1]["attachment"]
    binary = {"resourceType": "Binary", "id": "8", "data": sheet.pop("data")}
    sheet["url"] = "Binary/8"
    assert found(transaction, [*held, binary]) == []
    # An address that the program does not follow proves nothing.
    sheet["url"] = "https://elsewhere.example/Binary/8"
    assert found(transaction, [*held, binary]) == ["sheet"]


def test_an_earlier_version_that_is_still_valid_is_a_difference() -> None:
    transaction = bundle(WARD_ROUND)
    held = server_has(transaction)
    earlier = _of(held, "Observation") | {"status": "final"}
    assert found(transaction, held, earlier) == ["earlier_version"]
    assert found(transaction, held, earlier | {"status": "entered-in-error"}) == []


def test_attachments_are_found_each_by_its_own_identifier() -> None:
    bill = RecordAttachment("Hyresavi", "2021-12-03", "b")
    receipt = RecordAttachment("Kvitto", "", "k")
    transaction = bundle(record("hsl-anteckning", pages=("a",), attachments=(bill, receipt)))
    held = server_has(transaction)
    assert found(transaction, held) == []
    held.remove(_of(held, "DocumentReference", 2))
    assert found(transaction, held) == ["missing attachment 2", "origin"]


def test_a_corrected_entry_replaces_its_document_and_ends_its_attachments() -> None:
    bill = RecordAttachment("Hyresavi", "2021-12-03", "b")
    first = record("hsl-anteckning", pages=("a",), attachments=(bill,))
    second = bundle(replace(first, revision=2), amends=EARLIER)
    held = [each for each in server_has(bundle(first)) if each["resourceType"] != "Patient"]
    item = RunItem(1, first.entry_id, 2, "Norr", True, True, None, "", route_revision=2)
    sent_now = end_earlier_versions(second, item, Kept(held), GIVEN.settings)  # type: ignore[arg-type]
    documents = [
        (entry["request"]["method"], entry["resource"]["status"])
        for entry in sent_now["entry"]
        if entry["resource"]["resourceType"] == "DocumentReference"
    ]
    assert documents == [
        ("POST", "current"),
        ("POST", "current"),
        ("PUT", "superseded"),
        ("PUT", "superseded"),
    ]
    replaced = _of([entry["resource"] for entry in sent_now["entry"]], "DocumentReference")
    target = replaced["relatesTo"][0]["target"]
    assert target["reference"] == f"DocumentReference/{_of(held, 'DocumentReference')['id']}"


@pytest.fixture
def here(office: ExportContext, fhir: Served) -> ExportContext:
    return at(office, fhir)


def read_back(office: ExportContext, run_id: str) -> RunProofs:
    with connect_fhir_server(office.settings) as server:
        return read_back_run(office, ANNA, run_id, server, Reading())


@pytest.mark.both_databases
def test_what_was_sent_is_proven_by_reading_it_back(here: ExportContext) -> None:
    confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    confirm(here, "matvarden", "AAAA02", **VALUES)
    run = made_run(here)
    assert sent(here, run).accepted == 2
    assert load_run_proofs(here, ANNA, run.id).unproven == 2  # the server's answer is no proof
    proofs = read_back(here, run.id)
    assert (proofs.count(Finding.SAME), proofs.unproven) == (2, 0), proofs
    assert {proof.place for proof in proofs.proofs} == {
        item.text for item in open_run_items(here, ANNA, run.id)
    }


@pytest.mark.both_databases
def test_what_was_proven_is_asked_for_again_and_found_missing_or_different(
    here: ExportContext, fhir: Served
) -> None:
    confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    confirm(here, "hsl-anteckning", "AAAA02", **NOTE)
    run = made_run(here)
    sent(here, run)
    assert read_back(here, run.id).unproven == 0
    (document, _) = fhir.all_of("DocumentReference")
    address = f"{fhir.url}/DocumentReference/{document['id']}"
    wrong = document | {"status": "superseded"}
    httpx.put(address, json=wrong, trust_env=False).raise_for_status()
    again = read_back(here, run.id)
    assert (again.count(Finding.SAME), again.count(Finding.DIFFERENT)) == (1, 1)
    fhir.clear()
    again = read_back(here, run.id)
    assert (again.count(Finding.MISSING), again.unproven) == (2, 2)
    assert load_run_proofs(here, ANNA, run.id).unproven == 2  # what was found is stored


def load_by_hand(office: ExportContext, served: Served, run_id: str) -> None:
    """A person posts the lines of the file, without the program."""
    for line in fetch_run_file(office, ANNA, run_id).data.splitlines():
        httpx.post(
            served.url,
            content=line,
            headers={"Content-Type": "application/fhir+json"},
            trust_env=False,
        ).raise_for_status()


def test_a_file_that_somebody_else_has_loaded_is_receipted(
    here: ExportContext, fhir: Served
) -> None:
    entry = confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    run = made_run(here)
    assert read_back(here, run.id).count(Finding.MISSING) == 1
    assert state(here, entry) is EntryState.EXPORTED  # not there: no receipt
    load_by_hand(here, fhir, run.id)
    assert read_back(here, run.id).unproven == 0
    assert state(here, entry) is EntryState.RECEIPTED
    (item,) = open_run_items(here, ANNA, run.id)
    (document,) = fhir.all_of("DocumentReference")
    assert item.text == f"Läst tillbaka från mottagaren: DocumentReference/{document['id']}"


def test_a_difference_is_no_receipt_until_the_server_is_right(
    here: ExportContext, fhir: Served
) -> None:
    entry = confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    run = made_run(here)
    load_by_hand(here, fhir, run.id)
    (document,) = fhir.all_of("DocumentReference")
    address = f"{fhir.url}/DocumentReference/{document['id']}"
    wrong = document | {"status": "superseded"}
    httpx.put(address, json=wrong, trust_env=False).raise_for_status()
    (proof,) = read_back(here, run.id).proofs
    assert (proof.found, proof.differences) == (Finding.DIFFERENT, ("status",))
    assert state(here, entry) is EntryState.EXPORTED
    httpx.put(address, json=document, trust_env=False).raise_for_status()
    assert read_back(here, run.id).unproven == 0
    assert state(here, entry) is EntryState.RECEIPTED


def test_a_correction_loaded_by_hand_leaves_the_earlier_version_valid(
    here: ExportContext, fhir: Served
) -> None:
    entry = confirm(here, "matvarden", "AAAA01", **VALUES)
    load_by_hand(here, fhir, made_run(here).id)
    correct(here, entry, "rad01.puls", "92")
    agree(here, entry, "matvarden", TORA, **VALUES | {"puls": "92"})
    run = made_run(here)
    load_by_hand(here, fhir, run.id)
    (proof,) = read_back(here, run.id).proofs
    assert proof.differences == ("earlier_version",)
    # Sending it ends the earlier version.
    assert sent(here, run).accepted == 1
    assert read_back(here, run.id).unproven == 0


def test_only_who_may_reads_back_and_only_fhir_runs(here: ExportContext) -> None:
    confirm(here, "hsl-anteckning", "AAAA01", **NOTE)
    run = made_run(here)
    with connect_fhir_server(here.settings) as server:
        with pytest.raises(NotAllowedError):
            read_back_run(here, STIG, run.id, server, Reading())
        confirm(here, "hsl-anteckning", "AAAA02", **NOTE)
        other = make_run(here, ANNA, "rivta", utc_now())
        assert other is not None
        with pytest.raises(ExportError, match="no FHIR run"):
            read_back_run(here, ANNA, other.id, server, Reading())
