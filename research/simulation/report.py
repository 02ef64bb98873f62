"""Run the simulated week under several assumptions, and report it with confidence intervals.

The chart shows what was wrong as read and what is left, by kind of field; the keys; and other
assumptions, if any were run.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from math import log10, sqrt
from pathlib import Path
from statistics import mean, stdev

from PIL import Image, ImageDraw, ImageFont

from pipeline.domain.form import confidence
from pipeline.domain.form.confidence import Share
from pipeline.domain.form.field import Kind
from pipeline.files.pdf_output import typeface_file
from research.simulation.people import SlipRates
from research.simulation.week import simulate_week

DOUBLE_KEYING_ERROR = 0.0014
"""Remaining errors of double keying, as published.

Garza et al., 93 papers pooled: 0.14 %, 0.08–0.20.
"""
PUBLISHED_GROUPS = ("critical", "shown")
"""The fields that published rates are about; names and free text are separate."""
_DEFAULT_SLIPS = SlipRates()
_AXIS_START = 1e-4
"""Where the logarithmic axis of shares begins.

What is left is a small part of what was read.
"""
_FIELD_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("all fields that rates are published of", PUBLISHED_GROUPS),
    ("who, when, dose, amount (typed unseen)", ("critical",)),
    ("marks, digits, signatures", ("shown",)),
    ("names and other single lines", ("text",)),
)
_NOTE_WORDS = "words of notes"


@dataclass(frozen=True, slots=True)
class Assumptions:
    """One set of assumptions and rules."""

    name: str
    slips: SlipRates = _DEFAULT_SLIPS
    shown_from: Mapping[Kind, float] = field(
        default_factory=lambda: confidence.PREFILL_FROM_BY_KIND
    )
    control_share: float = 0.02
    plant_share: float = 0.005
    rows: bool = True


BASE_ASSUMPTIONS = Assumptions("as assumed")
ONE_BY_ONE = Assumptions("lists entry by entry, not as rows", rows=False)


VARIED_ASSUMPTIONS: tuple[Assumptions, ...] = (
    ONE_BY_ONE,
    Assumptions("3 in 5 errors overlooked in rows", replace(_DEFAULT_SLIPS, unseen_in_row=0.6)),
    Assumptions("marks shown from 0.99, not 0.995", shown_from={Kind.TEXT: 0.9}),
    Assumptions("all readings shown from 0.9", shown_from=dict.fromkeys(Kind, 0.9)),
    Assumptions("every reading shown, however doubtful", shown_from=dict.fromkeys(Kind, 0.0)),
    Assumptions(
        "people key half as many errors", replace(_DEFAULT_SLIPS, keying=_DEFAULT_SLIPS.keying / 2)
    ),
    Assumptions(
        "people key twice as many errors", replace(_DEFAULT_SLIPS, keying=_DEFAULT_SLIPS.keying * 2)
    ),
    Assumptions(
        "1 in 5 shown errors overlooked", replace(_DEFAULT_SLIPS, unseen=0.2, unseen_doubtful=0.08)
    ),
    Assumptions(
        "3 in 5 shown errors overlooked", replace(_DEFAULT_SLIPS, unseen=0.6, unseen_doubtful=0.3)
    ),
    Assumptions(
        "people and machine misread alike 4 times more often", replace(_DEFAULT_SLIPS, hard=20.0)
    ),
    Assumptions("nothing typed again", control_share=0.0),
    Assumptions("one field in ten typed again", control_share=0.1),
)


@dataclass(frozen=True, slots=True)
class WeekOutcome:
    """The result of several weeks under the same assumptions.

    Values are shares; `seeds` holds each week's remaining errors of fields.
    """

    assumed: Assumptions
    counts: Counter[str]
    seeds: tuple[float, ...]

    def errors(self, name: str, kinds: Sequence[str] = PUBLISHED_GROUPS) -> confidence.Share:
        """Return wrong values `before`, `after` or `twice` (double keying), of these kinds."""
        return confidence.Share(
            sum(self.counts[f"{name}.{kind}"] for kind in kinds),
            sum(self.counts[f"fields.{kind}"] for kind in kinds),
        )

    @property
    def over_seeds(self) -> tuple[float, float]:
        """Return the 95 % interval of the mean of the weeks."""
        # Normal approximation over weeks, which are independent.
        reach = (
            confidence.Z_95 * stdev(self.seeds) / sqrt(len(self.seeds))
            if len(self.seeds) > 1
            else 0.0
        )
        return max(0.0, mean(self.seeds) - reach), mean(self.seeds) + reach

    def keys(self, *, notes: bool) -> float:
        """Return the keys pressed, as a share of double keying's; free text is `notes`."""
        # Keys without those for free text, on both sides.
        text, twice = ("keys.text", "keys.twice.text")
        ours, theirs = self.counts["keys"], self.counts["keys.twice"]
        return (
            ours / theirs if notes else (ours - self.counts[text]) / (theirs - self.counts[twice])
        )


