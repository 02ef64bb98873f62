"""Load rules that are data: a YAML file of `data` or `forms`, validated against its schema."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from pipeline.domain.errors import FormError

_T = TypeVar("_T")


def load_rules_file(file: Path, schema: TypeAdapter[_T]) -> _T:
    """Load and validate a file of rules.

    Raises:
        FormError: the file is missing, or does not match the schema.
    """
    try:
        return schema.validate_python(yaml.safe_load(file.read_text("utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise FormError("not_used", file=file.name, name=type(error).__name__) from error
