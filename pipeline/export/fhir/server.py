"""A FHIR server: where it is, who we are there, and patience while it is away.

No address holds a personal number (clients go in bodies only), and neither what was sent nor what was answered is logged.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from pipeline.errors import SettingsError, TargetAwayError, TargetDeniedError, TargetUnfitError
from pipeline.export.fhir.access_token import ClientCredentials
from pipeline.export.fhir.filing import Resource
from pipeline.settings import Settings
from pipeline.store.clock import utc_now

MEDIA_TYPE = "application/fhir+json"
LONGEST_WAIT = 60.0
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_AWAY = frozenset({408, 425, 429, 500, 502, 503, 504})
_TRY_AGAIN = _AWAY | {409}
"""409: another transaction was in the way."""
_REFUSED = frozenset({400, 409, 410, 412, 413, 422})


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server says to a request that it has understood: `accepted`, or not and then why."""

    accepted: bool
    body: Resource


class FhirServer:
    """A connection. `sleep` waits between attempts."""

    def __init__(self, client: httpx.Client, attempts: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client, self._attempts, self._sleep = client, attempts, sleep

    def transact(self, bundle: Resource) -> Reply:
        """Post a transaction.

        Raises:
            TargetAwayError: the server is away, also after all attempts.
            TargetDeniedError: it does not let us in.
            TargetUnfitError: what is there takes no transactions.
        """
        return self._asked("POST", "", json=bundle, headers={"Content-Type": MEDIA_TYPE, "Prefer": "return=minimal"})

    def search(self, kind: str, **parameters: str) -> list[Resource]:
        """The resources that a search finds. Errors as `transact`.

        Raises:
            TargetUnfitError: the server cannot search so, or finds more than a hundred.
        """
        reply = self._asked("GET", kind, params=parameters | {"_count": "100"})
        if not reply.accepted or any(link.get("relation") == "next" for link in reply.body.get("link", [])):
            raise TargetUnfitError("fhir_server_not_search_our", kind=kind)
        return [entry["resource"] for entry in reply.body.get("entry", []) if entry.get("resource", {}).get("resourceType") == kind]

    def _asked(self, method: str, path: str, **request: Any) -> Reply:  # noqa: ANN401 - httpx's own arguments
        for attempt in range(1, self._attempts + 1):
            why, wait = "", 0.0
            try:
                response = self._client.request(method, path, **request)
            except httpx.TransportError as error:
                why = type(error).__name__
            else:
                if response.status_code not in _TRY_AGAIN:
                    return _reply(response)
                why, wait = str(response.status_code), _asked_to_wait(response)
            if attempt < self._attempts:
                self._sleep(min(max(wait, 2 ** (attempt - 1) * random.uniform(0.5, 1)), LONGEST_WAIT))
        if why in {str(code) for code in _TRY_AGAIN - _AWAY}:
            return _reply(response)
        raise TargetAwayError("fhir_server_away", why=why)


@contextmanager
def connected(settings: Settings) -> Iterator[FhirServer]:
    """The server of the settings.

    Raises:
        SettingsError: no server is set, or its address is not encrypted.
    """
    for name in ("fhir_url", "fhir_token_url"):
        _check_address(name, getattr(settings, name), needed=name == "fhir_url")
    auth = ClientCredentials(settings) if settings.fhir_token_url else None
    headers = {"Accept": MEDIA_TYPE}
    with httpx.Client(base_url=settings.fhir_url.rstrip("/"), auth=auth, timeout=settings.fhir_seconds, headers=headers) as client:
        yield FhirServer(client, settings.fhir_attempts)


def _check_address(name: str, address: str, *, needed: bool) -> None:
    if not address and not needed:
        return
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if not url.host:
        raise SettingsError("setting_names_no_server", name=name)
    if url.scheme != "https" and not (url.scheme == "http" and url.host in _LOCAL):
        raise SettingsError("setting_not_encrypted", name=name)


def _reply(response: httpx.Response) -> Reply:
    code = response.status_code
    if code in (401, 403):
        raise TargetDeniedError("fhir_server_does_not_let", code=code)
    body = _resource(response)
    if response.is_success and body.get("resourceType") == "Bundle":
        return Reply(True, body)
    if code in _REFUSED:
        return Reply(False, body)
    raise TargetUnfitError("address_setting_fhir_url_no", code=code)


def _resource(response: httpx.Response) -> Resource:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _asked_to_wait(response: httpx.Response) -> float:
    """Seconds of the header Retry-After, 0 without one."""
    said = response.headers.get("Retry-After", "")
    if said.isdigit():
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - utc_now()).total_seconds())
    except (ValueError, TypeError):
        return 0.0