@dataclass(frozen=True, slots=True)
class WeekSeries:
    """The number of simulated weeks, and the parts of 32 sheets that each week has."""

    seeds: int
    parts: int


def simulate_assumptions(
    base: WeekSeries, varied: WeekSeries, processes: int, keep: Path | None = None
) -> list[WeekOutcome]:
    """Return all runs, those of the base assumptions first, then the varied ones.

    With `keep`, runs that are in the file are not repeated, and new ones are added to it.
    """
    # All weeks of the base, and fewer for every other set of assumptions.
    wanted = [(BASE_ASSUMPTIONS, seed, base.parts) for seed in range(base.seeds)] + [
        (a, seed, varied.parts) for a in VARIED_ASSUMPTIONS for seed in range(varied.seeds)
    ]
    # Weeks that are in the file already are not run again.
    known = _load_runs(keep)
    missing = [run for run in wanted if _run_key(*run) not in known]
    with ProcessPoolExecutor(processes) as pool:
        futures = {pool.submit(run_one, *run): run for run in missing}
        # Append every result at once, so that an interrupted run can continue.
        for done in as_completed(futures):
            known[_run_key(*futures[done])] = done.result()
            if keep is not None:
                with keep.open("a") as file:
                    file.write(
                        json.dumps([_run_key(*futures[done]), known[_run_key(*futures[done])]])
                        + "\n"
                    )
    # Group the runs by their assumptions, in order.
    grouped: dict[str, list[Mapping[str, int]]] = {}
    for run in wanted:
        grouped.setdefault(run[0].name, []).append(known[_run_key(*run)])
    return [
        _make_outcome(assumed, grouped[assumed.name])
        for assumed in (BASE_ASSUMPTIONS, *VARIED_ASSUMPTIONS)
        if assumed.name in grouped
    ]


def run_one(assumed: Assumptions, seed: int, parts: int) -> dict[str, int]:
    """Return one week's counts."""
    # The thresholds for prefilling are a table of the product; this process gets another.
    confidence.PREFILL_FROM_BY_KIND = assumed.shown_from
    week = simulate_week(
        seed,
        parts,
        assumed.slips,
        control_share=assumed.control_share,
        plant_share=assumed.plant_share,
        rows=assumed.rows,
    )
    return dict(week.counts)


def format_markdown(found: Iterable[WeekOutcome]) -> str:
    """Return the table of assumptions."""
    heads = (
        "| assumption | fields wrong as read | left wrong (95 %) | critical | shown | names | "
        "keyed twice | keys | keys without notes |"
    )
    return "\n".join([heads, "|---|--:|--:|--:|--:|--:|--:|--:|--:|", *_markdown_rows(found)])


def _markdown_rows(found: Iterable[WeekOutcome]) -> Iterator[str]:
    for one in found:
        # Remaining errors with the 95 % interval over fields.
        left = one.errors("after")
        low, high = left.interval
        shares = [one.errors("after", (kind,)) for kind in ("critical", "shown", "text")]
        cells = [
            one.assumed.name,
            _format_percent(one.errors("before")),
            f"{_format_percent(left)} ({low:.2%}–{high:.2%})",
            *map(_format_percent, shares),
            _format_percent(one.errors("twice")),
            f"{one.keys(notes=True):.0%}",
            f"{one.keys(notes=False):.0%}",
        ]
        yield "| " + " | ".join(cells) + " |"


def describe_outcome(one: WeekOutcome) -> str:
    """Return the base in words."""
    counts, low, high = one.counts, *one.over_seeds
    entries = counts["entries"]
    words = {
        name: counts[f"{name}.words"] / max(1, counts[f"{name}.words.of"])
        for name in ("before", "after", "twice")
    }
    lines = [
        f"{len(one.seeds)} weeks, {entries} entries, {one.errors('after').of} fields, "
        f"{counts['fields.text']} names, {counts['fields.notes']} notes.",
        f"Fields wrong: as read {_format_percent(one.errors('before'))}, left "
        f"{_format_percent(one.errors('after'))}; mean of the weeks {mean(one.seeds):.3%} "
        f"({low:.3%}–{high:.3%}). Double keying: published {DOUBLE_KEYING_ERROR:.2%}, here "
        f"{_format_percent(one.errors('twice'))}.",
        f"Entries with a wrong field: {counts['entries.before.fields'] / entries:.1%} → "
        f"{counts['entries.after.fields'] / entries:.2%}; "
        f"with names and notes: {counts['entries.before.any'] / entries:.1%} → "
        f"{counts['entries.after.any'] / entries:.1%}.",
        f"Words of notes wrong: as read {words['before']:.1%}, left {words['after']:.2%}, double "
        f"keying {words['twice']:.2%}.",
        f"Keys: {one.keys(notes=True):.1%} of double keying's, without notes "
        f"{one.keys(notes=False):.1%}. "
        f"Second reviews: {counts['looks.second'] / max(1, counts['looks.first']):.1%} of entries.",
        f"Typed again: {sum(counts[f'controls.{name}'] for name in ('agreed', 'differs'))}, "
        f"confirmed value wrong in {counts['controls.wrong']}, "
        f"right in {counts['controls.right']}. Confirmed in {counts['groups']} groups: "
        f"{counts['groups.kept']} fields. "
        f"Planted values missed: {counts['plants.missed']}.",
        f"Rows confirmed together: {counts['rows.kept']} of {counts['rows']}; left in the image: "
        f"{counts['left_in_image']}. {_describe_lists(counts)}",
    ]
    return "\n".join(lines)


