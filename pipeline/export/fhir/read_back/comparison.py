"""What a server has of an entry, compared with the transaction that was exported.

Everything that was exported has to be there, once and unchanged, and nothing besides. Left to the
server are addresses, versions, narratives and the names of contained resources. Differences are
named by place, such as `client` or `observation Kroppstemperatur`, and never hold a value.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pipeline.export.fhir.clinical.warnings import WARNING_TYPES
from pipeline.export.fhir.resource_context import (
    ANSWERS_TYPE,
    DOCUMENT_TYPE,
    PATIENT_TYPE,
    PROVENANCE_TYPE,
    Resource,
)
from pipeline.texts import Text

_SERVERS_OWN = frozenset({"id", "meta", "text", "implicitRules", "contained", "resourceType"})
"""Elements of a resource that the server sets, or that are compared in their own way."""
_STATUS_ELEMENTS = frozenset({"status", "docStatus", "clinicalStatus", "verificationStatus"})
_CLIENT_ELEMENTS = frozenset({"subject", "patient"})
_LABEL_ELEMENTS = ("security", "tag")
_REFERENCE_KEYS = frozenset({"reference", "type", "identifier", "display"})
_ATTACHMENT_KEYS = frozenset({"contentType", "data"})
_ATTACHMENT_PLACES = frozenset({"data", "url", "size", "hash"})
_MISSING, _TWICE, _BESIDES, _EARLIER = "missing", "twice", "besides", "earlier_version"

Difference = str
"""A key of the texts `fhir_difference.…`, and after a space which one, such as `observation Puls`.
"""


def difference_text(difference: Difference) -> Text:
    """Return a difference in words."""
    key, _, part = difference.partition(" ")
    if key in (_MISSING, _TWICE, _BESIDES):
        return Text(f"fhir_difference.{key}", {"part": difference_text(part)})
    return Text(f"fhir_difference.{key}", {"part": part})


@dataclass(frozen=True, slots=True)
class ServerContent:
    """What the server has of an entry: this version, and the others.

    `read` returns a resource by its reference, or None.
    """

    version: Sequence[Resource]
    other_versions: Sequence[Resource]
    read: Callable[[str], Resource | None]


def compare_transaction(
    bundle: Resource, content: ServerContent, is_ended: Callable[[Resource], bool]
) -> list[Difference]:
    """Return what differs between a transaction and what the server has; empty if nothing.

    Args:
        is_ended: whether a resource of another version says that it is no longer valid.
    """
    expected = [
        _Expected(entry["fullUrl"], entry["resource"], _own_key(entry["resource"]))
        for entry in bundle["entry"]
    ]
    created = [one for one in expected if one.resource["resourceType"] != PATIENT_TYPE]
    held_by_key: dict[tuple[str, str], list[Resource]] = {}
    for resource in content.version:
        key = (resource["resourceType"], _own_key(resource))
        held_by_key.setdefault(key, []).append(resource)
    # Pair what was exported with what is there by its identifier.
    pairs, differences = list[tuple[_Expected, Resource]](), list[Difference]()
    for one in created:
        found = held_by_key.pop((one.resource["resourceType"], one.key), [])
        if len(found) == 1:
            pairs.append((one, found[0]))
        else:
            differences.append(f"{_TWICE if found else _MISSING} {_name(one.resource)}")
    differences += [
        f"{_BESIDES} {_name(resource)}" for extra in held_by_key.values() for resource in extra
    ]
    if any(not is_ended(resource) for resource in content.other_versions):
        differences.append(_EARLIER)
    # References name resources of the bundle there, and addresses of the server here.
    addresses = {one.urn: f"{held['resourceType']}/{held.get('id')}" for one, held in pairs}
    comparison = _Comparison(addresses, content.read)
    patient = next(one for one in expected if one.resource["resourceType"] == PATIENT_TYPE)
    for one, held in pairs:
        differences += comparison.compare_resource(one.resource, held, patient)
    return list(dict.fromkeys(differences))


@dataclass(frozen=True, slots=True)
class _Expected:
    """A resource of the transaction: its name there, and the identifier that it is found by."""

    urn: str
    resource: Resource
    key: str


def _own_key(resource: Resource) -> str:
    """Return the identifier of a resource in its version; of a Provenance its tag.

    A server may add identifiers and tags, and sort them.
    """
    if resource["resourceType"] == PROVENANCE_TYPE:
        named, name = resource.get("meta", {}).get("tag", []), "code"
    else:
        own = resource.get("identifier", [])
        identifiers = [own] if isinstance(own, dict) else own
        named, name = [resource.get("masterIdentifier", {}), *identifiers], "value"
    values = (one.get(name, "") for one in named if one.get("system", "").endswith("/version"))
    return next((str(value) for value in values), "")


def _name(resource: Resource) -> str:
    """Return which resource of an entry it is, as differences name it."""
    kind: str = resource["resourceType"]
    part = _own_key(resource).partition("/")[2]
    if kind == "Observation":
        return f"observation {resource.get('code', {}).get('text', part)}"
    if kind in WARNING_TYPES:
        return f"warning {part}"
    if kind == DOCUMENT_TYPE:
        return f"attachment {part}" if part else "document"
    return {ANSWERS_TYPE: "answers", PROVENANCE_TYPE: "origin"}.get(kind, kind)


def _difference(resource: Resource, element: str) -> Difference:
    """Return the name of a difference in an element of a resource."""
    if element in _CLIENT_ELEMENTS:
        return "client"
    name = _name(resource)
    if name != "document":
        return name
    if element == "labels":
        return element
    return "status" if element in _STATUS_ELEMENTS else f"element {element}"


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Compares resources. `addresses` are those at the server by the names in the bundle."""

    addresses: Mapping[str, str]
    read: Callable[[str], Resource | None]

    def compare_resource(
        self, sent: Resource, held: Resource, patient: _Expected
    ) -> list[Difference]:
        """Return the elements of a resource that differ."""
        differences = [] if _has_labels(sent, held) else [_difference(sent, "labels")]
        sent_people, held_people = _contained(sent), _contained(held)
        for element in sorted((sent.keys() | held.keys()) - _SERVERS_OWN):
            here, there = sent.get(element), held.get(element)
            if element in _CLIENT_ELEMENTS:
                is_same = self._is_client(there, patient.resource)
            else:
                is_same = self._is_same(_inline(here, sent_people), _inline(there, held_people))
            if is_same:
                continue
            if element == "content" and sent["resourceType"] == DOCUMENT_TYPE:
                differences += self._compare_contents(sent, here, there)
            else:
                differences.append(_difference(sent, element))
        return differences

    def _is_client(self, reference: object, patient: Resource) -> bool:
        """Return whether the server's reference leads to a patient with the client's number."""
        if not isinstance(reference, dict):
            return False
        found = self.read(str(reference.get("reference", "")))
        number = patient["identifier"][0]
        return found is not None and any(
            (each.get("system"), each.get("value")) == (number["system"], number["value"])
            for each in found.get("identifier", [])
        )

    def _compare_contents(self, sent: Resource, here: Any, there: Any) -> list[Difference]:  # noqa: ANN401 - JSON
        """Return which of a document's contents differ: the text, the sheet, or how many."""
        contents = there if isinstance(there, list) else []
        names = ("text", "sheet") if _name(sent) == "document" else (_name(sent),)
        differences = [
            names[min(number, len(names) - 1)]
            for number, content in enumerate(here)
            if number >= len(contents) or not self._is_same(content, contents[number])
        ]
        return differences or [f"{_BESIDES} {_name(sent)}"]

    def _is_same(self, here: Any, there: Any) -> bool:  # noqa: ANN401 - JSON
        """Return whether two values say the same, whatever their form."""
        if isinstance(here, dict) and isinstance(there, dict):
            return self._is_same_object(here, there)
        if isinstance(here, list) and isinstance(there, list):
            return len(here) == len(there) and all(
                self._is_same(one, other) for one, other in zip(here, there, strict=True)
            )
        if isinstance(here, bool) or isinstance(there, bool):
            return here is there
        if isinstance(here, (int, float)) and isinstance(there, (int, float)):
            return Decimal(str(here)) == Decimal(str(there))
        if isinstance(here, str) and isinstance(there, str):
            return here == there or _is_same_instant(here, there)
        return bool(here == there)

    def _is_same_object(self, here: Resource, there: Resource) -> bool:
        if here.keys() >= _ATTACHMENT_KEYS:
            return self._is_same_attachment(here, there)
        if here.keys() <= _REFERENCE_KEYS and here.keys() & {"reference", "identifier"}:
            return self._is_same_reference(here, there)
        names = (here.keys() | there.keys()) - {"id"}
        return all(self._is_same(here.get(name), there.get(name)) for name in names)

    def _is_same_reference(self, here: Resource, there: Resource) -> bool:
        """Compare where references lead; the server may add to what is said of the place."""
        if address := self.addresses.get(str(here.get("reference", ""))):
            return _last_address(there) == address
        return all(self._is_same(value, there.get(name)) for name, value in here.items())

    def _is_same_attachment(self, here: Resource, there: Resource) -> bool:
        """Compare the bytes themselves: what is said of their size and digest proves nothing."""
        names = (here.keys() | there.keys()) - _ATTACHMENT_PLACES - {"id"}
        digest = _digest(here["data"])
        return digest == _digest(self._attachment_data(there)) and all(
            self._is_same(here.get(name), there.get(name)) for name in names
        )

    def _attachment_data(self, attachment: Resource) -> str:
        """Return an attachment's data, also where the server keeps it as a Binary of its own."""
        if "data" in attachment:
            return str(attachment["data"])
        binary = self.read(str(attachment.get("url", "")))
        return str(binary.get("data", "")) if binary else ""


