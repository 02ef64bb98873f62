"""Pen strokes of UNIPEN: who is held out, how they are drawn, cut, and put together again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from research.training.handwriting.lines import TrainingLine
from research.training.strokes.boxes import draw_letter_row
from research.training.strokes.compose import compose_text, join_stroke_words
from research.training.strokes.glyphs import load_stroke_letters
from research.training.strokes.held_out import load_held_out_strokes
from research.training.strokes.labels import CheckedLabel, choose_case, load_labels, save_labels
from research.training.strokes.paper import scan_line
from research.training.strokes.pen import (
    Pen,
    bend_strokes,
    choose_pen,
    draw_ink,
    draw_plain,
    smooth_strokes,
)
from research.training.strokes.pieces import (
    CAPITAL_HEIGHT,
    Piece,
    PieceWriter,
    cut_sample,
    find_x_height,
    make_letter,
    make_piece_writer,
)
from research.training.strokes.samples import (
    KINDS,
    Points,
    StrokeSample,
    held_out_stroke_writers,
    load_stroke_file,
    text_on_paper,
)
from tests.support.shared_data import shared

pytestmark = pytest.mark.slow

UNIT = 400.0


def ring(x: float, y: float, size: float) -> Points:
    """A circle around a place."""
    turn = np.linspace(0, 2 * np.pi, 40)
    return np.stack([x + size / 2 * np.cos(turn), y + size / 2 * np.sin(turn)], axis=1).astype(
        np.float32
    )


def bar(x: float, top: float, bottom: float) -> Points:
    """An upright line."""
    y = np.linspace(top, bottom, 20)
    return np.stack([np.full(20, x), y], axis=1).astype(np.float32)


def sample(text: str, *strokes: Points, kind: str = "word") -> StrokeSample:
    """What a writer wrote."""
    return StrokeSample(strokes, text, "here/someone", kind)


OLO = sample("olo", ring(100, 300, 200), bar(300, 0, 400), ring(500, 300, 200))
OLO_LABEL = CheckedLabel("olo", -0.1, (140, 340, 540))


def writer() -> PieceWriter:
    """A writer of the letters o, l and i, of the capitals and of the digit 1."""
    made = PieceWriter("here/someone")
    word = cut_sample(OLO, OLO_LABEL)
    assert word is not None
    made.add_word(word)
    for sign in "ABCDEFGHIJKLMNOP1":
        letter = make_letter(sample(sign, ring(150, 200, 300), bar(150, 0, 400), kind="capital"))
        assert letter is not None
        made.add_letter(letter)
    dotted = make_letter(
        sample("i", bar(50, 150, 400), np.array([[50, 0], [52, 20]], np.float32), kind="small")
    )
    assert dotted is not None
    made.add_letter(dotted)
    return made


def write_file(folder: Path, *samples: StrokeSample) -> Path:
    """A file as UNIPEN's, of these samples."""
    strokes = [stroke for one in samples for stroke in one.strokes]
    points = np.concatenate(strokes).round().astype(np.int32)
    writers = sorted({one.writer for one in samples})
    file = folder / "unipen_strokes.npz"
    np.savez(
        file,
        delta=np.diff(points, axis=0, prepend=np.zeros((1, 2), np.int32)).astype(np.int16),
        stroke=np.cumsum([0, *map(len, strokes)]).astype(np.int32),
        sample=np.cumsum([0, *(len(one.strokes) for one in samples)]).astype(np.int32),
        text=np.frombuffer("\n".join(one.text for one in samples).encode(), np.uint8),
        writers=np.frombuffer("\n".join(writers).encode(), np.uint8),
        writer=np.array([writers.index(one.writer) for one in samples], np.int16),
        kind=np.array([KINDS.index(one.kind) for one in samples], np.int8),
    )
    return file


def test_sixth_of_each_contributors_writers_is_held_out() -> None:
    names = [f"a/{i}" for i in range(7)] + [f"b/{i}" for i in range(2)] + ["c/x", "d/x", "e/x"]
    held = held_out_stroke_writers(names)
    assert held == {"a/0", "a/6", "b/0", "c/x"}


