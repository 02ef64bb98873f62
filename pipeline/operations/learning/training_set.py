"""Confirmed fields as a set to train networks on: pictures, what they say, and why this may be
done.

Never made unasked: a purpose and a legal ground have to be stated, and paper of health care is
left out unless that too is asked for.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import cv2

from pipeline.domain.errors import StoreError, UsageError
from pipeline.domain.form.field import FieldSpec, Format
from pipeline.domain.model import State
from pipeline.operations.learning.curves import ConfirmedField

HEALTH_AREA = "HSL"
REFORMATTED_FORMATS = frozenset(
    {Format.DATE, Format.TIME, Format.NUMBER, Format.CODE, Format.PERSONAL_NUMBER}
)
"""Lines in these formats are stored otherwise than they are written: `24/11 26` as 2026-11-24. What
stands in the picture is not known.
"""
MIN_REASON_LENGTH = 10


@dataclass(frozen=True, slots=True)
class TrainingPermit:
    """Why the set may be made: stated by whoever orders it, and kept with it.

    `consent` says who agreed, or why nobody had to be asked.
    """

    purpose: str
    legal_ground: str
    consent: str
    health: bool
    by: str
    at: datetime

    def __post_init__(self) -> None:
        for name, text in (
            ("purpose", self.purpose),
            ("legal ground", self.legal_ground),
            ("consent", self.consent),
        ):
            if len(text.strip()) < MIN_REASON_LENGTH:
                raise UsageError("training_set_needs_stated", name=name)


def write_training_set(file: Path, fields: Iterable[ConfirmedField], permit: TrainingPermit) -> int:
    """Write the zip file, readable by its owner alone; answers with how many pictures it holds.

    `labels.tsv` has a picture's name, tab, its text, as `research/training/handwriting/train.py
    --lines` takes it; a picture's name says kind, hand and number, the hands being numbered, not
    named.

    Raises:
        UsageError: there is a file already, or nothing to put into one.
        StoreError: the disk refuses.
    """
    chosen = [
        one
        for one in fields
        if _is_label_known(one.crop.spec) and one.decided.answer.state is State.READ
    ]
    if file.exists():
        raise UsageError("file_already", file=file.name)
    if not chosen:
        raise UsageError("no_confirmed_field_may_go")
    partial = file.with_name(file.name + ".part")
    try:
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            _write_archive(archive, chosen, permit)
        partial.replace(file)
    except OSError as error:
        raise StoreError("not_written_make_room", file=file.name, reason=error.strerror) from error
    finally:  # half of one holds pictures of people's writing, and may open as if it were all
        partial.unlink(missing_ok=True)
    return len(chosen)


def _is_label_known(spec: FieldSpec) -> bool:
    return spec.traits.can_train and not (
        spec.traits.is_handwriting and spec.format in REFORMATTED_FORMATS
    )


def _write_archive(
    archive: zipfile.ZipFile, chosen: list[ConfirmedField], permit: TrainingPermit
) -> None:
    hands = {
        writer: number
        for number, writer in enumerate(sorted({one.writer for one in chosen}), start=1)
    }
    labels: list[str] = []
    for number, one in enumerate(chosen, start=1):
        name = f"{one.crop.spec.kind}_{hands[one.writer]:03d}_{number:05d}.png"
        archive.writestr(name, cv2.imencode(".png", one.crop.image)[1].tobytes())
        lines = (" ".join(line.split()) for line in str(one.decided.answer.value).splitlines())
        labels.append(f"{name}\t{' / '.join(lines)}\n")
    archive.writestr("labels.tsv", "".join(labels))
    counts = Counter(str(one.crop.spec.kind) for one in chosen)
    manifest = asdict(permit) | {
        "at": permit.at.isoformat(),
        "pictures": dict(sorted(counts.items())),
        "hands": len(hands),
    }
    archive.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
