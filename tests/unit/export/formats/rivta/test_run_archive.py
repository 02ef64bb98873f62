"""The archive of a RIVTA run: one patient a document, each entry once in the manifest."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace

import pytest
from lxml import etree

from pipeline.domain.errors import FormError
from pipeline.export.exporter import Item
from pipeline.export.rivta.role_codes import find_role_code, load_role_codes
from tests.support.store.export_examples import (
    ARNE,
    EARLIER,
    FORM_OF,
    NEEDED_FIELDS,
    SIV,
    items,
    record,
    run,
    terms,
)
from tests.support.store.rivta_archives import rivta_documents, rivta_files, rivta_manifest
from tests.support.store.targets import TARGETS

ANSWERS = ("rivta", "observationer", "varningar")
"""Targets whose contracts answer a question about one patient."""


def mixed(target: str) -> list[Item]:
    """A new entry each of two patients, a correction, a void one, and one that has moved."""
    one = record(FORM_OF[target], NEEDED_FIELDS.get(target))
    first = items(replace(one, entry_id="A2B3C4-00"), replace(one, entry_id="B2B3C4-00"))
    moved = replace(one, entry_id="E2B3C4-00", client=ARNE, revision=2)
    return [
        replace(first[0], record=replace(first[0].record, client=ARNE)),
        first[1],
        Item(3, replace(one, entry_id="C2B3C4-00", revision=2), EARLIER),
        Item(4, replace(one, entry_id="D2B3C4-00", revision=2, voided="fel person"), EARLIER),
        Item(5, moved, replace(EARLIER, exported_record=replace(moved, client=SIV, revision=1))),
    ]


def made_of(target: str) -> bytes:
    return TARGETS[target].make(mixed(target), run(target, 5), terms(target))


@pytest.mark.parametrize("target", ANSWERS)
def test_a_document_is_about_one_patient_as_a_repository_answers(target: str) -> None:
    documents = rivta_documents(made_of(target))
    patients = [
        {pid for pid in (SIV.pid, ARNE.pid) if pid in etree.tostring(document).decode()}
        for document in documents
    ]
    assert patients == [{ARNE.pid}, {SIV.pid}]


@pytest.mark.parametrize("target", [*ANSWERS, "aktiviteter"])
def test_the_manifest_accounts_for_each_entry_once_and_each_file_by_its_checksum(
    target: str,
) -> None:
    data = made_of(target)
    manifest, files = rivta_manifest(data), rivta_files(data)
    states = [(item["entry"], item["state"]) for item in manifest["items"]]
    assert states == [
        ("A2B3C4-00", "new"),
        ("B2B3C4-00", "new"),
        ("C2B3C4-00", "amended"),
        ("D2B3C4-00", "void"),
        ("E2B3C4-00", "withdrawn"),
        ("E2B3C4-00", "amended"),
    ]
    assert (manifest["entries"], manifest["withdrawals"]) == (5, 1)
    assert manifest["documents"] == len(files)
    for entry in manifest["files"]:
        content = files[entry["name"]]
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["bytes"] == len(content)
    carriers = Counter(name for item in manifest["items"] for name in item["files"])
    assert set(carriers) == set(files)


@pytest.mark.parametrize("target", ANSWERS)
def test_each_entry_is_where_the_manifest_says_and_nowhere_else(target: str) -> None:
    data = made_of(target)
    files, listed = rivta_files(data), Counter[tuple[str, str]]()
    for item in rivta_manifest(data)["items"]:
        listed.update((item["entry"], name) for name in item["files"])
    assert set(listed.values()) == {1}
    for name, content in files.items():
        entries = {entry for entry, file in listed if file == name}
        found = {
            entry for entry in {entry for entry, _ in listed} if f">{entry}" in content.decode()
        } | {entry for entry in {entry for entry, _ in listed} if f":{entry}:" in content.decode()}
        assert found == entries


@pytest.mark.parametrize("target", [*ANSWERS, "aktiviteter"])
def test_neither_manifest_nor_names_tell_of_patients(target: str) -> None:
    data = made_of(target)
    told = str(rivta_manifest(data)) + " ".join(rivta_files(data))
    for client in (SIV, ARNE):
        assert client.pid not in told
        assert client.name not in told


def test_an_answer_s_number_is_a_uuid_of_its_own_and_the_same_every_time() -> None:
    numbers = [document.findtext(".//{*}logId") for document in rivta_documents(made_of("rivta"))]
    assert len(set(numbers)) == 2
    assert all(number and len(number) == 36 for number in numbers)
    assert numbers == [
        document.findtext(".//{*}logId") for document in rivta_documents(made_of("rivta"))
    ]


@pytest.mark.parametrize(
    ("title", "registered", "code"),
    [
        ("Överläkare", "", "201010"),
        ("sjuksköterska", "", "206090"),
        ("Distriktssköterska", "", "206011"),
        ("arbetsterapeut", "", "301010"),
        ("undersköterska hemtjänst", "", "207010"),
        # Its code depends on what it works with.
        ("undersköterska", "", None),
        ("specialistsjuksköterska", "", None),
        ("sjuksköterska", "206010", "206010"),
        ("", "206010", "206010"),
        ("", "", None),
    ],
)
def test_a_role_s_code_is_the_register_s_else_the_title_s(
    title: str, registered: str, code: str | None
) -> None:
    found = find_role_code(title, registered)
    assert (found.code if found else None) == code
    assert found is None or (found.name and found.system == "1.2.752.129.2.2.1.4")


def test_role_codes_say_their_source_and_what_is_unread(tmp_path: object) -> None:
    codes = load_role_codes()
    assert codes.source
    assert codes.unread
    titles = [title for role in codes.roles for title in role.titles]
    assert len(titles) == len(set(titles))
    with pytest.raises(FormError):
        load_role_codes(tmp_path / "saknas.yaml")  # type: ignore[operator]
