"""Fit the curves of `data/models/calibration.json` to the readers of this version.

    python -m research.training.calibration.fit --handwriting FOLDER --mnist package/data
        [--archive OWN.zip] [--only lines] [--weights free] [--keep FOLDER] [--pages 100]

The card is written too. `FOLDER` has `optdigits.npz`, `dhsd_words.npz` and `fonts_train/` (see
`research/training/digits/train.py` and `handwriting/train.py`, also for installing). Only writers,
font families and images that the networks never saw are used. For boxes half of the people are
fitted to, and the others judge. For lines there are fewer: a sixth of the writers at a time is
judged by a curve fitted to the others; the curve in use is fitted to all. So it is for check boxes
and for what is empty, where a sixth of the sheets and pages judges. For lines the six are kept in
`calibration_apart.json`, so that `bench --quality` can judge the same writers. Missing sets are
reported. Run it again after every change of a network or of how readings are decoded; curves of
what was left out stay. After a change of the network of lines run `--only lines` and `--only
letters` (rows of letter boxes; also after a change of their own network), with `--weights free` for
one set of weights. The probability that a line is empty is fitted to scanned pages by `--only
empty`, once for all networks of lines; it reads no pages with faint digits, so of digit rows it
changes only what was surest before. `--only digits` is for a change of the networks of digits;
`--only mark` leaves out choices; of `lines` there are two
parts, `fields` of one line and `formats`, beside areas, which take longest. With `--keep` a run
that was interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from pipeline.domain.form.field import Kind
from pipeline.domain.settings import Handwriting
from pipeline.reading.calibration.curves import (
    LETTER_KEY,
    SHIPPED_CALIBRATION,
    CalibrationCurve,
    CalibrationCurves,
    load_curves,
)
from pipeline.reading.calibration.fit import FittedCurve, JudgedReading, write_curves
from pipeline.reading.field_readers import NETWORK_FINGERPRINTS
from pipeline.reading.fields.handwriting.network import find_network_file
from research.evaluation.fields.handwriting import (
    ABSENCE_BY_SET,
    CAPITALS_SET,
    COPISTE_SET,
    PHRASES_SET,
    STROKE_SETS,
    SWEDISH_SET,
    WORDS_SET,
    load_sets,
)
from research.evaluation.measure import EvaluationData
from research.training.calibration import readings
from research.training.calibration.boxes import (
    MARK_KINDS,
    SEED,
    BoxSizes,
    BoxSources,
    Halves,
    judge_boxes,
    load_digit_pools,
)
from research.training.calibration.curve_fits import (
    DRAWN_MARKS_MAX_P,
    JudgedCurve,
    cross_fit_curves,
    fit_curves,
    format_card_table,
    write_fold_curves,
)
from research.training.calibration.formats import draw_formatted_lines
from research.training.calibration.kept import KeptReadings
from research.training.calibration.model_card import write_card
from research.training.calibration.scans import LINE_NETWORK_KINDS
from research.training.handwriting.compose_lines import compose_swedish_texts, cut_into_stretches
from research.training.handwriting.lines import TrainingLine, find_fonts
from research.training.strokes.glyphs import load_box_letters
from research.training.strokes.held_out import find_fit_writers

MAX_P_BY_KEY = dict.fromkeys(
    (
        "mark",
        "mark-cancelled",
        "mark-empty",
        "choice",
        "choice-empty",
        "signature",
        "signature-empty",
        "initials",
        "initials-empty",
    ),
    DRAWN_MARKS_MAX_P,
)
"""The highest probability that rests on drawn marks alone.

Drawn marks are not as odd as scanned ones.
"""
CURVES_NOTE = "Fitted by research/training/calibration/fit.py; see calibration.md."
EMPTY_LINE_KEYS = frozenset(f"{kind}-empty" for kind in LINE_NETWORK_KINDS)
"""Curves of fields of the network of lines that are empty, for which it is not asked."""
DEFAULT_LINE_COUNT = 400
"""How many lines of a set are read."""
FORMAT_LINE_COUNT = 480
"""How many lines with a format are drawn in fonts, and as many in mixed digits."""
LETTER_ROW_COUNT = 1_500
"""How many rows of letter boxes are drawn."""
COMPOSED_SETS = {
    "Swedish in people's letters": (WORDS_SET, COPISTE_SET),
    "Swedish in UNIPEN's letters": tuple(STROKE_SETS),
}
"""Texts that are composed of the letters of these sets."""
SWEDISH_SETS = frozenset({PHRASES_SET, CAPITALS_SET, *COMPOSED_SETS})
"""Sets as long, and in the language, of what is written in fields."""
ONLY_CHOICES = (
    *("boxes", "digits", "marks", "mark", "lines", "fields", "formats", "letters", "empty"),
)
MIN_RUNNING_TEXT = 25
"""Lines of on average more characters are running text, longer than a field's content."""