def _describe_lists(counts: Counter[str]) -> str:
    """Return what is left in lists, and which seeded errors were found in them and elsewhere."""
    left, of = (
        sum(counts[f"{name}.lists.{kind}"] for kind in PUBLISHED_GROUPS)
        for name in ("after", "fields")
    )
    found = ", ".join(
        f"{where} {counts[f'plants.caught.{where}']} of "
        f"{counts[f'plants.caught.{where}'] + counts[f'plants.missed.{where}']}"
        for where in ("lists", "others")
    )
    return f"Left wrong in lists: {left} of {of}. Planted values found: {found}."


def to_json_object(one: WeekOutcome) -> dict[str, object]:
    """Return the outcome for JSON."""
    return {
        "assumed": asdict(one.assumed),
        "counts": dict(one.counts),
        "seeds": one.seeds,
        "interval": one.over_seeds,
    }


def _make_outcome(assumed: Assumptions, runs: Sequence[Mapping[str, int]]) -> WeekOutcome:
    # Sum the counts, and keep each week's share for the interval over weeks.
    total = Counter[str]()
    for run in runs:
        total.update(run)
    shares = [
        sum(run.get(f"after.{kind}", 0) for kind in PUBLISHED_GROUPS)
        / sum(run[f"fields.{kind}"] for kind in PUBLISHED_GROUPS)
        for run in runs
    ]
    return WeekOutcome(assumed, total, tuple(shares))


def _format_percent(share: confidence.Share) -> str:
    return f"{share.wrong / max(1, share.of):.2%}"


def _run_key(assumed: Assumptions, seed: int, parts: int) -> str:
    return json.dumps([asdict(assumed), seed, parts])


def _load_runs(file: Path | None) -> dict[str, dict[str, int]]:
    lines = file.read_text("utf-8").splitlines() if file is not None and file.exists() else []
    return dict(json.loads(line) for line in lines)


_WIDTH_PX, _ROW_PX, _PLOT_LEFT_PX, _PLOT_PX = 1200, 46, 400, 640


_TEXT_COLOUR, _MUTED_COLOUR, _AS_READ_COLOUR, _REMAINING_COLOUR, _LINE_COLOUR = (
    "#22313a",
    "#5d6a70",
    "#c3d4d6",
    "#1f6b75",
    "#b0553f",
)


_FONT_SIZE, _BAR_HEIGHT = 20, 14


class _Canvas:
    """A white image that is written from the top down."""

    def __init__(self, rows: int) -> None:
        self.picture = Image.new("RGB", (_WIDTH_PX, rows * _ROW_PX), "white")
        self.pen = ImageDraw.Draw(self.picture)
        self.font, self.small = (_load_font(size) for size in (_FONT_SIZE, _FONT_SIZE - 3))
        self.y = 0

    def head(self, words: str) -> None:
        self.pen.text((16, self.y + 14), words, _TEXT_COLOUR, self.font)
        self.y += _ROW_PX

    def label(self, words: str) -> None:
        self.pen.text((16, self.y + 12), words, _TEXT_COLOUR, self.small)

    def bar(self, top: int, length: float, colour: str, words: str) -> None:
        """Draw a bar from the left of the plot, with its number behind it."""
        # At least one pixel, so that zero is visible.
        end, y = _PLOT_LEFT_PX + max(1.0, length), self.y + top
        self.pen.rectangle((_PLOT_LEFT_PX, y, end, y + _BAR_HEIGHT), fill=colour)
        at = (end + 8, y - 4)
        # White behind the number, in case it crosses the reference line.
        self.pen.rectangle(self.pen.textbbox(at, words, self.small), fill="white")
        self.pen.text(
            at, words, _MUTED_COLOUR if colour == _AS_READ_COLOUR else _TEXT_COLOUR, self.small
        )

    def line(self, at: float, rows: int, words: str) -> None:
        """Draw the reference line of the next rows, beneath their bars."""
        end = self.y + rows * _ROW_PX
        self.pen.line((_PLOT_LEFT_PX + at, self.y, _PLOT_LEFT_PX + at, end), _LINE_COLOUR, 2)
        self.pen.text((_PLOT_LEFT_PX + at - 4, end + 2), words, _LINE_COLOUR, self.small)


