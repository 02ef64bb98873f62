"""In which numbers networks are trained."""

from __future__ import annotations

import torch


def fast_numbers() -> torch.autocast:
    """bfloat16 where the processor knows it: a third faster. Where it does not, imitating it takes a dozen times as long as 32-bit numbers."""
    known = torch.cpu.get_capabilities()
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=bool(known.get("avx512_bf16") or known.get("amx_bf16")))