def evaluate_handwriting(
    sets: Mapping[str, Sequence[TrainingLine]], most: int
) -> list[JudgedReading]:
    """Read areas of all held-out writers and fonts.

    Lines of running text are also cut into stretches, as people fill in fields.
    """
    found: list[JudgedReading] = []
    for name, written in sets.items():
        rng = _rng_of(name)
        chosen = [written[i] for i in rng.permutation(len(written))[:most]]
        # Running text also in stretches as long as the content of fields.
        if np.mean([len(line.text) for line in chosen]) > MIN_RUNNING_TEXT:
            chosen = chosen[: most // 2]
            found += readings.judge_areas(cut_into_stretches(chosen, rng)[:most], name, rng)
        else:
            found += readings.judge_areas(chosen, name, rng)
    # Large sets must not dominate the curves.
    return readings.even_weights(found)


def evaluate_fields(sets: Mapping[str, Sequence[TrainingLine]], most: int) -> list[JudgedReading]:
    """Read fields of one line that hold Swedish, by held-out writers and in held-out fonts.

    What people write in fields is Swedish, and on words of other languages Swedish misleads.
    """
    found: list[JudgedReading] = []
    for name in sorted(SWEDISH_SETS & sets.keys()):
        rng = _rng_of(name)
        chosen = [sets[name][i] for i in rng.permutation(len(sets[name]))[:most]]
        found += readings.judge_lines(chosen, name, rng)
    return readings.even_weights(found)


def _rng_of(name: str) -> np.random.Generator:
    """Return a seed's generator for each set, independent of the other sets."""
    return np.random.default_rng([SEED, zlib.crc32(name.encode())])


def load_held_out_lines(
    handwriting: Path, archives: Sequence[Path], count: int
) -> dict[str, list[TrainingLine]]:
    """Return the held-out sets that are present, and Swedish composed of people's letters.

    The Swedish set is left out: it is only ever tested on. Of UNIPEN only writers are taken who do
    not fill in the pages that others judge by.

    `handwriting` is in the folder of all data.
    """
    # The Swedish set is reserved for testing.
    found = dict(
        load_sets(
            EvaluationData(handwriting.parent),
            archives,
            only=frozenset(ABSENCE_BY_SET) - {SWEDISH_SET},
        )
    )
    for name in STROKE_SETS.keys() & found.keys():
        wanted = find_fit_writers(handwriting / "unipen_strokes.npz")
        found[name] = [line for line in found[name] if line.writer in wanted]
    # Swedish texts composed of the letters of held-out writers.
    for number, (name, sources) in enumerate(COMPOSED_SETS.items()):
        people = [line for source in sources for line in found.get(source, ())]
        rng = np.random.default_rng(SEED + number)
        composed = compose_swedish_texts(people, count, rng)
        found[name] = [line for line in composed if readings.shows_all_letters(line)]
    return found


@contextmanager
def use_weights(choice: Handwriting) -> Iterator[None]:
    """Read with other weights for a while."""
    name = "EFTERSKRIFT_HANDWRITING"
    # The environment variable selects the weights; restore it afterwards.
    before = os.environ.get(name)
    os.environ[name] = choice.value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def network_fingerprints() -> dict[str, str]:
    """Return the fingerprint of the network behind each key."""
    known = {str(kind): name() for kind, name in NETWORK_FINGERPRINTS.items()}
    # Characters are read by the network of lines.
    return {LETTER_KEY: known[Kind.TEXT], **known}


def _fit_halves(halves: Halves, only: str) -> list[JudgedCurve]:
    """Fit on one half, judge on the other; how certainly lines are empty, for all weights."""
    found = tuple([e for e in half if _is_wanted(e.key, only)] for half in halves)
    networks = _network_by_key({e.key for half in found for e in half})
    # Marks and what is empty depend on sheets more than on people, and one sheet in a hundred goes
    # wrong as a whole: both halves are fitted to.
    sheets = [e for half in found for e in half if _is_of_sheets(e.key)]
    people = [[e for e in half if not _is_of_sheets(e.key)] for half in found]
    own = [
        *(replace(one, fold_curves=()) for one in cross_fit_curves(sheets, networks, MAX_P_BY_KEY)),
        *fit_curves(people[0], people[1], networks, MAX_P_BY_KEY),
    ]
    lines = [one for one in own if one.key in EMPTY_LINE_KEYS]
    return [
        *(one for one in own if one.key not in EMPTY_LINE_KEYS),
        *(
            replace(one, network=network)
            for one in lines
            for network in sorted({known[one.key.partition("-")[0]] for known in _all_networks()})
        ),
    ]


def limit_unclear(curve: CalibrationCurve, known: CalibrationCurve) -> CalibrationCurve:
    """Return a curve that is more certain than a known one only of what that one is surest of.

    Both have one feature.
    """
    places = sorted({score / c.weights[0] for c in (curve, known) for score in c.scores})
    pairs = [(curve.at((x,)), known.at((x,))) for x in places]
    shares = [new if old >= known.shares[-1] else min(new, old) for new, old in pairs]
    return CalibrationCurve((1.0,), tuple(places), tuple(shares))


def _limit_empty_rows(fitted: Sequence[JudgedCurve], file: Path) -> list[JudgedCurve]:
    """Limit the curves of empty digit rows: pages with faint digits were not read this time."""
    known = load_curves(file) if file.is_file() else {}
    return [
        replace(one, curve=limit_unclear(one.curve, known[one.key, one.network]))
        if one.key.startswith(str(Kind.DIGITS)) and (one.key, one.network) in known
        else one
        for one in fitted
    ]


def carry_empty_lines(known: CalibrationCurves) -> list[FittedCurve]:
    """Return the known curves of empty lines for the networks that have none of their own.

    The ink alone decides there, so that one curve holds for all weights.
    """
    curves = {key: known[key, network] for key, network in sorted(known)}
    wanted = {
        (key, own[key.partition("-")[0]]) for own in _all_networks() for key in EMPTY_LINE_KEYS
    }
    return [
        FittedCurve(key, network, curves[key])
        for key, network in sorted(wanted - known.keys())
        if key in curves
    ]


def _is_wanted(key: str, only: str) -> bool:
    """Return whether the curve of a key is fitted when there is `only` a part of the evidence."""
    kind, _, state = key.partition("-")
    if only == "digits":
        return kind == Kind.DIGITS
    if kind in LINE_NETWORK_KINDS:
        return only not in ("mark", "marks") and key in EMPTY_LINE_KEYS
    if only == "empty":
        return kind == Kind.DIGITS and state.endswith("empty")
    if only == "mark":
        return kind == Kind.MARK
    return only == "boxes" or kind in MARK_KINDS


def _is_of_sheets(key: str) -> bool:
    return key.partition("-")[0] in MARK_KINDS or key.endswith("-empty")


def _handwriting_networks() -> dict[Handwriting, str]:
    """Return the fingerprint of each set of weights that is here."""
    found = {}
    for choice in Handwriting:
        with use_weights(choice):
            if find_network_file().is_file():
                found[choice] = network_fingerprints()[Kind.TEXT]
    return found


def _all_networks() -> list[dict[str, str]]:
    """Return the fingerprints of the networks behind each key, for each set of weights."""
    found = [network_fingerprints()]
    for choice in _handwriting_networks():
        with use_weights(choice):
            found.append(network_fingerprints())
    return found


def _network_by_key(keys: Iterable[str]) -> dict[str, str]:
    own = network_fingerprints()
    return {key: own[key.partition("-")[0]] for key in keys}


def _choose_weights(only: str | None) -> list[Handwriting]:
    """Return the sets of weights that are present and wanted, each file once."""
    known = _handwriting_networks()
    if only:
        return [choice for choice in known if choice.value == only]
    return list({network: choice for choice, network in known.items()}.values())


def _fit_lines(
    sets: Mapping[str, Sequence[TrainingLine]],
    args: argparse.Namespace,
    choices: Sequence[Handwriting],
    bar: Progress,
) -> list[JudgedCurve]:
    """Fit by cross-validation over writers, for each of these sets of weights."""
    for name in sorted(ABSENCE_BY_SET.keys() - sets.keys() - {SWEDISH_SET}):
        bar.console.print(
            f"{name} is left out: {ABSENCE_BY_SET[name]}. The curves of lines are poorer for it."
        )
    fitted: list[JudgedCurve] = []
    for choice in bar.track(choices, description="lines"):
        with use_weights(choice):
            read = evaluate_fields(sets, args.lines)
            if args.only != "fields":
                read += evaluate_handwriting(sets, args.lines)
            found = [one for one in read if one.key not in EMPTY_LINE_KEYS]
            networks = _network_by_key({one.key for one in found})
            fitted += cross_fit_curves(found, networks, MAX_P_BY_KEY)
    return fitted


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--handwriting", type=Path, required=True)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument(
        "--archive",
        type=Path,
        action="append",
        default=[],
        dest="archives",
        help="zip of lines; see research/training/handwriting/train.py",
    )
    parser.add_argument("--only", choices=ONLY_CHOICES)
    parser.add_argument(
        "--weights",
        choices=[str(choice) for choice in Handwriting],
        help="one set of weights only, for lines and letter rows",
    )
    parser.add_argument("--keep", type=Path, help="folder for judged readings")
    for name, size in asdict(BoxSizes()).items():
        parser.add_argument(f"--{name}", type=int, default=size)
    parser.add_argument("--lines", type=int, default=DEFAULT_LINE_COUNT)
    parser.add_argument("--out", type=Path, default=SHIPPED_CALIBRATION)
    args = parser.parse_args()
    sizes = BoxSizes(**{name: getattr(args, name) for name in asdict(BoxSizes())})
    choices = _choose_weights(args.weights)
    fitted: list[JudgedCurve] = []
    with Progress(console=Console(stderr=True)) as bar:
        if args.only in (None, "letters"):
            fitted += _fit_letters(args.handwriting, choices)
        if args.only in (None, "lines", "formats"):
            fitted += _fit_formats(BoxSources(args.handwriting, args.mnist), choices)
        if args.only not in ("lines", "fields", "formats", "letters"):
            halves = judge_boxes(
                BoxSources(args.handwriting, args.mnist),
                sizes,
                KeptReadings(args.keep),
                bar,
                only=args.only or "boxes",
            )
            fitted += _fit_halves(halves, args.only or "boxes")
            if args.only == "empty":
                fitted = _limit_empty_rows(fitted, args.out)
        if args.only in (None, "lines", "fields"):
            sets = load_held_out_lines(args.handwriting, args.archives, args.lines)
            fitted += _fit_lines(sets, args, choices, bar)
    # Curves that were not fitted this time remain.
    kept = _installed_networks()
    carried = carry_empty_lines(load_curves(args.out)) if args.out.is_file() else []
    write_curves(args.out, [*carried, *fitted], CURVES_NOTE, keep=kept)
    # The curves of cross-validation are for evaluation only.
    if any(one.fold_curves for one in fitted):
        write_fold_curves(
            args.out.with_stem(f"{args.out.stem}_apart"), fitted, CURVES_NOTE, keep=kept
        )
    write_card(args.out.with_suffix(".md"), fitted, keep=kept)
    print(format_card_table(fitted))


