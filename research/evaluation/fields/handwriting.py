"""Measure how well handwriting is read, by held-out writers and fonts.

    python -m research.evaluation.fields.handwriting --data FOLDER [--lines LINES.zip] [--quick]

Each set is read with and without knowledge of Swedish, next to the network as shipped. FOLDER has
`handwriting/` with `dhsd_words.npz`, `fonts_train/` and `uppsala_words/`; LINES.zip is an archive
of lines of real writers (see `training/handwriting/lines.py`). The images are those that the
product hands to its network, which the setting `handwriting` chooses. Labels with characters that
Swedish paper does not need lose their accents, those with ß are left out. Rendered phrases are
unknown to the language model.
"""

from __future__ import annotations

import argparse
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import Image
from pipeline.domain.settings import load_settings
from pipeline.reading.calibration.curves import (
    SHIPPED_CALIBRATION,
    calibrate_reading,
    curve_features,
    curve_key,
    file_fingerprint,
    installed_curves,
    load_curves,
)
from pipeline.reading.fields.handwriting import line_image
from pipeline.reading.fields.handwriting.network import (
    ALPHABET,
    Steps,
    find_network_file,
    find_shipped_file,
    read_steps,
)
from pipeline.reading.fields.handwriting.reader import read_condensed, read_line_images
from pipeline.reading.fields.handwriting.second_pass import make_second_pass
from pipeline.reading.fields.handwriting.transcription import find_transcripts
from pipeline.reading.fields.printed_text import read_printed_line
from pipeline.reading.language.language_model import load_swedish
from research.evaluation.fields.uppsala import load_uppsala_words
from research.evaluation.measure import (
    EvaluationData,
    JudgedValue,
    QualityRow,
    absent_row,
    make_quality_row,
)
from research.training.calibration.curve_fits import assign_fold, fold_key
from research.training.handwriting.augment import spoil
from research.training.handwriting.evaluate import error_by_writer, greedy_text
from research.training.handwriting.lines import (
    LINE_MM,
    TrainingLine,
    find_fonts,
    font_family,
    load_archive,
    load_dhsd,
    render_line,
)
from research.training.handwriting.texts import draw_text
from research.training.language_model.build import unknown_phrases
from research.training.strokes.held_out import load_held_out_strokes

TEXT_KIND = "text"
LINE_SPEC = FieldSpec(name="line", label="line", kind=Kind.TEXT, box=(0, 0, 60, LINE_MM))
SEED = 12
LINES_PER_FONT, CAPITAL_LINES_PER_FONT = 40, 10
QUICK_LINES = 60
MM_PER_INCH = 25.4
FOLD_CALIBRATION = SHIPPED_CALIBRATION.with_stem(f"{SHIPPED_CALIBRATION.stem}_apart")
"""Curves fitted without the writers that they judge; see `research/training/calibration/fit.py`."""
COPISTE_ARCHIVE = "copiste_lines48.zip"
WORDS_SET, PHRASES_SET, CAPITALS_SET = (
    "DHSD words",
    "Swedish phrases, fonts",
    "Swedish phrases in capitals, fonts",
)
SWEDISH_SET, COPISTE_SET = "Uppsala words", "Copiste lines"
STROKE_SETS = {"UNIPEN words": "word", "UNIPEN lines": "line"}
"""Drawn from pen strokes; each set with its kind of samples."""
DATA_ABSENT = "data not here"
PHRASES_ABSENT = f"{DATA_ABSENT}, or wordfreq and Faker are not installed"
ABSENCE_BY_SET = {
    WORDS_SET: DATA_ABSENT,
    PHRASES_SET: PHRASES_ABSENT,
    CAPITALS_SET: PHRASES_ABSENT,
    SWEDISH_SET: DATA_ABSENT,
    COPISTE_SET: DATA_ABSENT,
    **dict.fromkeys(STROKE_SETS, DATA_ABSENT),
}
"""The sets, and why one may be missing."""
NamedSets = Iterator[tuple[str, list[TrainingLine]]]
LineDecoder = Callable[[Steps, Image], str]