@pytest.mark.parametrize(
    ("label", "paper"),
    [
        ("physics .", "physics."),
        ("freshman year , I", "freshman year, I"),
        ("( + 3 )", "(+ 3)"),
        ("it`s", "it's"),
        ("Paul lauft im Zickzack", "Paul läuft im Zickzack"),
        ("Greeley, CO 80634", "Greeley, CO 80634"),
    ],
)
def test_labels_are_as_on_paper(label: str, paper: str) -> None:
    assert text_on_paper(label) == paper


def test_samples_are_read_with_their_strokes(tmp_path: Path) -> None:
    one = sample("Hej", bar(40, 10, 410), ring(200, 210, 100))
    file = write_file(tmp_path, sample("1", bar(7, 0, 400), kind="digit"), one)
    read = load_stroke_file(file).read(1)
    assert (read.text, read.writer, read.kind) == ("Hej", "here/someone", "word")
    assert [len(stroke) for stroke in read.strokes] == [20, 40]
    assert np.concatenate(read.strokes).min(axis=0).tolist() == [0, 0]


def test_samples_in_several_rows_are_left_out(tmp_path: Path) -> None:
    row = [bar(x, 0, 150) for x in range(0, 1000, 60)]
    below = [bar(x, 280, 400) for x in range(0, 1000, 60)]
    file = write_file(
        tmp_path,
        sample("one row only", *row, kind="line"),
        sample("two rows of it", *row, *below, kind="line"),
        sample("far too narrow", bar(0, 0, 400), bar(90, 0, 400), kind="line"),
    )
    strokes = load_stroke_file(file)
    assert [*strokes.find("line", held=False), *strokes.find("line", held=True)] == [0]


def test_plain_ink_is_as_high_as_said() -> None:
    drawn = draw_plain((bar(0, 0, 400), ring(300, 200, 200)))
    rows = np.flatnonzero((drawn < 128).any(axis=1))
    assert 60 <= rows[-1] - rows[0] + 1 <= 64


def test_failing_ink_is_paler_and_dots_are_drawn() -> None:
    line = (bar(0, 0, 300),)
    rng = np.random.default_rng(1)
    full = draw_ink(line, 4, Pen(0.1), rng)
    failing = draw_ink(line, 4, Pen(0.1, dropout=0.5), rng)
    assert (255 - failing.astype(int)).sum() < 0.9 * (255 - full.astype(int)).sum()
    assert (draw_ink((np.zeros((1, 2), np.float32),), 4, Pen(0.1), rng) < 128).any()


def test_bent_and_smoothed_strokes_stay_strokes() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        bent = bend_strokes(smooth_strokes(OLO.strokes), rng)
        assert len(bent) == len(OLO.strokes)
        assert np.isfinite(np.concatenate(bent)).all()


def test_line_on_paper_is_found_again() -> None:
    rng = np.random.default_rng(4)
    strokes = tuple(stroke / np.float32(4) for stroke in OLO.strokes)
    found = 0
    for _ in range(30):
        ink = draw_ink(strokes, 9, choose_pen(rng), rng)
        mask = ink < 200
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        picture = scan_line(cut, rng)
        found += int(picture is not None and bool((picture < 128).any()))
    assert found >= 24


def test_small_letters_are_found_below_tall_ones() -> None:
    rows = find_x_height(OLO.strokes, "olo")
    assert rows is not None
    assert abs(rows[0] - 200) <= 40
    assert abs(rows[1] - 400) <= 20
    assert find_x_height((bar(0, 0, 400),), "HI") == pytest.approx(
        (401 - 401 / CAPITAL_HEIGHT, 401), abs=1
    )


def test_words_are_cut_between_letters() -> None:
    word = cut_sample(OLO, OLO_LABEL)
    assert word is not None
    first, middle = word.piece(0, 1), word.piece(1, 2)
    assert first is not None
    assert middle is not None
    assert [len(stroke) for stroke in first.strokes] == [40]
    assert [len(stroke) for stroke in middle.strokes] == [20]
    assert middle.tops[0] == pytest.approx(2.0, abs=0.3)
    assert cut_sample(OLO, CheckedLabel("olo", -2.0, (140, 340, 540))) is None


