"""Measure whether a few confirmed lines of an author help to read the author's other lines.

    python -m research.evaluation.authors.measure --data SHARED [--test 24] [--swedish] [--tune]

Of each writer that nobody trained on, the first k samples adapt, and up to `--test` later ones are
read with and without. "Others' hands" is the same adaptation to k samples of k other writers: what
it gains is no adaptation to the author. "Used": an adaptation is used only where, fitted without
one fifth of the k, it reads that fifth better; that is what a workspace could do. A writer is
harmed whose error is higher than without.

`--tune` tries penalties on UNIPEN writers who are not held out (the network that ships never saw
them either). With `--swedish` lines are decoded as in the product, without its second pass, and the
words of the k samples are tried too: "own words", expected as the names of the registers are.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from pipeline.domain.settings import load_settings
from pipeline.reading.fields.handwriting.network import ALPHABET, Steps, read_steps
from pipeline.reading.fields.handwriting.transcription import find_transcripts
from pipeline.reading.language.language_model import (
    LanguageModel,
    Lexicon,
    load_swedish,
)
from research.evaluation.authors.adaptation import Change, fit_adaptation
from research.evaluation.fields.handwriting import (
    COPISTE_ARCHIVE,
    COPISTE_SET,
    STROKE_SETS,
    SWEDISH_SET,
    WORDS_SET,
    strip_accents,
)
from research.evaluation.fields.uppsala import load_uppsala_words
from research.training.handwriting.evaluate import greedy_text
from research.training.handwriting.lines import TrainingLine, load_archive, load_dhsd
from research.training.handwriting.texts import normalize_label
from research.training.strokes.held_out import draw_line
from research.training.strokes.samples import load_stroke_file

SIZES = (5, 10, 20, 40)
"""Numbers of samples that adapt."""
MIN_TEST = 8
"""Later samples without which a writer is left out."""
FOLDS = 5
PENALTIES = {Change.BIAS: 1.0, Change.MATRIX: 0.3}
"""Chosen by `--tune`; a scale besides the bias gained nothing there."""
TUNED_PENALTIES = (0.3, 1.0, 3.0)
TUNED_WRITERS, MEASURED_WRITERS = 20, 26
"""At most about so many UNIPEN writers are drawn."""
StepReader = Callable[[Steps], str]


@dataclass(frozen=True, slots=True)
class _Sample:
    """A line or word, as the network answers."""

    steps: Steps
    text: str


@dataclass(frozen=True, slots=True)
class _Writer:
    """One person's first samples, and later ones to test on."""

    known: list[_Sample]
    test: list[_Sample]


@dataclass(frozen=True, slots=True)
class _Trial:
    """Edits at one writer's later samples, without and with an adaptation; whether it is used."""

    characters: int
    before: int
    after: int
    used: bool


def _edits(samples: Sequence[_Sample], read: StepReader) -> int:
    return sum(Levenshtein.distance(read(one.steps), one.text) for one in samples)


def _greedy(steps: Steps) -> str:
    return greedy_text(steps, ALPHABET)


def _swedish(language: LanguageModel) -> StepReader:
    return lambda steps: " ".join(find_transcripts(steps, language)[0].text.split())


@dataclass(frozen=True, slots=True)
class _Way:
    """What is adapted, by how much, and how lines are decoded.

    Without a `change` the known words are expected, without a language the likeliest path is read.
    """

    change: Change | None
    penalty: float
    language: LanguageModel | None = None

    def __str__(self) -> str:
        decoding = ", Swedish" if self.language else ""
        return f"{self.change} ({self.penalty:g}){decoding}" if self.change else "own words"

    def plain(self, steps: Steps) -> str:
        """Read a line without an adaptation."""
        return _swedish(self.language)(steps) if self.language else _greedy(steps)

    def adapted(self, known: Sequence[_Sample]) -> StepReader:
        """Return a reader that has been adapted to samples."""
        if self.change is None:
            assert self.language is not None
            words = Lexicon.of_names(one.text for one in known)
            return _swedish(replace(self.language, names=words))
        adaptation = fit_adaptation(
            [one.steps for one in known], [one.text for one in known], self.change, self.penalty
        )
        return lambda steps: self.plain(adaptation.apply(steps))

    def helps_apart(self, known: Sequence[_Sample]) -> bool:
        """Return whether fifths of the known samples are read better by what the others teach."""
        before, after = 0, 0
        for fold in range(FOLDS):
            others = [one for i, one in enumerate(known) if i % FOLDS != fold]
            before += _edits(known[fold::FOLDS], self.plain)
            after += _edits(known[fold::FOLDS], self.adapted(others))
        return after < before


def _try_writer(writer: _Writer, size: int, way: _Way) -> _Trial:
    known = writer.known[:size]
    read = way.adapted(known)
    return _Trial(
        _count_characters(writer),
        _edits(writer.test, way.plain),
        _edits(writer.test, read),
        way.helps_apart(known),
    )