def measure_handwriting(data: EvaluationData) -> list[QualityRow]:
    """Return a row for each set: what the product reads.

    Tesseract and the network as shipped (likeliest path) read the same images.
    """
    # In quick mode, a sample spread evenly over the set.
    found = [
        measure_set(name, lines[:: max(1, len(lines) // QUICK_LINES)] if data.quick else lines)
        for name, lines in load_sets(data)
    ]
    # Say why a set is missing, so that the table has the same rows everywhere.
    there = {one.set for one in found}
    return [
        *found,
        *(
            absent_row(TEXT_KIND, name, why)
            for name, why in ABSENCE_BY_SET.items()
            if name not in there
        ),
    ]


def load_sets(
    data: EvaluationData,
    archives: Sequence[Path] = (),
    only: frozenset[str] = frozenset(ABSENCE_BY_SET),
) -> NamedSets:
    """Return every set that is present, with its name; `archives` are more sets of lines."""
    # Swedish has no ß, and the network's alphabet lacks it.
    if WORDS_SET in only and (file := data.find("handwriting", "dhsd_words.npz")):
        yield WORDS_SET, [line for line in load_dhsd(file, held=True) if "ß" not in line.text]
    # Phrases need fonts, word frequencies and a generator of names.
    if (
        (fonts := data.find("handwriting", "fonts_train"))
        and find_spec("wordfreq")
        and find_spec("faker")
    ):
        # Fonts that no network was trained on.
        faces = find_fonts(fonts, held=True)
        if PHRASES_SET in only:
            yield PHRASES_SET, render_phrases(faces, 4 if data.quick else LINES_PER_FONT)
        if CAPITALS_SET in only:
            yield (
                CAPITALS_SET,
                render_phrases(faces, 4 if data.quick else CAPITAL_LINES_PER_FONT, str.upper),
            )
    if SWEDISH_SET in only and (pages := data.find("handwriting", "uppsala_words")):
        yield SWEDISH_SET, load_uppsala_words(pages)
    # Archives of lines that were cut from real pages.
    copiste = data.find("handwriting", COPISTE_ARCHIVE) if COPISTE_SET in only else None
    for archive in [*([copiste] if copiste else []), *archives]:
        name = COPISTE_SET if archive.name == COPISTE_ARCHIVE else archive.stem
        yield (
            name,
            [
                replace(line, text=strip_accents(line.text))
                for line in load_archive(archive, held=True)
                if "ß" not in line.text
            ],
        )
    # Pen strokes of people in ten countries.
    if strokes := data.find("handwriting", "unipen_strokes.npz"):
        for name, kind in STROKE_SETS.items():
            if name in only:
                yield name, load_held_out_strokes(strokes, kind)


def render_phrases(
    fonts: Sequence[Path], each: int, written: Callable[[str], str] = str
) -> list[TrainingLine]:
    """Return care phrases unknown to the language model, rendered in each font and degraded."""
    # A fixed seed, so that all readers get the same images.
    rng = np.random.default_rng(SEED)
    drawn = [
        render_line(font, rng, written(draw_text(rng, unknown_phrases())))
        for font in fonts
        for _ in range(each)
    ]
    return [replace(line, picture=spoil(line.picture, rng, real=False)) for line in drawn]


def strip_accents(text: str) -> str:
    """Return the text without accents that the product's alphabet lacks."""
    return "".join(
        # Decompose (NFD) and drop the combining accents.
        c if c in ALPHABET else "".join(d for d in unicodedata.normalize("NFD", c) if d in ALPHABET)
        for c in text
    )


def measure_set(name: str, lines: Sequence[TrainingLine]) -> QualityRow:
    """Return the row of a set: what the product reads of each line.

    p is that of a line standing alone. The Swedish set was never fitted to; the others are
    judged by curves fitted without the hands they judge.
    """
    # Read as the product does.
    readings = read_line_images([line_image.LineImage(line.picture) for line in lines])
    network = file_fingerprint(find_network_file())
    # Curves of cross-validation, each fitted without one fold of writers.
    apart = (
        load_curves(FOLD_CALIBRATION) if FOLD_CALIBRATION.is_file() and name != SWEDISH_SET else {}
    )
    judged = []
    for line, reading in zip(lines, readings, strict=True):
        text = str(reading.value or "")
        # The curve that was fitted without this writer's fold.
        curve = apart.get(
            (
                fold_key(curve_key(LINE_SPEC, reading), assign_fold(font_family(line.writer))),
                network,
            )
        )
        # Without such a curve p is the product's, which may have been fitted to this writer.
        p = (
            curve.at(curve_features(LINE_SPEC, reading))
            if curve
            else calibrate_reading(LINE_SPEC, reading, network, installed_curves()).p
        )
        fitted = name != SWEDISH_SET and curve is None
        judged.append(
            JudgedValue(
                p,
                text == line.text,
                line.writer,
                Levenshtein.distance(text, line.text),
                len(line.text),
                fitted,
            )
        )
    # The same images by greedy CTC decoding of the network as shipped, without a language model.
    shipped = [
        greedy_text(steps, ALPHABET)
        for steps in read_steps([line.picture for line in lines], find_shipped_file())
    ]
    others = {"network as shipped": error_by_writer(lines, shipped)[""]}
    # The key "" holds the error over all writers.
    if (printed := _read_with_tesseract(lines)) is not None:
        others["Tesseract"] = error_by_writer(lines, printed)[""]
    return make_quality_row(TEXT_KIND, name, judged, others)


def _read_with_tesseract(lines: Sequence[TrainingLine]) -> list[str] | None:
    try:
        return [
            " ".join(
                w.text
                for w in read_printed_line(
                    line.picture, round(line.picture.shape[0] / LINE_MM * MM_PER_INCH)
                )
            )
            for line in lines
        ]
    except MissingProgramError:  # shown by the missing figure
        return None


def _print_comparison(name: str, lines: Sequence[TrainingLine]) -> None:
    """Print each way of reading one set.

    Error, lines wrong, the writers' median and worst error, ms of decoding.
    """
    # Each decoder includes the one before: beam search, language model, second pass.
    language = load_swedish(load_settings().models)
    decoders: dict[str, LineDecoder] = {
        "likeliest path": lambda steps, _: greedy_text(steps, ALPHABET),
        "beam": lambda steps, _: find_transcripts(steps)[0].text,
        "beam, Swedish": lambda steps, _: find_transcripts(steps, language)[0].text,
        "second look": lambda steps, picture: (
            find_transcripts(steps, language, make_second_pass()(picture))[0].text
        ),
    }
    # Both networks' outputs are computed once for all decoders.
    pictures = [line.picture for line in lines]
    shipped = list(zip(pictures, read_steps(pictures, find_shipped_file()), strict=True))
    chosen = list(zip(pictures, read_steps(pictures), strict=True))
    for network, answers in (
        ("shipped", shipped),
        ("chosen", chosen),
        ("chosen, narrow writing spread", read_condensed(pictures)),
    ):
        # The second pass does not exist for the shipped network.
        for decoder, decode in (
            list(decoders.items())[:-1] if network == "shipped" else decoders.items()
        ):
            # Processor time of decoding alone.
            start = time.process_time()
            texts = [" ".join(decode(steps, picture).split()) for picture, steps in answers]
            spent = (time.process_time() - start) / len(lines) * 1000
            # Character error of each writer; "" is all of them.
            rates = error_by_writer(lines, texts)
            writers = [rate for who, rate in rates.items() if who]
            # Share of lines with any error.
            wrong = sum(text != line.text for text, line in zip(texts, lines, strict=True)) / len(
                lines
            )
            spread = f"{np.median(writers):.3f} | {max(writers):.3f}"
            print(
                f"| {name} | {len(lines)} | {network} | {decoder} | {rates['']:.3f} | {spread} | "
                f"{wrong:.3f} | {spent:.1f} |",
                flush=True,
            )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--lines", type=Path, action="append", default=[])
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    print(
        "| set | lines | weights | decoding | error | median writer | worst writer | lines wrong "
        "| ms a line |"
    )
    print("|---|--:|---|---|--:|--:|--:|--:|--:|")
    for name, lines in load_sets(EvaluationData(args.data, quick=args.quick), args.lines):
        _print_comparison(name, lines)


if __name__ == "__main__":
    main()
