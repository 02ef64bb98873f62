"""The rules of a form that hold for all its versions (`forms/<id>/rules.yaml`).

Its keys are documented for form makers in `forms/README.md`. What is printed and read is in the
form's definition; this is what happens with what was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from pipeline.domain.form.field import StrictModel
from pipeline.domain.form.yaml_loader import load_rules_file


class Signers(StrictModel):
    """The professions (ids of data/professions.yaml) that may sign a note.

    Attributes:
        author: Those that may sign what they wrote themselves.
        absent: Those that may sign, with a reason, for an author who cannot.
    """

    author: frozenset[str]
    absent: frozenset[str]


class FormSigning(StrictModel):
    """How a form differs from its area of law, from a version of the rule of signing on.

    Attributes:
        required: Whether its entries have to be signed, whatever their area.
        by_unit, by_sheet, reserved, signers: As in `SigningRule`, for this form.
    """

    required: bool | None = None
    by_unit: bool = False
    by_sheet: bool = False
    reserved: bool = False
    signers: Signers | None = None


class DocumentType(StrictModel):
    """The type of a form's documents (handlingstyp), by the values of a field where it has one."""

    field: str = ""
    values: Mapping[str, str] = {}
    otherwise: str


class Classification(StrictModel):
    """The class and the type of the documents on one form."""

    classification: str
    document_type: DocumentType


class FormRules(StrictModel):
    """What happens with the entries of a form.

    Attributes:
        use: What is written on it, in the words of the instructions of an outage pack.
        every_area: Every unit uses it, whatever its area of law: the area of an entry is that of
            its unit until an answer chooses another.
        area_field: The field whose answer chooses an area of law, by `areas`: that of the entry,
            or where `every_area` is not set that of its record alone.
        double_check: Two people answer for every critical field that is not empty.
        signing: Exceptions to the rule of signing, by the first version that they belong to.
        classification: Its place in the plan of classes, unless the plan names forms itself.
    """

    use: str = ""
    every_area: bool = False
    area_field: str = ""
    areas: Mapping[str | bool | None, Literal["HSL", "SoL", "LSS", "IFO", "ADM"]] = {}
    double_check: bool = False
    signing: Mapping[int, FormSigning] = {}
    classification: Classification | None = None


_SCHEMA = TypeAdapter(FormRules)


def load_form_rules(*folders: Path) -> dict[str, FormRules]:
    """Load the rules of all forms under the folders that have any, by form id.

    Raises:
        FormError: a file is not as documented; the message names it.
    """
    paths = (path for folder in folders for path in folder.glob("*/rules.yaml"))
    return {path.parent.name: load_rules_file(path, _SCHEMA) for path in paths}
