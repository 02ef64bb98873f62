"""Mapping files `forms/<id>/export.<target>.yaml`: which field goes where in a target's file."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from pipeline.domain.errors import ExportError
from pipeline.domain.form.field import Format
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.form.rules import FormLoader
from pipeline.files.yaml_positions import YamlLines

NoteCode = Literal["utr", "atb", "sam", "sao", "ins", "slu", "auf", "sva", "bes"]
"""Anteckningstyp, code list 1.2.752.129.2.2.2.11, as GetCareDocumentation 2.1 allows it."""

Source = Annotated[str, StringConstraints(pattern=r"^[a-z]+(\.[a-z][a-z0-9_]*)?$")]


class StrictModel(BaseModel):
    """A part of a mapping; a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ExportMapping(StrictModel, ABC):
    """The base of mapping files: `about` says what a file is for."""

    requires_all_fields: ClassVar[bool] = False
    """Whether it has to take all fields of a form: a field that it does not name is in no file."""
    allows_unknown_fields: ClassVar[bool] = False
    """Whether it may name fields that a form does not have, since nothing is lost by that."""

    about: str
    versions: tuple[int, ...] = ()
    """The versions of the form that the target takes; none for all."""

    def takes_version(self, version: int) -> bool:
        """Return whether the target takes entries of a version of the form."""
        return not self.versions or version in self.versions

    @abstractmethod
    def fields(self) -> set[str]:
        """Return the form's fields that the mapping takes."""

    def formats(self) -> dict[str, Format]:
        """Return the fields that the file can only carry as a number or a time."""
        return {}


FIELD_SOURCE_PREFIXES = ("field.", "performer.")
"""Prefixes of sources that name a field: its value, and who signed in it."""


class TableColumn(StrictModel):
    """A column of a table: either a `source` or a `constant`.

    `codes` translates values of the form into those of the target.
    """

    title: str
    source: Source | None = None
    constant: str | None = None
    codes: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.source is None) == (self.constant is None):
            raise ValueError(f"the column {self.title} needs either source or constant")
        return self

    def fields(self) -> set[str]:
        """Return the form's fields that the column takes."""
        return (
            {self.source.partition(".")[2]}
            if self.source and self.source.startswith(FIELD_SOURCE_PREFIXES)
            else set()
        )


