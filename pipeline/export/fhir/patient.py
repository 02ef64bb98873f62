"""The client as a Patient, created only where the receiver does not have it.

That is a conditional create by identifier.
"""

from __future__ import annotations

from pipeline.export.fhir.resource_context import (
    Resource,
    ResourceContext,
    absent_value,
    pid_system,
)

_ABSENT_UNKNOWN, _ABSENT_MASKED = "unknown", "masked"


def patient_resource(filing: ResourceContext) -> Resource:
    """Return the client with number and name.

    The profile asks for a birth date; the date in the number is not always that, so it is unknown.
    The name of a client with a protected identity does not leave: the receiver has it, or has
    reasons not to.
    """
    client = filing.record.client
    name = (
        {"text": client.name}
        if client.name and not client.protected
        else {"_text": absent_value(_ABSENT_MASKED if client.protected else _ABSENT_UNKNOWN)}
    )
    return {
        "resourceType": "Patient",
        "meta": filing.meta("patient") | {"security": filing.protection()},
        "identifier": [patient_identifier(filing)],
        "name": [name],
        "_birthDate": absent_value(_ABSENT_UNKNOWN),
    }


def patient_identifier(filing: ResourceContext) -> Resource:
    """Return the client's number in its series."""
    pid = filing.record.client.pid
    return {"system": pid_system(pid, filing.mapping.local_id_system), "value": pid}
