"""The issues of a page in words, for the command line. The screens say more, in Swedish."""

from __future__ import annotations

from collections.abc import Mapping

PROBLEMS: Mapping[str, str] = {
    "no_code": "no code on the page can be read",
    "codes_differ": "the two codes say different things: perhaps two sheets lie over each other",
    "several_sheets": "there is more than one sheet in the picture",
    "more_paper": "there is writing in the picture outside the form, which is not read",
    "code_missing": "one of the two codes cannot be read",
    "marker_missing": "a corner mark cannot be seen",
    "unknown_form": "the code is read, and its form is not here",
    "not_registered": "the page cannot be laid on its form",
    "words_differ": "the page has other words than the form that it resembles",
    "form_uncertain": "the page may be one of several forms",
    "print_not_found": "the print of the form is not found",
    "residual_over_gate": "the page lies too badly on its form to be read",
    "shaded": "something dark lies over the paper: nothing is sure",
    "blurred": "the picture is blurred: nothing is sure",
    "broken_page": "the page is damaged",
    "broken_file": "the file is damaged",
    "empty_file": "the file is empty",
    "not_a_document": "the file is no PDF, TIFF, JPEG or PNG",
    "encrypted": "the file is locked with a password",
    "too_large": "the page is too large",
    "covered": "covered, torn off or too dark",
    "place_unsure": "the paper is creased here",
    "outside_boxes": "something is written half outside the boxes",
    "odd_strokes": "a box may hold something else than was read",
    "ditto": "a ditto mark: see the row above",
    "beside_box": "a mark stands beside its box",
    "encircled": "there is a ring around a box",
    "red_ink": "there is red ink, and the page is filled in with another pen",
    "line_across": "a line goes over several fields or rows",
    "stray_writing": "writing near it lies in no field and is not read",
    "struck_out": "something is struck out",
    "see_back": "the text goes on overleaf",
    "person_unknown": "the number is not in the register",
    "name_differs": "the name is not like that in the register",
    "name_fits_other": "the name is more like that of another client",
    "printed_otherwise": "nobody in the register has the printed name as it was read",
    "number_differs": "the number is not quite the one in the register",
    "missing": "nothing is written, and it is required",
    "not_a_number": "something else stands where a number should",
    "out_of_range": "the number is outside what is possible",
    "implausible": "the number is unusual",
    "sum_differs": "the sum does not agree with its numbers",
    "pair_crossed": "the lower value is higher than the upper one",
    "outside_outage": "the day lies outside the outage",
    "written_before_event": "the note is dated before what happened",
    "end_before_start": "the end is before the start",
    "after_midnight": "the time seems to be after midnight, and the sheet has one date",
}


def in_words(problem: str) -> str:
    """`covered:rad01.dos` → `rad01.dos: covered, torn off or too dark`; what has no words of its own is said as its code says it."""
    code, _, about = problem.partition(":")
    if " " in code:  # a sentence
        return problem
    if about and " " in about.strip():  # a reason, in a sentence
        return about.strip()
    words = PROBLEMS.get(code, code.replace("_", " "))
    return f"{about}: {words}" if about and not about.isdigit() else words
