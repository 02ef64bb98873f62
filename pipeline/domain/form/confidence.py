"""Confidence: every tunable threshold of probability, and how probabilities are judged.

All thresholds are probabilities that a value is right, between 0 and 1. Each says what it decides,
how it was chosen (source) and on which data (test set): "reasoned" means that it was set by
judgement, "not recorded" that there is no record of it. Names end in FROM (this p or more), BELOW
(less than this p) or MAX_P (p is never more). Limits of image analysis are at the top of its
modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import Kind

# --- Review: what the reviewer is shown ---------------------------------------------------------

PREFILL_FROM = 0.99
"""A reading is prefilled; below it the field is keyed blind.

Source: chosen among rules in a simulated week of review (docs/review.md).
Test set: simulated weeks with seeds 10 and 11, 13,139 fields; judged on other seeds."""

PREFILL_FROM_BY_KIND: Mapping[Kind, float] = {Kind.TEXT: 0.9, Kind.MARK: 0.995}
"""Kinds that are prefilled from another p: names take many keys, and reviewers overlook marks most.

Source: marks from 0.995 leave 0.11 % wrong instead of 0.13 % for 0.5 % more keys (docs/review.md).
Test set: simulated weeks with seeds 10 and 11, 13,139 fields; judged on other seeds."""

PREFILL_ROUTINE_FROM = 0.9
"""A check box that nobody acts on alone is prefilled: a heading, an ordinary act of a visit.

Source: reasoned: what it says is in the note too, or was planned. Test set: none."""

PREFILL_CLIENT_FROM = 0.999
"""A personal number is prefilled: a second kind of evidence, such as the name, must agree.

Source: reasoned; the number alone never gets more than `CLIENT_NUMBER_ONLY_MAX_P`.
Test set: 20,000 rows of 5,000 test clients, 59.5 % reach it and none is wrong (docs/reading.md)."""

PREFILL_SIGNER_FROM = 0.95
"""The likeliest person of a field of initials is selected beforehand, not only proposed.

Source: reasoned. Test set: none."""

GRID_BOX_SIGNED_FROM = 0.9
"""A box of a grid (signing list) is taken as signed; below it, it is shown as a deviation.

Source: reasoned: a person looks at the sheet with the deviations marked before confirming.
Test set: none."""

BOX_WRITTEN_FROM = 0.5
"""Ink in a check box or for initials counts as writing in a row that is otherwise empty.

Source: reasoned: a person compares such rows with the picture before they are closed as empty.
Test set: none."""

ROW_CONFIRMED_FROM = 0.999
"""A critical value may be confirmed together with its row, without being keyed blind.

Source: the threshold of personal numbers, `PREFILL_CLIENT_FROM`. Test set: none."""

SIGNER_NAMED_FROM = 0.005
"""A person of the staff list is named as a possible signer.

Source: reasoned. Test set: none."""

LOW_CONFIDENCE_BELOW = 0.8
"""A character, or a whole value, is underlined on the screen.

Source: reasoned. Test set: none."""

TRIAL_LOW_CONFIDENCE_BELOW = 0.5
"""A field of a trial sheet is reported as read with low confidence.

Source: reasoned: a wrong value is as likely. Test set: none."""

SEEDED_ERROR_CHARACTERS_FROM = 0.9
"""Every character of a word has this p before the word may be replaced by a seeded error.

Source: reasoned: a word that is marked as uncertain would be checked anyway. Test set: none."""

UNREVIEWED_VALUE_FROM = 0.9
"""A value not yet confirmed is used in counts, on covers of bundles and for the queue's order.

Source: reasoned: a mistake costs a place in the queue, not a value. Test set: none."""

PROTECTED_CANDIDATE_FROM = 0.05
"""A client with protected identity who is at least this likely is treated as the client.

Source: reasoned: covering too much is better than showing a protected name. Test set: none."""

# --- Evaluation: how probabilities are reported -------------------------------------------------


VERY_HIGH_CONFIDENCE = 0.999
"""Of values with at least this p at most 1 in 1,000 may be wrong.

Source: the definition of the quality table (docs/reading.md).
Test set: writers that no curve was fitted to (`data/models/calibration.md`)."""

# --- Calibration: how far a reader's own score is believed --------------------------------------

UNCALIBRATED_MAX_P = 0.89
"""Highest p of a reading of a network that no calibration curve was fitted for.

Source: reasoned: below every threshold of prefilling. Test set: none."""


RULES_LOW_CONFIDENCE_BELOW = 0.8
"""A reader that applies rules reports ambiguity with a lower p than this: no curve raises it.

Source: reasoned: curves are fitted on next to no such readings. Test set: none."""

FORMAT_MISMATCH_MAX_P = 0.3
"""Highest p of a value that does not fit its format, or lacks a part that was seen.

Source: curves fitted on other readings had made 0.3 to 0.8 (docs/reading.md).
Test set: not recorded."""

POOR_IMAGE_MAX_P = 0.95
"""Highest p of a value on a page with show-through, shadows or blur.

Source: of 163 values read with p of 0.99 through writing on the back with 90 % of its darkness ten
were wrong, of 468 through 30–50 % of it four. Test set: the damage series (docs/reading.md)."""

# --- Weighing values against their context ------------------------------------------------------

CONTESTED_FROM = 0.1
"""What the image gives at least this p stays possible, however unusual it is.

Source: reasoned. Test set: none."""

CONTESTED_MAX_P = 0.98
"""Highest p that the prior can give a value while the image leaves another one possible.

