"""What a server's answer to a transaction means for the entry: taken, or refused with its words."""

from __future__ import annotations

from typing import Any

from pipeline.export.fhir.filing import DOCUMENT, Resource
from pipeline.export.fhir.server import Reply
from pipeline.export.receipts import Answer
from pipeline.plain_text import printable

_LONGEST = 500
PARTLY = "Mottagaren tog en del av posten men inte allt."


def answer_of(entry_id: str, reply: Reply) -> Answer:
    """A receipt. Its text is where the server has the document, or why it was refused."""
    entries: list[Resource] = reply.body.get("entry", []) if reply.accepted else []
    failed = [entry for entry in entries if not _status(entry).startswith("2")]
    if entries and not failed:
        return Answer(entry_id, accepted=True, text=_place(entries))
    words = _words(failed[0].get("response", {}).get("outcome", {}) if failed else reply.body)
    # A server that does not keep transactions together has part of the entry now: whoever reads the refusal has to know.
    partly = PARTLY if 0 < len(failed) < len(entries) else ""
    return Answer(entry_id, accepted=False, text=" ".join(part for part in (words, partly) if part)[:_LONGEST])


def _status(entry: Resource) -> str:
    return str(entry.get("response", {}).get("status", ""))


def _place(entries: list[Resource]) -> str:
    """`DocumentReference/<id>` at the server."""
    places = [str(entry.get("response", {}).get("location", "")) for entry in entries]
    found = next((place for place in places if f"{DOCUMENT}/" in place), "")
    return found[found.find(DOCUMENT) :].partition("/_history")[0] if found else ""


def _words(outcome: dict[str, Any]) -> str:
    """What an OperationOutcome says, its errors alone."""
    issues = [issue for issue in outcome.get("issue", []) if isinstance(issue, dict) and issue.get("severity") in ("fatal", "error")]
    said = [issue.get("details", {}).get("text") or issue.get("diagnostics") or issue.get("code", "") for issue in issues]
    return printable("; ".join(str(text) for text in said if text))
