"""The layout of Socialstyrelsen's files on municipal health care, `forms/khsl.yaml`, and what a form tells them, `forms/<id>/export.khsl.yaml`.

Rules from HSLF-FS 2017:67 and Socialstyrelsen's words to those who report: cells are parted by semicolons and a row does not end with one, except
where the last field is an empty one that may be left out; a KVÅ code has five characters, is not padded and does not end with 000, which is a
heading; only measures of licensed professions are reported (3 §).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from pipeline.export.mapping import ExportMapping, Source, Strict, load_mapping


def _most_detailed(code: str) -> str:
    if code.endswith("000"):
        raise ValueError(f"the code {code} is a heading of KVÅ: give the most detailed level, which does not end with 000")
    return code


KvaCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[A-Z0-9]{3}$"), AfterValidator(_most_detailed)]
ProfessionCode = Annotated[str, StringConstraints(pattern=r"^XS9\d\d$")]


class LayoutColumn(Strict):
    """One field of a row. `source` is a word of `sources.SOURCES`, or month, measure.code, measure.profession. `checked`: known to be right."""

    title: str
    source: Source | None = None
    constant: str | None = None
    checked: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.source is None) == (self.constant is None):
            raise ValueError(f"the column {self.title} needs either source or constant")
        return self


class LayoutFile(Strict):
    """The columns of one file in their order, and whether the last one may be empty."""

    columns: Annotated[tuple[LayoutColumn, ...], Field(min_length=1)]
    last_may_be_empty: bool = False
    rows: Literal["person", "contact", "measure"]


class KhslLayout(ExportMapping):
    """Both files, as a regulation of a year has them. `professions` are the licensed ones, by title in small letters."""

    regulation: str
    year: Annotated[int, Field(ge=2000, le=2100)]
    khsl1: LayoutFile
    khsl2: LayoutFile
    professions: Mapping[str, ProfessionCode]

    def fields(self) -> set[str]:
        """No form's fields."""
        return set()

    @property
    def unchecked(self) -> list[str]:
        """The columns that nobody has compared with the specification."""
        return [column.title for file in (self.khsl1, self.khsl2) for column in file.columns if not column.checked]


class Measure(Strict):
    """A KVÅ code that an entry stands for; with `field`, only where the field holds `value` (a mark: ja)."""

    code: KvaCode
    field: str = ""
    value: str = ""


class KhslMapping(ExportMapping):
    """What the entries of a form are to the register: a contact, and which measures."""

    contact: bool
    measures: tuple[Measure, ...] = ()

    def fields(self) -> set[str]:
        """The form's fields that the mapping takes."""
        return {measure.field for measure in self.measures if measure.field}


def load_layout(folder: Path) -> KhslLayout:
    """The layout beside the forms.

    Raises:
        ExportError: it is missing or wrong; the text names the place.
    """
    path = folder / "khsl.yaml"
    return _loaded(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=4)
def _loaded(path: Path, changed: int) -> KhslLayout:
    """Asked for with every entry: kept as long as the file is the same."""
    del changed
    return load_mapping(path, KhslLayout)
