"""New curves of probabilities from confirmed fields, each taken only where it foretells sheets
better that it was not fitted to.

Confirmed fields read once more: the readers' own scores beside what people say, and the pictures
to train on.

The fields are read again instead of taking the probabilities of then: these came from other
curves, and were already weighed with the register.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from pipeline.domain.confidence import UNCALIBRATED_MAX_P
from pipeline.domain.form.field import FieldSpec, Kind, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.model import Image, IssuedSheet, Outcome, Reading
from pipeline.domain.review import rules
from pipeline.reading.calibration.curves import (
    CALIBRATION_FILE,
    CalibrationCurve,
    CalibrationCurves,
    CurveFeatures,
    curve_features,
    curve_key,
    installed_curves,
    load_curves,
    writer_clarity,
)
from pipeline.reading.calibration.files import FittedCurve, write_curves
from pipeline.reading.calibration.fit import (
    CalibrationScore,
    JudgedReading,
    Numbers,
    fit_curve,
    log_losses,
    make_prior_readings,
    predict,
    score_probabilities,
)
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.registry import FIELD_READERS, NETWORK_FINGERPRINTS
from pipeline.reading.language.language_model import NO_NAMES, Lexicon
from pipeline.reading.template_images import cut_field_images
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import AnswerOrigin, DecidedAnswer
from pipeline.store.entries.closed_entries import ReviewedSheet

NOTICED_ERROR_SHARE = 0.6
"""Share of a machine's errors that people are taken to notice in fields shown to them filled in:
there each noticed one stands for 1 / 0.6 errors.
"""
MIN_READINGS = 120
"""So many readings are needed to fit a curve."""
MIN_HELD_OUT_READINGS = 60
"""And so many from other hands to judge it."""
HELD_OUT_EVERY = 3
"""One hand (or sheet) of so many is kept apart for judging."""
MIN_WRITERS = 6
"""With fewer known writers whole sheets are kept apart instead of whole hands."""
NORMAL_95 = 1.645
PRIOR_READINGS = 50.0
"""The curve in use counts as so many readings: a few corrections do not throw it over."""
CURVES_NOTE = "Learned from confirmed entries of this workspace by `efterskrift learn`."


@dataclass(frozen=True, slots=True)
class ConfirmedField:
    """A confirmed field: its crop, what its reader says of it now, and what people said.

    `writer` is whose hand it is as far as that is known: the confirmed author's name, else the
    sheet. `hand` as in `curves.hands_of`.
    """

    crop: FieldImage
    reading: Reading
    decided: DecidedAnswer
    sheet: str
    writer: str
    writer_clarity: float = 0.0

    @property
    def is_correct(self) -> bool:
        """Whether the reader says what people say."""
        return rules.agrees_with_reading(self.crop.spec, self.decided.answer, self.reading)

    @property
    def network(self) -> str:
        """The fingerprint of the network that read it."""
        return NETWORK_FINGERPRINTS[self.crop.spec.kind]()

    def evidence(self) -> JudgedReading:
        """For fitting. In a field that was shown filled in, an error that was noticed counts for
        those that were not.
        """
        shown = self.decided.origin in (
            AnswerOrigin.ACCEPTED,
            AnswerOrigin.CHANGED,
            AnswerOrigin.BATCH,
        )
        weight = 1 / NOTICED_ERROR_SHARE if shown and not self.is_correct else 1.0
        spec, source = self.crop.spec, "shown" if shown else "blind"
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
    """The confirmed fields of a sheet. A page that was never laid on its form, or lies badly on it,
    gives none. `names` as in `Crop`.

    Raises:
        StoreError: a picture is missing or has been changed.
    """
    writer = sheet_author(form, sheet) or sheet.sheet
    crops = [
        crop
        for page_no, upright in _page_images(store, form, sheet)
        for crop in _cut_confirmed_fields(upright, form, page_no, sheet, names)
    ]
    by_kind: dict[Kind, list[FieldImage]] = defaultdict(list)
    for crop in crops:
        by_kind[crop.spec.kind].append(crop)
    pairs = [
        pair
        for kind, some in by_kind.items()
        for pair in zip(some, FIELD_READERS[kind](some), strict=True)
    ]
    hands = writer_clarity([reading for _, reading in pairs])
    return [
        ConfirmedField(crop, reading, sheet.answers[crop.spec.name], sheet.sheet, writer, hand)
        for (crop, reading), hand in zip(pairs, hands, strict=True)
    ]


def sheet_author(form: Form, sheet: ReviewedSheet) -> str:
    """Who wrote a sheet, as confirmed and in small letters; empty if nobody said."""
    spec = form.meaning(Meaning.AUTHOR_NAME)
    value = sheet.answers[spec.name].answer.value if spec and spec.name in sheet.answers else None
    return " ".join(value.split()).casefold() if isinstance(value, str) else ""


def _page_images(store: Store, form: Form, sheet: ReviewedSheet) -> Iterator[tuple[int, Image]]:
    """Each page once, the one scanned last."""
    laid = (page for page in sheet.pages if page.outcome is Outcome.READ and page.form == form.id)
    found = {page.page_no or 1: page.upright_sha256 for page in laid if page.upright_sha256}
    for page_no, sha256 in found.items():
        if page_no <= len(form.pages):
            picture = cv2.imdecode(
                np.frombuffer(store.images.get(sha256), np.uint8), cv2.IMREAD_GRAYSCALE
            )
            yield page_no, np.asarray(picture, np.uint8)


def _cut_confirmed_fields(
    upright: Image, form: Form, page_no: int, sheet: ReviewedSheet, names: Lexicon
) -> list[FieldImage]:
    wanted = [
        spec
        for spec in form.pages[page_no - 1].all_fields
        if spec.name in sheet.answers and not _is_printed(spec, sheet.issued)
    ]
    return [
        replace(crop, expected_names=names, sheet_number=page_no)
        for crop in cut_field_images(upright, form, page_no, wanted)
    ]


def _is_printed(spec: FieldSpec, issued: IssuedSheet | None) -> bool:
    """Whether the program has printed what stands in a field (see `printing`): no hand wrote it."""
    if issued is None:
        return False
    if issued.rows and spec.row is None and spec.means is Meaning.EVENT_DATE:
        return True
    if any(one.row == spec.row and spec.column in dict(one.printed) for one in issued.rows):
        return True
    return (
        issued.client_pid is not None
        and spec.row in (None, 1)
        and spec.means in (Meaning.CLIENT_PID, Meaning.CLIENT_NAME)
    )


@dataclass(frozen=True, slots=True)
class CurveLesson:
    """What confirmed fields say of one curve. Without `before` there were too few of them:
    `missing` more readings are needed.

    `surely`: the log loss on what was kept apart sinks by more than chance would make it sink in
    one case of twenty.
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
        """How many more readings are needed."""
        return max(0, MIN_READINGS - self.readings) + max(0, MIN_HELD_OUT_READINGS - self.held_out)

    @property
    def better(self) -> bool:
        """Surely less log loss on what was kept apart, and no more errors among the surest."""
        if self.before is None or self.after is None:
            return False
        return self.is_significant and self.after.surest.wrong <= self.before.surest.wrong


