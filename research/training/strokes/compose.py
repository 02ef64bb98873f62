"""Compose text from one writer's pen strokes: Swedish words, numbers, capitals, whole lines.

Pieces are as long as what the writer wrote allows, so most joins between letters are real. Rings
and dots of å, ä and ö are the writer's own: the dot of an i, an o made small. Signs that are hardly
ever written alone are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from research.training.handwriting.compose_lines import BASE_LETTERS, LONGEST_PIECE_P
from research.training.strokes.pieces import (
    CAPITAL_HEIGHT,
    MAX_PIECE_LETTERS,
    CutWord,
    Piece,
    PieceWriter,
)
from research.training.strokes.samples import Points, Strokes

WORD_GAP = (0.55, 1.7)
"""White between words, in heights of small letters."""
BASELINE_SPREAD = 0.04
SIZE_SPREAD = 0.05
"""How much pieces of one word differ in height (standard deviation, as part of it)."""
LETTER_GAP_SPREAD = 0.06
ACCENT_GAP = (0.12, 0.45)
"""White between a letter and its accent, in heights of small letters."""
RING_HEIGHT = (0.3, 0.55)
DOT_DISTANCE = (0.3, 0.65)
"""From one dot to the other."""
DASH_SHARE = 0.2
"""Share of people in a hurry who write ä and ö with a dash."""
SIGN_LINES: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    ".": (((0.1, -0.05), (0.13, -0.02)),),
    ",": (((0.12, -0.08), (0.13, 0.05), (0.02, 0.28)),),
    ":": (((0.1, -0.1), (0.13, -0.07)), ((0.1, -0.75), (0.13, -0.72))),
    ";": (((0.1, -0.08), (0.0, 0.22)), ((0.1, -0.75), (0.13, -0.72))),
    "-": (((0.0, -0.5), (0.45, -0.52)),),
    "–": (((0.0, -0.5), (0.8, -0.52)),),
    "/": (((0.0, 0.25), (0.65, -1.7)),),
    "!": (((0.1, -1.6), (0.08, -0.5)), ((0.08, -0.05), (0.1, -0.02))),
    "+": (((0.0, -0.75), (0.8, -0.75)), ((0.4, -1.15), (0.4, -0.35))),
    "=": (((0.0, -0.95), (0.7, -0.95)), ((0.0, -0.5), (0.7, -0.5))),
    "(": (((0.35, -1.7), (0.1, -1.2), (0.05, -0.6), (0.2, 0.0), (0.4, 0.3)),),
    ")": (((0.05, -1.7), (0.3, -1.2), (0.35, -0.6), (0.2, 0.0), (0.0, 0.3)),),
    "%": (
        ((0.0, 0.0), (0.9, -1.6)),
        ((0.2, -1.6), (0.02, -1.35), (0.2, -1.1), (0.38, -1.35), (0.2, -1.6)),
        ((0.75, -0.5), (0.57, -0.25), (0.75, 0.0), (0.93, -0.25), (0.75, -0.5)),
    ),
}
"""Signs as lines, in heights of small letters, the baseline at 0."""


@dataclass(frozen=True, slots=True)
class ComposedText:
    """Strokes of a text, in heights of small letters, and what it says."""

    strokes: Strokes
    text: str


def compose_text(hand: PieceWriter, text: str, rng: Generator) -> ComposedText | None:
    """Return a text in one writer's pieces; None if the writer lacks a letter of it."""
    plain = "".join(BASE_LETTERS.get(sign, sign) for sign in text)
    if any(sign != " " and sign not in SIGN_LINES and sign not in hand.places for sign in plain):
        return None
    strokes: list[Points] = []
    x, at = 0.0, 0
    while at < len(text):
        if text[at] == " ":
            x += float(rng.uniform(*WORD_GAP))
            at += 1
            continue
        piece = _next_piece(hand, plain, at, rng)
        if piece is None:
            return None
        wanted = text[at : at + len(piece.text)]
        size = float(np.exp(rng.normal(0, SIZE_SPREAD)))
        shift = np.array([x, rng.normal(0, BASELINE_SPREAD)], np.float32)
        marks = draw_accents(hand, piece, wanted, rng)
        strokes += [stroke * np.float32(size) + shift for stroke in (*piece.strokes, *marks)]
        x += piece.width * size + float(rng.normal(0, LETTER_GAP_SPREAD))
        at += len(wanted)
    return ComposedText(tuple(strokes), text)


