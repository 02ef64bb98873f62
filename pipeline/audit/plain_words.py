"""What the log says, in words for the person whom the paper is about. Several kinds of work share one phrase: the client asks where and when."""

from __future__ import annotations

from collections.abc import Mapping

_ENTERED = "Personal förde in eller kontrollerade uppgifter från papperet"
_SENT = "Uppgifterna lämnades vidare till verksamhetens system"
_COMPARED = "Personal jämförde papperet med vad som redan står i verksamhetens system"
_OPENED = "En fil eller lista med uppgifterna öppnades"
_SEARCHED = "Personal sökte efter dina uppgifter"
OTHER = "Uppgifterna hanterades på annat sätt"

SAID: Mapping[str, str] = {
    "view_page": "Personal såg på papperet",
    "look_up": _SEARCHED,
    "look_up_client": _SEARCHED,
    "decide": _ENTERED,
    "undo": _ENTERED,
    "reopen": _ENTERED,
    "skip": _ENTERED,
    "add_row": _ENTERED,
    "settle_duplicate": _ENTERED,
    "settle_empty": _ENTERED,
    "lay_to": _ENTERED,
    "take_off": _ENTERED,
    "sign": _ENTERED,
    "take_signature_back": _ENTERED,
    "client_choice": _ENTERED,
    "group": _ENTERED,
    "undo_group": _ENTERED,
    "control": _ENTERED,
    "third_look": _ENTERED,
    "mark_duplicate": _ENTERED,
    "no_duplicate": _ENTERED,
    "view_clash": _COMPARED,
    "decide_clash": _COMPARED,
    "take_back_clash": _COMPARED,
    "ask_author": "Personal frågade den som skrev papperet",
    "author_answered": "Personal frågade den som skrev papperet",
    "forward": "Papperet lämnades vidare till den enhet som det hör till",
    "pull_to_front": "En chef bad att uppgifterna skulle föras in först",
    "undo_pull": "En chef bad att uppgifterna skulle föras in i vanlig ordning",
    "export": _SENT,
    "exported": _SENT,
    "receipted": "Verksamhetens system har svarat",
    "refused": "Verksamhetens system har svarat",
    "fetch_export": _OPENED,
    "view_export": _OPENED,
    "view_key_in": _OPENED,
    "fetch_receipt_template": _OPENED,
    "view_payment": _OPENED,
    "approve_payment": "En chef tog ställning till en utbetalning",
    "take_back_payment_approval": "En chef tog ställning till en utbetalning",
    "archive": "Papperet lades i ett paket för arkivet",
    "fetch_package": _OPENED,
    "may_destroy_paper": "Det beslutades om papperet ska sparas",
    "keep_paper": "Det beslutades om papperet ska sparas",
    "print_for_client": "En blankett med ditt namn skrevs ut",
    "view_log": "Loggen över vem som sett uppgifterna granskades",
    "export_log": "Loggen över vem som sett uppgifterna granskades",
    "extract_log": "Ett utdrag som detta togs fram",
    "requeue": "Personal lät datorn läsa papperet en gång till",
}
