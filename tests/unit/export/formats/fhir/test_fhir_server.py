"""Patience with a FHIR server: what is tried again, what is a refusal, what stops everything; and
the token. No test waits.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from pipeline.domain.errors import (
    EfterskriftError,
    TargetAccessError,
    TargetIncompatibleError,
    TargetUnavailableError,
    UsageError,
)
from pipeline.domain.settings import Settings
from pipeline.export.fhir.sender import PARTLY_ACCEPTED, receipt_answer
from pipeline.export.fhir.server import (
    ClientCredentials,
    FhirServer,
    ServerReply,
    connect_fhir_server,
    read_client_secret,
)
from tests.support.texts import in_swedish

pytestmark = pytest.mark.patient

TAKEN = {
    "resourceType": "Bundle",
    "entry": [
        {
            "response": {
                "status": "201 Created",
                "location": "https://x/R4/DocumentReference/7/_history/1",
            }
        }
    ],
}
BUNDLE = {"resourceType": "Bundle", "type": "transaction"}
REFUSAL = {
    "resourceType": "OperationOutcome",
    "issue": [
        {"severity": "warning", "diagnostics": "x"},
        {"severity": "error", "diagnostics": "Okänd enhet"},
    ],
}
Step = httpx.Response | Exception


def server(
    steps: list[Step],
    waited: list[float],
    auth: httpx.Auth | None = None,
    seen: list[httpx.Request] | None = None,
) -> FhirServer:
    """A server that answers with these, one after the other, and is tried three times."""
    left = iter(steps)

    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        step = next(left)
        if isinstance(step, Exception):
            raise step
        return httpx.Response(
            step.status_code, headers=step.headers, content=step.content, request=request
        )

    client = httpx.Client(base_url="https://x/R4", transport=httpx.MockTransport(answer), auth=auth)
    return FhirServer(client, 3, waited.append)


def taken() -> httpx.Response:
    return httpx.Response(200, json=TAKEN)


@pytest.mark.parametrize(
    "away",
    [
        httpx.ConnectError("x"),
        httpx.ReadTimeout("x"),
        httpx.RemoteProtocolError("x"),
        httpx.Response(503),
        httpx.Response(409),
    ],
)
def test_what_passes_is_tried_again(away: Step) -> None:
    waited: list[float] = []
    assert server([away, away, taken()], waited).transact(BUNDLE).accepted
    assert 0.5 <= waited[0] <= 1 <= waited[1] <= 2


def test_the_server_says_how_long_to_wait() -> None:
    waited: list[float] = []
    busy = httpx.Response(429, headers={"Retry-After": "17"})
    dated = httpx.Response(503, headers={"Retry-After": "Thu, 01 Jan 2099 00:00:00 GMT"})
    assert server([busy, dated, taken()], waited).transact(BUNDLE).accepted
    assert waited == [17, 60]  # never longer than a minute


def test_patience_ends_and_says_why() -> None:
    waited: list[float] = []
    with pytest.raises(TargetUnavailableError, match="503"):
        server([httpx.Response(503)] * 3, waited).transact(BUNDLE)
    assert len(waited) == 2


def test_a_transaction_that_is_always_in_the_way_of_another_is_refused() -> None:
    assert not server([httpx.Response(409, json=REFUSAL)] * 3, []).transact(BUNDLE).accepted


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401), TargetAccessError),
        (httpx.Response(403), TargetAccessError),
        (httpx.Response(404), TargetIncompatibleError),
        (httpx.Response(302, headers={"Location": "https://elsewhere"}), TargetIncompatibleError),
        (httpx.Response(200, text="<html>"), TargetIncompatibleError),
        (httpx.Response(200, json=["x"]), TargetIncompatibleError),
    ],
)
def test_what_is_wrong_for_every_entry_stops_at_once(
    answer: httpx.Response, error: type[EfterskriftError]
) -> None:
    with pytest.raises(error):
        server([answer], []).transact(BUNDLE)


def test_a_search_that_is_not_understood_or_finds_too_much_stops() -> None:
    more = {"resourceType": "Bundle", "link": [{"relation": "next", "url": "https://x/R4?page=2"}]}
    for answer in (httpx.Response(400, json=REFUSAL), httpx.Response(200, json=more)):
        with pytest.raises(TargetIncompatibleError):
            server([answer], []).search("Observation", identifier="a|b")


def test_an_answer_is_a_receipt_with_the_document_s_place() -> None:
    answer = receipt_answer("A-00", ServerReply(True, TAKEN))
    assert (answer.accepted, answer.text) == (True, "DocumentReference/7")


def test_a_refusal_says_the_target_s_errors_alone() -> None:
    answer = receipt_answer("A-00", ServerReply(False, REFUSAL))
    assert (answer.accepted, answer.text) == (False, "Okänd enhet")


def test_a_server_that_takes_a_part_is_a_refusal_that_says_so() -> None:
    part = {
        "resourceType": "Bundle",
        "entry": [*TAKEN["entry"], {"response": {"status": "422", "outcome": REFUSAL}}],
    }
    answer = receipt_answer("A-00", ServerReply(True, part))
    assert not answer.accepted
    assert answer.text == f"Okänd enhet {in_swedish(PARTLY_ACCEPTED)}"


@pytest.mark.parametrize("body", [{}, {"resourceType": "Bundle", "entry": []}])
def test_an_answer_that_says_nothing_is_no_receipt(body: dict[str, Any]) -> None:
    assert not receipt_answer("A-00", ServerReply(True, body)).accepted


def settings(**other: Any) -> Settings:  # noqa: ANN401 - any setting
    given: dict[str, Any] = {
        "fhir_url": "https://x/R4",
        "fhir_token_url": "https://t/token",
        "fhir_client_id": "me",
        "fhir_client_secret": SecretStr("hush"),
    }
    return Settings(**given | other)


def token(name: str, seconds: float = 300) -> httpx.Response:
    return httpx.Response(200, json={"access_token": name, "expires_in": seconds})


def asked(
    steps: list[Step], act: Callable[[FhirServer], object], clock: list[float]
) -> list[httpx.Request]:
    """The requests that were made, those for tokens too."""
    seen: list[httpx.Request] = []
    act(
        server(
            steps,
            [],
            auth=ClientCredentials(settings(fhir_scope="write"), lambda: clock[0]),
            seen=seen,
        )
    )
    return seen


def test_a_token_is_asked_for_once_and_again_when_it_ends() -> None:
    clock = [0.0]

    def act(one: FhirServer) -> None:
        one.transact(BUNDLE)
        clock[0] = 200
        one.transact(BUNDLE)
        clock[0] = 280
        one.transact(BUNDLE)

    seen = asked([token("one"), taken(), taken(), token("two"), taken()], act, clock)
    assert [
        request.headers["Authorization"].split()[-1] for request in seen if request.url.host == "x"
    ] == ["one", "one", "two"]
    first = seen[0]
    assert first.content == b"grant_type=client_credentials&scope=write"
    assert first.headers["Authorization"].startswith("Basic ")


def test_a_token_that_the_server_refuses_is_replaced_once() -> None:
    seen = asked(
        [token("one"), taken(), httpx.Response(401), token("two"), taken()],
        lambda one: [one.transact(BUNDLE), one.transact(BUNDLE)],
        [0.0],
    )
    assert seen[-1].headers["Authorization"] == "Bearer two"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(400, json={"error": "invalid_client"}),
        httpx.Response(200, text="x"),
        httpx.Response(200, json={}),
    ],
)
def test_no_token_is_a_denial(answer: httpx.Response) -> None:
    with pytest.raises(TargetAccessError) as caught:
        asked([answer], lambda one: one.transact(BUNDLE), [0.0])
    assert "hush" not in str(caught.value)


def test_a_token_server_that_is_away_is_waited_for() -> None:
    asked([httpx.Response(503), token("one"), taken()], lambda one: one.transact(BUNDLE), [0.0])


@pytest.mark.parametrize(
    "wrong",
    [
        {"fhir_url": ""},
        {"fhir_url": "fhir.example"},
        {"fhir_url": "http://fhir.example/R4"},
        {"fhir_token_url": "http://t/token"},
        {"fhir_url": "https://x:port"},
    ],
)
def test_an_address_is_there_and_encrypted(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))), connect_fhir_server(settings(**wrong)):
        pass


def test_the_secret_is_shown_nowhere_and_may_lie_in_a_file(tmp_path: Path) -> None:
    assert "hush" not in repr(settings())
    file = tmp_path / "secret"
    file.write_text("hush hush\n")
    assert read_client_secret(settings(fhir_client_secret_file=file)) == "hush hush"
    with pytest.raises(UsageError, match="fhir_client_secret_file"):
        read_client_secret(settings(fhir_client_secret_file=tmp_path / "none"))


def test_a_token_is_not_waited_for_longer_than_a_request(tmp_path: Path) -> None:
    waits: list[float | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        waits.append(request.extensions.get("timeout", {}).get("read"))
        return httpx.Response(
            200,
            json={"access_token": "a"} if request.url.host == "token" else TAKEN,
            request=request,
        )

    settings = Settings(
        workspace=tmp_path,
        fhir_token_url="https://token/t",
        fhir_client_id="c",
        fhir_client_secret=SecretStr("s"),
    )
    client = httpx.Client(
        base_url="https://x/R4",
        transport=httpx.MockTransport(answer),
        auth=ClientCredentials(settings),
        timeout=7,
    )
    assert FhirServer(client, 1).transact(BUNDLE).accepted
    assert waits == [7, 7]


def test_a_resource_is_read_at_the_server_itself_only() -> None:
    patient = {"resourceType": "Patient", "id": "1"}
    seen: list[httpx.Request] = []

    def answered(status: int = 200) -> FhirServer:
        return server([httpx.Response(status, json=patient)], [], seen=seen)

    assert answered().read("Patient/1") == patient
    assert answered().read("https://x/R4/Patient/1/_history/2") == patient
    assert answered(404).read("Patient/1") is None
    assert answered(410).read("Patient/1") is None
    assert [request.url.path for request in seen] == [
        "/R4/Patient/1",
        "/R4/Patient/1/_history/2",
        "/R4/Patient/1",
        "/R4/Patient/1",
    ]
    for elsewhere in ("https://y/R4/Patient/1", "Patient?identifier=1", "urn:uuid:1", ""):
        assert answered().read(elsewhere) is None
    assert len(seen) == 4
