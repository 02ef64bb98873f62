"""Forms that are filled in for this program itself: what they say goes into its own lists, and into no care system."""

from __future__ import annotations

SIGNATURE_KEY = "signaturfortydligande"
"""Who signs with which initials; confirmed rows are part of the staff list."""
COVER = "forsattsblad"
"""Lies on top of a bundle and says which it is; the pages after it in a scanned stack are found there."""
STAYS = frozenset({SIGNATURE_KEY, COVER})
