"""Records to export: official test numbers, invented names, the forms of the project."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pipeline.domain.form.field import Kind, Meaning
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Client, Value
from pipeline.domain.record import PreviousExport, Record, Run, Stamp
from pipeline.domain.settings import ROOT, Settings
from pipeline.export.exporter import ExportOptions, Item
from pipeline.export.mapping import load_mappings
from tests.support.store.targets import TARGETS

FORMS = Forms.load(ROOT / "forms")
SETTINGS = Settings(
    outage_start=datetime(2021, 12, 16, 3),
    outage_end=datetime(2022, 1, 10, 12),
    care_provider_hsa_id="SE2120002692-0000",
    source_system_hsa_id="SE2120002692-EFTERSKRIFT",
)
MADE_AT = datetime(2022, 1, 12, 8, 15, tzinfo=UTC)
EARLIER = PreviousExport(
    "20220110-091500-rivta-0a1b", "rivta", datetime(2022, 1, 10, 8, 15, tzinfo=UTC)
)
SIV = Client("192801287158", "Siv Åkerlund", "Norr")
ARNE = Client("193402287381", "Arne Öman", "Norr")
FORM_OF = {
    "rivta": "hsl-anteckning",
    "fhir": "hsl-anteckning",
    "observationer": "matvarden",
    "aktiviteter": "signeringslista",
    "varningar": "ny-patient",
    "besok": "besokslista",
    "matvarden": "matvarden",
    "skriv-in": "fri-anteckning",
    "khsl": "hsl-anteckning",
    "treserva-exempel": "social-anteckning",
    "tes-exempel": "korlista",
    "timecare-exempel": "schemaavvikelse",
    "timecare-schema-exempel": "pappersschema",
    "ciceron-exempel": "inkommen-handling",
    "mat-exempel": "matbestallning",
    "erms": "inkommen-handling",
    "pain001": "utbetalningslista",
    "ekonomiskt-bistand": "beslut-ekonomiskt",
}
NEEDED_FIELDS: Mapping[str, Mapping[str, Value]] = {
    "observationer": {"puls": "72"},
    "aktiviteter": {"tid1": "08:00", "given1": "XY"},
    "varningar": {"overkanslighet": True, "overkanslighet_mot": "Penicillin"},
    "pain001": {"clearing": "3300", "konto": "1234567", "belopp": "4500"},
    "ekonomiskt-bistand": {"manad": "202112", "belopp": "4500", "utfall": "bifall"},
}
"""What an entry has to say to be carried at all by a target that takes numbers."""


def stamp(by: str, hour: int = 9) -> Stamp:
    """12 January 2022, UTC."""
    return Stamp(datetime(2022, 1, 12, hour, 30, tzinfo=UTC), by)


def record(
    form_id: str = "hsl-anteckning",
    fields: Mapping[str, Value] | None = None,
    **other: Any,  # noqa: ANN401
) -> Record:
    """An entry of a form, empty except for `fields`; `other` replaces parts of the record.

    The form is that of its first version, of another one if `other` has a `version`; of the first
    too if there is no such version, as on paper of a form that was removed.
    """
    form = FORMS.get((form_id, other.get("version", 1)), FORMS[form_id, 1])
    row = form.rows()[0]
    facts: dict[str, Any] = {
        "entry_id": f"K7M3PX-{row or 0:02d}",
        "revision": 1,
        "form": form.id,
        "version": form.version,
        "title": form.title,
        "area": form.area.value,
        "unit": "Norr",
        "client": SIV,
        "fields": empty_fields(form, row) | dict(fields or {}),
        "labels": {spec.column: spec.label for spec in form.entry_fields(row)},
        "event_at": datetime(2021, 12, 17, 8, 15),
        "written_at": datetime(2021, 12, 17, 9, 5),
        "author": "Gun Ek",
        "author_title": "sjuksköterska",
        "serial": "K7M3PX",
        "row": row,
        "place": "pärm 3",
        "scanned": stamp("Bo Alm", 7),
        "read_at": datetime(2022, 1, 12, 7, 31, tzinfo=UTC),
        "reader_version": "1",
        "entered": stamp("Anna Öst"),
        "verified": stamp("Per Åhs", 10),
    }
    return Record(**facts | other)


def empty_fields(form: Form, row: int | None) -> dict[str, Value]:
    """No mark, no text: what an untouched form says."""
    blank = {Kind.MARK: False, Kind.SIGNATURE: False, Kind.INITIALS: False}
    return {spec.column: blank.get(spec.kind) for spec in form.entry_fields(row)}


def items(*records: Record, amends: PreviousExport | None = None) -> list[Item]:
    """Numbered in the order given."""
    return [Item(number, each, amends) for number, each in enumerate(records, 1)]


def run(target: str, entries: int = 1) -> Run:
    """A run of fixed id and time."""
    return Run(
        f"20220112-091500-{target}-3f9c",
        target,
        f"x{TARGETS[target].suffix}",
        MADE_AT,
        "Anna Öst",
        entries,
    )


def terms(target: str, settings: Settings = SETTINGS) -> ExportOptions:
    """With the mapping files of the project."""
    kind = TARGETS[target].mapping
    return ExportOptions(
        settings, FORMS, load_mappings([ROOT / "forms"], target, kind) if kind else {}
    )


def made(target: str, *records: Record, amends: PreviousExport | None = None) -> bytes:
    """The file of a target."""
    return TARGETS[target].make(
        items(*records, amends=amends), run(target, len(records)), terms(target)
    )


def unzip(data: bytes) -> dict[str, bytes]:
    """The files of an archive by name, in its order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def filled(form: Form) -> dict[str, Value]:
    """Something in every field of an entry, of its kind."""
    values: dict[str, Value] = {}
    for spec in form.entry_fields(form.rows()[0]):
        by_kind: Mapping[Kind, Value] = {
            Kind.MARK: True,
            Kind.SIGNATURE: True,
            Kind.INITIALS: "GE",
            Kind.LETTERS: "AB",
            Kind.PRINTED: "Norr",
        }
        by_format: Mapping[str, Value] = {
            "date": "2021-12-17",
            "time": "24:00",
            "personnummer": SIV.pid,
            "number": "37.5",
        }
        if spec.options:
            values[spec.column] = spec.options[0].value
        else:
            values[spec.column] = by_kind.get(spec.kind) or by_format.get(
                str(spec.format), "Rad ett\nrad två & <tre> åäö"
            )
    return values


