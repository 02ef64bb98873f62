"""What an error says is Swedish for whoever reads Swedish, every sentence of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Formatter

import pytest
import streamlit as st

from pipeline.domain import errors
from pipeline.domain.errors import EfterskriftError, ReviewError, UsageError
from pipeline.domain.model import Person, Role
from pipeline.domain.settings import ROOT
from pipeline.export.authorities.financial_aid import AidMapping
from pipeline.export.authorities.health_care_statistics import load_layout
from pipeline.export.care_system_check.matches import HELD_FOR_MATCH
from pipeline.export.payments.approval import UNCONFIRMED_ROWS
from pipeline.export.tables.mapping import load_mappings
from pipeline.export.targets import TARGETS
from pipeline.registers.clients import load_client_register
from pipeline.store.accounts import administration
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store
from pipeline.store.entries import queue_order
from pipeline.store.reports import sheet_accounting
from tests.support.screens import seeding
from ui.i18n import message_catalogue, translate_message
from ui.widgets.errors import error_text

PIPELINE = Path(errors.__file__).parents[1]
GIVE_REASONS = frozenset(
    {
        "unfit",
        "unfit_for_group",
        "unnumbered",
        "doubt",
        "_aid",
        "_differs",
        "_left_out",
        "_more_told",
    }
)
"""Functions of exporters and of the payments that answer in Swedish with why an entry does not fit,
or with what a file lacks.
"""


def reasons() -> set[str]:
    """Every reason for which an exporter or the payments leave an entry out, and what they say of a
    file that lacks something.
    """
    modules = [
        ast.parse(file.read_text("utf-8"))
        for file in (*(PIPELINE / "export").rglob("*.py"), PIPELINE / "payments.py")
    ]
    named = {name: said for module in modules for name, said in _constants(module)}
    given = {HELD_FOR_MATCH, UNCONFIRMED_ROWS}
    for function in (
        node
        for module in modules
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef) and node.name in GIVE_REASONS
    ):
        for answer in (node.value for node in ast.walk(function) if isinstance(node, ast.Return)):
            for said in (
                (answer.body, answer.orelse) if isinstance(answer, ast.IfExp) else (answer,)
            ):
                said = named.get(said.id, said) if isinstance(said, ast.Name) else said
                given |= (
                    {_template(said)}
                    if isinstance(said, ast.Constant | ast.JoinedStr | ast.BinOp)
                    else set()
                )
    return {reason for reason in given if _has_words(reason)}


def titles_and_layouts() -> set[str]:
    """What targets are called, and what our own layouts of statistics say of themselves."""
    mappings = load_mappings((ROOT / "forms",), "ekonomiskt-bistand", AidMapping).values()
    layouts = {mapping.layout for mapping in mappings if isinstance(mapping, AidMapping)}
    return (
        {exporter.title for exporter in TARGETS.values()}
        | layouts
        | {load_layout(ROOT / "forms").about}
    )


def _constants(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str()) as said):
                yield name, said


def _template(said: ast.expr) -> str:
    parts = list(_parts(said))
    values = iter(range(len(parts)))
    return "".join(part if part is not None else f"{{{next(values)}}}" for part in parts)


def _parts(said: ast.expr) -> Iterator[str | None]:
    """Pieces of text, and None for each value between them."""
    match said:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=pieces):
            for piece in pieces:
                yield from _parts(piece)
        case ast.BinOp(left=left, right=right):
            yield from _parts(left)
            yield from _parts(right)
        case _:
            yield None


def _has_words(sentence: str) -> bool:
    return re.search("[a-z]{2}", sentence) is not None


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_reason_for_leaving_an_entry_out_is_in_english_too_and_no_other() -> None:
    assert set(message_catalogue("en")) == reasons() | titles_and_layouts()


def test_a_sentence_has_the_same_places_in_both_languages() -> None:
    assert [
        said
        for said, other in message_catalogue("en").items()
        if not other or _places(said) != _places(other)
    ] == []


def test_a_reason_is_told_in_the_language_of_the_screen() -> None:
    swedish = "En ruta för tid 2 är oläslig. Skriv in raden för hand."
    assert translate_message(swedish, "sv") == swedish
    assert (
        translate_message(swedish, "en")
        == "A box of time 2 cannot be read. Key the row in by hand."
    )


@pytest.mark.parametrize(
    ("error", "swedish"),
    [
        (
            ReviewError("block_set_lifted_reason"),
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
            conn, seeding.MANAGER, queue_order.PriorityKind.CLIENT, seeding.UNIT, " ", utc_now()
        )


def _save_no_name(store: Store) -> None:
    with store.begin() as conn:
        administration.save_account(
            conn,
            seeding.SYSTEM_ADMINISTRATOR,
            Person("ny", "", "sjuksköterska", Role.REVIEWER, frozenset(), frozenset()),
        )


def _return_mistyped(store: Store) -> None:
    with store.begin() as conn:
        sheet_accounting.save_unused_sheets(
            conn, seeding.ADMINISTRATOR, seeding.UNIT, "ABCD-234", utc_now()
        )


def _look_for_no_account(store: Store) -> None:
    with store.begin() as conn:
        administration.close_account(conn, seeding.SYSTEM_ADMINISTRATOR, "ingen")


FAULTS = [
    (
        _pull_nothing,
        "Beslutet kunde inte sparas. Inget är valt att dra fram. Skriv vilken klient eller dag.",
    ),
    (
        _save_no_name,
        "Det gick inte, och inget ändrades. Ett konto har användarnamn, namn och yrkestitel. Fyll i alla tre.",
    ),
    (
        _return_mistyped,
        "Det gick inte, och inget ändrades. Ett löpnummer har åtta tecken, och ett av de här är felskrivet. "
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
    assert error_text(errors.SettingsError("setting_names_no_server", name="fhir_url")).startswith(
        "Inställningarna är fel."
    )
    assert "nställning" not in error_text(UsageError("no_such_account"))
