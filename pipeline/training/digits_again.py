"""A digit network taken up again where it was written: what it has learned stays, and it learns what the rows drawn now show.

Afterwards its weights are moved back a part of the way: it then reads what it could read before as well as before, and keeps most of what it has
learned
(M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from pipeline.model import Image

WAY = 0.6
"""The share of the way that is kept, chosen on MNIST and on boxes that hold no digit; see the card `digits.md`."""


def taken_up(written: Path, network: nn.Sequential, cells: Image) -> nn.Sequential:
    """Give a network the weights of a file.

    In the file each layer's scaling is part of its weights. It is taken out again, by what the layer answers to these cells, so that training goes on
    with the answers that the file gives.

    Args:
        written: a network in floating numbers, as `digits.export` writes it.
        network: one of the same layers.
        cells: some thousand training cells, (n, 32, 32), 255 = ink.
    """
    weights = {one.name: torch.from_numpy(np.array(numpy_helper.to_array(one))) for one in onnx.load(str(written)).graph.initializer}
    seen = torch.from_numpy(cells).float().div(255).unsqueeze(1)
    with torch.no_grad():
        for name, layer in network.eval().named_children():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.weight.copy_(weights[f"{name}.weight"])
            if isinstance(layer, nn.Linear):
                layer.bias.copy_(weights[f"{name}.bias"])
            if isinstance(layer, nn.BatchNorm2d):
                _scale(layer, seen, weights[f"{int(name) - 1}.weight_bias"])
            seen = layer(seen)
    return network


def _scale(layer: nn.BatchNorm2d, seen: Tensor, added: Tensor) -> None:
    """Set a scaling so that it leaves what it sees as it is and adds what the file adds."""
    mean, spread = seen.mean(dim=(0, 2, 3)), seen.var(dim=(0, 2, 3))
    for own, value in ((layer.running_mean, mean), (layer.running_var, spread)):
        assert own is not None
        own.copy_(value)
    layer.weight.copy_((spread + layer.eps).sqrt())
    layer.bias.copy_(mean + added)


def moved_back(before: onnx.ModelProto, after: Path) -> None:
    """Write over a network its weights moved back towards those it was taken up with."""
    old = {one.name: numpy_helper.to_array(one) for one in before.graph.initializer}
    network = onnx.load(str(after))
    for one in network.graph.initializer:
        new = numpy_helper.to_array(one)
        if new.dtype == np.float32:
            one.CopyFrom(numpy_helper.from_array((WAY * new + (1 - WAY) * old[one.name]).astype(np.float32), one.name))
    onnx.save(network, str(after))
