"""Law, norms and the like as data: a YAML file in `data`, checked against its shape."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from pipeline.domain.errors import FormError

_T = TypeVar("_T")


def load_rules_file(file: Path, shape: TypeAdapter[_T]) -> _T:
    """What a file says.

    Raises:
        FormError: the file is missing, or not of that shape.
    """
    try:
        return shape.validate_python(yaml.safe_load(file.read_text("utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise FormError("not_used", file=file.name, name=type(error).__name__) from error
