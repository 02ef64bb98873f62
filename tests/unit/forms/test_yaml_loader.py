"""A form file whose aliases multiply its content is refused before anything is made of it."""

from __future__ import annotations

import pytest
import yaml

from pipeline.domain.form.rules import FormLoader
from pipeline.files.yaml_positions import YamlLines

BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
)


@pytest.mark.parametrize("text", [BOMB, "a: &a [*a]"])
def test_aliases_that_multiply_are_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError, match="too many repeated parts"):
        yaml.load(text, Loader=FormLoader)
    with pytest.raises(yaml.YAMLError, match="too many repeated parts"):
        YamlLines(text, FormLoader)


def test_a_few_aliases_are_kept() -> None:
    assert yaml.load("a: &a [1, 2]\nb: *a", Loader=FormLoader) == {"a": [1, 2], "b": [1, 2]}
