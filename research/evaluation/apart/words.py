"""What people write in the lines of forms, by the name of the field.

Each rule is a pattern of names and what may be there; `{…}` is filled in by `values.py`. The
first rule whose pattern is found counts.
"""

from __future__ import annotations

import re

PHRASES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), tuple(phrases.split("|")))
    for pattern, phrases in (
        (r"^klient_sida", "{client} {client_number}"),
        (r"^namn$", "{client}"),
        (r"adress", "{address}"),
        (r"epost", "{mail}"),
        (r"yrkestitel", "{title}"),
        (r"^skribent|anstalld$|sign\d+_namn", "{author}"),
        (
            r"handlagg|beslutsfatt|attestant|foredrag|sekreterare|justerare|ordforande|mottagare$"
            r"|bedomare|ansvarig|mas_namn|kontroll_namn|kvitterat|mottaget_av|ut_namn|ersatter"
            r"|anvandare|meddelat_till|_av$|overlamnad_till|lamnad_till|aterkopplat_till",
            "{colleague}",
        ),
        (
            r"_namn|medsokande|foretradare|narstaende|uppringande|med_vem|bitrade|^bud$|lakare"
            r"|kontohavare|aterkoppling_till|underrattelse_till|vardnadshavare",
            "{stranger}",
        ),
        (r"arbetsplats|enhet$|parm|schemagrupp", "{unit}|Avd 2|Plan 3|Östra huset"),
        (r"ordinator", "dr Lind|dr Nordin {short_date}|Wallin|dr Ek {short_date}"),
        (
            r"ord\d+_(insats|lakemedel)|rad\d+_insats|^insats$|ordination$",
            "Alvedon|Furix|Metoprolol|Omeprazol|Morfin|Oxynorm|Insulin|Movicol|Waran|Stödstrumpor"
            "|Laktulos|Citodon|Ögondroppar",
        ),
        (r"styrka", "5 mg|10 mg|500 mg|40 mg|2,5 mg|20 mg|1 mg/ml"),
        (r"vag$", "po|sc|po|im"),
        (r"_form$", "tabl|kaps|inj|plåster"),
        (r"maxdos", "4 g|3 ggr|6 tabl|20 mg"),
        (r"dos$", "1 tabl|2 tabl|5 mg|10 ml|1x3|1x2"),
        (r"_vid$|^orsak$", "smärta|oro|illamående|förstoppad|andnöd|ont i höften"),
        (r"effekt", "god effekt|bättre|sover|ingen effekt än|lugnare"),
        (r"overkanslig", "INGEN KÄND|penicillin|latex|jordnötter"),
        (r"enhet_mangd", "tabl|ml|st"),
        (r"insats\d*$", "Omvårdnad|Dusch|Städ|Inköp|Tillsyn|Hemtjänst 12 tim|Trygghetslarm"),
        (r"avv\d+_varfor", "På sjukhus|Ville inte ta medicin|Slut på tabletter, ringt ssk"),
        (r"plats", "Hemma i köket|Badrummet|Trapphuset|Matsalen|Stora salen"),
        (r"butik", "ICA Torget|Coop|Willys"),
        (r"delegation", "4.2|7.1 b|3.12|5.4"),
        (r"diarie|malnummer", "2026/118|2026/47|T 412-26|2026/203"),
        (r"lagrum", "4 kap. 1 §|9 § 2|11 §|25 kap. 1 §"),
        (r"beslutsref", "2026-114|B 207|2026-88"),
        (r"bankref|rad_ref|serienummer|stoldmarke|ocr|nyckel", "{digits}"),
        (r"kva", "QA003|GB010|XS012"),
        (r"andamal\d+_vad|avser|annan_", "Hyra mars|El|Tandvård|Glasögon|Mat|Busskort"),
        (r"andamal\d+_mottagare|hyresvard", "Bostadsbolaget|Vattenfall|Folktandvården"),
        (r"bank_namn", "Swedbank|Nordea|SEB|Handelsbanken"),
        (r"lage\d+_bild", "Lugnt|Två sjuka|Saknar listor|Telefonen nere"),
        (r"lage\d+_enhet", "{unit}|Köket|Larmet"),
        (r"beslut\d+_vad", "Kalla in extra personal|Dela ut pärmar|Hämta listor"),
        (r"relation|roll", "dotter|son|granne|god man|lärare|syster"),
        (r"sprak", "svenska|somaliska|finska|arabiska"),
        (r"skola", "Ängsskolan|Förskolan Solen"),
        (r"vardcentral|remittent", "Vårdcentralen Centrum|Hälsocentralen Öst"),
        (r"fran$", "Medicin avd 3|Ortopeden|Akuten"),
        (r"rutt", "Rutt 4|Norra|Kväll 2"),
        (r"avsandare", "Försäkringskassan|Tingsrätten|Region Norr"),
        (r"titel|rubrik", "Hyresavi mars|Läkarintyg|Elräkning|Samtal om natten"),
        (r"arende", "Hyra|Klagomål på maten|Ansökan om plats|4471"),
        (r"allergi|leverans", "Laktosfritt|Köket Björken|Ingen fisk"),
        (r"anmarkning", "yr|trött|efter vila|ville inte äta|hudirritation"),
        (r"", "Se anteckning|Enligt plan|Ring dottern|Återkommer i morgon|Ja, muntligt"),
    )
)
CARE_NOTES = (
    "Patienten mår bättre i dag.",
    "Har ätit hälften av lunchen och druckit två glas.",
    "Ont i höger höft, fick Alvedon med god effekt.",
    "Ramlade vid sängen, inga synliga skador.",
    "Sår på vänster häl omlagt, torrt och fint.",
    "Dottern ringde och undrade om medicinen.",
    "Ringt läkaren, återkommer under eftermiddagen.",
    "Sover oroligt, gått upp flera gånger.",
    "Hjälp med dusch och påklädning.",
    "Vill inte ha besök i morgon förmiddag.",
    "Rullstol finns på plats, rollator saknas.",
)
"""Free text of those who give care."""
OFFICE_NOTES = (
    "Har inte fått pengar sedan förra månaden.",
    "Behöver hjälp att betala hyran för mars.",
    "Barnet säger att det är lugnt hemma nu.",
    "Ny tid på torsdag klockan tio.",
    "Hyresvärden väntar till den femtonde.",
    "Ringt modern två gånger, inget svar.",
    "Läraren är orolig, har sett blåmärken.",
    "Handlingarna lämnades över i receptionen.",
    "Bedöms inte kunna tillgodose sitt behov på annat sätt.",
)
"""Free text of social workers and of the office."""


def phrases_for(name: str) -> tuple[str, ...]:
    """Return what may be in the line of this name."""
    return next(phrases for pattern, phrases in PHRASES if pattern.search(name))