Source: reasoned, below `PREFILL_FROM`: unusual values are rare, but are why people measure.
Test set: none."""

CLIENT_SETTLED_FROM = 0.5
"""A number that is unwritten or illegible becomes that of the likeliest client.

Source: reasoned: more likely right than wrong. Test set: as `CLIENT_OTHER_NUMBER_MAX_P`."""

CLIENT_OTHER_NUMBER_MAX_P = 0.95
"""Highest p of a client whose number differs from what is clearly written.

Source: a small register draws every number to its few clients.
Test set: 20,000 simulated rows, constants chosen on other birth dates and shapes."""

CLIENT_NUMBER_ONLY_MAX_P = 0.997
"""Highest p of a client on the evidence of the number alone.

Source: below `PREFILL_CLIENT_FROM`, so that a second kind of evidence has to agree.
Test set: as `CLIENT_OTHER_NUMBER_MAX_P`."""

NEAR_LISTED_MAX_P = 0.8
"""Highest p of a name that is not on a list, but hardly differs from one that is.

Source: reasoned, below every threshold of prefilling: such a reading is mostly a misread listed
name. Test set: `python -m research.evaluation.persons.listed_names` (docs/reading-results.md)."""

KNOWN_AUTHOR_FROM = 0.9
"""The title beside an author of the staff list is expected to be the listed one.

Source: reasoned. Test set: none."""

CLIENT_MAX_P = 0.9998
"""Highest p of any client: one row in some thousands is odd in a way that no model covers.

Source: reasoned. Test set: as `CLIENT_OTHER_NUMBER_MAX_P`."""

NEIGHBOUR_CLIENT_FROM = 0.99
"""The client of a row counts as evidence about the other rows of the sheet.

Source: reasoned. Test set: as `CLIENT_OTHER_NUMBER_MAX_P`."""

DIGIT_CLEAR_FROM = 0.9
"""The reviewer is shown that a digit of the proposed client's number is clearly written.

Source: reasoned. Test set: none."""

DIGIT_CONTRADICTED_BELOW = 0.02
"""The image is evidence against a digit of the proposed client's number.

Source: reasoned. Test set: as `CLIENT_OTHER_NUMBER_MAX_P`."""

# --- Readers ------------------------------------------------------------------------------------

STRIKE_FROM = 0.5
"""A column of a handwritten line is taken for struck out.

Source: as likely as not. Test set: that of the network (`data/models/strikes.md`)."""

STRIKE_CERTAIN_FROM = 0.9
"""A strike of at least this p is one, however well the words below it can be read.

Source: words of held-out writers struck through by a single line, which stay legible: of 186 drawn
ones 23 read well, none of them with a p below this (docs/reading-results.md).
Test set: other words of held-out writers, and all strikes of `copiste_lines48.zip`."""

NOT_STRUCK_FROM = 0.9
"""A line read as a whole with this p has no strike below `STRIKE_CERTAIN_FROM`.

Source: as there; of 58 real strikes none read with more than 0.65.
Test set: as there."""

NEIGHBOURS_INK_P = 0.95
"""p of an empty field into which only strokes reach whose ink is mostly in other fields.

Source: reasoned, between a clean and a specked empty line. Test set: pages drawn apart
(docs/reading-results.md)."""

CERTAIN_WORD_FROM = 0.97
"""A known word whose likeliest path has this p is accepted without a search.

Source: not recorded. Test set: not recorded."""

SECOND_PASS_BELOW = 0.7
"""A word is read a second time, wider and by another network.

Source: 45 of 330 words in clear writing, every second one in difficult writing.
Test set: not recorded."""

SIGNED_FROM = 0.5
"""Ink in a signature field is read as a signature.

Source: as likely as not. Test set: none."""

SIGNATURE_MAX_P = 0.995
"""Highest p of a signature or its absence: its reader only measures the area of ink.

Source: reasoned. Test set: none."""

PRINTED_WORD_MAX_P = 0.99
"""Highest p of one printed word, as Tesseract reports more than it keeps.

Source: reasoned. Test set: none."""


# --- Judging probabilities ----------------------------------------------------------------------

EQUAL_PARTS = 10
"""Parts of equally many values for the calibration error."""
Z_95 = 1.96
"""Normal deviate of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share, `wrong` of `of`, with Wilson's 95 % interval (Wilson, JASA 22, 1927)."""

    wrong: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of the true share; 0 to 1 when nothing was observed."""
        if not self.of:
            return 0.0, 1.0
        share, square = self.wrong / self.of, Z_95**2 / self.of
        spread = share * (1 - share) / self.of + square / self.of / 4
        middle, reach = share + square / 2, Z_95 * sqrt(spread)
        return max(0.0, (middle - reach) / (1 + square)), min(1.0, (middle + reach) / (1 + square))


def calibration_error(
    p: NDArray[np.float64],
    right: NDArray[np.bool_],
    parts: int = EQUAL_PARTS,
) -> float:
    """Compute the expected calibration error over parts of equally many values.

    Naeini et al., AAAI 2015.
    """
    by_p = np.array_split(np.argsort(p, kind="stable"), parts)
    # The gap between mean p and share of right values, weighted by the size of the part.
    gaps = (abs(p[part].mean() - right[part].mean()) * len(part) for part in by_p if len(part))
    return float(sum(gaps) / max(1, len(p)))


def wrong_from(p: NDArray[np.float64], right: NDArray[np.bool_], least: float) -> Share:
    """Count how many of the values with at least this p are wrong."""
    chosen = p >= least
    return Share(int((chosen & ~right).sum()), int(chosen.sum()))
