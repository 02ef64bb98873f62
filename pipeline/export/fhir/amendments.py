"""What a correction or a makulering does to what the server has of the entry already: it stays
readable, and says that it holds no longer.

The transaction gets one update for each such resource, of the server's own version of it
(If-Match), with nothing changed but its status. So there is no moment when both versions hold,
or none.
"""

from __future__ import annotations

from typing import Any

from pipeline.domain.settings import Settings
from pipeline.export.fhir.common import DOCUMENT_TYPE, Resource, identifier_system, version_id
from pipeline.export.fhir.server import FhirServer
from pipeline.store.exports.run_items import RunItem

_ENDED_STATUSES = frozenset({"superseded", "entered-in-error", "cancelled"})
_OBSERVATION_TYPE, _ANSWERS_TYPE = "Observation", "QuestionnaireResponse"


def end_earlier_versions(
    bundle: Resource, item: RunItem, server: FhirServer, settings: Settings
) -> Resource:
    """The transaction with what ends earlier versions of the entry at the server, and the new
    document's reference to the one it replaces.

    Raises:
        ExportError: see `FhirServer.search`.
    """
    post = f"{identifier_system(settings, 'post')}|{item.entry_id}"
    versions = [
        f"{identifier_system(settings, 'version')}|{version_id(item.entry_id, revision)}"
        for revision in range(1, item.revision)
    ]
    found = [
        *server.search(DOCUMENT_TYPE, identifier=post),
        *server.search(_OBSERVATION_TYPE, identifier=post),
        *server.search(_ANSWERS_TYPE, identifier=",".join(versions)),
    ]
    sent = version_id(item.entry_id, item.revision)
    old = [
        resource
        for resource in found
        if resource.get("status") not in _ENDED_STATUSES
        and not _is_current_version(resource, sent, settings)
    ]
    documents = [
        entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == DOCUMENT_TYPE
    ]
    # A version that replaces none is about another client: what the server has under the first was
    # an error.
    void = any(
        each.get("status") == "entered-in-error" or "relatesTo" not in each for each in documents
    )
    entries = [_link_replaced_document(entry, found, settings) for entry in bundle["entry"]]
    return bundle | {"entry": [*entries, *(_end_resource(resource, void=void) for resource in old)]}


def _is_current_version(resource: Resource, version: str, settings: Settings) -> bool:
    """Whether it is of the version that is being sent, so that this is a second sending. An
    observation's identifier goes on after a slash.
    """
    named = [
        value
        for value in _list_identifiers(resource)
        if value.get("system") == identifier_system(settings, "version")
    ]
    return any(str(value.get("value", "")).partition("/")[0] == version for value in named)


def _list_identifiers(resource: Resource) -> list[dict[str, Any]]:
    given = resource.get("identifier", [])
    return [
        *(given if isinstance(given, list) else [given]),
        *([resource["masterIdentifier"]] if "masterIdentifier" in resource else []),
    ]


def _end_resource(resource: Resource, *, void: bool) -> Resource:
    """A corrected document is superseded; a corrected measurement or answer was an error, as
    everything is of an entry that is void.

    Inera's profile of measurements has final ones only: what is an error says no longer that it
    follows it.
    """
    document = resource["resourceType"] == DOCUMENT_TYPE
    status = {"status": "superseded" if document and not void else "entered-in-error"}
    if document and void:
        status["docStatus"] = "entered-in-error"
    if resource["resourceType"] == _OBSERVATION_TYPE:
        resource = resource | {
            "meta": {
                name: value for name, value in resource.get("meta", {}).items() if name != "profile"
            }
        }
    request = {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
    if version := resource.get("meta", {}).get("versionId"):
        request["ifMatch"] = f'W/"{version}"'
    return {"resource": resource | status, "request": request}


def _link_replaced_document(entry: Resource, found: list[Resource], settings: Settings) -> Resource:
    """The document's `relatesTo` with the place of what it replaces, where the server has it."""
    resource = entry["resource"]
    if resource["resourceType"] != DOCUMENT_TYPE or "relatesTo" not in resource:
        return entry
    relation = resource["relatesTo"][0]
    before = relation["target"]["identifier"]["value"]
    place = next(
        (
            f"{DOCUMENT_TYPE}/{each['id']}"
            for each in found
            if each["resourceType"] == DOCUMENT_TYPE and _is_current_version(each, before, settings)
        ),
        "",
    )
    if not place:
        return entry
    return entry | {
        "resource": resource
        | {"relatesTo": [relation | {"target": {"reference": place} | relation["target"]}]}
    }
