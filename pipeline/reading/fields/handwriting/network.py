"""The handwriting network: images of lines in, probabilities of characters per time step out.

The network is PP-OCRv6 small: 48 px high lines, grey as three equal channels scaled to -1…1, one
time step per 8 px, softmax over its classes. It comes with three sets of weights, of which the
setting `handwriting` chooses one: as the package `rapidocr` ships them (18,710 classes,
Apache-2.0), or tuned to present-day handwriting by `research/training/handwriting/train.py` (cards
in `data/models`). The setting may also name a file of the organisation's own with the same input
and answer, of any size. Only the classes that Swedish needs are kept and normalized to 1, which
equals a softmax over them alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.model import Image
from pipeline.domain.settings import Handwriting, load_settings
from pipeline.reading.imaging.onnx_sessions import RESTORE_REMEDY, open_session
from pipeline.texts import Text

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# Check that a file of weights of the organisation's own can read lines as the program's can.

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


def require_fit(network: InferenceSession, file: Path, characters: str) -> None:
    """Check input, characters and answers of a network, on blank lines.

    Raises:
        MissingProgramError: it cannot read lines for this program.
    """
    reason = (
        _find_input_misfit(network)
        or _find_missing_characters(network, characters)
        or _find_answer_misfit(network)
    )
    if reason:
        raise MissingProgramError(
            "network_unfit", name=file.name, reason=reason, remedy=OWN_FILE_REMEDY
        )


def _find_input_misfit(network: InferenceSession) -> Text | None:
    """Return why images of lines do not fit; a size that is not fixed is a text or None."""
    wanted = (1, CHANNELS, LINE_HEIGHT, None)
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
    return None if is_fit else Text("error.network_unfit.input", {"height": LINE_HEIGHT})


def _find_missing_characters(network: InferenceSession, characters: str) -> Text | None:
    known = set(_list_characters(network)) | {" "}
    missing = [character for character in characters if character not in known]
    if not missing:
        return None
    rest = " …" if len(missing) > MAX_LISTED_CHARACTERS else ""
    listed = " ".join(missing[:MAX_LISTED_CHARACTERS]) + rest
    return Text("error.network_unfit.characters", {"listed": listed})


def _find_answer_misfit(network: InferenceSession) -> Text | None:
    """Return why answers do not fit: a probability for each class at each time step."""
    classes = len(_list_characters(network)) + 2
    for steps in TRIAL_STEPS:
        block = np.ones((1, CHANNELS, LINE_HEIGHT, steps * STEP_PX), np.float32)
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


Steps = NDArray[np.float32]
"""(time steps, 1 + len(ALPHABET)) probabilities; column 0 is CTC's blank."""

ALPHABET = (
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÖÉÜabcdefghijklmnopqrstuvwxyzåäöéü"
    " .,:;-–!?()/+*=%&@\"'#<>°½€§_"
)
"""The characters that are read, in the order of the columns of `Steps`."""
LINE_HEIGHT = 48
"""Height of the line image that the network reads, px."""
STEP_PX = 8
"""Width of one time step of the network, px."""
MIN_INPUT_PX = 48
"""Minimum width of the network's input, px."""
MIN_LINE_WIDTH_PX, MAX_LINE_WIDTH_PX = 16, 3200
"""Minimum and maximum width to which a line is scaled, px."""
WHITE_AFTER_PX = 16
"""The network was trained with lines of several widths side by side: without any white after them,
3 % more of 800 words are read wrong.
"""
TUNED_MODELS = {Handwriting.BEST: "handwriting.onnx", Handwriting.FREE: "handwriting-free.onnx"}
"""Files of the tuned weights; other settings mean the weights as shipped."""
SECOND_HANDWRITING_MODEL = "handwriting-second.onnx"


def read_steps(images: Sequence[Image], file: Path | None = None) -> list[Steps]:
    """Return the network's answer for each grey image of one line (dark on light, any height).

    Args:
        images: the lines.
        file: another network than the setting's.

    Raises:
        MissingProgramError: the network's file is missing or damaged.
    """
    if not images:
        return []
    network = load_network(file or find_network_file())
    return [_run_alphabet(network, image) for image in images]


def read_all_characters(
    images: Sequence[Image], file: Path | None = None
) -> list[tuple[Steps, str]]:
    """Return the answers for all characters that the network knows, and the characters.

    As `read_steps`, but (time steps, 1 + characters).

    Raises:
        MissingProgramError: the network's file is missing or damaged.
    """
    network = load_network(file or find_network_file())
    characters = "".join(_known_characters(network))
    return [(_run_single(network, image), characters) for image in images]


