"""Problems of a form definition, with their place in its file; texts are `form_problem.<code>`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pipeline.domain.errors import FormError
from pipeline.files.yaml_positions import YamlPath
from pipeline.texts import Text, text


@dataclass(frozen=True, slots=True)
class FormProblem:
    """One problem.

    `values` fill the text; `at` is the part of the file, as far as it is known; `field` is the
    name of a field of the form.
    """

    code: str
    values: Mapping[str, str | float | Text] = field(default_factory=dict)
    at: YamlPath = ()
    field: str = ""

    def what(self, language: str = "sv") -> str:
        """Return the message."""
        return text(f"form_problem.{self.code}", language, field=self.field, **self.shown(language))

    def remedy(self, language: str = "sv") -> str:
        """Return the remedy."""
        return text(
            f"form_problem.{self.code}.remedy", language, field=self.field, **self.shown(language)
        )

    def within(self, at: YamlPath) -> FormProblem:
        """Return the same problem within a larger file."""
        return replace(self, at=(*at, *self.at))

    def shown(self, language: str) -> dict[str, str]:
        """Return the values as text: numbers to a tenth, with the language's decimal sign."""
        return {
            name: _value_text(value, language)
            for name, value in self.values.items()
            if name != "field"
        }


def text_with_remedy(key: str, values: Mapping[str, object]) -> Text:
    """Return the text of a key followed by that of its remedy."""
    remedy = Text(f"{key}.remedy", values)
    return Text("form_problem_text.with_remedy", {"what": Text(key, values), "remedy": remedy})


def _value_text(value: str | float | Text, language: str) -> str:
    if isinstance(value, Text):
        return value.in_language(language)
    if not isinstance(value, float):
        return str(value)
    number = f"{value:.1f}".removesuffix(".0")
    return number.replace(".", ",") if language == "sv" else number


class LayoutError(FormError):
    """Part of an outline does not fit on paper."""

    topic = "form_problem"

    def __init__(self, problem: FormProblem) -> None:
        super().__init__(problem.code)
        self.problem = problem

    @property
    def message(self) -> str:
        """The message in Swedish, the language of forms."""
        return self.problem.what()

    @property
    def remedy(self) -> str:
        """The remedy in Swedish."""
        return self.problem.remedy()

    def message_in(self, language: str) -> str:
        """Return the message in a language."""
        return self.problem.what(language)

    def remedy_in(self, language: str) -> str:
        """Return the remedy in a language."""
        return self.problem.remedy(language)