def test_single_letters_get_their_usual_height() -> None:
    letter = make_letter(sample("g", ring(100, 200, 390), kind="small"))
    assert letter is not None
    y = letter.strokes[0][:, 1]
    assert (float(y.min()), float(y.max())) == pytest.approx((-1.0, 0.75), abs=0.06)


def test_text_is_composed_of_own_letters_with_rings_and_dots() -> None:
    hand, rng = writer(), np.random.default_rng(5)
    plain, dotted = compose_text(hand, "oo", rng), compose_text(hand, "öö", rng)
    assert plain is not None
    assert dotted is not None
    assert dotted.text == "öö"
    assert len(dotted.strokes) > len(plain.strokes)
    assert min(s[:, 1].min() for s in dotted.strokes) < min(s[:, 1].min() for s in plain.strokes)
    assert compose_text(hand, "LAGOM 1,1", rng) is not None
    assert compose_text(hand, "zebra", rng) is None


def test_a_and_o_also_get_rings_and_dots(tmp_path: Path) -> None:
    letters = [sample(sign, ring(150, 200, 300), kind="capital") for sign in "ABO"]
    found = load_stroke_letters(write_file(tmp_path, *letters), held_out=True)
    assert [one.letter for one in found] == [*"ABO", *"ÅÄÖ"]
    plain, accented = found[0].picture, found[3].picture
    assert accented.shape[1] / accented.shape[0] < 0.9 * plain.shape[1] / plain.shape[0]


def test_words_are_joined_in_order() -> None:
    word = cut_sample(OLO, OLO_LABEL)
    assert word is not None
    line = join_stroke_words([word, word], np.random.default_rng(6))
    assert line.text == "olo olo"
    assert len(line.strokes) == 6
    assert line.strokes[3][:, 0].min() > line.strokes[2][:, 0].max()


def test_rows_of_boxes_say_their_letters() -> None:
    hand, rng = writer(), np.random.default_rng(7)
    rows = [row for _ in range(20) if (row := draw_letter_row(hand, rng))]
    assert len(rows) >= 10
    for row in rows:
        assert isinstance(row, TrainingLine)
        assert row.picture.shape[0] == 48
        assert set(row.text) <= set("ABCDEFGHIJKLMNOPÅÄÖ ")
    assert draw_letter_row(PieceWriter("none"), rng) is None


def test_likelier_case_of_label_is_taken() -> None:
    characters = "abAB"
    logs = np.full((6, 5), np.log(0.01))
    logs[np.arange(6), [0, 3, 0, 4, 0, 0]] = np.log(0.96)
    found = choose_case(logs, characters, "ab")
    assert found is not None
    assert found[0] == "AB"
    assert choose_case(logs, characters, "zz") is None


def test_labels_that_fit_are_loaded_again(tmp_path: Path) -> None:
    file = tmp_path / "labels.npz"
    good, bad = CheckedLabel("år 1", -0.5, (1, 20, 300, 7)), CheckedLabel("x", -4.0, (9,))
    save_labels([(4, good), (5, None), (9, bad)], file)
    assert load_labels(file) == {4: good}


def test_pieces_need_checked_labels(tmp_path: Path) -> None:
    file = write_file(tmp_path, OLO, sample("1", bar(7, 0, 400), kind="digit"))
    strokes = load_stroke_file(file)
    hand = make_piece_writer(strokes, "here/someone", [0, 1], {0: OLO_LABEL})
    assert {"o", "l", "olo", "1"} <= set(hand.places)
    without = make_piece_writer(strokes, "here/someone", [0, 1], {})
    assert set(without.places) == {"1"}
    assert isinstance(hand.choose("1", np.random.default_rng(8)), Piece)


@pytest.mark.shared
def test_writers_of_real_file_are_split_and_drawn() -> None:
    file = shared("handwriting", "unipen_strokes.npz")
    strokes = load_stroke_file(file)
    held = held_out_stroke_writers(strokes.writers)
    assert len(strokes.writers) == 638
    assert 6 * len(held) >= 638
    lines = load_held_out_strokes(file, "line")
    assert {line.writer for line in lines} <= held
    assert len(lines) > 100
    for place in strokes.find("word", held=False)[::4000]:
        assert strokes.writers[strokes.writer[place]] not in held
        assert (draw_plain(strokes.read(place).strokes) < 128).any()
