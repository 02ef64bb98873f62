"""What can be wrong with a form, in words: by code and language what it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

Words = tuple[str, str]


def _both(sv: Words, en: Words) -> Mapping[str, Words]:
    return {"sv": sv, "en": en}


_FILE: Mapping[str, Mapping[str, Words]] = {
    "no_file": _both(
        ("Filen går inte att läsa: {why}.", "Kontrollera mappens namn och att filen finns i den."),
        ("The file cannot be read: {why}.", "Check the folder's name and that the file is in it."),
    ),
    "not_yaml": _both(
        ("Filen går inte att tolka som YAML: {why}.", "Titta på indragen, kolon och citattecken på raden och på raden ovanför."),
        ("The file is no YAML: {why}.", "Look at the indentation, colons and quotation marks on this line and the one above."),
    ),
    "key_twice": _both(
        ("Nyckeln {key} står två gånger.", "Ta bort den ena: bara den sista gäller."),
        ("The key {key} stands twice.", "Remove one of them: only the last counts."),
    ),
    "unknown_key": _both(
        ("Det finns ingen nyckel {key} här.", "{hint}"),
        ("There is no key {key} here.", "{hint}"),
    ),
    "missing_key": _both(
        ("Nyckeln {key} saknas.", "Lägg till den; forms/README.md säger vad den kan vara."),
        ("The key {key} is missing.", "Add it; forms/README.md says what it may be."),
    ),
    "unknown_word": _both(
        ("{key}: {word} finns inte.", "Det här finns: {known}.{hint}"),
        ("{key}: there is no {word}.", "There are: {known}.{hint}"),
    ),
    "bad_name": _both(
        ("{key}: {word} får inte heta så.", "Använd små bokstäver a–z, siffror och {joiner}, och börja med en bokstav."),
        ("{key}: {word} cannot be called that.", "Use small letters a–z, digits and {joiner}, and begin with a letter."),
    ),
    "bad_value": _both(
        ("{key}: värdet passar inte ({why}).", "Rätta det; forms/README.md säger vad nyckeln kan vara."),
        ("{key}: the value does not fit ({why}).", "Correct it; forms/README.md says what the key may be."),
    ),
    "not_placed": _both(
        ("form.yaml är inte vad outline.yaml ger.", "Kör `efterskrift forms place {form}`."),
        ("form.yaml is not what outline.yaml gives.", "Run `efterskrift forms place {form}`."),
    ),
    "other_folder": _both(
        ("Blanketten heter {form} men mappen {folder}.", "Ge dem samma namn."),
        ("The form is called {form} but its folder {folder}.", "Give them the same name."),
    ),
    "unpublished": _both(
        ("{key} finns inte i {file}.", "Publicera versionen när den är provad (forms/README.md säger hur)."),
        ("{key} is not in {file}:", "publish it (forms/README.md says how)."),
    ),
    "frozen": _both(
        ("{key} är publicerad med andra rutor än nu.", "Ångra ändringen, eller gör version {next}."),
        ("{key} was published with another geometry:", "undo the change, or make version {next}."),
    ),
}

_FIELDS: Mapping[str, Mapping[str, Words]] = {
    "needs_format": _both(
        ("{field}: sifferrutor behöver ett format.", "Skriv format: date, time, personnummer eller number."),
        ("{field}: a digits field needs a format.", "Write format: date, time, personnummer or number."),
    ),
    "needs_cells": _both(
        ("{field}: bokstavsrutor behöver cells.", "Skriv hur många rutor fältet har, till exempel cells: 8."),
        ("{field}: a letters field needs cells.", "Write how many boxes it has, such as cells: 8."),
    ),
    "number_needs_cells": _both(
        ("{field}: ett tal i rutor behöver cells.", "Skriv hur många rutor talet har, till exempel cells: 4."),
        ("{field}: a number needs cells.", "Write how many boxes it has, such as cells: 4."),
    ),
    "only_on_line": _both(
        ("{field}: formatet {format} går inte i rutor.", "Använd kind: text, en handskriven rad."),
        ("{field}: {format} does not go into boxes.", "Use kind: text, a handwritten line."),
    ),
    "only_numbers": _both(
        ("{field}: plausible och sum_of hör bara till tal.", "Ta bort dem, eller skriv format: number."),
        ("{field}: plausible and sum_of belong to a number.", "Remove them, or write format: number."),
    ),
    "only_comparable": _both(
        ("{field}: less_than hör till ett tal eller ett klockslag.", "Ta bort det, eller skriv format: number eller time."),
        ("{field}: less_than belongs to a number or a time.", "Remove it, or write format: number or time."),
    ),
    "options_and_choice": _both(
        ("{field}: options hör till kind: choice, som måste ha dem.", "Skriv kind: choice och options, eller ta bort options."),
        ("{field}: options belong to kind: choice, which needs them.", "Write kind: choice and options, or remove the options."),
    ),
    "lines_and_lines": _both(
        ("{field}: lines hör till kind: lines, som måste ha det.", "Skriv hur många rader, till exempel lines: 6."),
        ("{field}: lines belongs to kind: lines, which needs it.", "Write how many lines, such as lines: 6."),
    ),
    "format_elsewhere": _both(
        ("{field}: ett format hör bara till digits eller text.", "Ta bort format, eller byt kind."),
        ("{field}: a format belongs to digits or text.", "Remove the format, or change the kind."),
    ),
    "name_twice": _both(
        ("Två fält heter {field}.", "Ge det ena ett annat namn: namnet är nyckeln i varje export."),
        ("Two fields are called {field}.", "Give one another name: it is the key of the value in every export."),
    ),
    "no_other": _both(
        ("{field}: det finns inget fält {other} med formatet {format} att jämföra med.", "Rätta namnet, eller ge fälten samma format."),
        ("{field}: there is no {format} {other} to compare with.", "Correct the name, or give both the same format."),
    ),
    "no_meaning": _both(
        ("Inget fält betyder {means}.", "Ge fältet på arket eller i raden `means: {means}`, eller ta med standardavsnittet som har det."),
        ("no field means {means}", "Give a field of the sheet or the row `means: {means}`, or use the standard section that has it."),
    ),
    "deadline_day": _both(
        ("deadline räknar från {field}, som inte är ett datum på blanketten.", "Skriv namnet på ett fält med format: date."),
        ("The deadline counts from {field}, which is no date on this form.", "Write the name of a field with format: date."),
    ),
    "norm_field": _both(
        ("Beräkningen (norm) nämner {field}, som inte är ett fält på blanketten.", "Rätta namnet, eller lägg till fältet."),
        ("The calculation (norm) names {field}, which is no field of this form.", "Correct the name, or add the field."),
    ),
    "rows_need_table": _both(
        ("entries: row behöver en tabell.", "Lägg till en table, eller skriv entries: sheet."),
        ("entries: row needs a table.", "Add a table, or write entries: sheet."),
    ),
}

_PLACES: Mapping[str, Mapping[str, Words]] = {
    "overlap": _both(
        ("{field} och {other} ligger på varandra.", "Flytta eller krymp den ena rutan."),
        ("{field} and {other} overlap", "Move or shrink one of them."),
    ),
    "outside_page": _both(
        ("{field} ligger utanför sidan.", "Sidan är 210 × 297 mm om inget annat sägs; box är [x, y, bredd, höjd]."),
        ("{field} lies outside the page.", "The page is 210 × 297 mm if nothing else is said; box is [x, y, width, height]."),
    ),
    "in_the_margin": _both(
        ("{field} ligger där märken och koder behöver plats.", "Håll rutan inom x {left}–{right} och y {top}–{bottom} mm."),
        ("{field} lies where markers and codes need room", "Keep it inside x {left}–{right} and y {top}–{bottom} mm."),
    ),
    "option_outside": _both(
        ("{field}: valet {option} ligger utanför fältets ruta.", "Gör fältets box så stor att alla vals rutor ryms."),
        ("{field}: the option {option} lies outside the field", "Make the field's box hold the boxes of all its options."),
    ),
    "cells_too_small": _both(
        (
            "{field}: rutorna är för små för handskrift, {width} × {height} mm.",
            "Gör varje ruta minst {least_width} × {least_height} mm, helst 5,5 × 7,5.",
        ),
        (
            "{field}: boxes for digits or letters must be at least {least_width} × {least_height} mm",
            "They are {width} × {height} mm; 5.5 × 7.5 is better.",
        ),
    ),
    "line_too_low": _both(
        ("{field}: rutan är för låg för handskrift, {height} mm.", "Gör den minst {least} mm hög."),
        ("{field}: a line must be at least {least} mm high", "It is {height} mm."),
    ),
    "lines_too_close": _both(
        ("{field}: raderna är för täta för handskrift, {height} mm.", "Gör dem minst {least} mm: färre rader eller högre ruta."),
        ("{field}: lines must be at least {least} mm apart", "They are {height} mm: use fewer, or a higher box."),
    ),
    "mark_size": _both(
        ("{field}{option}: kryssrutan är {width} × {height} mm.", "Gör den {least}–{most} mm bred och hög."),
        ("{field}{option}: a check box must be {least}–{most} mm wide and high", "It is {width} × {height} mm."),
    ),
    "not_a4": _both(
        ("En sida som vi själva trycker är A4.", "Ta bort size, eller ange blank för en blankett som trycks av andra."),
        ("A page of our own is A4; another size needs the blank of a form printed elsewhere.", "Remove size, or name the blank."),
    ),
    "sides_alone": _both(
        ("Inget på en blankett som trycks av andra säger vilka sidor som hör ihop.", "Gör varje sida till en egen blankett."),
        ("Nothing on a form printed elsewhere says which sides belong together.", "Make each side a form of one page."),
    ),
    "blank_unreadable": _both(
        ("Bilden av den tomma blanketten går inte att läsa: {why}", "Lägg en PDF eller PNG i blankettens mapp."),
        ("{why}", "Put a PDF or PNG into the form's folder."),
    ),
    "too_little_print": _both(
        ("Den tomma blanketten har för lite tryck för att kännas igen: {places} ställen, {least} behövs.", "Ta en blankett med mer tryckt text."),
        ("the blank has too little print to be known by ({places} places, {least} are needed)", "Use one with more print."),
    ),
}

_OUTLINES: Mapping[str, Mapping[str, Words]] = {
    "row_too_wide": _both(
        ("Raden är för bred: fältet {field} tar {width} mm av {room}.", "Ge fältet färre rutor, en kortare ledtext eller en mindre width."),
        ("The row is too wide: the field {field} takes {width} mm of {room}.", "Give it fewer boxes, a shorter label or a smaller width."),
    ),
    "section_too_high": _both(
        ("Avsnittet {title} är för högt: {height} mm av {room}.", "Dela det i två avsnitt, eller ta färre rader."),
        ("The section {title} is too high: {height} mm of {room}.", "Divide it into two sections, or use fewer rows."),
    ),
    "table_too_high": _both(
        ("Tabellen {field} är för hög: {count} rader à {row} mm blir {height} mm av {room}.", "Ta högst {most} rader, eller färre fält i varje rad."),
        ("The table {field} is too high: {count} rows of {row} mm are {height} mm of {room}.", "Use at most {most} rows, or fewer fields in each."),
    ),
    "page_alone": _both(
        ("En sidbrytning står ensam.", "Skriv `- page: next` som en egen punkt, utan annat."),
        ("A page break stands alone.", "Write `- page: next` as an item of its own."),
    ),
    "repeat_or_table": _both(
        ("Ett avsnitt har antingen repeat eller table.", "Ta bort det ena."),
        ("A section has either repeat or table.", "Remove one of them."),
    ),
    "section_title": _both(
        ("Avsnittet saknar title.", "Skriv en rubrik, eller use för ett standardavsnitt."),
        ("The section has no title.", "Write one, or use a standard section."),
    ),
    "section_rows": _both(
        ("Avsnittet {title} är tomt.", "Skriv rows med minst en rad, eller text."),
        ("The section {title} is empty.", "Write rows with at least one row, or text."),
    ),
    "words_in_table": _both(
        ("En tabellrad har bara fält, ingen text.", "Skriv texten som avsnittets text i stället."),
        ("A table row holds only fields, no text.", "Write the words as the section's text."),
    ),
    "one_table": _both(
        ("En blankett har högst en tabell.", "Gör två blanketter, eller använd repeat."),
        ("A form has at most one table.", "Make two forms, or use repeat."),
    ),
    "row_needs_table": _both(
        ("entries: row och en tabell hör ihop: varje tabellrad är en post.", "Lägg till eller ta bort tabellen, eller byt entries."),
        ("entries: row and a table belong together: each table row is an entry.", "Add or remove the table, or change entries."),
    ),
}

TEXTS: Mapping[str, Mapping[str, Words]] = {**_FILE, **_FIELDS, **_PLACES, **_OUTLINES}