def draw_chart(found: Sequence[WeekOutcome], file: Path) -> None:
    """Draw the base by kind, its keys, and one row for each other assumption.

    A row is a point with its 95 % interval.
    """
    base, others = found[0], found if len(found) > 1 else ()
    # One row per group, heads and gaps included.
    sheet = _Canvas(len(_FIELD_GROUPS) + 7 + (len(others) + 2 if others else 0))
    _draw_errors(sheet, base)
    _draw_keys(sheet, base)
    if others:
        _draw_assumptions(sheet, others)
    file.parent.mkdir(parents=True, exist_ok=True)
    # 24 colours keep the file small.
    sheet.picture.quantize(24, dither=Image.Dither.NONE).save(file, optimize=True)


def _draw_errors(sheet: _Canvas, base: WeekOutcome) -> None:
    sheet.head("Wrong, as read (pale) and left after review (dark); logarithmic")
    sheet.line(
        _axis_position(DOUBLE_KEYING_ERROR),
        len(_FIELD_GROUPS) + 1,
        f"double keying, published: {DOUBLE_KEYING_ERROR:.2%}",
    )
    for words, before, after in _error_rates(base):
        sheet.label(words)
        for place, (share, colour) in enumerate(
            ((before, _AS_READ_COLOUR), (after, _REMAINING_COLOUR))
        ):
            value = share.wrong / max(1, share.of)
            counts = f" ({share.wrong:,} of {share.of:,})" if place else ""
            sheet.bar(
                6 + place * (_BAR_HEIGHT + 3), _axis_position(value), colour, f"{value:.2%}{counts}"
            )
        sheet.y += _ROW_PX
    sheet.y += _ROW_PX


def _error_rates(base: WeekOutcome) -> Iterator[tuple[str, Share, Share]]:
    for words, kinds in _FIELD_GROUPS:
        yield words, base.errors("before", kinds), base.errors("after", kinds)
    before, after = (
        Share(base.counts[f"{name}.words"], base.counts[f"{name}.words.of"])
        for name in ("before", "after")
    )
    yield _NOTE_WORDS, before, after


def _draw_keys(sheet: _Canvas, base: WeekOutcome) -> None:
    sheet.head("Keys, as a share of those of keying everything twice")
    sheet.line(_PLOT_PX / 2, 2, "half")
    for words, notes in (("with notes", True), ("without notes", False)):
        sheet.label(words)
        share = base.keys(notes=notes)
        sheet.bar(14, share * _PLOT_PX, _REMAINING_COLOUR, f"{share:.1%}")
        sheet.y += _ROW_PX
    sheet.y += _ROW_PX


def _draw_assumptions(sheet: _Canvas, found: Sequence[WeekOutcome]) -> None:
    sheet.head("Fields left wrong under other assumptions, 95 % interval; and keys")
    # The axis ends at the farthest interval, at least at 0.2 %.
    farthest = max(0.002, max(one.errors("after").interval[1] for one in found))
    sheet.line(DOUBLE_KEYING_ERROR / farthest * _PLOT_PX, len(found), f"{DOUBLE_KEYING_ERROR:.2%}")
    for one in found:
        share = one.errors("after")
        low, value, high = (
            _PLOT_LEFT_PX + part / farthest * _PLOT_PX
            for part in (share.interval[0], share.wrong / max(1, share.of), share.interval[1])
        )
        y = sheet.y + _ROW_PX / 2
        sheet.label(one.assumed.name)
        sheet.pen.line((low, y, high, y), _REMAINING_COLOUR, 4)
        sheet.pen.ellipse((value - 7, y - 7, value + 7, y + 7), fill=_REMAINING_COLOUR)
        sheet.pen.text(
            (_WIDTH_PX - 110, y - 12), f"{one.keys(notes=True):.0%}", _TEXT_COLOUR, sheet.font
        )
        sheet.y += _ROW_PX


def _axis_position(share: float) -> float:
    """Return the position of a share on the logarithmic axis, px from its left.

    100 % is its end.
    """
    # Logarithm from `_AXIS_START` (left end) to 1 (right end).
    return _PLOT_PX * max(
        0.0, log10(max(share, _AXIS_START) / _AXIS_START) / log10(1 / _AXIS_START)
    )


def _load_font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(typeface_file()), size)
