"""Learn calibration curves from confirmed fields, each used only where it predicts better.

A curve is judged on sheets that it was not fitted to. The fields are read again, as their stored
probabilities came from other curves, and were already weighed with the register.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.domain.form.field import FieldSpec, Kind, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.model import SHEET_ROW, Image, IssuedSheet, Outcome, Reading
from pipeline.domain.review import rules
from pipeline.files.documents import TYPED_PNG
from pipeline.files.images import decode_image
from pipeline.files.page_files import JPEG
from pipeline.reading.calibration.curves import (
    CALIBRATION_FILE,
    CalibrationCurve,
    CalibrationCurves,
    curve_features,
    curve_key,
    installed_curves,
    load_curves,
    uncalibrated_p,
    writer_clarity,
)
from pipeline.reading.calibration.fit import (
    CalibrationScore,
    FittedCurve,
    JudgedReading,
    Numbers,
    fit_curve,
    log_losses,
    make_prior_readings,
    predict,
    score_probabilities,
    write_curves,
)
from pipeline.reading.field_readers import FIELD_READERS, NETWORK_FINGERPRINTS
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.imaging.pixels import to_ink_grayscale
from pipeline.reading.language.language_model import NO_NAMES, Lexicon
from pipeline.reading.register.template_images import cut_field_images
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import AnswerOrigin, DecidedAnswer
from pipeline.store.reports.closed_entries import ReviewedSheet

NOTICED_ERROR_SHARE = 0.6
"""Assumed share of errors that reviewers notice in prefilled fields.

