"""What a trial of a form on paper can show, in words: by code and language what it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

Words = tuple[str, str]


def _both(sv: Words, en: Words) -> Mapping[str, Words]:
    return {"sv": sv, "en": en}


TRIAL_TEXTS: Mapping[str, Mapping[str, Words]] = {
    "trial_too_low": _both(
        (
            "fält {number}: rutan är för låg för handskrift",
            "Rutan är {height} mm hög och skriften når {over} mm utanför. Gör den minst {least} mm hög.",
        ),
        (
            "field {number}: the box is too low for handwriting",
            "It is {height} mm high and the writing reaches {over} mm beyond. Make it at least {least} mm.",
        ),
    ),
    "trial_low": _both(
        (
            "fält {number}: rutan är lägre än vad handskrift brukar behöva",
            "Den är {height} mm hög; {least} mm är bättre. Den här gången fick skriften plats.",
        ),
        (
            "field {number}: the box is lower than handwriting usually needs",
            "It is {height} mm high; {least} mm is better. This time the writing fitted.",
        ),
    ),
    "trial_over": _both(
        (
            "fält {number}: skriften går {over} mm utanför rutan uppåt eller nedåt",
            "Rutan är {height} mm hög, så det kan vara handstilen. Gör den högre om fler skriver så.",
        ),
        (
            "field {number}: the writing reaches {over} mm above or below the box",
            "It is {height} mm high, so it may be the hand. Make it higher if others write so too.",
        ),
    ),
    "trial_too_narrow": _both(
        ("fält {number}: rutan är för smal för det som ska stå där", "Skriften når {over} mm utanför åt sidan. Gör rutan bredare."),
        ("field {number}: the box is too narrow for what goes there", "The writing reaches {over} mm beyond its side. Make it wider."),
    ),
    "trial_cells_too_narrow": _both(
        ("fält {number}: siffrorna får inte plats i sina rutor", "Varje ruta är {width} mm bred; {least} mm behövs. Gör fältet bredare."),
        ("field {number}: the characters do not fit their boxes", "Each box is {width} mm wide; {least} mm are needed. Make the field wider."),
    ),
    "trial_rows_too_tight": _both(
        (
            "fält {number}: raderna är för täta för handskrift",
            "Det är {height} mm mellan raderna; {least} mm behövs. Ta färre rader eller gör rutan högre.",
        ),
        ("field {number}: the lines are too close for handwriting", "They are {height} mm apart; {least} mm are needed. Use fewer, or a higher box."),
    ),
    "trial_too_near": _both(
        ("fält {number}: krysset når in i {other}", "Det är {gap} mm mellan rutorna. Flytta isär dem: minst {least} mm."),
        ("field {number}: the mark reaches into {other}", "They are {gap} mm apart. Move them apart: at least {least} mm."),
    ),
    "trial_near": _both(
        ("fält {number}: kryssrutan ligger nära {other}", "Det är {gap} mm mellan rutorna; {least} mm är bättre."),
        ("field {number}: the check box is near {other}", "They are {gap} mm apart; {least} mm is better."),
    ),
    "trial_mark_small": _both(
        ("fält {number}: kryssrutan är {width} × {height} mm", "Mellan {least} och {most} mm läses säkrast."),
        ("field {number}: the check box is {width} × {height} mm", "Between {least} and {most} mm is read most surely."),
    ),
    "trial_print_inside": _both(
        ("fält {number}: tryckt text står inne i rutan", "Flytta rutan eller texten, så att bara det handskrivna hamnar i rutan."),
        ("field {number}: printed words stand inside the box", "Move the box or the words, so that only handwriting is in the box."),
    ),
    "trial_not_read": _both(
        ("fält {number}: det står något i rutan men ingenting lästes", "Se på bilden: är rutan rätt placerad och rätt slags fält valt?"),
        (
            "field {number}: something stands in the box but nothing was read",
            "Look at the picture: is the box in its place, and the sort of field right?",
        ),
    ),
    "trial_unsure": _both(
        ("fält {number}: osäkert läst", "En person får skriva det vid granskningen. Är det läsligt för er är det inget fel på blanketten."),
        ("field {number}: read without certainty", "A person will type it in the review. If you can read it, nothing is wrong with the form."),
    ),
    "trial_empty": _both(
        ("fält {number}: inget är skrivet", "Fältet måste fyllas i, så det behöver provas. Fyll i det på ett provblad."),
        ("field {number}: nothing is written", "The field has to be filled in, so it needs a trial. Fill it in on a trial sheet."),
    ),
    "trial_left_empty": _both(
        ("fält {number}: inget är skrivet, så fältet är inte provat", "Fyll gärna i alla fält på provbladet."),
        ("field {number}: nothing is written, so the field was not tried", "Fill in every field of a trial sheet if you can."),
    ),
    "trial_hidden": _both(
        ("fält {number}: fältet syns inte tydligt på bilden", "Skanna provbladet igen, plant och utan skuggor."),
        ("field {number}: the field is not clearly seen in the picture", "Scan the trial sheet again, flat and without shadows."),
    ),
}
