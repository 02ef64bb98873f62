"""Writing a trained network as one ONNX file that says nothing of the machine that it was trained on."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import ModelProto
from torch.onnx import ONNXProgram


def save(program: ONNXProgram | None, file: Path) -> None:
    """Write an exported network with its weights in the file."""
    assert program is not None
    onnx.save(without_traces(program.model_proto), str(file))


def without_traces(model: ModelProto) -> ModelProto:
    """The model without the exporter's notes: they quote paths of the machine."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    return model
