"""The terms of codes in public code systems: data of a version and a source (`data/codes`).

A file that names a code gives its term in the code system, never words of the program or the
form. A code whose term nobody has read goes without one.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from pipeline.domain.form.rules import load_rules_file

TERMS_FILE = Path(__file__).resolve().parents[3] / "data" / "codes" / "terms.yaml"


class CodeTerms(BaseModel):
    """Terms of one code system by code, in its version; `read` says whether the source was read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str
    name: str
    version: str
    source: str
    read: bool
    terms: dict[str, str]


@cache
def load_terms(file: Path = TERMS_FILE) -> tuple[CodeTerms, ...]:
    """Load the terms of all code systems.

    Raises:
        FormError: the file is missing or does not match the schema.
    """
    return tuple(load_rules_file(file, TypeAdapter(list[CodeTerms])))


def find_term(system: str, code: str) -> str:
    """Return the term of a code; empty where it has not been read."""
    found = (terms.terms.get(code, "") for terms in load_terms() if terms.system == system)
    return next(filter(None, found), "")
