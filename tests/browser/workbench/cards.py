"""Entries as Python gives them to the workbench, and the picture of their sheet."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from pipeline.texts import text
from ui.browser.workbench import LABELS

Data = dict[str, Any]

PAGE = "aa11bb22cc33dd44ee55"
WIDTH, HEIGHT = 1240, 1754
RED, BLUE = (196, 24, 32), (28, 58, 150)
LEFT, TOP, STEP, TALL = 0.36, 0.12, 0.046, 0.034
"""Where the boxes of the fields are, as shares of the page."""
NUMBER = "193001016595"
LABELS_SV = {name: text(key, "sv") for name, key in LABELS.items()}
_NAMES = (
    *(("personnummer", "Personnummer"), ("namn", "Namn"), ("adress", "Adress")),
    *(("datum", "Datum"), ("tid", "Klockslag"), ("puls", "Puls"), ("blodtryck", "Blodtryck")),
    *(("temp", "Temperatur"), ("saturation", "Saturation"), ("andning", "Andningsfrekvens")),
    *(("lakemedel", "Läkemedel"), ("dos", "Dos"), ("given", "Givet av"), ("plats", "Plats")),
)
_WRITTEN = {
    **{"personnummer": "19 300101-6595", "namn": "Maj-Britt Lindström", "adress": "Storgatan 4"},
    **{"datum": "26-11-30", "tid": "08.15", "puls": "72", "blodtryck": "135/80", "temp": "37,2"},
    **{"saturation": "96", "andning": "18", "lakemedel": "Alvedon", "dos": "500 mg"},
    **{"given": "A. Berg", "plats": "Köket"},
}


def place(index: int) -> tuple[float, float, float, float]:
    """The box of a field on the page."""
    return LEFT, TOP + STEP * index, 0.56, TALL


def page_jpeg() -> bytes:
    """A sheet with print in black, ink in blue, and one number in red."""
    sheet = Image.new("RGB", (WIDTH, HEIGHT), (252, 250, 244))
    pen = ImageDraw.Draw(sheet)
    small, large, title = (ImageFont.truetype("DejaVuSans.ttf", size) for size in (24, 34, 44))
    pen.text((90, 90), "HEMBESÖK", fill=(20, 20, 20), font=title)
    for index, (name, label) in enumerate(_NAMES):
        x, y, w, h = place(index)
        left, top = x * WIDTH, y * HEIGHT
        pen.rectangle(
            (left, top, left + w * WIDTH, top + h * HEIGHT), outline=(90, 90, 90), width=2
        )
        pen.text((90, top + 16), label, fill=(20, 20, 20), font=small)
        ink = RED if name == "dos" else BLUE
        pen.text((left + 20, top + 8), _WRITTEN[name], fill=ink, font=large)
    x, y, w, h = place(len(_NAMES) + 1)
    pen.rectangle((90, y * HEIGHT, WIDTH - 90, (y + 0.14) * HEIGHT), outline=(90, 90, 90), width=2)
    note = "Trött men pigg. Åt frukost.\nBer dottern ringa vården."
    pen.text((110, y * HEIGHT + 12), note, fill=BLUE, font=large)
    written = io.BytesIO()
    sheet.save(written, "JPEG", quality=92, subsampling=0)
    return written.getvalue()


def field(name: str, label: str, index: int, /, **more: object) -> Data:
    """A line of text with its piece of the paper."""
    x, y, w, h = place(index)
    return {
        **{"name": name, "label": label, "hint": "", "kind": "text", "value": _WRITTEN.get(name)},
        **{"options": [], "typed": False, "lines": 0, "placeholder": "Tomt", "must": False},
        **{"blind": False, "needs": False, "reading": None, "error": "", "reason": ""},
        "client": False,
        "crop": crop(x, y, w, h, f"Bild av {label}"),
        **{"area": [0, x, y, w, h], "words": None},
        **more,
    }


def crop(x: float, y: float, w: float, h: float, label: str) -> Data:
    """A piece of the page with a margin."""
    x, y, w, h = x - 0.005, y - 0.004, w + 0.01, h + 0.008
    aspect = w * WIDTH / (h * HEIGHT)
    return {"image": PAGE, "x": x, "y": y, "w": w, "h": h, "aspect": aspect, "label": label}


def choice(name: str, label: str, options: tuple[str, ...], /, **more: object) -> Data:
    """Options; the last two say that it is empty and that it cannot be read."""
    listed = [{"label": option} for option in (*options, "Tomt", "Oläsligt")]
    return field(name, label, 13, **{"kind": "choice", "options": listed, "value": -1, **more})


def client(**more: object) -> Data:
    """A client as the banner shows one."""
    return {
        **{"name": "Maj-Britt Lindström", "number": "19300101-6595", "age": "96 år"},
        **{"unit": "Hemsjukvården Centrum", "tags": [], "text": "", "unknown": False},
        **{"for": ["Namnet är detsamma", "Adressen är densamma"], "against": []},
        **more,
    }


def banner(*clients: Data, **more: object) -> Data:
    """The banner of a client, who is no question."""
    return {
        **{"kind": "clients", "text": "", "number": NUMBER, "clear": True},
        "clients": list(clients) or [client()],
        **more,
    }


NO_CLIENT_YET = {
    **{"kind": "wait", "text": LABELS_SV["wait"], "number": "", "clear": False, "clients": []},
}


def fields() -> list[Data]:
    """The fields of a home visit: the number is keyed blind, three more need a person."""
    doubt = [{"text": "50", "doubt": False}, {"text": "0", "doubt": True}]
    needing: dict[str, Data] = {
        "personnummer": {"value": "", "must": True, "blind": True, "needs": True, "client": True}
        | {"placeholder": "Skriv det du ser"},
        "puls": {"needs": True, "value": "12"},
        "dos": {"needs": True, "hint": "mg", "reading": [*doubt, {"text": " mg", "doubt": False}]},
    }
    listed = [
        field(name, label, index, **needing.get(name, {}))
        for index, (name, label) in enumerate(_NAMES)
    ]
    smart = choice("smarta", "Smärta", ("Ingen", "Lindrig", "Svår"), needs=True)
    return [*listed[:10], smart, *listed[10:]]


def card(entry: str = "e1", /, **more: object) -> Data:
    """An entry of a sheet."""
    return {
        **{"entry": entry, "revision": 1, "attempt": 0, "title": "Hembesök"},
        "origin": "Hemsjukvården Centrum · EF-1234 · Tidig: dosen är osäker · 41 väntar",
        **{"notices": [], "warning": "", "question": None, "focus": "", "folded": []},
        "facts": [{"text": "Ska bedömas senast i dag", "kind": "due", "passed": ""}],
        "banner": NO_CLIENT_YET,
        **{"fields": fields(), "unfold": "", "settled": None, "row": None, "marked": []},
        "pages": [{"image": PAGE, "caption": "Sida 1 av 1", "aspect": HEIGHT / WIDTH}],
        **{"look": None, "add": None, "hidden": None, "canAdvance": True},
        "actions": [
            {"kind": "open:attachments", "label": "Bilagor", "key": "Alt+J"},
            {"kind": "open:split", "label": "Dela bladet", "key": "Alt+M"},
        ],
        **more,
    }


def ready(entry: str = "e1", /, **more: object) -> Data:
    """An entry in which everything is answered."""
    listed = fields()
    listed[0] |= {"value": NUMBER}
    listed[10] |= {"value": 0}
    return card(entry, fields=listed, **{"banner": banner(), **more})


def note(entry: str = "e1", /, **more: object) -> Data:
    """A note: the picture above, the text with its words below."""
    said = "Trött men pigg. Åt frukost. Ber dottern ringa vården."
    words = said.split()
    top = TOP + STEP * (len(_NAMES) + 1)
    places = [[0, 0.09 + 0.05 * i, top + 0.01, 0.045, 0.03] for i in range(len(words))]
    x, y, w, h = 0.0726, top, 0.855, 0.14
    text_field = field(
        *("anteckning", "Anteckning", 0),
        **{"kind": "area", "value": said, "needs": True, "lines": 6, "area": [0, x, y, w, h]},
        pitch=h / 6,
        crop=crop(x, y, w, h, "Bild av Anteckning"),
        words={
            **{"words": words, "places": places, "doubtful": [i in (1, 5) for i in range(9)]},
            "alternatives": [{1: ["mer", "man"], 5: ["bad", "bed"]}.get(i, []) for i in range(9)],
            "known": ["frukost", "dottern"],
        },
    )
    listed = [*ready()["fields"][:1], text_field]
    return card(entry, title="Anteckning", fields=listed, **{"banner": banner(), **more})


def conflict(**more: object) -> Data:
    """A question: the sheet is evidence against the client."""
    choices = [
        {"value": "right", "label": "Numret är rätt läst. Det är den klienten."},
        {"value": "ask", "label": "Jag är osäker. Lämna till en kollega."},
    ]
    return {
        **{"kind": "conflict", "field": "personnummer", "number": NUMBER},
        "title": "Något talar emot klienten",
        "lines": ["Namnet är ett annat", "Klienten har avlidit"],
        **{"choices": choices, "why": {"label": "Varför är det rätt?", "max": 200}},
        **{"name": None, "select": None},
        **more,
    }


def data(now: Data | None, ahead: Data | None = None, /, **more: object) -> Data:
    """What Python gives."""
    return {
        **{"now": now, "ahead": ahead, "heard": 0, "says": None, "saysNo": 0, "undo": True},
        **{"minView": 0, "labels": LABELS_SV},
        **more,
    }
