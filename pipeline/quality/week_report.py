"""The simulated week under several assumptions: which runs there are, and what comes out of them with confidence intervals."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from math import sqrt
from pathlib import Path
from statistics import mean, stdev

from pipeline import confidence
from pipeline.field_spec import Kind
from pipeline.quality.week import simulate
from pipeline.quality.week_people import Slips

DOUBLE = 0.0014
"""Remaining errors of double keying, as published (Garza et al., 93 papers pooled: 0.14 %, 0.08–0.20)."""
FIELDS = ("critical", "shown")
"""The fields that published rates are about; names and free text stand by themselves."""

_SLIPS = Slips()


@dataclass(frozen=True, slots=True)
class Assumed:
    """One set of assumptions and rules."""

    name: str
    slips: Slips = _SLIPS
    shown_from: Mapping[Kind, float] = field(default_factory=lambda: confidence.PREFILL_FROM_BY_KIND)
    control_share: float = 0.02
    plant_share: float = 0.005


BASE = Assumed("as assumed")
VARIED: tuple[Assumed, ...] = (
    Assumed("marks shown from 0.99, not 0.995", shown_from={Kind.TEXT: 0.9}),
    Assumed("all readings shown from 0.9", shown_from=dict.fromkeys(Kind, 0.9)),
    Assumed("every reading shown, however doubtful", shown_from=dict.fromkeys(Kind, 0.0)),
    Assumed("people key half as many errors", replace(_SLIPS, keying=_SLIPS.keying / 2)),
    Assumed("people key twice as many errors", replace(_SLIPS, keying=_SLIPS.keying * 2)),
    Assumed("1 in 5 shown errors overlooked", replace(_SLIPS, unseen=0.2, unseen_doubtful=0.08)),
    Assumed("3 in 5 shown errors overlooked", replace(_SLIPS, unseen=0.6, unseen_doubtful=0.3)),
    Assumed("people and machine misread alike 4 times more often", replace(_SLIPS, hard=20.0)),
    Assumed("nothing typed again", control_share=0.0),
    Assumed("one field in ten typed again", control_share=0.1),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What several weeks under the same assumptions came to. Figures are shares; `seeds` holds each week's remaining errors of fields."""

    assumed: Assumed
    counts: Counter[str]
    seeds: tuple[float, ...]

    def errors(self, name: str, kinds: Sequence[str] = FIELDS) -> confidence.Share:
        """Wrong values `before`, `after` or `twice` (double keying), of fields of these kinds."""
        return confidence.Share(sum(self.counts[f"{name}.{kind}"] for kind in kinds), sum(self.counts[f"fields.{kind}"] for kind in kinds))

    @property
    def over_seeds(self) -> tuple[float, float]:
        """The 95 % interval of the mean of the weeks."""
        reach = confidence.Z_95 * stdev(self.seeds) / sqrt(len(self.seeds)) if len(self.seeds) > 1 else 0.0
        return max(0.0, mean(self.seeds) - reach), mean(self.seeds) + reach

    def keys(self, *, notes: bool) -> float:
        """Keys pressed, as a share of those of keying everything twice; free text is `notes`."""
        text, twice = ("keys.text", "keys.twice.text")
        ours, theirs = self.counts["keys"], self.counts["keys.twice"]
        return ours / theirs if notes else (ours - self.counts[text]) / (theirs - self.counts[twice])


def outcomes(seeds: int, parts: int, varied_seeds: int, varied_parts: int, processes: int, keep: Path | None = None) -> list[Outcome]:
    """All runs, those of the base first. With `keep`, runs that the file holds are not made again, and new ones are added to it."""
    wanted = [(BASE, seed, parts) for seed in range(seeds)] + [(a, seed, varied_parts) for a in VARIED for seed in range(varied_seeds)]
    known = _kept(keep)
    missing = [run for run in wanted if _key(*run) not in known]
    with ProcessPoolExecutor(processes) as pool:
        futures = {pool.submit(run_one, *run): run for run in missing}
        for done in as_completed(futures):
            known[_key(*futures[done])] = done.result()
            if keep is not None:
                with keep.open("a") as file:
                    file.write(json.dumps([_key(*futures[done]), known[_key(*futures[done])]]) + "\n")
    grouped: dict[str, list[Mapping[str, int]]] = {}
    for run in wanted:
        grouped.setdefault(run[0].name, []).append(known[_key(*run)])
    return [_outcome(assumed, grouped[assumed.name]) for assumed in (BASE, *VARIED) if assumed.name in grouped]