def _contained(resource: Resource) -> dict[str, Resource]:
    return {f"#{one.get('id')}": one for one in resource.get("contained", [])}


def _inline(value: Any, people: Mapping[str, Resource]) -> Any:  # noqa: ANN401 - JSON
    """Return a value with contained resources in place of references to them.

    A server may name them anew.
    """
    if isinstance(value, list):
        return [_inline(each, people) for each in value]
    if not isinstance(value, dict):
        return value
    if (person := people.get(str(value.get("reference", "")))) is not None:
        return {name: each for name, each in person.items() if name != "id"}
    return {name: _inline(each, people) for name, each in value.items()}


def _has_labels(sent: Resource, held: Resource) -> bool:
    """Return whether the server kept what protects and what finds a resource."""
    return all(
        any(
            (label.get("system"), label.get("code")) == (other.get("system"), other.get("code"))
            for other in held.get("meta", {}).get(element, [])
        )
        for element in _LABEL_ELEMENTS
        for label in sent.get("meta", {}).get(element, [])
    )


def _last_address(reference: Resource) -> str:
    """Return `Type/id` of a reference, which may be an address in full."""
    return "/".join(str(reference.get("reference", "")).partition("/_history/")[0].split("/")[-2:])


def _is_same_instant(here: str, there: str) -> bool:
    """Return whether two times with zones are the same moment."""
    try:
        one, other = datetime.fromisoformat(here), datetime.fromisoformat(there)
    except ValueError:
        return False
    return one.tzinfo is not None and other.tzinfo is not None and one == other


def _digest(data: str) -> bytes:
    try:
        return hashlib.sha256(base64.b64decode(data)).digest()
    except (binascii.Error, ValueError):
        return b""
