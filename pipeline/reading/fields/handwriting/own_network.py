"""Check that a file of weights of the organisation's own can read lines as the program's can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.domain.errors import MissingProgramError
from pipeline.texts import Text

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

CHARACTERS_KEY = "character"
"""Key of a network's metadata with its characters, one a line; the space, which is last, is not
among them.
"""
OWN_FILE_REMEDY = Text("error.network_remedy.own")
CHANNELS = 3
TRIAL_STEPS = (6, 25)
"""Widths of the blank lines that are read on trial, in time steps."""
MAX_SUM_ERROR = 0.02
"""How far the probabilities of a time step may be from 1 together."""
MAX_LISTED_CHARACTERS = 10


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """What the program expects: the characters, the height of a line, and the px of a time step."""

    characters: str
    line_height: int
    step_px: int


def require_fit(network: InferenceSession, file: Path, shape: NetworkShape) -> None:
    """Check input, characters and answers of a network, on blank lines.

    Raises:
        MissingProgramError: it cannot read lines for this program.
    """
    reason = (
        _find_input_misfit(network, shape)
        or _find_missing_characters(network, shape)
        or _find_answer_misfit(network, shape)
    )
    if reason:
        raise MissingProgramError(
            "network_unfit", name=file.name, reason=reason, remedy=OWN_FILE_REMEDY
        )


def _find_input_misfit(network: InferenceSession, shape: NetworkShape) -> Text | None:
    """Return why images of lines do not fit; a size that is not fixed is a text or None."""
    wanted = (1, CHANNELS, shape.line_height, None)
    inputs = network.get_inputs()
    is_fit = (
        len(inputs) == 1
        and inputs[0].type == "tensor(float)"
        and len(inputs[0].shape) == len(wanted)
        and all(
            not isinstance(size, int) or size == right
            for size, right in zip(inputs[0].shape, wanted, strict=True)
        )
    )
    return None if is_fit else Text("error.network_unfit.input", {"height": shape.line_height})


def _find_missing_characters(network: InferenceSession, shape: NetworkShape) -> Text | None:
    known = set(_list_characters(network)) | {" "}
    missing = [character for character in shape.characters if character not in known]
    if not missing:
        return None
    rest = " …" if len(missing) > MAX_LISTED_CHARACTERS else ""
    listed = " ".join(missing[:MAX_LISTED_CHARACTERS]) + rest
    return Text("error.network_unfit.characters", {"listed": listed})


def _find_answer_misfit(network: InferenceSession, shape: NetworkShape) -> Text | None:
    """Return why answers do not fit: a probability for each class at each time step."""
    classes = len(_list_characters(network)) + 2
    for steps in TRIAL_STEPS:
        block = np.ones((1, CHANNELS, shape.line_height, steps * shape.step_px), np.float32)
        try:
            answers = network.run(None, {network.get_inputs()[0].name: block})
            answer = np.asarray(answers[0], np.float32)
        except Exception:  # the runtime's errors share no narrower public class
            return Text("error.network_unfit.run")
        if answer.shape != (1, steps, classes):
            return Text("error.network_unfit.answer", {"classes": classes})
        if not np.all(np.abs(answer.sum(-1) - 1) <= MAX_SUM_ERROR) or answer.min() < 0:
            return Text("error.network_unfit.probabilities")
    return None


def _list_characters(network: InferenceSession) -> Sequence[str]:
    text = network.get_modelmeta().custom_metadata_map.get(CHARACTERS_KEY)
    return text.split("\n") if text else ()
