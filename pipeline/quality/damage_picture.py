"""Strips of damaged pages for the documentation: `python -m pipeline.quality.damage_picture FILE`. Fields that reading doubts for it are framed."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from pipeline.digitize import DEFAULT_GATE_MM, Reader
from pipeline.issues import IssueCode, parse_issues
from pipeline.model import Image
from pipeline.quality.damage_outcome import KINDS
from pipeline.quality.damage_series import Trial, damage, written_sheet
from pipeline.resolve import Context
from pipeline.settings import ROOT
from pipeline.template import Forms

SHOWN = (
    Trial("besokslista", 0, "felt pen over fields", 0.7),
    Trial("besokslista", 0, "shadow", 0.95),
    Trial("besokslista", 0, "creased corner", 6),
    Trial("besokslista", 0, "photocopy", 3),
)
_SIZE = 440, 250
"""Width and height of a strip, px."""
_PAGE_WIDTH = 900
_FRAME = (0, 0, 200)
_COLOURS = 14


def strips() -> Image:
    """One strip a trial of `SHOWN`, two in a row, BGR."""
    reader = Reader(Forms.load(ROOT / "forms"), Context(None), DEFAULT_GATE_MM, KINDS)
    cut = [_strip(trial, reader) for trial in SHOWN]
    rows = [np.hstack(cut[at : at + 2]) for at in range(0, len(cut), 2)]
    return np.vstack(rows)


def _strip(trial: Trial, reader: Reader) -> Image:
    """The damaged page around the first field that is framed, or its middle."""
    picture = damage(trial, written_sheet(trial.form, trial.sheet)).image
    reading = reader.read(cv2.imencode(".png", picture)[1].tobytes(), "image/png").reading
    names = [issue.field for issue in parse_issues(reading.problems) if issue.code in (IssueCode.COVERED, IssueCode.PLACE_UNSURE)]
    boxes = [box for name in names if (box := reading.fields[name].box_px)]
    shown = picture if picture.ndim == 3 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), np.uint8)
    shown = np.ascontiguousarray(shown)
    for x, y, w, h in boxes:
        cv2.rectangle(shown, (x, y), (x + w, y + h), _FRAME, max(2, picture.shape[1] // 500))
    factor = _PAGE_WIDTH / picture.shape[1]
    small = cv2.resize(shown, (_PAGE_WIDTH, round(picture.shape[0] * factor)), interpolation=cv2.INTER_AREA)
    middle = np.median([(x + w / 2, y + h / 2) for x, y, w, h in boxes], axis=0) * factor if boxes else np.array(small.shape[1::-1]) / 2
    left, top = (int(np.clip(at - side / 2, 0, full - side)) for at, side, full in zip(middle, _SIZE, small.shape[1::-1], strict=True))
    part = np.asarray(small[top : top + _SIZE[1], left : left + _SIZE[0]], np.uint8)
    return np.asarray(cv2.copyMakeBorder(part, 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255)), np.uint8)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(strips()[:, :, ::-1]).quantize(_COLOURS, dither=Pillow.Dither.NONE).save(target, optimize=True)
