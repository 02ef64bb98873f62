"""Forms that are filled in for this program itself: what they say goes into its own lists, and into no care system."""

from __future__ import annotations

from pipeline.model import EntryState

SIGNATURE_KEY = "signaturfortydligande"
"""Who signs with which initials; confirmed rows are part of the staff list."""
COVER = "forsattsblad"
"""Lies on top of a bundle and says which it is; the pages after it in a scanned stack are found there."""
STAYS = frozenset({SIGNATURE_KEY, COVER})


def settled_state(form_id: str) -> EntryState:
    """What an entry is once all its fields are settled: what stays here has arrived, all else waits to be exported."""
    return EntryState.RECEIPTED if form_id in STAYS else EntryState.CONFIRMED
