"""What the staff of the sample stack wrote: invented people and events, in the trade's words."""

from __future__ import annotations

from pipeline.domain.model import Value

SampleEntry = dict[str, Value]
SAMPLE_STAFF = (
    ("Eva Marklund", "ssk"),
    ("Jonas Hedström", "ssk"),
    ("Fatima Rahimi", "ssk"),
    ("Britta Lundmark", "dsk"),
    ("Ylva Ström", "usk"),
    ("Adam Nilsson", "vårdbiträde"),
    ("Leila Hassan", "usk"),
    ("Oskar Bergdahl", "usk"),
)
SAMPLE_NOTES = (
    (
        "2021-12-16",
        "08:20",
        "besok",
        "Såromläggning höger underben. Såret rent,\nrodnad i kanten 2 cm. Smärta 3 av 10.",
        "Ny omläggning på måndag.",
    ),
    (
        "2021-12-16",
        "10:05",
        "telefon",
        "Dotter ringer, orolig för att mamma äter dåligt.\nHar tappat vikt sedan november.",
        "Vägning vid nästa besök.",
    ),
    (
        "2021-12-16",
        "13:40",
        "bedomning",
        "Patienten har ramlat i badrummet i morse.\nInga yttre skador. Kan belasta "
        "benet.\nBlodtryck 140/78.",
        "Rehab kontaktas.",
    ),
    (
        "2021-12-17",
        "07:45",
        "atgard",
        "Blodprov taget enligt ordination.\nGick bra, inga besvär.",
        "",
    ),
    (
        "2021-12-17",
        "09:30",
        "besok",
        "Ny kateter inlagd utan problem.\nKlar urin.",
        "Byte om tre månader.",
    ),
    (
        "2021-12-17",
        "14:15",
        "telefon",
        "Läkare kontaktad om värk i ryggen.\nOrdination enligt Pascal.",
        "Uppföljning i morgon.",
    ),
    (
        "2021-12-18",
        "08:10",
        "besok",
        "Insulin givet. Har ätit frukost.\nMår bra och är på gott humör.",
        "",
    ),
    (
        "2021-12-18",
        "11:50",
        "bedomning",
        "Andfådd vid ansträngning, svullna ben.\nVikt har ökat 2 kg på en vecka.",
        "Läkare kontaktas idag.",
    ),
    ("2021-12-19", "16:25", "atgard", "Stomi bytt. Huden hel och fin.", "Nytt material beställs."),
    (
        "2021-12-20",
        "08:05",
        "besok",
        "Omläggning av trycksår på hälen.\nGrad 2, minskar i storlek.",
        "Avlastning fortsätter.",
    ),
    (
        "2021-12-20",
        "12:00",
        "telefon",
        "Sonen meddelar att patienten är inlagd\npå sjukhuset i Sunderbyn.",
        "Bevakas i Lifecare.",
    ),
    (
        "2021-12-21",
        "09:15",
        "besok",
        "Dosett delad för två veckor.\nPatienten tar sina mediciner själv.",
        "",
    ),
    (
        "2021-12-22",
        "10:30",
        "bedomning",
        "Nedstämd och sover dåligt.\nVill gärna ha samtal.",
        "Kurator kontaktas.",
    ),
    ("2021-12-23", "07:55", "atgard", "Sprutan given i vänster arm.", ""),
    (
        "2021-12-24",
        "09:40",
        "besok",
        "Hembesök på julafton. Allt lugnt.\nAnhöriga är på plats.",
        "",
    ),
    (
        "2021-12-27",
        "13:05",
        "telefon",
        "Fråga om hjälpmedel, rullstol är trasig.",
        "Arbetsterapeut meddelas.",
    ),
    ("2021-12-28", "08:30", "besok", "Såret läkt. Omläggning avslutas.", "Kontroll om en vecka."),
    (
        "2021-12-29",
        "15:20",
        "bedomning",
        "Feber 38,4 och hosta sedan i går.\nProv taget.",
        "Ring läkare om sämre.",
    ),
    ("2021-12-30", "11:10", "atgard", "Kompressionsförband lagt på båda benen.", "Byte på fredag."),
)
SAMPLE_MEASUREMENTS: tuple[tuple[SampleEntry, ...], ...] = (
    (
        {
            "datum": "2021-12-16",
            "tid": "08:00",
            "bt_sys": "135",
            "bt_dia": "82",
            "puls": "72",
            "temp": "36.8",
        },
        {
            "datum": "2021-12-17",
            "tid": "08:10",
            "bt_sys": "142",
            "bt_dia": "85",
            "puls": "76",
            "temp": "37.1",
        },
    ),
    (
        {"datum": "2021-12-16", "tid": "07:30", "b_glukos": "7.4"},
        {"datum": "2021-12-16", "tid": "17:15", "b_glukos": "9.2"},
    ),
    ({"datum": "2021-12-18", "tid": "09:05", "vikt": "71.5", "puls": "88", "saturation": "94"},),
    (
        {"datum": "2021-12-19", "tid": "08:20", "temp": "38.4", "puls": "96", "saturation": "92"},
        {"datum": "2021-12-19", "tid": "14:00", "temp": "38.0", "puls": "90", "saturation": "93"},
        {"datum": "2021-12-20", "tid": "08:15", "temp": "37.2", "puls": "84", "saturation": "95"},
    ),
    (
        {
            "datum": "2021-12-20",
            "tid": "10:45",
            "bt_sys": "118",
            "bt_dia": "64",
            "puls": "60",
            "smarta": "4",
        },
    ),
    ({"datum": "2021-12-23", "tid": "08:40", "bt_sys": "156", "bt_dia": "91", "puls": "79"},),
    (
        {"datum": "2021-12-27", "tid": "07:50", "b_glukos": "6.1", "vikt": "58.0"},
        {"datum": "2021-12-28", "tid": "07:45", "b_glukos": "5.8"},
    ),
    ({"datum": "2021-12-29", "tid": "15:30", "temp": "38.4", "saturation": "91", "puls": "102"},),
)
_MORNING_VISITS = (
    ("07:15", "07:45", ("omvardnad", "mat")),
    ("07:55", "08:20", ("omvardnad", "tillsyn")),
    ("08:30", "09:10", ("dusch", "mat")),
    ("09:20", "09:35", ("tillsyn",)),
    ("09:45", "10:30", ("stad", "tvatt")),
)
_EVENING_VISITS = (
    ("16:30", "16:50", ("mat",)),
    ("17:05", "17:40", ("omvardnad", "mat", "dubbel")),
    ("18:00", "18:15", ("tillsyn",)),
    ("19:10", "19:55", ("omvardnad",)),
)
SAMPLE_VISITS = tuple(
    (day, (_MORNING_VISITS if number % 2 == 0 else _EVENING_VISITS)[: 3 + number % 3])
    for number, day in enumerate(
        (
            "2021-12-16",
            "2021-12-16",
            "2021-12-17",
            "2021-12-17",
            "2021-12-18",
            "2021-12-18",
            "2021-12-19",
            "2021-12-19",
            "2021-12-20",
            "2021-12-21",
            "2021-12-22",
            "2021-12-23",
            "2021-12-24",
            "2021-12-27",
        )
    )
)
