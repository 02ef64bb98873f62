"""The paper of a drill: what to write on each sheet, the ten sheets, and the page of the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.domain.form.form import Form, Forms
from pipeline.domain.identity_numbers import format_pid
from pipeline.forms.drawing import PaperDocument
from pipeline.forms.fiducials import format_serial
from pipeline.forms.letterhead import Letterhead
from pipeline.forms.printing import Sheet, draw_sheets
from pipeline.preparation.drill.sheets import DrillResult, DrillSheet, SheetResult, make_drill_form
from pipeline.preparation.outage_pack.pages import (
    TOP_MM,
    Column,
    PackInfo,
    begin_page,
    count_fitting_rows,
    draw_bullets,
    draw_heading,
    draw_table,
    pack_text,
    pack_texts,
)

_ROW_MM = 6.0


def print_drill(about: PackInfo, forms: Forms, sheets: Sequence[DrillSheet]) -> bytes:
    """Print what to write, and the ten sheets."""
    title = pack_text("pack_paper.drill.document_title", unit=about.unit)
    with PaperDocument(title, about.printed_on) as paper:
        _draw_task(paper, about, forms, sheets)
        letterhead = Letterhead(about.provider, about.logo)
        for sheet in sheets:
            form = make_drill_form(forms[sheet.form, sheet.version])
            draw_sheets(paper, form, [Sheet(sheet.serial, about.unit)], letterhead)
        return bytes(paper.output())


def _draw_task(
    paper: PaperDocument, about: PackInfo, forms: Forms, sheets: Sequence[DrillSheet]
) -> None:
    """Draw how the drill is done, and a table of what is written on which sheet."""
    rows = [
        row
        for number, sheet in enumerate(sheets, start=1)
        for row in _task_rows(number, sheet, forms[sheet.form, sheet.version])
    ]
    columns = (
        Column(pack_text("pack_paper.drill.number"), 9, align_right=True, bold=True),
        Column(pack_text("pack_paper.drill.sheet"), 66, bold=True),
        Column(pack_text("pack_paper.drill.field"), 45),
        Column(pack_text("pack_paper.drill.write"), 54, bold=True),
    )
    first = True
    while rows:
        begin_page(
            paper, about, pack_text("pack_paper.drill.title"), pack_text("pack_paper.drill.task")
        )
        top = TOP_MM - 4
        if first:
            top = draw_bullets(paper, pack_texts("pack_paper.drill.rule"), top) + 3
        first = False
        count = count_fitting_rows(top, _ROW_MM)
        draw_table(paper, columns, rows[:count], top, _ROW_MM)
        rows = rows[count:]


def _task_rows(number: int, sheet: DrillSheet, form: Form) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row a field; number and serial are in the first one, the form in the second."""
    heads = iter(((str(number), format_serial(sheet.serial)), ("", form.title)))
    for name, value in sheet.values.items():
        spec = form.by_name[name]
        if spec.options:
            option = next(one for one in spec.options if one.value == value)
            words = pack_text("pack_paper.drill.tick", label=option.label)
        elif value is True:
            words = pack_text("pack_paper.drill.tick", label=spec.label)
        else:
            is_pid = spec.cell_count == 12 and spec.traits.digits_only
            words = format_pid(str(value)) if is_pid else str(value)
        label = f"{spec.label} ({pack_text('pack_paper.drill.row')})" if spec.row else spec.label
        yield (*next(heads, ("", "")), label, words)


def print_result(about: PackInfo, result: DrillResult) -> bytes:
    """Print the result on one page."""
    with PaperDocument(pack_text("pack_paper.drill.result"), about.printed_on) as paper:
        about = replace(about, printed_on=result.at.date())
        begin_page(paper, about, pack_text("pack_paper.drill.result"), result.at.date().isoformat())
        top = draw_bullets(paper, describe_result(result), TOP_MM - 4) + 3
        columns = (
            Column(pack_text("pack_paper.drill.sheet"), 92, bold=True),
            Column(pack_text("pack_paper.drill.back"), 18),
            Column(pack_text("pack_paper.drill.right"), 20, align_right=True),
            Column(pack_text("pack_paper.drill.to_person"), 22, align_right=True),
            Column(pack_text("pack_paper.drill.wrong"), 22, align_right=True),
        )
        rows = [_result_row(sheet) for sheet in result.sheets]
        top = draw_table(paper, columns, rows, top, _ROW_MM) + 6
        top = draw_heading(paper, pack_text("pack_paper.drill.remarks"), top)
        draw_bullets(paper, describe_remarks(result), top)
        return bytes(paper.output())


def describe_result(result: DrillResult) -> list[str]:
    """Return the result in sentences."""
    counts = result.counts
    lines = [
        pack_text(
            "pack_paper.drill.sheets_back", back=result.sheets_back, sheets=len(result.sheets)
        ),
        pack_text(
            "pack_paper.drill.fields",
            right=counts.right,
            person=counts.to_person,
            wrong=counts.wrong,
            fields=counts.total,
        ),
        pack_text("pack_paper.drill.reading_time", seconds=result.reading_seconds),
    ]
    if result.minutes is not None:
        lines.append(pack_text("pack_paper.drill.minutes", minutes=result.minutes))
    return lines


def describe_remarks(result: DrillResult) -> list[str]:
    """Return what went wrong, and what to do about it; one line if nothing did."""
    remarks = [
        pack_text("pack_paper.drill.missing", sheet=sheet.title)
        for sheet in result.sheets
        if not sheet.is_back
    ]
    remarks += [
        pack_text(
            "pack_paper.drill.differs", sheet=sheet.title, fields=", ".join(sheet.wrong_labels)
        )
        for sheet in result.sheets
        if sheet.wrong_labels
    ]
    if result.unknown_pages:
        remarks.append(pack_text("pack_paper.drill.unknown", pages=result.unknown_pages))
    if result.remark:
        remarks.append(result.remark)
    return remarks or [pack_text("pack_paper.drill.no_remarks")]


def _result_row(sheet: SheetResult) -> tuple[str, ...]:
    counts = sheet.counts
    back = pack_text("pack_paper.drill.yes" if sheet.is_back else "pack_paper.drill.no")
    return (sheet.title, back, str(counts.right), str(counts.to_person), str(counts.wrong))
