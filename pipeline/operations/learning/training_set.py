"""Export confirmed fields as a training set for networks: images, labels and the permit.

It is made on request only: a purpose and a legal ground have to be stated, and paper of health
care is left out unless it is requested too.
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
"""Formats that are not stored as they are written: `24/11 26` is stored as 2026-11-24.

What the image of such a line shows is not known.
"""
MIN_REASON_LENGTH = 10
"""Least number of characters of a stated purpose, legal ground or consent."""


@dataclass(frozen=True, slots=True)
class TrainingPermit:
    """The permit for a training set: stated by the person who requests it, and stored with it.

    `consent` states who agreed, or why no consent was needed.
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
    """Write the zip file, readable by its owner only; return the number of images in it.

    `labels.tsv` has an image's name, tab, its text, as `research/training/handwriting/train.py
    --lines` takes it; an image's name has kind, writer and number, where writers are numbered, not
    named.

    Raises:
        UsageError: the file exists already, or there is no field for it.
        StoreError: the file cannot be written.
    """
    chosen = [
        field
        for field in fields
        if _is_label_known(field.crop.spec) and field.decided.answer.state is State.READ
    ]
    if file.exists():
        raise UsageError("file_already", file=file.name)
    if not chosen:
        raise UsageError("no_confirmed_field_may_go")
    # A partial file becomes the file once it is complete.
    partial = file.with_name(file.name + ".part")
    try:
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            _write_archive(archive, chosen, permit)
        partial.replace(file)
    except OSError as error:
        raise StoreError("not_written_make_room", file=file.name, reason=error.strerror) from error
    finally:
        # An incomplete file has personal data, and may open as if it were complete.
        partial.unlink(missing_ok=True)
    return len(chosen)


def _is_label_known(spec: FieldSpec) -> bool:
    return spec.traits.can_train and not (
        spec.traits.is_handwriting and spec.format in REFORMATTED_FORMATS
    )


def _write_archive(
    archive: zipfile.ZipFile, fields: list[ConfirmedField], permit: TrainingPermit
) -> None:
    writer_numbers = {
        writer: number
        for number, writer in enumerate(sorted({field.writer for field in fields}), start=1)
    }
    # The images, with a line of labels each.
    labels: list[str] = []
    for number, field in enumerate(fields, start=1):
        name = f"{field.crop.spec.kind}_{writer_numbers[field.writer]:03d}_{number:05d}.png"
        archive.writestr(name, cv2.imencode(".png", field.crop.image)[1].tobytes())
        lines = (" ".join(line.split()) for line in str(field.decided.answer.value).splitlines())
        labels.append(f"{name}\t{' / '.join(lines)}\n")
    archive.writestr("labels.tsv", "".join(labels))
    # The permit and the contents.
    counts = Counter(str(field.crop.spec.kind) for field in fields)
    manifest = asdict(permit) | {
        "at": permit.at.isoformat(),
        "pictures": dict(sorted(counts.items())),
        "hands": len(writer_numbers),
    }
    archive.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
