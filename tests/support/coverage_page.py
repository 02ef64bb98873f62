"""The generated parts of docs/coverage.md, from the `quality.yaml` of each form.

`python -m tests.support.coverage_page` writes them between their marks; the rest of the page is
written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.domain.record import MANUAL_ENTRY_TARGET as KEY_IN
from pipeline.domain.settings import ROOT
from tests.support.form_quality import (
    RULES,
    RecordKind,
    form_ids,
    load_quality,
    targets_of,
)
from tests.support.store.export_examples import FORMS
from tests.support.store.targets import TARGETS

PAGE = ROOT / "docs" / "coverage.md"
MARK = "<!-- {name}: written by `python -m tests.support.coverage_page` -->"
END = "<!-- end -->"
_SIGNS = {"done": "yes", "exempt": "–", "todo": "todo"}
_LETTERS = "HSBINKPDMw"
"""The order of the customer's document, by the first letter of a kind."""
_NO_FORM = (
    "S4 summary of a client",
    "none: a working paper, no record; new facts use S1",
    "–",
    "–",
)


def kinds_table() -> str:
    """Kinds of record: their form, where they go, and the proof."""
    rows = [
        (kind.kind, f"`{form_id}`{kind.paper}", _goes_to(form_id, kind), kind.proof)
        for form_id in form_ids()
        for kind in load_quality(form_id).kinds
    ]
    ordered = sorted([*rows, _NO_FORM], key=lambda row: _place(row[0]))
    return _table(("kind", "form", "goes to", "proof"), ordered)


def _place(kind: str) -> tuple[int, int, str]:
    number = re.match(r"[A-Z](\d+)", kind)
    return _LETTERS.index(kind[0]), int(number[1]) if number else 0, kind


def _goes_to(form_id: str, kind: RecordKind) -> str:
    targets = set(targets_of(form_id))
    statistics = [target for target in sorted(targets) if TARGETS.find_statistics(target)]
    records = sorted(targets - {*statistics, KEY_IN}) + sorted(targets & {KEY_IN})
    text = "; ".join(filter(None, (", ".join(records), ", ".join(statistics)))) or "none"
    return text + kind.goes_to


def forms_table() -> str:
    """Each form, and what is proved of it."""
    rows = [
        (
            f"`{form_id}`",
            str(FORMS.latest(form_id).version),
            *(_SIGNS[load_quality(form_id).rules[rule].status] for rule in RULES),
        )
        for form_id in form_ids()
    ]
    return _table(("form", "version", *(title for title, _ in RULES.values())), rows)


def left_list() -> str:
    """What is exempt or left to do, with the reason where one is given."""
    return "\n".join(_left())


def _left() -> Iterator[str]:
    for rule, (title, _) in RULES.items():
        by_reason: dict[tuple[str, str], list[str]] = {}
        for form_id in form_ids():
            claim = load_quality(form_id).rules[rule]
            if claim.comment and claim.status != "done":
                by_reason.setdefault((claim.status, claim.comment), []).append(f"`{form_id}`")
        for (status, comment), forms in by_reason.items():
            yield f"* {title}, {status}: {', '.join(forms)} – {comment}"


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [titles, ("---",) * len(titles), *rows]
    return (
        "\n".join(f"| {' | '.join(line)} |" for line in lines)
        .replace("| --- ", "|---")
        .replace("|--- |", "|---|")
    )


PARTS = {"kinds": kinds_table, "forms": forms_table, "left": left_list}


def written_page(text: str) -> str:
    """The page with its generated parts as they are now."""
    for name, make in PARTS.items():
        before, mark, rest = text.partition(MARK.format(name=name) + "\n")
        _, end, after = rest.partition("\n" + END)
        if not mark or not end:
            raise ValueError(f"{PAGE.name} has no mark of {name}")
        text = f"{before}{mark}{make()}{end}{after}"
    return text


if __name__ == "__main__":
    PAGE.write_text(written_page(PAGE.read_text("utf-8")), "utf-8")