def learn_curves(fields: Sequence[ConfirmedField]) -> list[CurveLesson]:
    """A lesson for each curve that the fields bear on."""
    evidence: dict[tuple[str, str], list[tuple[JudgedReading, str]]] = defaultdict(list)
    for one in fields:
        found = one.evidence()
        evidence[found.key, one.network].append((found, one.writer))
    current = installed_curves()
    apart = hold_out_writers(fields)
    return [
        _learn_curve(place, own, current, apart)
        for place, own in sorted(evidence.items(), key=lambda item: item[0])
    ]


def hold_out_writers(fields: Sequence[ConfirmedField]) -> set[str]:
    """Hands that curves are judged on, or sheets where few hands are known; always the same ones."""
    writers = {one.writer for one in fields}
    parts = sorted(
        writers if len(writers) >= MIN_WRITERS else {one.sheet for one in fields}, key=_digest
    )
    return set(parts[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY])


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _learn_curve(
    place: tuple[str, str],
    own: Sequence[tuple[JudgedReading, str]],
    current: CalibrationCurves,
    apart: set[str],
) -> CurveLesson:
    judges = [
        (e, writer if writer in apart else e.part) for e, writer in own if apart & {writer, e.part}
    ]
    held = [e for e, _ in judges]
    seen = [e for e, writer in own if not apart & {writer, e.part}]
    lesson = CurveLesson(*place, len(seen), len(held))
    if lesson.missing:
        return lesson
    old = current.get(place)
    curve = fit_curve([*seen, *make_prior_readings(seen, _predict(seen, old), PRIOR_READINGS)])
    then, now = _predict(held, old), predict(held, curve)
    surely = _is_significant_gain(
        log_losses(held, then) - log_losses(held, now),
        np.array([e.weight for e in held]),
        [hand for _, hand in judges],
    )
    return replace(
        lesson,
        curve=curve,
        before=score_probabilities(held, then),
        after=score_probabilities(held, now),
        is_significant=surely,
    )


def _is_significant_gain(gains: Numbers, weight: Numbers, hands: Sequence[str]) -> bool:
    """Whether the mean gain, weighed as the log loss is, is more than chance: one-sided, by
    Student's t over hands, whose fields go together.
    """
    mean = float(weight @ gains) / float(weight.sum())
    _, hand = np.unique(hands, return_inverse=True)
    off = np.bincount(hand, weights=weight * (gains - mean))
    if len(off) < 2:
        return False
    error = np.sqrt(len(off) / (len(off) - 1) * (off @ off)) / weight.sum()
    return bool(mean > _student_t_95(len(off) - 1) * error)


def _student_t_95(freedom: int) -> float:
    """What Student's t with so many degrees of freedom exceeds once in twenty times (R. Fisher and
    E. Cornish, Technometrics 2, 1960).
    """
    z = NORMAL_95
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def _predict(evidence: Sequence[JudgedReading], curve: CalibrationCurve | None) -> Numbers:
    return np.array([_curve_p(e.features, curve) for e in evidence])


def _curve_p(features: CurveFeatures, curve: CalibrationCurve | None) -> float:
    return (
        curve.at(features)
        if curve
        else min(UNCALIBRATED_MAX_P, float(1 / (1 + np.exp(-features[0]))))
    )


def install_curves(folder: Path, learned: Sequence[CurveLesson]) -> Path:
    """Write the better curves into the workspace's `models`; what it has learned before of other
    curves stays.

    Curves are fitted to the part that was judged on as well only the next time: what is
    installed is what was measured.
    """
    fitted = [
        FittedCurve(one.key, one.network, one.curve, one.readings, one.held_out)
        for one in learned
        if one.curve and one.better
    ]
    file = folder / CALIBRATION_FILE
    kept = {network for _, network in load_curves(file)} if file.is_file() else set()
    write_curves(file, fitted, CURVES_NOTE, keep=kept)
    return file
