"""Write the model card of `calibration.json`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.domain.form.confidence import UNCALIBRATED_MAX_P
from research.training.calibration.curve_fits import (
    DRAWN_MARKS_MAX_P,
    JudgedCurve,
    format_card_table,
    format_network,
)

_PARTIAL = frozenset({"--only", "--weights"})
"""Options that fit a part."""
CARD_TEMPLATE = """# Probabilities: `calibration.json`

One rising curve for each kind of field and network maps the reader's score to the share of such
readings that are right. It is logistic regression on the log odds of the score, regularised
towards the reader's own score. For lines it also uses the distance to the second reading, the
length, the least certain character, the sharpness of the line, how much sharper the writer's
other lines on the page are (0 for a line alone), the probability of the image evidence without
the language model, the number of unknown words, and how likely the least likely word is; lines
are then bent by beta calibration.
Every curve is limited to what was earned (Laplace's rule of succession; a box reader's own score
counts as 50 readings). Marks, choices, signatures and initials, whose curves rest on drawn ones,
never get more than {drawn}. A network without a curve gets at most {unfitted}.

## Data

Nothing that a network was trained on.

* Boxes: held-out digits of MNIST and optdigits, in rows drawn in each format and in synthetic
  filled-in forms, with print, marks and signatures drawn. Fitted to the last training images of
  MNIST and the first third of the held-out optdigits; judged on MNIST's test part and the rest of
  optdigits.
* Check boxes and what is empty depend on sheets and print more than on people: the curve in use
  is fitted to all, and a sixth of the sheets, rows and pages at a time is judged by a curve fitted
  to the others. Besides drawn boxes and rows there are pages of all forms, each a print run of its
  own (toner, specks, paper), filled in or left empty, scanned at 300 and 200 dpi, grey, in colour
  and in black and white, and registered as any page is (`research/training/calibration/scans.py`).
  A row that the scan lost altogether is scanned again, as no person could read it either.
* With `--only empty` no pages with faint digits are read: curves of empty digit rows then become
  surer only where they were surest before. Empty lines and letter rows have one curve for all
  weights, since the ink alone decides.
* Lines: the held-out writers of DHSD and Copiste and held-out font families, never the Swedish
  development test. Nothing of Copiste but numbers is in the file. Lines of running text are also
  cut into stretches of one to four words, and short Swedish texts are composed of pieces of these
  writers' lines (`research/training/handwriting/compose_lines.py`), since on German and French
  words alone Swedish seems to help less than it does. So they are of UNIPEN's held-out writers;
  those who can fill in whole pages, and those whose name a writer who is trained on has too, are
  left out. A composed line of which neither network sees some letter at all (p < 0.0001) was cut
  wrongly, and is left out. Each line is put into four areas and counts once. One writer of DHSD
  wrote no dots on ä, ö and ü; they are removed from the labels.
* Fields of one line ("text") are fitted to Swedish only: rendered and composed texts. On words of
  other languages Swedish misleads, and such a curve trusts what stands in fields too little.
* Lines with a format ("text-format"): dates, times, telephone numbers, codes and doses in held-out
  fonts; all but doses also in digits of MNIST and optdigits (the half that boxes are fitted to),
  mixed in each line, and of the three UNIPEN writers left who wrote all digits, one of whom puts a
  stroke through each zero (`research/training/calibration/formats.py`).
* Lines, areas, their characters ("letter") and rows of letter boxes are fitted to all of these
  writers, and judged a sixth of the writers at a time by curves fitted without them
  (`calibration_apart.json`). Rows of letter boxes mix letters of several writers.

## Metrics

"Before": the reader's score taken as a probability. "By chance": the calibration error that so
many readings show on average if every p is exactly true.

{table}

## Reproduce

Paths are given without their folders. `--only lines` (`fields` of one line or
`formats` alone), `boxes`, `marks`, `mark` (no choices) or `empty` fits a part, `--weights free` one
set of weights; the rest stays.

    {command}

Own work of this project; the numbers carry no part of the data.
"""


def write_card(file: Path, fitted: Sequence[JudgedCurve], keep: Iterable[str] = ()) -> None:
    """Write the card: what this run fitted, and the existing rows of networks in `keep`."""
    # The command without options that restrict the run.
    command = " ".join(
        ["python -m research.training.calibration.fit", *_full_run_arguments(sys.argv[1:])]
    )
    table = "\n".join(
        [
            format_card_table(fitted),
            *_card_rows(
                file,
                {format_network(network) for network in keep},
                {(one.key, format_network(one.network)) for one in fitted},
            ),
        ]
    )
    file.write_text(
        CARD_TEMPLATE.format(
            drawn=DRAWN_MARKS_MAX_P, unfitted=UNCALIBRATED_MAX_P, table=table, command=command
        ),
        "utf-8",
    )


def _full_run_arguments(arguments: Sequence[str]) -> list[str]:
    """Return the arguments without what was left out this time, and without local folders."""
    # Accept `--option=value` as well as `--option value`.
    words = [word for argument in arguments for word in argument.split("=", 1)]
    # Skip `--only`, `--weights` and their values.
    skipped = {at for i, word in enumerate(words) if word in _PARTIAL for at in (i, i + 1)}
    return [
        Path(word).name if Path(word).is_absolute() else word
        for i, word in enumerate(words)
        if i not in skipped
    ]


def _card_rows(file: Path, networks: set[str], replaced: set[tuple[str, str]]) -> list[str]:
    """Return the existing rows of these networks but those of curves that were replaced."""
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    rows = [(line, line[2:].split(" | ")) for line in lines if line.startswith("| ")]
    return [
        line
        for line, cells in rows
        if cells[1] in networks and (cells[0], cells[1]) not in replaced
    ]
