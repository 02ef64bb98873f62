"""Make a form without paper: one HTML file that works in any browser, without server or network.

Its policy lets it load nothing and send nothing; it keeps nothing, and saves a note as a file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path

from pipeline.domain.errors import FormError
from pipeline.domain.form.form import Form
from pipeline.files.note_files import NOTE_FORMAT, NOTE_SUFFIX, note_key
from pipeline.preparation.digital_forms.controls import author_field, draw_page

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
