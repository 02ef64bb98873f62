"""Readers of fields: one module a kind of reading, and one dictionary.

A reader gets crops of fields and answers with one `Reading` a crop, in the same order. It knows nothing of pages, forms or people.
"""

from __future__ import annotations
