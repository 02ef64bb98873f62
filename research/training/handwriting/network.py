"""Convert the handwriting network to PyTorch for training, and back into an ONNX file.

`quantize.py` makes the network that reads from that file. Weights travel by name: training changes
numbers in the graph that `rapidocr` ships, never the graph, except that the last layer answers only
for `CHARACTERS`. So the tuned file has the shipped one's interface: (n, 3, 48, w) in −1…1 to
(n, w / 8, 1 + characters) probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper
from onnx2torch import convert
from torch import Tensor, nn
from torch.fx import GraphModule, Node
from torch.nn import functional as nnf

from pipeline.domain.errors import UsageError
from research.training.handwriting.texts import CHARACTERS
from research.training.onnx_tools import autocast_bfloat16

LAST_LAYER = ("linear_8.w_0", "linear_8.b_0")


@dataclass(frozen=True, slots=True)
class TrainableNetwork:
    """The graph with its last layer cut, and the same as a module that returns scores.

    It also says which tensor of the module is which of the graph.
    """

    graph: ModelProto
    module: nn.Module
    names: dict[str, str]

    def trained(self) -> list[Tensor]:
        """Everything that learns: all weights but the statistics of batch normalisation.

        Those stay as shipped.
        """
        return [p for p in self.module.parameters() if p.requires_grad]


def load_shipped(file: Path) -> TrainableNetwork:
    """Return the network as `rapidocr` ships it, answering for `CHARACTERS`.

    The file is `PP-OCRv6_rec_small.onnx`.
    """
    graph = onnx.load(str(file))
    # Rewrite the graph for the converter, restrict its answers, and convert it.
    _pad_explicitly(graph)
    _cut_last_layer(graph)
    module = _fuse_operations(convert(_remove_softmax(graph)).eval())
    names = _map_tensor_names(graph)
    # The statistics of batch normalisation stay fixed.
    for name in names:
        if "running_" not in name:
            _make_trainable(module, name)
    return TrainableNetwork(graph, module, names)


def export_network(network: TrainableNetwork, file: Path) -> None:
    """Write the module's weights into the graph and save it in half precision.

    That is half the size, turned back when the file is loaded.
    """
    # Store weights in half precision, with a cast back to single precision in the graph.
    weights = dict(network.module.state_dict())
    graph = ModelProto()
    graph.CopyFrom(network.graph)
    initializers = {t.name: t for t in graph.graph.initializer}
    for here, there in network.names.items():
        array = weights[here].detach().numpy().astype(np.float16)
        initializers[there].CopyFrom(
            numpy_helper.from_array(np.ascontiguousarray(array), f"{there}_half")
        )
        graph.graph.node.insert(
            0, onnx.helper.make_node("Cast", [f"{there}_half"], [there], to=onnx.TensorProto.FLOAT)
        )
    onnx.checker.check_model(graph)
    onnx.save(graph, str(file))


def load_tuned_weights(network: TrainableNetwork, file: Path) -> None:
    """Load the weights of a tuned file that `export_network` wrote into the network.

    Raises:
        UsageError: it is another sort of file, such as a network that reads, whose weights are
        rounded.
    """
    tuned = {t.name: t for t in onnx.load(str(file)).graph.initializer}
    # Refuse a file without half-precision weights.
    if any(f"{there}_half" not in tuned for there in network.names.values()):
        raise UsageError("no_weights_in_file", file=file.name)
    weights = network.module.state_dict()
    with torch.no_grad():
        for here, there in network.names.items():
            weights[here].copy_(
                torch.from_numpy(numpy_helper.to_array(tuned[f"{there}_half"]).astype(np.float32))
            )


def blend_weights(network: TrainableNetwork, start: TrainableNetwork, share: float) -> None:
    """Move the weights of `network` this far from those of `start` towards its own."""
    # Linear interpolation, for all floating tensors.
    first = start.module.state_dict()
    with torch.no_grad():
        for name, values in network.module.state_dict().items():
            if values.is_floating_point():
                values.copy_(first[name] + share * (values - first[name]))


def _pad_explicitly(graph: ModelProto) -> None:
    """Replace automatic padding by explicit padding.

    SAME_UPPER for a 2 × 2 window and stride 1 is one row below and one column to the right; the
    converter knows only the latter.
    """
    for node in graph.graph.node:
        for attribute in list(node.attribute):
            if attribute.name == "auto_pad" and attribute.s == b"SAME_UPPER":
                node.attribute.remove(attribute)
                node.attribute.append(onnx.helper.make_attribute("pads", [0, 0, 1, 1]))


def _cut_last_layer(graph: ModelProto) -> None:
    # The columns of the wanted characters in the shipped network's last layer; 0 is the blank.
    held = next(p for p in graph.metadata_props if p.key == "character")
    place = {character: i for i, character in enumerate([*held.value.split("\n"), " "], start=1)}
    columns = [0, *(place[c] for c in CHARACTERS)]
    for tensor in graph.graph.initializer:
        if tensor.name in LAST_LAYER:
            tensor.CopyFrom(
                numpy_helper.from_array(
                    np.ascontiguousarray(numpy_helper.to_array(tensor)[..., columns]), tensor.name
                )
            )
    # The file lists its characters; the space is implied and comes last.
    held.value = "\n".join(CHARACTERS[:-1])
    del graph.graph.value_info[
        :
    ]  # shapes of what lies between, now partly wrong; nobody needs them
    graph.graph.output[0].type.tensor_type.shape.dim[2].dim_value = len(columns)


def _remove_softmax(graph: ModelProto) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(graph)
    # The loss needs scores before softmax.
    last = copy.graph.node.pop()
    assert last.op_type == "Softmax", last.op_type
    copy.graph.output[0].name = last.input[0]
    return copy


def _fuse_operations(module: GraphModule) -> GraphModule:
    """Compute GELU, and convolutions with what is added to them, in one operation each.

    That halves the time of training. What the weights are called does not change.
    """
    for node in list(module.graph.nodes):
        if _is_of(module, node, "OnnxErf"):
            _fuse_gelu(module, node)
        if _is_of(module, node, "Conv2d"):
            _fuse_bias(module, node)
    module.graph.eliminate_dead_code()
    module.recompile()
    return module


def _fuse_gelu(module: GraphModule, erf: Node) -> None:
    # x / sqrt(2), erf, + 1, times x, times 1/2; copies lie between.
    source, product = erf.args[0].args[0], erf
    for _ in range(3):
        (product,) = product.users
        while _is_of(module, product, "OnnxCopyIdentity"):
            (product,) = product.users
    with module.graph.inserting_after(product):
        product.replace_all_uses_with(module.graph.call_function(nnf.gelu, (source,)))


def _fuse_bias(module: GraphModule, convolution: Node) -> None:
    (added,) = convolution.users
    layer = module.get_submodule(str(convolution.target))
    bias = added.args[1] if len(added.args) > 1 else None
    # What is added must be a number for each channel.
    if not isinstance(bias, Node) or bias.op != "get_attr" or not isinstance(layer, nn.Conv2d):
        return
    with module.graph.inserting_after(added):
        weight = module.graph.get_attr(f"{convolution.target}.weight")
    with module.graph.inserting_after(weight):
        places = layer.stride, layer.padding, layer.dilation, layer.groups
        arguments = (convolution.args[0], weight, bias, places)
        added.replace_all_uses_with(module.graph.call_function(_convolve, arguments))


def _convolve(
    values: Tensor, weight: Tensor, bias: Tensor, places: tuple[Any, Any, Any, int]
) -> Tensor:
    return nnf.conv2d(values, weight, bias.flatten(), *places)


def _is_of(module: GraphModule, node: Node, kind: str) -> bool:
    return (
        node.op == "call_module" and type(module.get_submodule(str(node.target))).__name__ == kind
    )


def _map_tensor_names(graph: ModelProto) -> dict[str, str]:
    """Return the module's name → the graph's name of every floating tensor.

    Found by converting a graph whose every tensor holds its own number.
    """
    # Give every tensor a number of its own as its values, and read the numbers after converting.
    numbered = _remove_softmax(graph)
    named: dict[float, str] = {}
    for tensor in numbered.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size > 1:
            number = len(named) + 1.0
            named[number] = tensor.name
            tensor.CopyFrom(
                numpy_helper.from_array(np.full(array.shape, number, np.float32), tensor.name)
            )
    found = {}
    for name, values in convert(numbered).state_dict().items():
        if values.is_floating_point() and values.numel() > 1:
            found[name] = named[float(values.flatten()[0])]
    # Every tensor of the graph must be found.
    assert set(found.values()) == set(named.values())
    return found


def _make_trainable(module: nn.Module, name: str) -> None:
    # Buffers do not learn: turn this one into a parameter.
    place, _, leaf = name.rpartition(".")
    owner = module.get_submodule(place)
    if leaf in owner._buffers:
        values = owner._buffers.pop(leaf)
        assert values is not None
        owner.register_parameter(leaf, nn.Parameter(values.clone()))


def score_lines(module: nn.Module, block: NDArray[np.float32]) -> Tensor:
    """Return log probabilities (w / 8, n, 1 + characters) of (n, 48, w) grey lines in −1…1.

    The shape is that of CTC's loss.
    """
    # Three equal channels, as the network was trained on color.
    lines = torch.from_numpy(block).unsqueeze(1).expand(-1, 3, -1, -1)
    with autocast_bfloat16():
        answer: Tensor = module(lines.contiguous(memory_format=torch.channels_last))
    return answer.float().log_softmax(-1).transpose(0, 1)