class TableMapping(ExportMapping):
    """A form's rows in a table file."""

    columns: Annotated[tuple[TableColumn, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _titles_differ(self) -> Self:
        titles = [column.title for column in self.columns]
        if repeated := {title for title in titles if titles.count(title) > 1}:
            raise ValueError(f"two columns have the title {sorted(repeated)[0]}")
        return self

    def fields(self) -> set[str]:
        """Return the form's fields that the mapping takes."""
        return set[str]().union(*(column.fields() for column in self.columns))


class ManualEntryField(StrictModel):
    """A field in the order of keying in, with the other system's word for it.

    `own`: the other system has a field of its own for it, beside the text of its note.
    """

    field: str
    title: str = ""
    own: bool | None = None


class ManualEntryMapping(ExportMapping):
    """The order in which another system asks for a form's values.

    Optional: without it a form is keyed in in its own order. With `sheet` the other system takes
    all rows of a sheet as one note, whoever their clients are, such as a person's visits of a day.
    """

    allows_unknown_fields = True

    order: tuple[ManualEntryField, ...] = ()
    sheet: bool = False

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.order and not self.sheet:
            raise ValueError("the file gives neither an order nor says sheet: true")
        return self

    def fields(self) -> set[str]:
        """Return the form's fields that the order names."""
        return {entry.field for entry in self.order}

    def own_fields(self) -> set[str] | None:
        """Return the fields that have fields of their own; None where the order does not say."""
        if all(entry.own is None for entry in self.order):
            return None
        return {entry.field for entry in self.order if entry.own}


class NoteSection(StrictModel):
    """A part of a note's text, left out when its field is empty."""

    field: str
    heading: str = ""


class NoteKind(StrictModel):
    """The type of a note, by a choice on the form."""

    field: str = ""
    codes: dict[str, NoteCode] = {}
    otherwise: NoteCode | None = None


class CareUnit(StrictModel):
    """A unit in the target's own register (HSA)."""

    hsa_id: str
    name: str = ""


class NoteMapping(ExportMapping):
    """A form's entries as journal notes of GetCareDocumentation 2.1.

    `left_on_paper`: fields that a note names and does not carry.
    """

    requires_all_fields = True

    document_title: str
    note_title: str = ""
    kind: NoteKind
    document_time: Literal["event", "written"] = "event"
    sections: Annotated[tuple[NoteSection, ...], Field(min_length=1)]
    left_on_paper: tuple[str, ...] = ()
    units: dict[str, CareUnit] = {}
    local_id_type: str = ""
    approved_for_patient: bool = False

    def fields(self) -> set[str]:
        """Return the form's fields that the mapping takes."""
        return (
            {section.field for section in self.sections}
            | set(self.left_on_paper)
            | ({self.kind.field} if self.kind.field else set())
        )


MappingType = TypeVar("MappingType", bound=ExportMapping)


def load_mapping(path: Path, kind: type[MappingType]) -> MappingType:
    """Read one mapping file.

    Raises:
        ExportError: it cannot be read, is not YAML, or breaks a rule; the text names the place.
    """
    try:
        return kind.model_validate(_read_yaml(path))
    except ValidationError as error:
        places = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ExportError("mapping_has_errors", path=path, places="; ".join(places)) from error


def load_mappings(
    folders: Iterable[Path], target: str, kind: type[MappingType]
) -> dict[str, MappingType]:
    """Read the mapping files of one target in folders of forms, by form id.

    Raises:
        ExportError: a file is wrong.
    """
    return {
        path.parent.name: load_mapping(path, kind)
        for folder in folders
        for path in sorted(folder.glob(f"*/export.{target}.yaml"))
    }


def find_missing_fields(form: Form, mapping: ExportMapping) -> set[str]:
    """Return fields that the mapping takes and the form does not have."""
    return mapping.fields() - {spec.column for spec in form.fields}


def require_known_fields(forms: Forms, target: str, mappings: Mapping[str, ExportMapping]) -> None:
    """Check that mappings fit their forms, so that no export is silent where the paper is not.

    A field has to be in some version of the form, numbers and times come from fields of numbers
    and times, and a mapping that has to be whole takes all fields of every version.

    Raises:
        ExportError: a mapping does not fit; the text names the file and the fields.
    """
    for form_id, mapping in mappings.items():
        versions = [
            form
            for (known_id, version), form in forms.items()
            if known_id == form_id and mapping.takes_version(version)
        ]
        if not versions or mapping.allows_unknown_fields:
            continue
        file = f"forms/{form_id}/export.{target}.yaml"
        # Fields that no version of the form has.
        if unknown := set[str].intersection(
            *(find_missing_fields(form, mapping) for form in versions)
        ):
            raise ExportError(
                "mapping_field_unknown",
                file=file,
                unknown=", ".join(sorted(unknown)),
                form_id=form_id,
            )
        # Fields whose format is another than the file needs.
        formats = mapping.formats()
        if wrong := {
            spec.column
            for form in versions
            for spec in form.fields
            if spec.format is not formats.get(spec.column, spec.format)
        }:
            raise ExportError(
                "mapping_field_not_numeric", file=file, names=", ".join(sorted(wrong))
            )
        # Fields with a value that the mapping drops.
        asked = {spec.column for form in versions for spec in form.fields if spec.means is None}
        if mapping.requires_all_fields and (dropped := asked - mapping.fields()):
            raise ExportError("mapping_fields_missing", file=file, names=", ".join(sorted(dropped)))


def _read_yaml(path: Path) -> object:
    try:
        status = path.stat()
        return _parse_yaml(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise ExportError("mapping_unreadable", path=path, reason=error.strerror) from error


@lru_cache(maxsize=256)
def _parse_yaml(path: Path, mtime_ns: int, size: int) -> object:
    """Parse a file once for each of its states: every look at the targets asks for all of them."""
    del mtime_ns, size
    try:
        text = path.read_text("utf-8")
        data: object = yaml.load(text, Loader=FormLoader)
        repeated = YamlLines(text, FormLoader).repeated_keys()
    except UnicodeDecodeError as error:
        raise ExportError("not_utf8", path=path) from error
    except yaml.YAMLError as error:
        raise ExportError("invalid_yaml", path=path) from error
    if repeated:
        key, line = repeated[0]
        raise ExportError("duplicate_key_near_line", path=path, name=key, line=line)
    return data


# Codes of measures (KVÅ) that people wrote on paper.

KVA_SYSTEM = "urn:oid:1.2.752.116.1.3.2.1.4"
"""Klassifikation av vårdåtgärder. Source: Inera's description of GetCareContacts and of the
contracts for referrals, which name the system so; Socialstyrelsen keeps it."""
_PATTERN = r"[A-Z]{2}[A-Z0-9]{3}"


def _require_detailed_code(code: str) -> str:
    if code.endswith("000"):
        raise ValueError(
            f"the code {code} is a heading of KVÅ: "
            "give the most detailed level, which does not end with 000"
        )
    return code


KvaCode = Annotated[
    str, StringConstraints(pattern=f"^{_PATTERN}$"), AfterValidator(_require_detailed_code)
]


def find_measure_codes(text: str) -> list[str]:
    """Return the codes that a text consists of; none if any of it is no code of a measure.

    What is no code, or the heading of a group of codes, stays the words that it is.
    """
    words = re.split(r"[\s,;+/]+", text.strip().upper())
    is_coded = all(re.fullmatch(_PATTERN, word) and not word.endswith("000") for word in words)
    return list(dict.fromkeys(words)) if is_coded else []