def in_all_states(form: Form, illegible: frozenset[str] = frozenset()) -> list[Item]:
    """A form's entry whole, empty, hard to read, about a person protected or with a reserve number,
    with odd characters, amended, void, and moved.
    """
    whole = record(
        form.id,
        filled(form),
        version=form.version,
        pages=("one", "two"),
        signed=stamp("Eva Lind", 11),
        signed_why="slutat",
    )
    records = (
        whole,
        record(form.id, version=form.version),
        replace(whole, clock_unknown=frozenset({"event_at", "written_at"}), illegible=illegible),
        replace(whole, client=Client(SIV.pid, SIV.name, "Norr", protected=True)),
        replace(
            whole,
            client=Client("22950606FH20", "", "Norr"),
            author="",
            author_title="",
            place="",
            verified=None,
            written_at=None,
        ),
        replace(whole, author="A\x00b\x1b;\"<&'\r\nc"),
    )
    moved = Item(
        9, replace(whole, revision=2, client=ARNE), replace(EARLIER, exported_record=whole)
    )
    about_somebody = form.meaning(Meaning.CLIENT_PID, whole.row) is not None
    return [
        *items(*records),
        Item(7, replace(whole, revision=2), EARLIER),
        Item(8, replace(whole, revision=3, voided="fel person"), replace(EARLIER, revision=2)),
        *([moved] if about_somebody else []),
    ]
