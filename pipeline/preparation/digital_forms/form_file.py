"""Make a form without paper: one HTML file that works in any browser, without server or network.

Its policy lets it load nothing and send nothing; it keeps nothing, and saves a note as a file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import groupby
from pathlib import Path

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import FieldSpec, Format, Meaning, addend_names, sibling_name
from pipeline.domain.form.form import Form
from pipeline.domain.form.page import PageSpec, Text
from pipeline.files.documents import NOTE_FORMAT, NOTE_SUFFIX, note_key

# The fields of a form as controls of a web page, in the order and the groups of the paper.

_SAME_LINE_MM = 4.0
"""Fields whose boxes begin within this height stand on one line."""
_PLACEHOLDERS = {
    Format.DATE: "ÅÅÅÅ-MM-DD",
    Format.TIME: "TT:MM",
    Format.PERSONAL_NUMBER: "ÅÅÅÅMMDD-NNNN",
    Format.BLOOD_PRESSURE: "120/80",
}
_WHEN = (Meaning.EVENT_DATE, Meaning.WRITTEN_DATE)
"""Meanings of days that have been, not long ago."""
_NUMERIC = frozenset({Format.DATE, Format.TIME, Format.NUMBER, Format.CODE, Format.PHONE})


def draw_page(form: Form, number: int, unit: str) -> str:
    """Return the controls of a page of a form, numbered from 1, as HTML."""
    return _Page(form, number, unit).draw()


def author_field(form: Form) -> FieldSpec | None:
    """Return the field of a whole sheet that names its author, if there is one to fill in."""
    spec = form.meaning(Meaning.AUTHOR_NAME)
    return spec if spec and spec.row is None and spec.traits.filled_by_hand else None


def _hint(spec: FieldSpec) -> str:
    """Return the hint of a field, unless an example stands in its box."""
    text = "" if spec.format in _PLACEHOLDERS else spec.hint or spec.measure
    if spec.traits.is_signature and not spec.traits.names_signer:
        text = _signature_words(spec)
    return f"<small>{escape(text)}</small>" if text else ""


def _signature_words(spec: FieldSpec) -> str:
    """Return what a tick in place of a signature means: only the author signs on the screen."""
    is_own = spec.means is Meaning.AUTHOR_SIGNATURE
    return "jag som skriver intygar" if is_own else "finns på papper"


class _Page:
    """One page of a form as HTML."""

    def __init__(self, form: Form, number: int, unit: str) -> None:
        self._form, self._number, self._unit = form, number, unit
        self._page: PageSpec = form.pages[number - 1]
        self._titles = {section.title for section in self._page.sections}

    def draw(self) -> str:
        blocks = sorted(self._blocks(), key=lambda block: block[0])
        return "".join(html for _, html in blocks)

    def _blocks(self) -> Iterator[tuple[float, str]]:
        """Yield each line, table, grid, title and text with its top, mm."""
        top = 0.0
        for line in self._lines():
            # The order of the fields is that of the form, whatever their places are.
            top = max(top, line[0].box[1])
            controls = "".join(self._field(spec) for spec in line)
            yield top, f'<div class="line">{controls}</div>'
        for section in self._page.sections:
            yield section.box[1], f"<h2>{escape(section.title)}</h2>"
        for text in self._page.texts:
            if text.text.strip().isdigit():  # the number of a row of boxes
                continue
            yield text.at[1], self._text(text)
        if self._page.table:
            table = self._page.table
            yield table.top, self._rows(table.unfold(), len(table.fields))
        for grid in self._page.grids:
            yield grid.top, self._grid(grid.unfold())

    def _lines(self) -> list[list[FieldSpec]]:
        lines: list[list[FieldSpec]] = []
        for spec in self._page.fields:
            if not spec.traits.filled_by_hand:
                continue
            is_same = lines and abs(lines[-1][-1].box[1] - spec.box[1]) < _SAME_LINE_MM
            if is_same and not spec.traits.is_multiline:
                lines[-1].append(spec)
            else:
                lines.append([spec])
        return lines

    def _text(self, text: Text) -> str:
        return f'<p class="help">{escape(text.text)}</p>'

    def _field(self, spec: FieldSpec) -> str:
        """Return a field with its label and hint."""
        traits, label = spec.traits, escape(spec.full_label)
        must = '&nbsp;<b title="måste fyllas i">*</b>' if spec.required else ""
        hint = _hint(spec)
        grow = f' data-wide="{max(1, round(spec.box[2]))}"'
        if traits.is_check_box or (traits.is_signature and not traits.names_signer):
            words = label if traits.is_check_box else f"{label}: {_signature_words(spec)}"
            return (
                f'<label class="tick"{grow}>{self._control(spec)}<span>{words}{must}</span></label>'
            )
        if traits.has_options:
            legend = f"<legend>{label}{must} {hint}</legend>"
            return (
                f'<fieldset class="field"{grow}>{legend}{self._control(spec)}<em></em></fieldset>'
            )
        return (
            f'<label class="field"{grow}><span>{label}{must} {hint}</span>'
            f"{self._control(spec)}<em></em></label>"
        )

    def _rows(self, specs: Sequence[FieldSpec], count: int) -> str:
        """Return a table with a line for each row."""
        shown = [spec for spec in specs if spec.traits.filled_by_hand]
        first = [spec for spec in specs[:count] if spec.traits.filled_by_hand]
        heads = "".join(
            f"<th>{escape(spec.full_label)}{'&nbsp;<b>*</b>' if spec.required else ''}"
            f"{_hint(spec)}</th>"
            for spec in first
        )
        lines = "".join(
            f"<tr><th>{row}</th>{''.join(self._cell(spec) for spec in of_row)}</tr>"
            for row, of_row in groupby(shown, key=lambda spec: spec.row)
        )
        return (
            f'<div class="wide"><table><thead><tr><th></th>{heads}</tr></thead>'
            f"<tbody>{lines}</tbody></table></div>"
        )

    def _grid(self, specs: Sequence[FieldSpec]) -> str:
        """Return a table with a line for each line of a grid, and a column for each day."""
        lines = [list(group) for _, group in groupby(specs, key=lambda spec: spec.group)]
        heads = "".join(f"<th>{escape(spec.label)}</th>" for spec in lines[0])
        codes = next((spec.codes for spec in lines[0] if spec.codes), ())
        key = " · ".join(f"{code.value} = {code.label}" for code in codes)
        body = "".join(
            f"<tr><th>{number}</th>{''.join(self._cell(spec) for spec in line)}</tr>"
            for number, line in enumerate(lines, start=1)
        )
        return (
            f'<p class="help">{escape(key)}</p><div class="wide grid"><table>'
            f"<thead><tr><th></th>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def _cell(self, spec: FieldSpec) -> str:
        kind = "day" if spec.day is not None else ""
        return f'<td class="{kind}">{self._control(spec, is_cell=True)}<em></em></td>'

    def _control(self, spec: FieldSpec, *, is_cell: bool = False) -> str:
        traits = spec.traits
        attributes = self._attributes(spec)
        if is_cell:
            attributes += f' aria-label="{escape(self._cell_name(spec), quote=True)}"'
        if traits.is_check_box or (traits.is_signature and not traits.names_signer):
            is_own = spec.means is Meaning.AUTHOR_SIGNATURE
            kind = "tick" if traits.is_check_box else "sign" if is_own else "paper"
            return f'<input type="checkbox" data-kind="{kind}" {attributes}>'
        if traits.has_options:
            radios = "".join(
                f'<label class="tick"><input type="radio" name="{escape(spec.name, quote=True)}" '
                f'value="{escape(option.value, quote=True)}">'
                f"<span>{escape(option.label)}</span></label>"
                for option in spec.options
            )
            kind = 'class="choice" role="radiogroup" data-kind="choice"'
            return f"<span {kind} {attributes}>{radios}</span>"
        if traits.is_multiline:
            rows = max(2, spec.lines or 3)
            return f'<textarea data-kind="text" rows="{rows}" {attributes}></textarea>'
        size = f' maxlength="{spec.cell_count}"' if self._is_counted(spec) else ""
        size += ' maxlength="6"' if traits.names_signer else ""
        value = self._unit if spec.means is Meaning.UNIT else ""
        mode = ' inputmode="numeric"' if spec.format in _NUMERIC else ""
        if self._copied_names(spec):
            mode += ' readonly tabindex="-1"'
        return (
            f'<input type="text" data-kind="text"{size}{mode} '
            f'value="{escape(value, quote=True)}" '
            f'placeholder="{_PLACEHOLDERS.get(spec.format, "") if spec.format else ""}" '
            f'autocomplete="off" spellcheck="false" {attributes}>'
        )

    @staticmethod
    def _is_counted(spec: FieldSpec) -> bool:
        return spec.format is Format.CODE or (spec.traits.has_cells and not spec.format)

    @staticmethod
    def _cell_name(spec: FieldSpec) -> str:
        return f"Rad {spec.row}: {spec.full_label}" if spec.row is not None else spec.full_label

    def _copied_names(self, spec: FieldSpec) -> str | None:
        """Return the fields of page 1 that a field about the client of a later page repeats."""
        if spec.means is not Meaning.CLIENT_PRINTED:
            return None
        own = (self._form.meaning(means) for means in (Meaning.CLIENT_NAME, Meaning.CLIENT_PID))
        names = [one.name for one in own if one and one.row is None and one.traits.filled_by_hand]
        return json.dumps(names) if names else None

    def _attributes(self, spec: FieldSpec) -> str:
        """Return what the checks in the browser need to know of a field."""
        less = sibling_name(spec, spec.less_than) if spec.less_than else None
        specs = self._form.entry_fields(spec.row) if spec.sum_of else ()
        values = {
            "name": spec.name,
            "page": self._number,
            "label": self._cell_name(spec),
            "format": spec.format,
            "row": spec.row,
            "must": "1" if spec.required else None,
            "decimals": spec.decimals if spec.format is Format.NUMBER else None,
            "min": spec.minimum,
            "max": spec.maximum,
            "low": spec.plausible[0] if spec.plausible else None,
            "high": spec.plausible[1] if spec.plausible else None,
            "less": less,
            "codes": "".join(code.value for code in spec.codes) or None,
            "when": "1" if spec.means in _WHEN and spec.format is Format.DATE else None,
            "copy": self._copied_names(spec),
            "client": "1" if spec.means is Meaning.CLIENT_PID else None,
            "author": "1" if spec.means is Meaning.AUTHOR_NAME and spec.row is None else None,
            "sum": json.dumps(addend_names(spec, self._form.fields)) if specs else None,
        }
        return " ".join(
            f'data-{name}="{escape(str(value), quote=True)}"'
            for name, value in values.items()
            if value is not None
        )


DIGITAL_FOLDER = "digitala-blanketter"
"""The folder of a pack that the files are in."""
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class DigitalPack:
    """What the files of a pack have in common: unit, day, and the secret of their keys.

    `name` tells the packs of a unit apart.
    """

    unit: str
    made_on: date
    secret: str
    name: str

    @classmethod
    def new(cls, unit: str, made_on: date, secret: str) -> DigitalPack:
        """Make a pack with a name of its own."""
        return cls(unit, made_on, secret, secrets.token_hex(4))


def digital_files(pack: DigitalPack, forms: Iterable[Form]) -> dict[str, bytes]:
    """Make a file of each form that Efterskrift prints, by its name in the pack."""
    return {
        f"{DIGITAL_FOLDER}/{form.id}.html": make_form_file(pack, form)
        for form in forms
        if not form.printed_elsewhere
    }


def make_form_file(pack: DigitalPack, form: Form) -> bytes:
    """Make the file of a form.

    Raises:
        FormError: the form is printed elsewhere.
    """
    if form.printed_elsewhere:
        raise FormError("printed_elsewhere", form=form.id)
    head = {
        "form": form.id,
        "version": str(form.version),
        "unit": pack.unit,
        "pack": pack.name,
        "made_on": pack.made_on.isoformat(),
        "title": form.title,
    }
    key = note_key(
        pack.secret, form.id, str(form.version), pack.unit, f"{pack.name} {head['made_on']}"
    )
    known = {
        "head": head,
        "key": key,
        "pages": str(len(form.pages)),
        "format": NOTE_FORMAT,
        "suffix": NOTE_SUFFIX,
    }
    pages = "".join(
        f'<section class="sheet">{_page_title(form, number)}{draw_page(form, number, pack.unit)}'
        "</section>"
        for number in range(1, len(form.pages) + 1)
    )
    style, script = ((_HERE / name).read_text("utf-8") for name in ("form.css", "form.js"))
    # Nothing in a value can end the script: < is written as its code.
    script = script.replace("/*KNOWN*/ null", json.dumps(known).replace("<", "\\u003c"))
    return _PAGE.format(
        policy=_policy(style, script),
        title=escape(form.title),
        unit=escape(pack.unit),
        version=form.version,
        made_on=head["made_on"],
        style=style,
        author="" if author_field(form) else _AUTHOR,
        pages=pages,
        script=script,
    ).encode()


def _page_title(form: Form, number: int) -> str:
    return f'<p class="side">Sida {number} av {len(form.pages)}</p>' if len(form.pages) > 1 else ""


def _policy(style: str, script: str) -> str:
    """Return a content security policy: this style and this script, and nothing else."""
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (style, script)
    ]
    return (
        f"default-src 'none'; style-src {hashes[0]}; script-src {hashes[1]}; "
        "base-uri 'none'; form-action 'none'"
    )


_AUTHOR = (
    '<div class="line"><label class="field" data-wide="90"><span>Du som skriver: namn och titel '
    '<b title="måste fyllas i">*</b></span><input type="text" id="author" autocomplete="off" '
    'spellcheck="false"><em></em></label></div>'
)
_PAGE = """<!DOCTYPE html>
<html lang="sv">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title} – {unit}</title>
<style>{style}</style>
</head>
<body>
<header><div><h1>{title}</h1><p>{unit} · reservblankett utan papper · version {version} \
· gjord {made_on}</p></div><p id="count" role="status"></p></header>
<noscript><p class="found">Den här webbläsaren kör inga skript. \
Använd pappersblanketten.</p></noscript>
<main>
<p id="clock" class="found" role="alert" hidden></p>
<form id="note" autocomplete="off" novalidate>
<p class="help">Sparas som en fil på den här datorn eller på USB-minnet. Inget skickas, och inget \
blir kvar i webbläsaren. <b>*</b> måste fyllas i.</p>
{author}
{pages}
<div id="found" class="found" role="alert" tabindex="-1" hidden></div>
<div class="bar"><button type="submit" id="save">Spara <kbd>Ctrl</kbd> <kbd>S</kbd></button>\
<button type="button" id="empty" class="quiet">Töm</button></div>
</form>
<section id="saved" class="saved" tabindex="-1" hidden></section>
<section id="print"></section>
</main>
<script>{script}</script>
</body>
</html>
"""
