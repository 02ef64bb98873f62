"""A server that others reach counts failed logins by address, or says what is missing."""

from __future__ import annotations

import pytest

from pipeline.domain.errors import SettingsError
from pipeline.domain.settings import Settings
from pipeline.operations.health import describe_server_address


@pytest.mark.parametrize("address", [None, "127.0.0.1", "::1", "localhost"])
def test_a_server_for_this_machine_needs_no_header(
    address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if address is None:
        monkeypatch.delenv("STREAMLIT_SERVER_ADDRESS", raising=False)
    else:
        monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", address)
    assert describe_server_address(Settings()) == (address or "127.0.0.1")


@pytest.mark.parametrize("address", ["0.0.0.0", "", "192.0.2.7", "efterskrift.example.se"])
def test_a_server_for_others_demands_the_header_with_the_address(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_ADDRESS", address)
    with pytest.raises(SettingsError) as error:
        describe_server_address(Settings())
    assert "address_header: X-Real-IP" in error.value.remedy
    assert describe_server_address(Settings(address_header="X-Real-IP")) == address
