"""What a correction or a makulering does to earlier versions of the entry at the server.

They stay readable, with a status that says that they are no longer valid. The transaction gets
one update for each such resource, of the server's own version of it (If-Match), with nothing
changed but its status. So there is no moment when both versions are valid, or none.
"""

from __future__ import annotations

from typing import Any

from pipeline.domain.settings import Settings
from pipeline.export.fhir.clinical.warnings import (
    ALLERGY_ENTERED_IN_ERROR,
    ALLERGY_TYPE,
    WARNING_TYPES,
    has_warnings_tag,
)
from pipeline.export.fhir.resource_context import (
    DOCUMENT_TYPE,
    Resource,
    identifier_system,
    version_id,
)
from pipeline.export.fhir.server import FhirServer
from pipeline.store.exports.run_items import RunItem

_ENDED_STATUSES = frozenset({"superseded", "entered-in-error", "cancelled"})
_OBSERVATION_TYPE, _ANSWERS_TYPE = "Observation", "QuestionnaireResponse"


def end_earlier_versions(
    bundle: Resource, item: RunItem, server: FhirServer, settings: Settings
) -> Resource:
    """Add to a transaction what ends earlier versions of the entry at the server.

    The new document gets a reference to the one that it replaces.

    Raises:
        ExportError: see `FhirServer.search`.
    """
    post = f"{identifier_system(settings, 'post')}|{item.entry_id}"
    versions = [
        f"{identifier_system(settings, 'version')}|{version_id(item.entry_id, revision)}"
        for revision in range(1, item.revision)
    ]
    # Find everything of the entry at the server; answers have no identifier of the entry.
    existing = [
        *server.search(DOCUMENT_TYPE, identifier=post),
        *server.search(_OBSERVATION_TYPE, identifier=post),
        *server.search(_ANSWERS_TYPE, identifier=",".join(versions)),
    ]
    # Warnings are searched for only where there may be some: not every server knows them.
    if any(has_warnings_tag(resource) for resource in existing):
        existing += [one for kind in WARNING_TYPES for one in server.search(kind, identifier=post)]
    version = version_id(item.entry_id, item.revision)
    outdated = [
        resource
        for resource in existing
        if _status(resource) not in _ENDED_STATUSES
        and not _is_of_version(resource, version, settings)
    ]
    documents = [
        entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == DOCUMENT_TYPE
    ]
    # A version that replaces none is about another client: what the server has was an error.
    void = any(
        document.get("status") == "entered-in-error" or "relatesTo" not in document
        for document in documents
    )
    entries = [_link_replaced_document(entry, existing, settings) for entry in bundle["entry"]]
    return bundle | {
        "entry": [*entries, *(_end_resource(resource, void=void) for resource in outdated)]
    }


def _status(resource: Resource) -> str:
    """Return a resource's status; an allergy is ended by its verification."""
    if resource["resourceType"] != ALLERGY_TYPE:
        return str(resource.get("status", ""))
    codings = resource.get("verificationStatus", {}).get("coding", [])
    return str(codings[0].get("code", "")) if codings else ""


def _is_of_version(resource: Resource, version: str, settings: Settings) -> bool:
    """Return whether a resource is of a version of an entry.

    An observation's identifier continues after a slash.
    """
    versions = [
        value
        for value in _list_identifiers(resource)
        if value.get("system") == identifier_system(settings, "version")
    ]
    return any(str(value.get("value", "")).partition("/")[0] == version for value in versions)


def _list_identifiers(resource: Resource) -> list[dict[str, Any]]:
    identifiers = resource.get("identifier", [])
    return [
        *(identifiers if isinstance(identifiers, list) else [identifiers]),
        *([resource["masterIdentifier"]] if "masterIdentifier" in resource else []),
    ]


def _end_resource(resource: Resource, *, void: bool) -> Resource:
    """Return the update that ends a resource.

    A corrected document is superseded; a corrected measurement or answer was an error, as is
    everything of a void entry. Inera's profile has final measurements only, so a measurement in
    error no longer refers to it.
    """
    document = resource["resourceType"] == DOCUMENT_TYPE
    status: Resource = {"status": "superseded" if document and not void else "entered-in-error"}
    if document and void:
        status["docStatus"] = "entered-in-error"
    # Without the profile of Inera, which has final measurements only.
    if resource["resourceType"] == _OBSERVATION_TYPE:
        resource = resource | {
            "meta": {
                name: value for name, value in resource.get("meta", {}).items() if name != "profile"
            }
        }
    # An allergy in error has no clinical status.
    if resource["resourceType"] == ALLERGY_TYPE:
        resource = {name: value for name, value in resource.items() if name != "clinicalStatus"}
        status = {"verificationStatus": ALLERGY_ENTERED_IN_ERROR}
    request = {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
    # Optimistic locking: the server rejects the update if it has another version.
    if version := resource.get("meta", {}).get("versionId"):
        request["ifMatch"] = f'W/"{version}"'
    return {"resource": resource | status, "request": request}


def _link_replaced_document(
    entry: Resource, existing: list[Resource], settings: Settings
) -> Resource:
    """Add to a document's `relatesTo` where the server has the replaced document, if it has it."""
    resource = entry["resource"]
    if resource["resourceType"] != DOCUMENT_TYPE or "relatesTo" not in resource:
        return entry
    relation = resource["relatesTo"][0]
    replaced = relation["target"]["identifier"]["value"]
    # The server's document with the identifier of the replaced one.
    reference = next(
        (
            f"{DOCUMENT_TYPE}/{other['id']}"
            for other in existing
            if other["resourceType"] == DOCUMENT_TYPE and _is_of_version(other, replaced, settings)
        ),
        "",
    )
    if not reference:
        return entry
    target = {"reference": reference} | relation["target"]
    return entry | {"resource": resource | {"relatesTo": [relation | {"target": target}]}}
