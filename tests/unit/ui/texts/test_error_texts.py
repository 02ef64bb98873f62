"""What an error says is Swedish for the person who reads Swedish, every sentence of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st

from pipeline.domain import errors
from pipeline.domain.errors import EfterskriftError, ReviewError, UsageError
from pipeline.domain.model import Person, PriorityKind, Role
from pipeline.login.accounts import close_account, save_account
from pipeline.registers.clients import load_client_register
from pipeline.store.database.store import Store
from pipeline.store.entries import queue_order
from pipeline.store.reports import sheet_accounting
from pipeline.store.schema.clock import utc_now
from pipeline.texts import LANGUAGES, Text, catalogue
from tests.support.screens import seeding
from tests.support.store.targets import TARGETS
from ui.i18n import show_text
from ui.widgets.messages import error_text


def test_a_reason_is_told_in_the_language_of_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = Text("export_reason.slot_illegible", {"slot": 2})
    assert show_text(reason) == "En ruta för tid 2 är oläslig. Skriv in raden för hand."
    monkeypatch.setitem(st.session_state, "language", "en")
    assert show_text(reason) == "A box of time 2 cannot be read. Key the row in by hand."


def test_every_text_of_an_error_is_of_a_class_that_there_is() -> None:
    named = {key.removeprefix("fault.") for key in catalogue("sv") if key.startswith("fault.")}
    assert {name for name in named if not hasattr(errors, name)} == {"unexpected"}


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_every_target_has_a_title_of_its_own(language: str) -> None:
    titles = [exporter.title.in_language(language) for exporter in TARGETS.values()]
    assert all(titles)
    assert len(set(titles)) == len(TARGETS)


@pytest.mark.parametrize(
    ("error", "swedish"),
    [
        (
            ReviewError("block_needs_reason"),
            "En spärr sätts och hävs med ett skäl. Skriv varför.",
        ),
        (
            UsageError("different_forms", first="ABCD-2345", last="EFGH-2345"),
            "ABCD-2345 och EFGH-2345 är olika blanketter.",
        ),
    ],
)
def test_an_error_is_told_in_both_languages_with_its_values(
    error: EfterskriftError, swedish: str
) -> None:
    assert f"{error.message_in('sv')} {error.remedy_in('sv')}".startswith(swedish)
    assert str(error) == f"{error.message_in('en')} {error.remedy_in('en')}".strip()


def test_an_error_within_an_error_is_told_in_its_language(tmp_path: Path) -> None:
    register = tmp_path / "klienter.csv"
    register.write_text("personnummer;namn;adress;enhet\n191212121212;;;Norr\n", "utf-8")
    with pytest.raises(UsageError) as fault:
        load_client_register(register)
    assert fault.value.message_in("sv") == f"{register}, rad 2: det står inget i kolumnen namn."
    assert fault.value.message == f"{register}, row 2, has nothing in the column namn."


def _pull_nothing(store: Store) -> None:
    with store.begin() as conn:
        queue_order.prioritize(
            conn, seeding.MANAGER, PriorityKind.CLIENT, seeding.UNIT, " ", utc_now()
        )


def _save_no_name(store: Store) -> None:
    with store.begin() as conn:
        save_account(
            conn,
            seeding.SYSTEM_ADMINISTRATOR,
            Person("ny", "", "sjuksköterska", Role.REVIEWER, frozenset(), frozenset()),
            utc_now(),
        )


def _return_mistyped(store: Store) -> None:
    with store.begin() as conn:
        sheet_accounting.save_unused_sheets(
            conn, seeding.ADMINISTRATOR, seeding.UNIT, "ABCD-234", utc_now()
        )


def _look_for_no_account(store: Store) -> None:
    with store.begin() as conn:
        close_account(conn, seeding.SYSTEM_ADMINISTRATOR, "ingen")


FAULTS = [
    (
        _pull_nothing,
        "Beslutet kunde inte sparas. Inget är valt att prioritera. Skriv vilken klient eller dag.",
    ),
    (
        _save_no_name,
        (
            "Det gick inte, och inget ändrades. Ett konto har användarnamn, namn och "
            "yrkestitel. Fyll i alla tre."
        ),
    ),
    (
        _return_mistyped,
        "Det gick inte, och inget ändrades. Ett löpnummer har åtta tecken, och ett av "
        "de här är felskrivet. "
        "Jämför med papperet. Det sista tecknet är ett kontrolltecken.",
    ),
    (_look_for_no_account, "Det gick inte, och inget ändrades. Det finns inget sådant konto."),
]


@pytest.mark.parametrize(("act", "swedish"), FAULTS)
def test_an_error_of_the_store_is_told_in_swedish(
    store: Store, act: Callable[[Store], None], swedish: str
) -> None:
    with pytest.raises(EfterskriftError) as fault:
        act(store)
    assert error_text(fault.value) == swedish


@pytest.mark.parametrize(("act", "swedish"), FAULTS)
def test_in_english_it_is_told_as_the_code_says_it(
    store: Store, act: Callable[[Store], None], swedish: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(st.session_state, "language", "en")
    with pytest.raises(EfterskriftError) as fault:
        act(store)
    assert error_text(fault.value).endswith(f". {fault.value}")
    assert error_text(fault.value) != swedish


def test_only_a_setting_that_is_wrong_is_called_one() -> None:
    assert error_text(
        errors.SettingsError("settings_removed", keys="fhir_url", value="settings.yaml")
    ).startswith("Inställningarna är fel.")
    assert "nställning" not in error_text(UsageError("no_such_account"))