def run_one(assumed: Assumed, seed: int, parts: int) -> dict[str, int]:
    """One week's counts."""
    confidence.PREFILL_FROM_BY_KIND = assumed.shown_from
    week = simulate(seed, parts, assumed.slips, control_share=assumed.control_share, plant_share=assumed.plant_share)
    return dict(week.counts)


def markdown(found: Iterable[Outcome]) -> str:
    """The table of assumptions."""
    heads = "| assumption | fields wrong as read | left wrong (95 %) | critical | shown | names | keyed twice | keys | keys without notes |"
    return "\n".join([heads, "|---|--:|--:|--:|--:|--:|--:|--:|--:|", *_rows(found)])


def _rows(found: Iterable[Outcome]) -> Iterator[str]:
    for one in found:
        left = one.errors("after")
        low, high = left.interval
        shares = [one.errors("after", (kind,)) for kind in ("critical", "shown", "text")]
        cells = [
            one.assumed.name,
            _percent(one.errors("before")),
            f"{_percent(left)} ({low:.2%}–{high:.2%})",
            *map(_percent, shares),
            _percent(one.errors("twice")),
            f"{one.keys(notes=True):.0%}",
            f"{one.keys(notes=False):.0%}",
        ]
        yield "| " + " | ".join(cells) + " |"


def told(one: Outcome) -> str:
    """The base in words."""
    counts, low, high = one.counts, *one.over_seeds
    entries = counts["entries"]
    words = {name: counts[f"{name}.words"] / max(1, counts[f"{name}.words.of"]) for name in ("before", "after", "twice")}
    lines = [
        f"{len(one.seeds)} weeks, {entries} entries, {one.errors('after').of} fields, {counts['fields.text']} names, {counts['fields.notes']} notes.",
        f"Fields wrong: as read {_percent(one.errors('before'))}, left {_percent(one.errors('after'))}; mean of the weeks {mean(one.seeds):.3%} "
        f"({low:.3%}–{high:.3%}). Double keying: published {DOUBLE:.2%}, here {_percent(one.errors('twice'))}.",
        f"Entries with a wrong field: {counts['entries.before.fields'] / entries:.1%} → {counts['entries.after.fields'] / entries:.2%}; "
        f"with names and notes: {counts['entries.before.any'] / entries:.1%} → {counts['entries.after.any'] / entries:.1%}.",
        f"Words of notes wrong: as read {words['before']:.1%}, left {words['after']:.2%}, double keying {words['twice']:.2%}.",
        f"Keys: {one.keys(notes=True):.1%} of double keying's, without notes {one.keys(notes=False):.1%}. "
        f"Second reviews: {counts['looks.second'] / max(1, counts['looks.first']):.1%} of entries.",
        f"Typed again: {sum(counts[f'controls.{name}'] for name in ('agreed', 'differs'))}, confirmed value wrong in {counts['controls.wrong']}, "
        f"right in {counts['controls.right']}. Confirmed in {counts['groups']} groups: {counts['groups.kept']} fields. "
        f"Planted values missed: {counts['plants.missed']}.",
    ]
    return "\n".join(lines)


def as_object(one: Outcome) -> dict[str, object]:
    """For JSON."""
    return {"assumed": asdict(one.assumed), "counts": dict(one.counts), "seeds": one.seeds, "interval": one.over_seeds}


def _outcome(assumed: Assumed, runs: Sequence[Mapping[str, int]]) -> Outcome:
    total = Counter[str]()
    for run in runs:
        total.update(run)
    shares = [sum(run.get(f"after.{kind}", 0) for kind in FIELDS) / sum(run[f"fields.{kind}"] for kind in FIELDS) for run in runs]
    return Outcome(assumed, total, tuple(shares))


def _percent(share: confidence.Share) -> str:
    return f"{share.wrong / max(1, share.of):.2%}"


def _key(assumed: Assumed, seed: int, parts: int) -> str:
    return json.dumps([asdict(assumed), seed, parts])


def _kept(file: Path | None) -> dict[str, dict[str, int]]:
    lines = file.read_text("utf-8").splitlines() if file is not None and file.exists() else []
    return dict(json.loads(line) for line in lines)
