"""How well handwriting is read, by hands and fonts set aside whole: each set with and without knowledge of Swedish, beside the network as shipped.

    python -m pipeline.quality.handwritten --data FOLDER [--lines LINES.zip] [--quick]

FOLDER holds `handwriting/` with `dhsd_words.npz`, `fonts_train/` and `uppsala_words/`; LINES.zip is an archive of lines of real writers (see
`training/handwriting_data.folder`). The pictures are those that the product hands to its network, which the setting `handwriting` chooses. Labels
with signs that Swedish paper does not need lose their accents, those with ß are left out. Rendered phrases are unknown to the language model.
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

from pipeline.calibration_file import apart_key
from pipeline.calibration_fit import fold_of
from pipeline.errors import MissingProgramError
from pipeline.field_spec import FieldSpec, Kind
from pipeline.model import Image
from pipeline.quality.measure import Data, Judged, Row, absent, row
from pipeline.recognize import line_picture
from pipeline.recognize.curves import SHIPPED, calibrated, features_of, fingerprint, installed, key_of, read_curves
from pipeline.recognize.handwriting import read_lines
from pipeline.recognize.language import swedish
from pipeline.recognize.narrow_writing import read_spread
from pipeline.recognize.network import ALPHABET, Steps, network_file, read_steps, shipped_file
from pipeline.recognize.second_look import looking_again
from pipeline.recognize.tesseract import read_line
from pipeline.recognize.transcription import transcripts
from pipeline.settings import load_settings
from pipeline.training.handwriting_data import LINE_MM, Line, dhsd, family, folder, font_files, rendered
from pipeline.training.handwriting_measures import error_by_writer, greedy
from pipeline.training.handwriting_spoiling import spoiled
from pipeline.training.handwriting_text import drawn_text
from pipeline.training.language import unknown_phrases
from pipeline.training.uppsala import words

KIND = "text"
SPEC = FieldSpec(name="line", label="line", kind=Kind.TEXT, box=(0, 0, 60, LINE_MM))
SEED = 12
EACH_FONT, IN_CAPITALS = 40, 10
QUICK = 60
MM_PER_INCH = 25.4
APART = SHIPPED.with_stem(f"{SHIPPED.stem}_apart")
"""Curves fitted without the hands that they judge; see `pipeline/training/calibrate.py`."""
LINES = "copiste_lines48.zip"
WORDS, PHRASES, CAPITALS = "DHSD words", "Swedish phrases, fonts", "Swedish phrases in capitals, fonts"
SWEDISH, COPISTE = "Uppsala words", "Copiste lines"
ABSENT = "data not here"
NO_PHRASES = f"{ABSENT}, or wordfreq and Faker are not installed"
SETS = {WORDS: ABSENT, PHRASES: NO_PHRASES, CAPITALS: NO_PHRASES, SWEDISH: ABSENT, COPISTE: ABSENT}
"""The sets, and why one may be missing."""
Sets = Iterator[tuple[str, list[Line]]]
Decoder = Callable[[Steps, Image], str]


def handwritten(data: Data) -> list[Row]:
    """A row a set: what the product reads, with Tesseract and the network as shipped (likeliest path) on the same pictures."""
    found = [judged_row(name, lines[:: max(1, len(lines) // QUICK)] if data.quick else lines) for name, lines in sets_of(data)]
    there = {one.set for one in found}
    return [*found, *(absent(KIND, name, why) for name, why in SETS.items() if name not in there)]


def sets_of(data: Data, archives: Sequence[Path] = (), only: frozenset[str] = frozenset(SETS)) -> Sets:
    """Every set that is there, with its name; `archives` are more sets of lines."""
    if WORDS in only and (file := data.find("handwriting", "dhsd_words.npz")):
        yield WORDS, [line for line in dhsd(file, held=True) if "ß" not in line.text]
    if (fonts := data.find("handwriting", "fonts_train")) and find_spec("wordfreq") and find_spec("faker"):
        faces = font_files(fonts, held=True)
        if PHRASES in only:
            yield PHRASES, phrases_in(faces, 4 if data.quick else EACH_FONT)
        if CAPITALS in only:
            yield CAPITALS, phrases_in(faces, 4 if data.quick else IN_CAPITALS, str.upper)
    if SWEDISH in only and (pages := data.find("handwriting", "uppsala_words")):
        yield SWEDISH, words(pages)
    copiste = data.find("handwriting", LINES) if COPISTE in only else None
    for archive in [*([copiste] if copiste else []), *archives]:
        name = COPISTE if archive.name == LINES else archive.stem
        yield name, [replace(line, text=plain(line.text)) for line in folder(archive, held=True) if "ß" not in line.text]


def phrases_in(fonts: Sequence[Path], each: int, written: Callable[[str], str] = str) -> list[Line]:
    """Care phrases that the language model does not know, `written` so, so many a font, spoiled."""
    rng = np.random.default_rng(SEED)
    drawn = [rendered(font, rng, written(drawn_text(rng, unknown_phrases()))) for font in fonts for _ in range(each)]
    return [replace(line, picture=spoiled(line.picture, rng, real=False)) for line in drawn]


def plain(text: str) -> str:
    """Without accents that the product's alphabet lacks."""
    return "".join(c if c in ALPHABET else "".join(d for d in unicodedata.normalize("NFD", c) if d in ALPHABET) for c in text)