def _next_piece(hand: PieceWriter, text: str, at: int, rng: Generator) -> Piece | None:
    if text[at] in SIGN_LINES and (text[at] not in hand.places or rng.random() < 0.5):
        return draw_sign(text[at], rng)
    # The longest piece that continues the text; sometimes a shorter one, for variety.
    longest = next(
        (
            n
            for n in range(min(MAX_PIECE_LETTERS, len(text) - at), 1, -1)
            if text[at : at + n] in hand.places
        ),
        1,
    )
    length = longest if rng.random() < LONGEST_PIECE_P else int(rng.integers(1, longest + 1))
    return hand.choose(text[at : at + length], rng)


def draw_sign(sign: str, rng: Generator) -> Piece:
    """Return a sign of `SIGN_LINES`, a little different each time."""
    size = np.float32(rng.uniform(0.8, 1.2))
    lines = tuple(
        _dense((np.array(line) + rng.normal(0, 0.035, (len(line), 2))).astype(np.float32)) * size
        for line in SIGN_LINES[sign]
    )
    points = np.concatenate(lines)
    left = float(points[:, 0].min()) - float(rng.uniform(0.08, 0.3))
    moved = tuple(line - np.array([left, 0], np.float32) for line in lines)
    width = float(points[:, 0].max()) - left + float(rng.uniform(0.08, 0.3))
    return Piece(moved, sign, width, (width / 2,), (CAPITAL_HEIGHT,))


def _dense(line: Points) -> Points:
    # Points at even distances, so that a line can be bent and its ink can fail.
    at = np.linspace(0, len(line) - 1, 6 * (len(line) - 1) + 1)
    steps = np.arange(len(line))
    return np.stack([np.interp(at, steps, line[:, i]) for i in (0, 1)], axis=1).astype(np.float32)


def draw_accents(hand: PieceWriter, piece: Piece, text: str, rng: Generator) -> list[Points]:
    """Return the rings and dots that the letters of a piece lack for a text."""
    found: list[Points] = []
    for sign, middle, top in zip(text, piece.middles, piece.tops, strict=True):
        if sign not in BASE_LETTERS:
            continue
        x = middle + float(rng.normal(0.05, 0.1))
        y = -top - float(rng.uniform(*ACCENT_GAP))
        if sign in "åÅ":
            found.append(_draw_ring(hand, (x, y), rng))
        elif rng.random() < DASH_SHARE:
            half = float(rng.uniform(0.2, 0.4))
            dash = np.array([[x - half, y], [x + half, y + rng.normal(0, 0.06)]], np.float32)
            found.append(_dense(dash))
        else:
            half = float(rng.uniform(*DOT_DISTANCE)) / 2
            found += [
                _draw_dot(hand, (x + way * half, y + float(rng.normal(0, 0.04))), rng)
                for way in (-1, 1)
            ]
    return found


def _draw_dot(hand: PieceWriter, place: tuple[float, float], rng: Generator) -> Points:
    if hand.dots and rng.random() < 0.8:
        dot = hand.dots[int(rng.integers(len(hand.dots)))]
    else:
        dot = _dense(np.array([[0, 0], rng.normal((0.02, 0.06), 0.05)], np.float32))
    return dot + np.array(place, np.float32)


def _draw_ring(hand: PieceWriter, place: tuple[float, float], rng: Generator) -> Points:
    """Return the writer's own o, made small, its foot at a place; else an ellipse."""
    height = float(rng.uniform(*RING_HEIGHT))
    own = hand.choose("o", rng) if rng.random() < 0.6 else None
    # An o of one stroke that is about as wide as high.
    if own is not None and len(own.strokes) == 1:
        ring = own.strokes[0]
        size = ring.max(axis=0) - ring.min(axis=0)
        if 0.6 < size[0] / max(size[1], 0.01) < 1.5:
            centred = ring - (ring.max(axis=0) + ring.min(axis=0)) / 2
            scaled = centred * np.float32(height / size[1])
            return np.asarray(scaled + np.array([place[0], place[1] - height / 2]), np.float32)
    # Not always closed.
    turn = np.linspace(0, rng.uniform(5.2, 6.8), 20) + rng.uniform(0, 6.3)
    wide = height * float(rng.uniform(0.7, 1.3))
    return np.stack(
        [
            place[0] + wide / 2 * np.cos(turn),
            place[1] - height / 2 + height / 2 * np.sin(turn),
        ],
        axis=1,
    ).astype(np.float32)


def join_stroke_words(words: Sequence[CutWord], rng: Generator) -> ComposedText:
    """Return a line of one writer's words, side by side on one baseline."""
    strokes: list[Points] = []
    x = 0.0
    for word in words:
        shift = np.array([x, rng.normal(0, 1.5 * BASELINE_SPREAD)], np.float32)
        strokes += [stroke + shift for stroke in word.strokes]
        x += word.edges[-1] + float(rng.uniform(*WORD_GAP))
    return ComposedText(tuple(strokes), " ".join(word.text for word in words))