def _fit_letters(handwriting: Path, choices: Iterable[Handwriting]) -> list[JudgedCurve]:
    """Fit letter boxes, for each of these sets of weights.

    Rows are drawn with letters of writers and fonts that are held out.
    """
    shapes = load_box_letters(handwriting, (), held_out=True)
    fitted: list[JudgedCurve] = []
    for choice in choices:
        with use_weights(choice):
            rng = np.random.default_rng(SEED)
            rows = readings.judge_rows(shapes, LETTER_ROW_COUNT, Kind.LETTERS, rng)
            # How certainly a row is empty is fitted to scanned pages.
            found = [one for one in rows if one.key not in EMPTY_LINE_KEYS]
            networks = _network_by_key({one.key for one in found})
            curves = cross_fit_curves(found, networks, MAX_P_BY_KEY)
            fitted += [replace(one, fold_curves=()) for one in curves]
    return fitted


def _fit_formats(sources: BoxSources, choices: Iterable[Handwriting]) -> list[JudgedCurve]:
    """Fit lines with a format, for each of these sets of weights."""
    fonts = find_fonts(sources.handwriting / "fonts_train", held=True)
    shapes, _ = load_digit_pools(sources)
    sets = list(draw_formatted_lines(sources.handwriting, fonts, shapes, FORMAT_LINE_COUNT))
    fitted: list[JudgedCurve] = []
    for choice in choices:
        with use_weights(choice):
            found = [e for name, lines in sets for e in readings.judge_formatted_lines(lines, name)]
            networks = _network_by_key({one.key for one in found})
            curves = cross_fit_curves(found, networks, MAX_P_BY_KEY)
            fitted += [replace(one, fold_curves=()) for one in curves]
    return fitted


def _installed_networks() -> set[str]:
    return {network for known in _all_networks() for network in known.values()}


if __name__ == "__main__":
    main()