Each error noticed there counts as 1 / 0.6 errors.
"""
MIN_READINGS = 120
"""Readings needed to fit a curve."""
MIN_HELD_OUT_READINGS = 60
"""Readings of other writers needed to judge it."""
HELD_OUT_EVERY = 3
"""Every so many-th writer (or sheet) is held out."""
MIN_WRITERS = 6
"""With fewer known writers, sheets are held out instead of writers."""
NORMAL_95 = 1.645
"""Normal deviate of a one-sided test at 5 %."""
PRIOR_READINGS = 50.0
"""Weight of the curve in use, in readings, so that a few corrections do not change it much."""
CURVES_NOTE = "Learned from confirmed entries of this workspace by `efterskrift learn`."


@dataclass(frozen=True, slots=True)
class ConfirmedField:
    """A confirmed field: its image, its reading by now, and the confirmed answer.

    `writer` is the confirmed author's name, else the sheet. `writer_clarity` is as in
    `reading/calibration/curves.py`.
    """

    crop: FieldImage
    reading: Reading
    decided: DecidedAnswer
    sheet: str
    writer: str
    writer_clarity: float = 0.0

    @property
    def is_correct(self) -> bool:
        """Whether the reading is the confirmed answer."""
        return rules.agrees_with_reading(self.crop.spec, self.decided.answer, self.reading)

    @property
    def network(self) -> str:
        """The fingerprint of the network that read it."""
        return NETWORK_FINGERPRINTS[self.crop.spec.kind]()

    def evidence(self) -> JudgedReading:
        """Return the evidence for fitting.

        In a prefilled field, a noticed error counts for those that were not noticed, too.
        """
        was_prefilled = self.decided.origin in (
            AnswerOrigin.ACCEPTED,
            AnswerOrigin.CHANGED,
            AnswerOrigin.BATCH,
        )
        weight = 1 / NOTICED_ERROR_SHARE if was_prefilled and not self.is_correct else 1.0
        spec, source = self.crop.spec, "shown" if was_prefilled else "blind"
        return JudgedReading(
            curve_key(spec, self.reading),
            curve_features(spec, self.reading, self.writer_clarity),
            self.is_correct,
            self.sheet,
            source,
            weight,
        )


def reread_fields(
    store: Store, form: Form, sheet: ReviewedSheet, names: Lexicon = NO_NAMES
) -> list[ConfirmedField]:
    """Read the confirmed fields of a sheet again, without pages that are not registered.

    Args:
        names: expected names, as in `FieldImage`.

    Raises:
        StoreError: an image is missing or has been changed.
    """
    writer = sheet_author(form, sheet) or sheet.sheet
    # Readers take all images of their kind at once.
    by_kind: dict[Kind, list[FieldImage]] = defaultdict(list)
    for page_no, upright in _page_images(store, form, sheet):
        for image in _cut_confirmed_fields(upright, form, page_no, sheet, names):
            by_kind[image.spec.kind].append(image)
    pairs = [
        pair
        for kind, images in by_kind.items()
        for pair in zip(images, FIELD_READERS[kind](images), strict=True)
    ]
    # How clear the writing is depends on all fields of the sheet.
    clarities = writer_clarity([reading for _, reading in pairs])
    return [
        ConfirmedField(image, reading, sheet.answers[image.spec.name], sheet.sheet, writer, clarity)
        for (image, reading), clarity in zip(pairs, clarities, strict=True)
    ]


def sheet_author(form: Form, sheet: ReviewedSheet) -> str:
    """Return the confirmed author of a sheet in small letters; empty if there is none."""
    spec = form.meaning(Meaning.AUTHOR_NAME)
    value = sheet.answers[spec.name].answer.value if spec and spec.name in sheet.answers else None
    return " ".join(value.split()).casefold() if isinstance(value, str) else ""


def _page_images(store: Store, form: Form, sheet: ReviewedSheet) -> Iterator[tuple[int, Image]]:
    """Yield the image of each page that was written by hand, of several scans the last."""
    read_pages = (
        page
        for page in sheet.pages
        if page.outcome is Outcome.READ and page.form == form.id and page.media_type != TYPED_PNG
    )
    images = {page.page_no or 1: page.upright_sha256 for page in read_pages if page.upright_sha256}
    for page_no, sha256 in images.items():
        if page_no <= len(form.pages):
            yield page_no, to_ink_grayscale(decode_image(store.images.get(sha256), JPEG))


def _cut_confirmed_fields(
    upright: Image, form: Form, page_no: int, sheet: ReviewedSheet, names: Lexicon
) -> list[FieldImage]:
    specs = [
        spec
        for spec in form.pages[page_no - 1].all_fields
        if spec.name in sheet.answers and not _is_printed(spec, sheet.issued)
    ]
    return [
        replace(image, expected_names=names, sheet_number=page_no)
        for image in cut_field_images(upright, form, page_no, specs)
    ]


def _is_printed(spec: FieldSpec, issued: IssuedSheet | None) -> bool:
    """Whether the field was prefilled in print (`pipeline/forms/printing.py`), not by hand."""
    if issued is None:
        return False
    # The date and the rows of a tour list.
    if issued.rows and spec.row is None and spec.means is Meaning.EVENT_DATE:
        return True
    if any(
        row.row == (spec.row or SHEET_ROW) and spec.column in dict(row.printed)
        for row in issued.rows
    ):
        return True
    # Number and name of the client of a sheet.
    return (
        issued.client_pid is not None
        and spec.row in (None, 1)
        and spec.means in (Meaning.CLIENT_PID, Meaning.CLIENT_NAME)
    )


@dataclass(frozen=True, slots=True)
class CurveLesson:
    """The result of learning one curve.

    Without `before` there were too few fields: `missing` more readings are needed.
    `is_significant`: the log loss on held-out readings falls by more than it would by chance in one
    case of twenty.
    """

    key: str
    network: str
    readings: int
    held_out: int
    curve: CalibrationCurve | None = None
    before: CalibrationScore | None = None
    after: CalibrationScore | None = None
    is_significant: bool = False

    @property
    def missing(self) -> int:
        """The number of readings that are still needed."""
        return max(0, MIN_READINGS - self.readings) + max(0, MIN_HELD_OUT_READINGS - self.held_out)

    @property
    def better(self) -> bool:
        """Whether the log loss falls significantly, without more errors at the highest p."""
        if self.before is None or self.after is None:
            return False
        return self.is_significant and self.after.surest.wrong <= self.before.surest.wrong


def learn_curves(fields: Sequence[ConfirmedField]) -> list[CurveLesson]:
    """Learn each curve, by key and network, that the fields have evidence for."""
    by_curve: dict[tuple[str, str], list[tuple[JudgedReading, str]]] = defaultdict(list)
    for field in fields:
        evidence = field.evidence()
        by_curve[evidence.key, field.network].append((evidence, field.writer))
    current = installed_curves()
    held_out = hold_out_writers(fields)
    return [
        _learn_curve(curve_id, evidence_by_writer, current, held_out)
        for curve_id, evidence_by_writer in sorted(by_curve.items(), key=lambda item: item[0])
    ]


def hold_out_writers(fields: Sequence[ConfirmedField]) -> set[str]:
    """Return the held-out writers, or sheets if few writers are known; always the same ones."""
    writers = {field.writer for field in fields}
    groups = writers if len(writers) >= MIN_WRITERS else {field.sheet for field in fields}
    return set(sorted(groups, key=_digest)[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY])


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _learn_curve(
    curve_id: tuple[str, str],
    evidence_by_writer: Sequence[tuple[JudgedReading, str]],
    current: CalibrationCurves,
    held_out: set[str],
) -> CurveLesson:
    # Divide the evidence; the test evidence with its held-out writer or sheet.
    test_groups = [
        (evidence, writer if writer in held_out else evidence.part)
        for evidence, writer in evidence_by_writer
        if held_out & {writer, evidence.part}
    ]
    test = [evidence for evidence, _ in test_groups]
    training = [
        evidence
        for evidence, writer in evidence_by_writer
        if not held_out & {writer, evidence.part}
    ]
    lesson = CurveLesson(*curve_id, len(training), len(test))
    if lesson.missing:
        return lesson
    # Fit a curve, with the one in use as the prior.
    prior = make_prior_readings(training, _predict(training, curve_id, current), PRIOR_READINGS)
    curve = fit_curve([*training, *prior])
    # Judge both on the test evidence.
    old_p, new_p = _predict(test, curve_id, current), predict(test, curve)
    is_significant = _is_significant_gain(
        log_losses(test, old_p) - log_losses(test, new_p),
        np.array([evidence.weight for evidence in test]),
        [group for _, group in test_groups],
    )
    return replace(
        lesson,
        curve=curve,
        before=score_probabilities(test, old_p),
        after=score_probabilities(test, new_p),
        is_significant=is_significant,
    )


def _is_significant_gain(gains: Numbers, weight: Numbers, groups: Sequence[str]) -> bool:
    """Whether the weighted mean gain is more than chance, by a one-sided t test over groups.

    Groups are writers or sheets, whose fields are not independent.
    """
    mean = float(weight @ gains) / float(weight.sum())
    # The deviation of each group from the mean.
    _, group = np.unique(groups, return_inverse=True)
    deviations = np.bincount(group, weights=weight * (gains - mean))
    count = len(deviations)
    if count < 2:
        return False
    error = np.sqrt(count / (count - 1) * (deviations @ deviations)) / weight.sum()
    return bool(mean > _student_t_95(count - 1) * error)


def _student_t_95(freedom: int) -> float:
    """Return the 95 % quantile of Student's t with so many degrees of freedom.

    Approximation of R. Fisher and E. Cornish, Technometrics 2, 1960.
    """
    z = NORMAL_95
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def _predict(
    evidence: Sequence[JudgedReading], curve_id: tuple[str, str], current: CalibrationCurves
) -> Numbers:
    """Return p as it is now, also where the network has no curve yet."""
    curve, (key, _) = current.get(curve_id), curve_id
    return np.array(
        [
            curve.at(each.features) if curve else uncalibrated_p(key, each.features, current)
            for each in evidence
        ]
    )


def install_curves(folder: Path, learned: Sequence[CurveLesson]) -> Path:
    """Write the better curves into the workspace's `models`; other learned curves stay.

    They are not fitted to the held-out readings too: what is installed is what was measured.
    """
    fitted = [
        FittedCurve(lesson.key, lesson.network, lesson.curve)
        for lesson in learned
        if lesson.curve and lesson.better
    ]
    file = folder / CALIBRATION_FILE
    networks = {network for _, network in load_curves(file)} if file.is_file() else set()
    write_curves(file, fitted, CURVES_NOTE, keep=networks)
    return file
