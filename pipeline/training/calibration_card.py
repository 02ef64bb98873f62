"""The card of `calibration.json`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.calibration_file import Fitted, card_table, shown_network
from pipeline.confidence import DRAWN_MARKS_MAX_P, UNCALIBRATED_MAX_P

CARD = """# Probabilities: `calibration.json`

One rising curve a kind of field and network: from the reader's own score to the share of such readings that are right. Logistic regression on the
log odds of the score, for lines also on how far the second guess lies behind, the length, the least sure character, how clearly the line was seen,
how much more clearly the same hand's other lines on the page were (0 for a line alone), how probable the picture alone makes the text, without
knowledge of Swedish, and how many of its words are not known; held near the reader's own score, for lines bent by beta calibration, and cut to what
has been earned (Laplace's rule of succession; what a reader of boxes says of itself counts as 50 readings). Drawn marks, choices, signatures and
initials never get more than {drawn}: drawn ones are not as odd as scanned ones. A network without a curve is believed {unfitted} at most.

## Data

Nothing that a network was trained on. Boxes: digits of MNIST and optdigits that were set aside, in rows drawn in each format and in forms filled in
by drawing; print, marks and signatures drawn with them. Lines: the writers of DHSD and Copiste and the font families that were set aside (never the
Swedish development test). Copiste is only fitted to: nothing of it is in the file but numbers.
Lines of running text are also cut into stretches of one to four words, and short Swedish texts are put together from pieces of all these people's
lines (`pipeline/training/swedish_hands.py`): on German and French words alone Swedish seems to help less than it does. Each line is put into four
areas, and counts once.
One writer of DHSD wrote no dots on ä, ö and ü; they are taken out of the labels.
Lines, areas, their characters ("letter") and rows of letter boxes are fitted to all of these hands, and judged a sixth of the hands at a
time by curves that were fitted without them (`calibration_apart.json`). Rows of letter boxes mix letters of several hands. Boxes: fitted to MNIST's
last training pictures and the first third of the held-out optdigits; judged on MNIST's test part and the rest of optdigits. "Before" is the
reader's own score taken for a probability. "By chance" is the calibration error that so many readings show on average if every p is exactly true.

## Figures

{table}

## Make it again

Paths are those of the person who ran it, without their folders. With `--only lines` or `--only boxes` a part is made again, the rest stays.

    {command}

Own work of this project; the numbers carry no part of the data.
"""


def write_card(file: Path, fitted: Sequence[Fitted], keep: Iterable[str] = ()) -> None:
    """The card beside the file of curves: what was fitted in this run, and of a card that is there the rows of networks in `keep`."""
    command = " ".join(["python -m pipeline.training.calibrate", *_whole_run(sys.argv[1:])])
    table = "\n".join([card_table(fitted), *_rows_of(file, {shown_network(network) for network in keep})])
    file.write_text(CARD.format(drawn=DRAWN_MARKS_MAX_P, unfitted=UNCALIBRATED_MAX_P, table=table, command=command), "utf-8")


def _whole_run(arguments: Sequence[str]) -> list[str]:
    """Without what was left out this time, and without anybody's folders."""
    words = [word for argument in arguments for word in argument.split("=", 1)]
    skipped = {at for i, word in enumerate(words) if word == "--only" for at in (i, i + 1)}
    return [Path(word).name if Path(word).is_absolute() else word for i, word in enumerate(words) if i not in skipped]


def _rows_of(file: Path, networks: set[str]) -> list[str]:
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    return [line for line in lines if line.startswith("| ") and line.split(" | ")[1] in networks]
