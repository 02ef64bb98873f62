"""What people wrote is never formatted: what Streamlit shows as Markdown comes from the catalogue,
or through `ui/markdown.py`; and nothing is drawn as HTML that `escape` has not seen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.domain.settings import ROOT
from research.figures.imports import sources, syntax_tree

_SHOWN_FIRST = {
    *("badge", "button", "caption", "checkbox", "date_input", "download_button", "error"),
    *("expander", "file_uploader", "form_submit_button", "header", "info", "link_button"),
    *("markdown", "metric", "multiselect", "number_input", "page_link", "pills", "popover"),
    *("radio", "segmented_control", "selectbox", "slider", "spinner", "status", "subheader"),
    *("success", "tabs", "text_area", "text_input", "time_input", "title", "toast", "toggle"),
    *("warning", "write"),
}
"""Methods of Streamlit whose first argument is Markdown."""
_SHOWN_BY_NAME = {"help", "text", "captions", "label", "body"}
_OPTIONS = {"radio", "pills", "segmented_control"}
"""Methods whose options are Markdown too."""
_NO_STREAMLIT = {"_log", "state"}
_PLAIN = {"md", "plain", "plain_with_code", "format_number", "format_percentage", "format_pid"}
_PLAIN |= {"format_day", "format_moment", "format_weekday"}
"""Functions whose result holds nobody's Markdown. So does whatever is named `…_markdown`."""


def unsafe(node: ast.expr | None) -> list[ast.expr]:
    """The parts of an expression that may hold what a person wrote."""
    match node:
        case None | ast.Constant():
            return []
        case ast.JoinedStr(values=parts):
            return [
                bad
                for part in parts
                if isinstance(part, ast.FormattedValue)
                for bad in unsafe(part.value)
            ]
        case ast.BinOp(left=left, right=right):
            return unsafe(left) + unsafe(right)
        case ast.IfExp(body=body, orelse=other):
            return unsafe(body) + unsafe(other)
        case ast.BoolOp(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [bad for part in parts for bad in unsafe(part)]
        case ast.ListComp(elt=part) | ast.GeneratorExp(elt=part) | ast.Lambda(body=part):
            return unsafe(part)
        case ast.Starred(value=part) | ast.NamedExpr(value=part):
            return unsafe(part)
        case ast.Name(id=name):
            return [] if _is_plain(name) else [node]
        case ast.Call():
            return _unsafe_call(node)
    return [node]


def _unsafe_call(call: ast.Call) -> list[ast.expr]:
    name = _name(call.func)
    if _is_plain(name) or (name == "t" and not call.keywords):
        return []
    if name == "join" and call.args:
        return unsafe(call.args[0])
    if name == "filter":
        return unsafe(call.args[1])
    if name == "map" and _is_plain(_name(call.args[0])):
        return []
    return [call]


def _is_plain(name: str) -> bool:
    return name in _PLAIN or name.endswith("_markdown")


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _methods(call: ast.Call) -> set[str]:
    """The names that a call may reach: `(st.success if … else st.error)(…)` has two."""
    targets = (
        [call.func.body, call.func.orelse] if isinstance(call.func, ast.IfExp) else [call.func]
    )
    return {
        target.attr
        for target in targets
        if isinstance(target, ast.Attribute)
        and not (isinstance(target.value, ast.Name) and target.value.id in _NO_STREAMLIT)
    }


def _shown(call: ast.Call) -> Iterator[ast.expr]:
    """The arguments of a call that Streamlit shows as Markdown."""
    methods = _methods(call)
    if methods & _SHOWN_FIRST:
        yield from call.args[:1]
        yield from (word.value for word in call.keywords if word.arg in _SHOWN_BY_NAME)
    if "metric" in methods:
        yield from call.args[1:]
    if "progress" in methods:
        yield from call.args[1:2]
    if methods & _OPTIONS:
        formats = [word.value for word in call.keywords if word.arg == "format_func"]
        yield from formats or call.args[1:2]


def unformatted(path: Path) -> list[str]:
    """The places of a file where something would be formatted that nobody has escaped."""
    return [
        f"{path.relative_to(ROOT)}:{part.lineno}: {ast.unparse(part)}"
        for call in ast.walk(syntax_tree(path))
        if isinstance(call, ast.Call)
        for shown in _shown(call)
        for part in unsafe(shown)
    ]


def test_nothing_that_people_write_is_markdown() -> None:
    assert [place for path in sources("ui") for place in unformatted(path)] == []


@pytest.mark.parametrize(
    "code",
    [
        "st.markdown(person.name)",
        "st.caption(f'{t(\"x\")} {note}')",
        "left.button(t('x', name=name))",
        "(st.error if bad else st.info)(text)",
        "st.radio(t('x'), names)",
        "st.radio(t('x'), codes, format_func=titles.get)",
        "st.text_input(t('x'), help=field.help)",
        "st.caption(' '.join([t('x'), note]))",
    ],
)
def test_what_is_not_escaped_is_found(code: str) -> None:
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    assert [part for call in calls for shown in _shown(call) for part in unsafe(shown)]


def test_nobody_lets_streamlit_draw_html_in_markdown() -> None:
    users = [path.name for path in sources("ui") if "unsafe_allow" in path.read_text("utf-8")]
    assert users == []