def _print_rows(name: str, writers: Sequence[_Writer], ways: Sequence[_Way]) -> None:
    for way in ways:
        for size in SIZES:
            able = [writer for writer in writers if len(writer.known) >= size]
            if not able:
                continue
            trials = [_try_writer(writer, size, way) for writer in able]
            others = [
                _edits(writer.test, way.adapted(_mix_others(able, place, size)))
                / _count_characters(writer)
                for place, writer in enumerate(able)
            ]
            _print_row(f"{name} | {way} | {size}", trials, others if len(able) > 1 else [])


def _mix_others(writers: Sequence[_Writer], place: int, size: int) -> list[_Sample]:
    """Return as many samples, each of the next other writer."""
    others = [*writers[place + 1 :], *writers[:place]]
    return [others[i % len(others)].known[i] for i in range(size)] if others else []


def _count_characters(writer: _Writer) -> int:
    return sum(len(one.text) for one in writer.test)


def _print_row(name: str, trials: Sequence[_Trial], others: Sequence[float]) -> None:
    before = [t.before / t.characters for t in trials]
    after = [t.after / t.characters for t in trials]
    gated = [a if t.used else b for t, a, b in zip(trials, after, before, strict=True)]
    harmed, gated_harmed = (
        np.mean([new > old for new, old in zip(now, before, strict=True)]) for now in (after, gated)
    )
    print(
        f"| {name} | {len(trials)} | {np.mean(before):.3f} | {np.mean(after):.3f} | {harmed:.2f} | "
        f"{np.mean(others) if others else np.nan:.3f} | {np.mean([t.used for t in trials]):.2f} | "
        f"{np.mean(gated):.3f} | {gated_harmed:.2f} |",
        flush=True,
    )


def _load_writers(lines: Iterable[TrainingLine], most: int) -> list[_Writer]:
    """Return the answers to each writer's samples, of writers who have enough of them."""
    by_writer: dict[str, list[TrainingLine]] = defaultdict(list)
    for line in lines:
        by_writer[line.writer].append(line)
    found = []
    for own in by_writer.values():
        size = max((size for size in SIZES if len(own) >= size + MIN_TEST), default=0)
        later = own[size:]
        chosen = [*own[:size], *later[:: max(1, len(later) // most)][:most]]
        answers = read_steps([line.picture for line in chosen]) if size else []
        samples = [_Sample(s, line.text) for s, line in zip(answers, chosen, strict=bool(size))]
        if size:
            found.append(_Writer(samples[:size], samples[size:]))
    return found


def _draw_writers(file: Path, kind: str, most: int, *, held: bool) -> Iterator[TrainingLine]:
    """Draw the first words or lines of each UNIPEN writer, and some later ones."""
    strokes = load_stroke_file(file)
    own: dict[int, list[int]] = defaultdict(list)
    for place in strokes.find(kind, held=held):
        if normalize_label(strokes.texts[place]) is not None:
            own[int(strokes.writer[place])].append(place)
    # A writer with few samples would not be measured; of thousands only some are drawn.
    able = [places for places in own.values() if len(places) >= min(SIZES) + MIN_TEST]
    for places in able[:: -(-len(able) // (MEASURED_WRITERS if held else TUNED_WRITERS))]:
        size = max(size for size in SIZES if len(places) >= size + MIN_TEST)
        later = places[size:]
        for place in [*places[:size], *later[:: max(1, len(later) // most)][:most]]:
            if (line := draw_line(strokes, place)) is not None:
                yield line


def _load_sets(data: Path, most: int, only: Collection[str]) -> Iterator[tuple[str, list[_Writer]]]:
    folder = data / "handwriting"
    loaders: dict[str, Callable[[], Iterable[TrainingLine]]] = {
        **{
            name: partial(_draw_writers, folder / "unipen_strokes.npz", kind, most, held=True)
            for name, kind in STROKE_SETS.items()
        },
        WORDS_SET: lambda: load_dhsd(folder / "dhsd_words.npz", held=True),
        SWEDISH_SET: lambda: load_uppsala_words(folder / "uppsala_words"),
        COPISTE_SET: lambda: [
            replace(one, text=strip_accents(one.text))
            for one in load_archive(folder / COPISTE_ARCHIVE, held=True)
        ],
    }
    for name in only or loaders:
        yield name, _load_writers(loaders[name](), most)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--test", type=int, default=24, help="later samples of a writer")
    parser.add_argument("--only", action="append", default=[], help="the name of a set")
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--swedish", action="store_true", help="as the product decodes words")
    args = parser.parse_args()
    print(
        "| set | adapted | k | writers | error before | after | harmed | others' hands | used | "
        "error | harmed |"
    )
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    if args.tune:
        file = args.data / "handwriting" / "unipen_strokes.npz"
        writers = _load_writers(_draw_writers(file, "word", args.test, held=False), args.test)
        ways = [_Way(change, p) for change in Change for p in TUNED_PENALTIES]
        _print_rows("UNIPEN words, not held out", writers, ways)
        return
    language = load_swedish(load_settings().models)
    ways = (
        [_Way(None, 0.0, language), *(_Way(c, p, language) for c, p in PENALTIES.items())]
        if args.swedish
        else [_Way(c, p) for c, p in PENALTIES.items()]
    )
    for name, writers in _load_sets(args.data, args.test, args.only):
        _print_rows(name, writers, ways)


if __name__ == "__main__":
    main()
