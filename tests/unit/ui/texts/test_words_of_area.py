"""One text serves every area of law: in health care a client is a patient, and only there."""

from __future__ import annotations

import pytest
import streamlit as st

from pipeline.domain.form.form import Area
from pipeline.texts import Text
from ui.i18n import show_text, t, words_of_area


def test_a_client_is_a_patient_in_health_care_and_only_there() -> None:
    with words_of_area(Area.HSL):
        assert t("key_in.done", count=2) == "Klar med patienten, 2 poster"
        assert t("key_in.name") == "Patientens namn"
        assert show_text(Text("key_in.same_client")) == "Samma patient som förra posten."
    for area in (Area.SOL, Area.ADM, ""):
        with words_of_area(area):
            assert t("key_in.name") == "Klientens namn"
    assert t("key_in.name") == "Klientens namn"


def test_the_client_register_keeps_its_name_and_values_their_words() -> None:
    with words_of_area("HSL"):
        assert t("client.unknown").startswith("Personnumret finns inte i klientregistret.")
        said = t("key_in.moved", client="Klient Klientsson")
    assert "Klient Klientsson" in said


def test_english_has_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(st.session_state, "language", "en")
    with words_of_area(Area.HSL):
        assert t("key_in.name") == "The patient's name"
        assert t("client.unknown").startswith("The personal number is not in the client register.")
