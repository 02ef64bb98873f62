"""The handwriting network: line pictures in, probabilities of characters a step out.

The network is PP-OCRv6 small: 48 px high lines, grey as three equal channels scaled to -1…1, one step a 8 px, softmax over its classes. It comes
with three sets of weights, of which the setting `handwriting` chooses one: as the package `rapidocr` carries them (18,710 classes, Apache-2.0), or
tuned to present-day handwriting by `pipeline/training/handwriting.py` (cards in `data/models`). Only the classes that Swedish paper needs are kept
and made to add up to 1 again, which equals a softmax over them alone.
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

from pipeline.model import Image
from pipeline.recognize.inference import RESTORE, opened
from pipeline.settings import Handwriting, load_settings
from pipeline.texts import Text

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Steps = NDArray[np.float32]
"""(steps, 1 + len(ALPHABET)) probabilities; column 0 is CTC's blank."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÖÉÜabcdefghijklmnopqrstuvwxyzåäöéü .,:;-–!?()/+*=%&@\"'#<>°½€§_"
LINE_HEIGHT = 48
"""Height of the line image that the network reads, px."""
STEP_PX = 8
"""Width of one time step of the network, px."""
NARROWEST_PX = 48
"""Least width of a line image, px."""
LEAST_PX, WIDEST_PX = 16, 3200
"""A line is made at least so wide, and at most."""
WHITE_AFTER_PX = 16
"""The network was trained with lines of several widths side by side: without any white after them, 3 % more of 800 words are read wrong."""
TUNED = {Handwriting.BEST: "handwriting.onnx", Handwriting.FREE: "handwriting-free.onnx"}
SECOND = "handwriting-second.onnx"


def read_steps(images: Sequence[Image], file: Path | None = None) -> list[Steps]:
    """The network's answer for each grey picture of one line (dark on light, any height).

    Args:
        images: the pictures.
        file: another network than the setting's.

    Raises:
        MissingProgramError: the network's file is missing or damaged.
    """
    if not images:
        return []
    network = session(file or network_file())
    return [_answer(network, image) for image in images]


def answers(images: Sequence[Image], file: Path | None = None) -> list[tuple[Steps, str]]:
    """As `read_steps`, but for all characters that the network knows: (steps, 1 + characters), and the characters.

    Raises:
        MissingProgramError: the network's file is missing or damaged.
    """
    network = session(file or network_file())
    known = "".join(_known(network))
    return [(_raw(network, image), known) for image in images]


def _line(image: Image) -> NDArray[np.float32]:
    height, width = image.shape
    wanted = int(np.clip(round(width * LINE_HEIGHT / height), LEAST_PX, WIDEST_PX))
    way = cv2.INTER_AREA if height > LINE_HEIGHT else cv2.INTER_CUBIC
    return cv2.resize(image, (wanted, LINE_HEIGHT), interpolation=way).astype(np.float32) / 127.5 - 1.0


def _answer(network: InferenceSession, image: Image) -> Steps:
    kept = _raw(network, image)[:, _columns(network)]
    return np.asarray(kept / np.maximum(kept.sum(-1, keepdims=True), 1e-9), np.float32)


def _raw(network: InferenceSession, image: Image) -> Steps:
    """One line by itself: white to make it as wide as others would cost time and be looked at too, as channels are weighed by their mean."""
    line = _line(image)
    width = max(NARROWEST_PX, -(-(line.shape[1] + WHITE_AFTER_PX) // STEP_PX) * STEP_PX)
    block = np.ones((1, 3, LINE_HEIGHT, width), np.float32)
    block[0, :, :, : line.shape[1]] = line
    (answer,) = network.run(None, {network.get_inputs()[0].name: block})
    return np.asarray(answer[0], np.float32)[: -(-line.shape[1] // STEP_PX)]


def network_file() -> Path:
    """The file of the network that reads, as the setting `handwriting` says.

    `best` is the tuned network if it is installed, else the one as shipped; another choice than `best` is never replaced by another.
    """
    settings = load_settings()
    if settings.handwriting in TUNED:
        tuned = settings.models / TUNED[settings.handwriting]
        if settings.handwriting is not Handwriting.BEST or tuned.is_file():
            return tuned
    return shipped_file()


def second_file() -> Path | None:
    """The file of another network that may be asked about what the setting's reads doubtfully; None if there is none.

    Only `best` has a second opinion, a network that was taught other lines; no other choice gets any, as its weights are what was asked for.
    """
    settings = load_settings()
    other = settings.models / SECOND
    return other if network_file().name == TUNED[Handwriting.BEST] and other.is_file() else None


def shipped_file() -> Path:
    """The network as its makers ship it."""
    return Path(str(files("rapidocr") / "models" / "PP-OCRv6_rec_small.onnx"))


@lru_cache(maxsize=3)
def session(file: Path) -> InferenceSession:
    """The network of a file, loaded once a process, on one thread.

    Raises:
        MissingProgramError: its file is missing or damaged.
    """
    return opened(file, _remedy(file), keeps_memory=False)  # lines have ever new widths


def _remedy(file: Path) -> Text:
    if file.name == SECOND:
        return RESTORE
    if file.name in TUNED.values():
        return Text("error.network_remedy.tuned", {"name": file.name})
    return Text("error.network_remedy.rapidocr")


@lru_cache(maxsize=3)
def _columns(network: InferenceSession) -> list[int]:
    """Where the network answers for CTC's blank and each character of the alphabet; it puts the space last."""
    place = {character: i for i, character in enumerate(_known(network), start=1)}
    return [0, *(place[character] for character in ALPHABET)]


def _known(network: InferenceSession) -> list[str]:
    return [*network.get_modelmeta().custom_metadata_map["character"].split("\n"), " "]
