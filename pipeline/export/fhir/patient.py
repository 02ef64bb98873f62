"""The client as a Patient that is made only where the receiver does not have it (conditional create by identifier)."""

from __future__ import annotations

from pipeline.export.fhir.filing import ABSENT, Filing, Resource, pid_system

_UNKNOWN, _MASKED = "unknown", "masked"


def patient(filing: Filing) -> Resource:
    """Number and name. The profile asks for a birth date: the date in the number is not always that, so it is said to be unknown.

    The name of somebody whose identity is protected stays here; the receiver has it, or has reasons not to.
    """
    client = filing.record.client
    name = {"text": client.name} if client.name and not client.protected else {"_text": absent(_MASKED if client.protected else _UNKNOWN)}
    return {
        "resourceType": "Patient",
        "meta": filing.meta("patient") | {"security": filing.protection()},
        "identifier": [patient_identifier(filing)],
        "name": [name],
        "_birthDate": absent(_UNKNOWN),
    }


def patient_identifier(filing: Filing) -> Resource:
    """The client's number in its series."""
    pid = filing.record.client.pid
    return {"system": pid_system(pid, filing.mapping.local_id_system), "value": pid}


def absent(why: str) -> Resource:
    """In place of a value: why there is none."""
    return {"extension": [{"url": ABSENT, "valueCode": why}]}
