"""What the problems of a page are, in words, for whoever reads pages on the command line. The screens say more, in Swedish."""

from __future__ import annotations

from collections.abc import Mapping

_SAID: Mapping[str, str] = {
    "no_code": "no code on the page can be read",
    "codes_differ": "the two codes say different things: perhaps two sheets lie over each other",
    "several_sheets": "there is more than one sheet in the picture",
    "more_paper": "there is writing in the picture outside the form, which is not read",
    "code_missing": "one of the two codes cannot be read",
    "marker_missing": "a corner mark cannot be seen",
    "unknown_form": "the code is read, and its form is not here",
    "not_registered": "the page cannot be laid on its form",
    "print_not_found": "the print of the form is not found",
    "residual_over_gate": "the page lies too badly on its form to be read",
    "shaded": "something dark lies over the paper: nothing is sure",
    "blurred": "the picture is blurred: nothing is sure",
    "broken_page": "the page is damaged",
    "broken_file": "the file is damaged",
    "covered": "covered, torn off or too dark",
    "place_unsure": "the paper is creased here",
    "outside_boxes": "something is written half outside the boxes",
    "odd_strokes": "a box may hold something else than was read",
    "ditto": "a ditto mark: see the row above",
    "beside_box": "a mark stands beside its box",
    "encircled": "there is a ring around a box",
    "stray_writing": "writing near it lies in no field and is not read",
    "struck_out": "something is struck out",
    "see_back": "the text goes on overleaf",
    "person_unknown": "the number is not in the register",
    "name_differs": "the name is not like that in the register",
    "missing": "nothing is written, and it is required",
}


def in_words(problem: str) -> str:
    """`covered:rad01.dos` → `rad01.dos: covered, torn off or too dark`; what has no words of its own is said as its code says it."""
    code, _, about = problem.partition(":")
    if " " in code:  # a sentence
        return problem
    words = _SAID.get(code, code.replace("_", " "))
    if about and " " in about:  # a reason, in words
        return f"{words}: {about.strip()}"
    return f"{about}: {words}" if about and not about.isdigit() else words
