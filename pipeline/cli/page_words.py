"""The issues of a page in words, for the command line. The screens say more, in Swedish."""

from __future__ import annotations

from pipeline.texts import catalogue


def in_words(problem: str) -> str:
    """Describe a problem: `covered:rad01.dos` gives `rad01.dos: covered, torn off or too dark`.

    A code without a text is shown with spaces for underscores.
    """
    code, _, about = problem.partition(":")
    if " " in code:  # a sentence
        return problem
    if about and " " in about.strip():  # a reason, in a sentence
        return about.strip()
    words = catalogue("en").get(f"problem_short.{code}", code.replace("_", " "))
    return f"{about}: {words}" if about and not about.isdigit() else words
