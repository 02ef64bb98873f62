"""Both languages say everything, and no screen says anything outside the catalogue."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from pipeline.domain import errors
from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.field import Kind
from pipeline.domain.model import EntryState, Role, State
from pipeline.domain.review.rules import REJECTION_REASONS
from pipeline.texts import LANGUAGES, catalogue
from ui.i18n import t

UI = Path(__file__).resolve().parents[4] / "ui"
PIPELINE = UI.parent / "pipeline"
RESEARCH = UI.parent / "research"
CODE = sorted((*UI.rglob("*.py"), *PIPELINE.rglob("*.py"), *RESEARCH.rglob("*.py")))
SAID_BY = frozenset(
    {"label", "help", "placeholder", "title", "page_title", "text", "body", "alt", "caption"}
)
NAME_OF_THE_PRODUCT = "Efterskrift"
CALLED_WITH_A_KEY = frozenset(
    {"t", "md", "text", "Text", "say", "message", "print_text", "print_note"}
    | {"data_text", "form_text", "pack_text"}
)
FOUND_OTHERWISE = {
    "access_extract.access.other": "its end looks like that of a plural",
    "error.disputed_by_you": "goes through a function",
    "log.action.send_export": "of events of earlier versions",
    "log.detail.serious": "of events of earlier versions",
    "reason.number_left_out": "the code itself is assembled",
}


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def _places_by_text(language: str) -> dict[str, set[str]]:
    """The places of each text, together with those of its remedy: one may say what the other
    leaves.
    """
    places: dict[str, set[str]] = {}
    for key, text in catalogue(language).items():
        places.setdefault(key.removesuffix(".remedy"), set()).update(_places(text))
    return places


def test_languages_have_the_same_keys_and_places() -> None:
    assert set(catalogue("en")) == set(catalogue("sv"))
    assert _places_by_text("en") == _places_by_text("sv")


def test_no_text_is_left_in_swedish() -> None:
    swedish, english = catalogue("sv"), catalogue("en")
    same = {
        key
        for key in swedish
        if swedish[key] == english[key] and len(re.sub(r"{.*?}", "", swedish[key])) > 12
    }
    assert same <= {"menu.who", "scan.files"}


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_a_word_that_goes_with_a_count_has_two_forms(language: str) -> None:
    followed = re.compile(r"\{count\}\S* [a-zåäö]")
    never_one = {
        "password.what",
        "own_login.password_rules",
        "redeem.what",
        "emergency.short",
        "group.count",
        "key_in.list",
        "key_in_list.code_entry",
        "payments.approved_by",
    }
    never_one |= {
        "attachments.open",
        "clashes.place",
        "forms.repeated",
        "forms.fault.table_too_high",
        "form_problem.table_too_high",
    }
    single = {
        key
        for key, text in catalogue(language).items()
        if followed.search(text) and not key.endswith((".one", ".other"))
    }
    assert single <= never_one


@pytest.mark.parametrize(
    ("count", "said"), [(1, "1 sida"), (2, "2 sidor"), (1200, "1\u00a0200 sidor")]
)
def test_a_count_chooses_its_form_and_is_written_as_numbers_are(
    count: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {"pages.one": "{count} sida", "pages.other": "{count} sidor"}
    monkeypatch.setattr("ui.i18n.catalogue", lambda _language: pages)
    monkeypatch.setattr("pipeline.texts.catalogue", lambda _language: pages)
    assert t("pages", count=count) == said


@cache
def _calls() -> list[tuple[Path, ast.Call]]:
    """Every call in the code, with its module."""
    return [
        (path, node)
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
    ]


@cache
def _error_keys() -> set[str]:
    """The keys that errors are given: `UsageError("no_such_unit")` has the text
    `error.no_such_unit`.
    """
    keys = set()
    for _, call in _calls():
        match call:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(key)), *_]):
                kind = getattr(errors, name, None)
                keys |= (
                    {f"{kind.topic}.{key}"}
                    if isinstance(kind, type) and issubclass(kind, EfterskriftError)
                    else set()
                )
    return keys


def test_every_error_has_its_text() -> None:
    assert len(_error_keys()) > 200
    assert _error_keys() <= set(catalogue("sv"))


def test_every_key_in_the_code_is_in_the_catalogue() -> None:
    texts = catalogue("sv")
    known = set(texts) | {key.rpartition(".")[0] for key in texts if key.endswith(".one")}
    used = {
        call.args[0].value
        for _, call in _calls()
        if isinstance(call.func, ast.Name) and call.func.id in CALLED_WITH_A_KEY and call.args
        if isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
        and " " not in call.args[0].value  # SQLAlchemy's `text` is given SQL
    }
    assert used - known == set()


def test_no_screen_says_anything_outside_the_catalogue() -> None:
    """Every word given to a Streamlit function comes from `t`, from the form or from the store."""
    found = []
    for module, call in _calls():
        if not (
            isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id in {"st", "column", "bar", "alt"}
            and module.is_relative_to(UI)
        ):
            continue
        given = [
            *call.args[:1],
            *(keyword.value for keyword in call.keywords if keyword.arg in SAID_BY),
        ]
        found += [(module, words) for value in given if (words := _words(call, value))]
    assert found == []


def _code_words() -> tuple[set[str], set[str], tuple[str, ...]]:
    """Every string of the code, every name that may end a key, and the heads of assembled keys.

    A head is what an f-string begins with, `f"log.action.{name}"`, or is given to `code_text`. What
    ends a key is a string, the name of a class, a keyword, a constant, such as that of an enum, or
    the name of a mapping.
    """
    whole, heads = set(), set()
    names = {file.name.split(".")[1] for file in UI.parent.glob("forms/*/export.*.yaml")}
    for node in (
        node for module in CODE for node in ast.walk(ast.parse(module.read_text("utf-8")))
    ):
        match node:
            case ast.Constant(value=str(text)):
                whole.add(text)
            case ast.JoinedStr(values=[ast.Constant(value=str(head)), *_]) if "." in head:
                heads.add(head)
            case ast.ClassDef(name=str(name)) | ast.keyword(arg=str(name)):
                names.add(name)
            case (
                ast.Assign(targets=[ast.Name(id=str(name))])
                | ast.AnnAssign(target=ast.Name(id=str(name)))
            ):
                names |= {name, name.lower()}
            case (
                ast.Call(args=[*_, ast.Constant(value=str(name))])
                | ast.Call(args=[ast.Constant(value=str(name)), *_])
            ) if "code_text" in ast.unparse(node):
                heads.add(f"{name}.")
    return whole, names, tuple(heads)


def _ends(key: str, heads: tuple[str, ...]) -> set[str]:
    """What may have been put after a head in code; another word may follow it."""
    tails = {key.removeprefix(head) for head in heads if key.startswith(head)}
    return tails | {re.sub(r"[._][^._]+$", "", tail) for tail in tails}


def test_every_text_is_found_by_its_key_in_the_code() -> None:
    """Its key is written whole, or its head is, up to the brace, and its end is a word of the code.

    So whoever looks for a sentence on the screen finds its line: by `issue.covered`, or if no line
    has that by `"issue.{` and by `covered`.
    """
    whole, names, heads = _code_words()
    used = whole | _error_keys() | set(FOUND_OTHERWISE)
    bare = {key: re.sub(r"(\.(one|other|remedy|[0-9]+))+$", "", key) for key in catalogue("sv")}
    rest = {key for key in bare if not {key, bare[key]} & used}
    lost = {key for key in rest if not _ends(bare[key], heads) & (whole | names)}
    assert lost == set()
    assert len(rest) < 0.28 * len(bare), "more keys are assembled than there were"


def _literals(value: ast.expr) -> list[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return [value.value]
    if isinstance(value, ast.JoinedStr):
        return [part for piece in value.values for part in _literals(piece)]
    return []


def _words(call: ast.Call, value: ast.expr) -> str:
    """What a person would read: not keys of forms and fields of plots, markup, or the product's
    name.
    """
    assert isinstance(call.func, ast.Attribute)
    if call.func.attr in {"form", "fragment", "X", "Y", "Color", "Tooltip"}:
        return ""
    text = re.sub(r"<style>.*</style>|<[^>]*>", "", "…".join(_literals(value))).replace(
        NAME_OF_THE_PRODUCT, ""
    )
    return text if re.search(r"[A-Za-zÅÄÖåäö]{2}", text) else ""


def test_every_state_role_and_reason_has_a_word() -> None:
    texts = catalogue("sv")
    wanted = {f"state.{state.value}" for state in State} | {
        f"entry_state.{state.name.lower()}" for state in EntryState
    }
    wanted |= {f"field_kind.{kind.value}" for kind in Kind}
    wanted |= {f"role.{role.name.lower()}" for role in Role} | {
        f"reject.reasons.{reason}" for reason in REJECTION_REASONS
    }
    assert wanted <= set(texts)


def test_every_problem_and_reason_that_reading_tells_of_has_words() -> None:
    """The codes are read from the modules that make them, so that a new one cannot be forgotten."""
    pipeline = UI.parent / "pipeline"
    named = [
        pipeline / name
        for name in (
            "reading/identify/identify.py",
            "reading/register/register.py",
            "reading/read_page.py",
            "store/entries/entry_view.py",
        )
    ]
    code = "".join(
        path.read_text("utf-8")
        for path in (*named, *(pipeline / "reading" / "resolve").glob("*.py"))
    )
    codes = set(re.findall(r'f?"([a-z]+(?:_[a-z]+)+):\{', code)) | set(
        re.findall(r'"((?:no|several|codes|unknown|not|residual|written)_[a-z_]+)"', code)
    )
    codes -= {key.removeprefix("error.") for key in _error_keys()}
    texts = catalogue("sv")
    assert {
        found for found in codes if not {f"issue.{found}", f"reason.{found}"} & set(texts)
    } == set()


def _recorded() -> set[str]:
    """What the program writes beside an event in the log."""
    events = (
        call
        for file, call in _calls()
        if isinstance(call.func, ast.Name) and call.func.id == "record" and len(call.args) > 2
        if file.is_relative_to(PIPELINE)
    )
    return {
        keyword.arg
        for call in events
        for keyword in call.keywords
        if keyword.arg not in {None, "unit"}
    }


def test_the_log_has_a_word_for_each_fact_of_an_event() -> None:
    recorded = _recorded()
    assert "provider" in recorded
    assert {name for name in recorded if f"log.detail.{name}" not in catalogue("sv")} == set()


def test_what_was_done_begins_with_a_capital_in_the_log() -> None:
    said = {
        key: text
        for language in LANGUAGES
        for key, text in catalogue(language).items()
        if key.startswith("log.action.")
    }
    assert [key for key, text in said.items() if not text[0].isupper()] == []
