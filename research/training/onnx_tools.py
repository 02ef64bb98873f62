"""Write a trained network as one ONNX file, and choose the numbers to train in.

The file says nothing about the machine that it was trained on.
"""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from onnx import ModelProto
from torch.onnx import ONNXProgram


def save_onnx(program: ONNXProgram | None, file: Path) -> None:
    """Write an exported network with its weights in the file."""
    assert program is not None
    onnx.save(strip_exporter_notes(program.model_proto), str(file))


def strip_exporter_notes(model: ModelProto) -> ModelProto:
    """Return the model without the exporter's notes: they quote paths of the machine."""
    graph = model.graph
    for part in (
        graph,
        *graph.node,
        *graph.value_info,
        *graph.input,
        *graph.output,
        *graph.initializer,
    ):
        del part.metadata_props[:]
        part.doc_string = ""
    return model


def autocast_bfloat16() -> torch.autocast:
    """Return a context with bfloat16 where the processor supports it: a third faster.

    Where it does not, emulating it takes a dozen times as long as 32-bit numbers.
    """
    # bfloat16 in hardware: AVX-512 or AMX.
    known = torch.cpu.get_capabilities()
    return torch.autocast(
        "cpu", dtype=torch.bfloat16, enabled=bool(known.get("avx512_bf16") or known.get("amx_bf16"))
    )