def judged_row(name: str, lines: Sequence[Line]) -> Row:
    """The row of a set: what the product reads of each line.

    p is that of a line standing alone. The Swedish set was never fitted to; the others are judged by curves fitted without the hands they judge.
    """
    readings = read_lines([line_picture.Line(line.picture) for line in lines])
    network = fingerprint(network_file())
    apart = read_curves(APART) if APART.is_file() and name != SWEDISH else {}
    judged = []
    for line, reading in zip(lines, readings, strict=True):
        text = str(reading.value or "")
        curve = apart.get((apart_key(key_of(SPEC, reading), fold_of(family(line.writer))), network))
        p = curve.at(features_of(SPEC, reading)) if curve else calibrated(SPEC, reading, network, installed()).p
        fitted = name != SWEDISH and curve is None
        judged.append(Judged(p, text == line.text, line.writer, Levenshtein.distance(text, line.text), len(line.text), fitted))
    shipped = [greedy(steps, ALPHABET) for steps in read_steps([line.picture for line in lines], shipped_file())]
    others = {"network as shipped": error_by_writer(lines, shipped)[""]}
    if (printed := _tesseract(lines)) is not None:
        others["Tesseract"] = error_by_writer(lines, printed)[""]
    return row(KIND, name, judged, others)


def _tesseract(lines: Sequence[Line]) -> list[str] | None:
    try:
        return [" ".join(w.text for w in read_line(line.picture, round(line.picture.shape[0] / LINE_MM * MM_PER_INCH))) for line in lines]
    except MissingProgramError:  # shown by the missing figure
        return None


def _compare(name: str, lines: Sequence[Line]) -> None:
    """Print each way of reading on one set: error, lines wrong, writers' median and worst, ms of decoding."""
    language = swedish(load_settings().models)
    decoders: dict[str, Decoder] = {
        "likeliest path": lambda steps, _: greedy(steps, ALPHABET),
        "beam": lambda steps, _: transcripts(steps)[0].text,
        "beam, Swedish": lambda steps, _: transcripts(steps, language)[0].text,
        "second look": lambda steps, picture: transcripts(steps, language, looking_again()(picture))[0].text,
    }
    pictures = [line.picture for line in lines]
    shipped = list(zip(pictures, read_steps(pictures, shipped_file()), strict=True))
    chosen = list(zip(pictures, read_steps(pictures), strict=True))
    for network, answers in (("shipped", shipped), ("chosen", chosen), ("chosen, narrow writing spread", read_spread(pictures))):
        for decoder, decode in list(decoders.items())[:-1] if network == "shipped" else decoders.items():
            start = time.process_time()
            texts = [" ".join(decode(steps, picture).split()) for picture, steps in answers]
            spent = (time.process_time() - start) / len(lines) * 1000
            rates = error_by_writer(lines, texts)
            writers = [rate for who, rate in rates.items() if who]
            wrong = sum(text != line.text for text, line in zip(texts, lines, strict=True)) / len(lines)
            spread = f"{np.median(writers):.3f} | {max(writers):.3f}"
            print(f"| {name} | {len(lines)} | {network} | {decoder} | {rates['']:.3f} | {spread} | {wrong:.3f} | {spent:.1f} |", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--lines", type=Path, action="append", default=[])
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    print("| set | lines | weights | decoding | error | median writer | worst writer | lines wrong | ms a line |")
    print("|---|--:|---|---|--:|--:|--:|--:|--:|")
    for name, lines in sets_of(Data(args.data, quick=args.quick), args.lines):
        _compare(name, lines)


if __name__ == "__main__":
    main()
