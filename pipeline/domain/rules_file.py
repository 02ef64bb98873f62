"""Load rules that are data: a YAML file of `data` or `forms`, validated against its schema."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from pipeline.domain.errors import FormError
from pipeline.domain.form.yaml_loader import FormLoader

_T = TypeVar("_T")


def load_rules_file(file: Path, schema: TypeAdapter[_T]) -> _T:
    """Load and validate a file of rules.

    Raises:
        FormError: the file is missing, or does not match the schema.
    """
    try:
        return schema.validate_python(yaml.load(file.read_text("utf-8"), FormLoader))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        # Many files have the same name: the folder tells which
        raise FormError("not_used", file="/".join(file.parts[-2:]), name=error) from error
