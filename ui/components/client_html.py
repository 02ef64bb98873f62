"""A client as the register has it, with what speaks for and against."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from pipeline.client_guard import AGAINST
from pipeline.identity import age_on, shown_pid
from pipeline.model import Client
from pipeline.swedish_time import today
from ui.text import known, t


def client_html(client: Client | None, reasons: Sequence[str] = (), number: str = "") -> str:
    """The client, if the register has one, and the `reasons` for and against; with the `number` where two are compared."""
    sides = [
        (name, [code for code in reasons if (code.partition(":")[0] in AGAINST) is against]) for name, against in (("for", False), ("against", True))
    ]
    why = "".join(
        f'<div class="ef-why ef-{name}"><b>{escape(t(f"guard.{name}"))}</b> {escape(", ".join(known("reason", code) for code in codes))}</div>'
        for name, codes in sides
        if codes
    )
    return f'<div role="status">{_head(client, number)}{why}</div>'


def _head(client: Client | None, number: str) -> str:
    if client is None:
        written = f"<span>{escape(shown_pid(number))}</span>" if number else ""
        return f'<div class="ef-client ef-unknown">{written}{escape(t("client.unknown"))}</div>'
    told = [t(f"client.{name}") for name, holds in (("protected", client.protected), ("blocked", client.blocked)) if holds]
    mark = "".join(f'<span class="ef-tag ef-warn">{escape(text)}</span>' for text in told)
    parts = (
        f"<strong>{escape(client.name)}</strong>",
        f"<span>{escape(shown_pid(client.pid))}</span>",
        f"<span>{escape(t('guard.age', count=age))}</span>" if client.name and (age := age_on(client.pid, today())) is not None else "",
        f'<span class="ef-muted">{escape(client.unit)}</span>',
        mark,
    )
    return f'<div class="ef-client">{"".join(parts)}</div>'
