"""What an error says is Swedish for whoever reads Swedish, every sentence of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
import streamlit as st

from pipeline import errors
from pipeline.errors import EfterskriftError, UsageError
from pipeline.export import TARGETS
from pipeline.export.aid_mapping import AidMapping
from pipeline.export.clashes import HELD
from pipeline.export.khsl_layout import load_layout
from pipeline.export.mapping import load_mappings
from pipeline.model import Person, Role
from pipeline.payments import ROWS_LEFT
from pipeline.settings import ROOT
from pipeline.store import accounting, accounts, pulls
from pipeline.store.clock import utc_now
from pipeline.store.database import Store
from tests.ui import seeding
from ui import fault_words
from ui.components.faults import fault_text
from ui.fault_words import in_language, sentences

PIPELINE = Path(errors.__file__).parent
NO_SCREEN_CALLS = frozenset({"benching", "cli", "demo.py", "learning", "quality", "training"})
SAID_OTHERWISE = frozenset(
    {
        *("BlockedClientError", "ClientConflictError", "FormMakingError", "NoSuchClientError", "NotAllowedError", "PersonalLoginError"),
        *("StaleDecisionError", "StoreUnavailableError", "TargetAwayError", "TargetDeniedError", "TargetUnfitError", "UnstorableTextError"),
    }
)
"""Errors for which the screens have words that quote nothing of the error."""
SPOKEN_BY = {"opened": slice(1, 2), "TableKind": slice(2, 3), "wrong_row": slice(2, 3), "_wrong": slice(0, 1)}
"""What else is given sentences of an error, and where among its arguments."""
GIVE_REASONS = frozenset({"unfit", "unfit_for_group", "unnumbered", "doubt", "_aid", "_differs", "_left_out", "_more_told"})
"""Functions of exporters and of the payments that answer in Swedish with why an entry does not fit, or with what a file lacks."""
TOLD_BY_CALLER = frozenset({"kind.remedy", "message", "problems[0]", "remedy"})
"""What is no sentence where the error is made: it comes through `SPOKEN_BY`, or from the rules of forms, which are English everywhere."""
Named = dict[str, list[ast.expr]]


@cache
def spoken() -> frozenset[str]:
    """Every sentence of an error that a screen may show, with {0}, {1}, … for what an f-string fills in."""
    files = [file for file in PIPELINE.rglob("*.py") if file.relative_to(PIPELINE).parts[0] not in NO_SCREEN_CALLS]
    modules = [ast.parse(file.read_text("utf-8")) for file in files]
    shared = {name: [said] for module in modules for name, said in _constants(module)}
    return frozenset(sentence for module in modules for sentence in _sentences_of(module, shared))


def reasons() -> set[str]:
    """Every reason for which an exporter or the payments leave an entry out, and what they say of a file that lacks something."""
    modules = [ast.parse(file.read_text("utf-8")) for file in (*(PIPELINE / "export").rglob("*.py"), PIPELINE / "payments.py")]
    named = {name: said for module in modules for name, said in _constants(module)}
    given = {HELD, ROWS_LEFT}
    for function in (node for module in modules for node in ast.walk(module) if isinstance(node, ast.FunctionDef) and node.name in GIVE_REASONS):
        for answer in (node.value for node in ast.walk(function) if isinstance(node, ast.Return)):
            for said in (answer.body, answer.orelse) if isinstance(answer, ast.IfExp) else (answer,):
                said = named.get(said.id, said) if isinstance(said, ast.Name) else said
                given |= {_template(said)} if isinstance(said, ast.Constant | ast.JoinedStr | ast.BinOp) else set()
    return {reason for reason in given if _has_words(reason)}


def titles_and_layouts() -> set[str]:
    """What targets are called, and what our own layouts of statistics say of themselves."""
    mappings = load_mappings((ROOT / "forms",), "ekonomiskt-bistand", AidMapping).values()
    layouts = {mapping.layout for mapping in mappings if isinstance(mapping, AidMapping)}
    return {exporter.title for exporter in TARGETS.values()} | layouts | {load_layout(ROOT / "forms").about}


def _constants(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str()) as said):
                yield name, said


def _sentences_of(module: ast.Module, shared: Named) -> Iterator[str]:
    named = shared | _named(module)
    for call in ast.walk(module):
        for said in _said_in(call):
            match said:
                case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)) if name in named:
                    yield from map(_template, named[name])
                case ast.Constant() | ast.JoinedStr() | ast.BinOp():
                    yield from filter(_has_words, [_template(said)])
                case _:
                    assert ast.unparse(said) in TOLD_BY_CALLER


def _named(module: ast.Module) -> Named:
    """The sentences that a name stands for: constants, local variables, and what functions answer with."""
    named: Named = {}
    for node in ast.walk(module):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str()) | ast.JoinedStr() as said):
                named.setdefault(name, []).append(said)
            case ast.FunctionDef(name=name):
                answers = [one.value for one in ast.walk(node) if isinstance(one, ast.Return)]
                named.setdefault(name, []).extend(said for said in answers if isinstance(said, ast.Constant | ast.JoinedStr))
    return named


def _said_in(call: ast.AST) -> list[ast.expr]:
    """The message and remedy that a call is given, if it makes an error or passes them on."""
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
        return []
    kind = getattr(errors, call.func.id, None)
    is_error = isinstance(kind, type) and issubclass(kind, EfterskriftError) and call.func.id not in SAID_OTHERWISE
    places = SPOKEN_BY.get(call.func.id, slice(0, 2 if is_error else 0))
    named = [keyword.value for keyword in call.keywords if keyword.arg in {"message", "remedy"} and is_error]
    return [*call.args[places], *named]


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


def test_every_sentence_of_an_error_is_in_the_catalogue_and_no_other() -> None:
    assert set(sentences("sv")) == spoken()


def test_every_reason_for_leaving_an_entry_out_is_in_english_too_and_no_other() -> None:
    assert set(sentences("en")) == reasons() | titles_and_layouts()


@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_sentence_has_the_same_places_in_both_languages(language: str) -> None:
    assert [said for said, other in sentences(language).items() if not other or _places(said) != _places(other)] == []


def test_a_reason_is_told_in_the_language_of_the_screen() -> None:
    swedish = "En ruta för tid 2 är oläslig. Skriv in raden för hand."
    assert in_language(swedish, "sv") == swedish
    assert in_language(swedish, "en") == "A box of time 2 cannot be read. Key the row in by hand."


@pytest.mark.parametrize(
    ("english", "swedish"),
    [
        ("Say why.", "Skriv varför."),
        ("ABCD-2345 and EFGH-2345 are of different forms.", "ABCD-2345 och EFGH-2345 är olika blanketter."),
        ("At most 500 blank sheets, and 9 pre-filled ones a client.", "Högst 500 tomma ark, och 9 ark med namn per klient."),
        ("klienter.csv, row 3, has nothing in the column namn.", "klienter.csv, rad 3: det står inget i kolumnen namn."),
        ("/srv/a.yaml is not valid YAML: line 1,\ncolumn 2", "/srv/a.yaml är inte giltig YAML: line 1,\ncolumn 2"),
        ("Nobody has written this.", "Nobody has written this."),
    ],
)
def test_a_filled_in_sentence_is_swedish_with_its_values(english: str, swedish: str) -> None:
    assert in_language(english, "sv") == swedish
    assert in_language(english, "en") == english


def test_of_two_sentences_that_fit_the_one_that_says_more_is_meant() -> None:
    assert {"There is no form {0}.", "There is no form {0} version {1}."} <= set(sentences("sv"))
    assert in_language("There is no form hsl-anteckning version 2.", "sv") == "Blanketten hsl-anteckning version 2 finns inte."
    assert in_language("There is no form hsl-anteckning.", "sv") == "Blanketten hsl-anteckning finns inte."


def test_values_may_change_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    fault_words._templates.cache_clear()
    monkeypatch.setattr(fault_words, "sentences", lambda _language: {"{0} lacks {1}.": "{1} saknas i {0}."})
    try:
        assert in_language("a.csv lacks namn.", "sv") == "namn saknas i a.csv."
    finally:
        fault_words._templates.cache_clear()


def _pull_nothing(store: Store) -> None:
    with store.begin() as conn:
        pulls.pull_to_front(conn, seeding.MANAGER, pulls.PullKind.CLIENT, seeding.UNIT, " ", utc_now())


def _save_no_name(store: Store) -> None:
    with store.begin() as conn:
        accounts.save_account(conn, seeding.SYSTEM_ADMINISTRATOR, Person("ny", "", "sjuksköterska", Role.REVIEWER, frozenset(), frozenset()))


def _return_mistyped(store: Store) -> None:
    with store.begin() as conn:
        accounting.return_unused(conn, seeding.ADMINISTRATOR, seeding.UNIT, "ABCD-234", utc_now())


def _look_for_no_account(store: Store) -> None:
    with store.begin() as conn:
        accounts.close_account(conn, seeding.SYSTEM_ADMINISTRATOR, "ingen")


FAULTS = [
    (_pull_nothing, "Beslutet kunde inte sparas. Inget är valt att dra fram. Skriv vilken klient eller dag."),
    (_save_no_name, "Det gick inte, och inget ändrades. Ett konto har användarnamn, namn och yrkestitel. Fyll i alla tre."),
    (
        _return_mistyped,
        "Det gick inte, och inget ändrades. Ett löpnummer har åtta tecken, och ett av de här är felskrivet. "
        "Jämför med papperet. Det sista tecknet är ett kontrolltecken.",
    ),
    (_look_for_no_account, "Det gick inte, och inget ändrades. Det finns inget sådant konto."),
]


@pytest.mark.parametrize(("act", "swedish"), FAULTS)
def test_an_error_of_the_store_is_told_in_swedish(store: Store, act: Callable[[Store], None], swedish: str) -> None:
    with pytest.raises(EfterskriftError) as fault:
        act(store)
    assert fault_text(fault.value) == swedish


@pytest.mark.parametrize(("act", "swedish"), FAULTS)
def test_in_english_it_is_told_as_the_code_says_it(store: Store, act: Callable[[Store], None], swedish: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(st.session_state, "language", "en")
    with pytest.raises(EfterskriftError) as fault:
        act(store)
    assert fault_text(fault.value).endswith(f". {fault.value}")
    assert fault_text(fault.value) != swedish


def test_only_a_setting_that_is_wrong_is_called_one() -> None:
    assert fault_text(errors.SettingsError("The setting fhir_url names no server.")).startswith("Inställningarna är fel.")
    assert "nställning" not in fault_text(UsageError("There is no such account."))
