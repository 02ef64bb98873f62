"""What is wrong with a form, and where in its file; the texts are `form_problem.<code>`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pipeline.domain.errors import FormError
from pipeline.texts import Text, text

YamlPath = tuple[str | int, ...]
"""Keys and places in lists that lead to a part of a YAML file."""


@dataclass(frozen=True, slots=True)
class FormProblem:
    """One mistake. `values` fill the text; `at` is the part of the file, as near as is known;
    `field` a field of the form by name.
    """

    code: str
    values: Mapping[str, str | float | Text] = field(default_factory=dict)
    at: YamlPath = ()
    field: str = ""

    def what(self, language: str = "sv") -> str:
        """What is wrong."""
        return text(f"form_problem.{self.code}", language, field=self.field, **self.shown(language))

    def remedy(self, language: str = "sv") -> str:
        """What to do about it."""
        return text(
            f"form_problem.{self.code}.remedy", language, field=self.field, **self.shown(language)
        )

    def within(self, at: YamlPath) -> FormProblem:
        """The same, in a part of a larger file."""
        return replace(self, at=(*at, *self.at))

    def shown(self, language: str) -> dict[str, str]:
        """Numbers to a tenth, with the language's decimal sign."""
        values = {
            name: _value_text(value, language)
            for name, value in self.values.items()
            if name != "field"
        }
        comma = {
            name
            for name, value in self.values.items()
            if isinstance(value, float) and language == "sv"
        }
        return {
            name: value.replace(".", ",") if name in comma else value
            for name, value in values.items()
        }


def text_with_remedy(key: str, values: Mapping[str, object]) -> Text:
    """Return the text of a key followed by that of its remedy."""
    remedy = Text(f"{key}.remedy", values)
    return Text("form_problem_text.with_remedy", {"what": Text(key, values), "remedy": remedy})


def _value_text(value: str | float | Text, language: str) -> str:
    if isinstance(value, Text):
        return value.in_language(language)
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


class LayoutError(FormError):
    """Something of an outline does not fit on paper."""

    topic = "form_problem"

    def __init__(self, problem: FormProblem) -> None:
        super().__init__(problem.code)
        self.fault = problem

    @property
    def message(self) -> str:
        """What is wrong, in Swedish as all of a form is."""
        return self.fault.what()

    @property
    def remedy(self) -> str:
        """What to do about it, in Swedish."""
        return self.fault.remedy()

    def message_in(self, language: str) -> str:
        """What is wrong, in a language."""
        return self.fault.what(language)

    def remedy_in(self, language: str) -> str:
        """What to do about it, in a language."""
        return self.fault.remedy(language)