def _line_input(image: Image) -> NDArray[np.float32]:
    """Scale a line to the network's height, grey levels to -1…1."""
    height, width = image.shape
    line_width = int(
        np.clip(round(width * LINE_HEIGHT / height), MIN_LINE_WIDTH_PX, MAX_LINE_WIDTH_PX)
    )
    # Area averaging when shrinking, cubic interpolation when enlarging.
    interpolation = cv2.INTER_AREA if height > LINE_HEIGHT else cv2.INTER_CUBIC
    return (
        cv2.resize(image, (line_width, LINE_HEIGHT), interpolation=interpolation).astype(np.float32)
        / 127.5
        - 1.0
    )


def _run_alphabet(network: InferenceSession, image: Image) -> Steps:
    """Return the answer for one line, for the alphabet only, normalized."""
    # Drop all other characters, and normalize.
    answer = _run_single(network, image)[:, _alphabet_columns(network)]
    return np.asarray(answer / np.maximum(answer.sum(-1, keepdims=True), 1e-9), np.float32)


def _run_single(network: InferenceSession, image: Image) -> Steps:
    """Return the answer for one line by itself.

    White to make it as wide as others would cost time and would change the answer, as channels are
    weighed by their mean.
    """
    line = _line_input(image)

    # Add white to a whole number of time steps; the three channels are equal.
    width = max(MIN_INPUT_PX, -(-(line.shape[1] + WHITE_AFTER_PX) // STEP_PX) * STEP_PX)
    block = np.ones((1, 3, LINE_HEIGHT, width), np.float32)
    block[0, :, :, : line.shape[1]] = line

    # Drop the time steps of the white.
    (answer,) = network.run(None, {network.get_inputs()[0].name: block})
    return np.asarray(answer[0], np.float32)[: -(-line.shape[1] // STEP_PX)]


def find_network_file() -> Path:
    """Return the file of the network that reads, by the setting `handwriting`.

    `best` and `auto` are the tuned network if it is installed, else the one as shipped; another
    choice, or a file of the organisation's own, is never replaced by another.
    """
    weights = load_settings().weights
    return weights if isinstance(weights, Path) else find_program_file()


def find_program_file() -> Path:
    """Return the file of the program's own weights that are chosen, as by `auto` beside a file.

    They read initials: how sure a signer is was measured with them, and nothing measures it again.
    """
    settings = load_settings()
    must_be_tuned = settings.handwriting is Handwriting.FREE
    if settings.program_weights in TUNED_MODELS:
        tuned = settings.models / TUNED_MODELS[settings.program_weights]
        if must_be_tuned or tuned.is_file():
            return tuned
    return find_shipped_file()


def open_own_network() -> Path | None:
    """Open the network that the setting names as a file; return the file, or None if it names none.

    A program that reads a stack calls this first, so that nothing is found out half-way.

    Raises:
        MissingProgramError: the file is missing, damaged or not fit to read lines.
    """
    weights = load_settings().weights
    if not isinstance(weights, Path):
        return None
    load_network(weights)
    return weights


def find_second_file() -> Path | None:
    """Return the file of the network for a second pass, or None if there is none.

    It reads again what a tuned network reads with low confidence. Weights as shipped, and an
    organisation's own, have none, as exactly these were chosen.
    """
    models = load_settings().models
    other = models / SECOND_HANDWRITING_MODEL
    is_tuned = find_network_file() in [models / name for name in TUNED_MODELS.values()]
    return other if is_tuned and other.is_file() else None


def find_shipped_file() -> Path:
    """Return the file of the network as its makers ship it."""
    return Path(str(files("rapidocr") / "models" / "PP-OCRv6_rec_small.onnx"))


@lru_cache(maxsize=3)
def load_network(file: Path) -> InferenceSession:
    """Load the network of a file, once per process, on one thread.

    Raises:
        MissingProgramError: its file is missing, damaged or not fit to read lines.
    """
    # Memory is not kept for the next line, which has another width.
    network = open_session(file, _missing_file_remedy(file), keeps_memory=False)
    if file == load_settings().weights:
        require_fit(network, file, ALPHABET)
    return network


def _missing_file_remedy(file: Path) -> Text:
    if file == load_settings().weights:
        return OWN_FILE_REMEDY
    if file.name == SECOND_HANDWRITING_MODEL:
        return RESTORE_REMEDY
    if file.name in TUNED_MODELS.values():
        return Text("error.network_remedy.tuned", {"name": file.name})
    return Text("error.network_remedy.rapidocr")


@lru_cache(maxsize=3)
def _alphabet_columns(network: InferenceSession) -> list[int]:
    """Return the network's columns of CTC's blank and of each character of the alphabet."""
    columns = {character: i for i, character in enumerate(_known_characters(network), start=1)}
    return [0, *(columns[character] for character in ALPHABET)]


def _known_characters(network: InferenceSession) -> list[str]:
    """Return the network's characters; it puts the space last."""
    return [*network.get_modelmeta().custom_metadata_map[CHARACTERS_KEY].split("\n"), " "]
