"""The entry as a DocumentReference: what it says as text, and the sheet itself as PDF, unless that shows who has a protected identity.

Three times, three places: when it happened (`context.period`), when the paper was written (`attachment.creation`), when it was entered (`date`).
"""

from __future__ import annotations

import base64
import hashlib
from functools import partial

from pipeline.export.exporter import Terms
from pipeline.export.fhir.filing import DOCUMENT, PATIENT, Filing, Resource, coded, instant, version_of
from pipeline.export.fhir.sheet_pdf import sheet_pdf
from pipeline.export.fhir.withheld import withheld
from pipeline.export.key_in_block import block
from pipeline.export.late_entry import late_entry_text
from pipeline.export.values import form_of
from pipeline.field_spec import Meaning
from pipeline.plain_text import printable
from pipeline.record import Record

NOTE_CODES = "urn:oid:1.2.752.129.2.2.2.11"
"""KV Anteckningstyp."""
AUTHOR, SIGNER = "skribent", "signerare"


def document(filing: Filing) -> Resource:
    """The document in this version. One that was made void says so and carries the reason, not what was written."""
    record = filing.record
    void = record.voided is not None
    return {
        "resourceType": "DocumentReference",
        "meta": filing.meta("document-reference"),
        "contained": _people(filing),
        "masterIdentifier": filing.identifier("version", filing.version),
        "identifier": [filing.identifier("post", record.entry_id)],
        "status": "entered-in-error" if void else "current",
        "docStatus": "entered-in-error" if void else "amended" if filing.item.amends else "final",
        "type": _kind(filing),
        "subject": filing.reference(PATIENT),
        "date": instant(record.entered.at),
        "author": [{"reference": f"#{AUTHOR}", "type": "PractitionerRole"}],
        "authenticator": {"reference": f"#{SIGNER}", "type": "PractitionerRole"} if record.signed else None,
        "custodian": filing.organization(filing.settings.care_provider, filing.settings.care_provider_hsa_id),
        "relatesTo": _replaces(filing),
        "description": late_entry_text(record, filing.settings),
        "securityLabel": [{"coding": [label]} for label in filing.labels()],
        "content": [{"attachment": each} for each in _contents(filing)],
        "context": {"period": _period(filing)},
    }


def shows_one_client(record: Record, terms: Terms) -> bool:
    """Whether the whole sheet is about this entry's client. Where each row has a client of its own, the sheet shows other people's paper."""
    form = form_of(record, terms.forms)
    client = form.meaning(Meaning.CLIENT_PID, record.row) if form else None
    return client is not None and client.row is None


def _people(filing: Filing) -> list[Resource]:
    record = filing.record
    signer = [filing.staff(SIGNER, record.signed.by)] if record.signed else []
    return [filing.staff(AUTHOR, record.author, record.author_title), *signer]


def _kind(filing: Filing) -> Resource:
    kind = filing.mapping.kind
    code = kind.codes.get(str(filing.record.fields.get(kind.field)), kind.otherwise)
    return coded(NOTE_CODES, code, code, filing.record.title) if code else {"text": filing.record.title}


def _replaces(filing: Filing) -> list[Resource]:
    """The version before, named by its identifier: only its receiver knows where it lies there. None where that is about another client."""
    before = filing.item.amends
    if before is None or before.carried is not None:
        return []
    named = filing.identifier("version", version_of(filing.record.entry_id, before.revision))
    return [{"code": "replaces", "target": {"type": DOCUMENT, "identifier": named}}]


def _period(filing: Filing) -> Resource:
    when = filing.moment(filing.record.event_at, "event_at")
    return {"start": when, "end": when}


def _contents(filing: Filing) -> list[Resource]:
    record, picture = filing.record, filing.terms.picture
    found = [_attachment(filing, "text/plain", printable(_text(filing)).encode())]
    if record.voided is None and record.pages and picture and shows_one_client(record, filing.terms) and not record.client.protected:
        pdf = sheet_pdf(map(picture, record.pages), f"{record.title} {record.entry_id}", record.scanned.at)
        found.append(_attachment(filing, "application/pdf", pdf))
    return found


def _text(filing: Filing) -> str:
    """What the key-in list says of the entry; of one that is void only that it is."""
    content = block(filing.item, filing.terms, partial(withheld, filing.record))
    rows = [] if filing.record.voided is not None else [f"{label}: {words}" for label, words in content.rows]
    return "\n".join(part for part in (content.title, content.notice, *rows, *content.below) if part)


def _attachment(filing: Filing, media_type: str, data: bytes) -> Resource:
    written = filing.moment(filing.record.written_at, "written_at") or filing.moment(filing.record.event_at, "event_at")
    return {
        "contentType": media_type,
        "language": "sv",
        "data": base64.b64encode(data).decode("ascii"),
        "size": len(data),
        "hash": base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode("ascii"),
        "title": filing.record.title,
        "creation": written,
    }
