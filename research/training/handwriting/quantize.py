"""Make the 8-bit handwriting network that reads from the one that was trained.

    pip install -e '.[train]'
    python -m research.training.handwriting.quantize --data FOLDER [--lines OWN.zip]
        [--strokes LABELS.npz] --out data/models/handwriting.onnx

It takes half of the time per line, and is made from the file of the same name in `trained/`. Four
fifths of the time go to convolutions with a window of one pixel. Each becomes a product of two
matrices of whole numbers: activations in 8 bits over the range of their own line, weights in 7 bits
per column, rounded as `rounding.py` says. It looks at lines that the network was trained on, drawn
again with a fixed seed: nothing that is measured on is seen. `FOLDER`, `--lines` and `--strokes`
are those of the training. Afterwards `research.evaluation.fields.handwriting` judges it, and
`research.training.calibration.fit --only lines` fits its probabilities.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from research.training.handwriting.sources import TrainingSources, load_sources
from research.training.handwriting.train import MAX_LINE_PX, SEED, make_block
from research.training.onnx_tools import strip_exporter_notes
from research.training.rounding import (
    TRAINED_FOLDER,
    FloatMatrix,
    InputStatistics,
    RoundedWeights,
    round_weights,
)
from research.training.strokes.sources import load_stroke_source

RUNTIME_DOMAIN = "com.microsoft"
"""The domain of the runtime's own operators."""
MIN_QUANTIZED_WEIGHTS = 90 * 90
"""Layers with fewer weights are not rounded."""
CALIBRATION_LINES = 300


def quantize_network(network: Path, lines: Iterable[NDArray[np.float32]]) -> ModelProto:
    """Return the network with its convolutions of one pixel in whole numbers.

    Args:
        network: a tuned network in floating numbers.
        lines: (1, 3, 48, w) in −1…1.
    """
    # Fold, choose the convolutions, record their inputs, and round their weights by these.
    model = _fold_batch_norm(network)
    chosen = _find_convolutions(model)
    statistics = _collect_inputs(model, {node.input[0] for node in chosen}, lines)
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    rounded = {
        node.output[0]: round_weights(
            held[node.input[1]][:, :, 0, 0].T.astype(np.float64), statistics[node.input[0]]
        )
        for node in chosen
    }
    return _replace_with_products(model, rounded)


def _fold_batch_norm(network: Path) -> ModelProto:
    """Return the graph with batch normalisation folded into the convolutions, by the runtime."""
    # The runtime writes the graph after its basic optimisations.
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "folded.onnx")
        options.optimized_model_filepath = str(file)
        onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])
        return onnx.load(str(file))


def _find_convolutions(model: ModelProto) -> list[NodeProto]:
    # Convolutions of one pixel without groups, and large enough to be worth rounding.
    sizes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    found = []
    for node in model.graph.node:
        if node.op_type == "Conv":
            size = sizes[node.input[1]]
            groups = next(
                (attribute.i for attribute in node.attribute if attribute.name == "group"), 1
            )
            if size[2:] == (1, 1) and groups == 1 and size[0] * size[1] >= MIN_QUANTIZED_WEIGHTS:
                found.append(node)
    return found


def _collect_inputs(
    model: ModelProto, names: set[str], lines: Iterable[NDArray[np.float32]]
) -> dict[str, InputStatistics]:
    """Return what reaches the named tensors while the lines are read."""
    # Ask the graph for inner tensors as additional outputs.
    extended = ModelProto()
    extended.CopyFrom(model)
    wanted = sorted(names)
    extended.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in wanted)
    session = onnxruntime.InferenceSession(
        extended.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    largest: dict[str, FloatMatrix] = {}
    products: dict[str, FloatMatrix] = {}
    # Largest value of each channel, and sums of products of channels, over all lines.
    for line in lines:
        for name, given in zip(
            wanted, session.run(wanted, {session.get_inputs()[0].name: line}), strict=True
        ):
            values = np.asarray(given, np.float64)[0].reshape(given.shape[1], -1)
            largest[name] = np.maximum(largest.get(name, 0.0), np.abs(values).max(1))
            products[name] = products.get(name, 0.0) + values @ values.T
    return {name: InputStatistics(largest[name], products[name]) for name in wanted}


def _replace_with_products(model: ModelProto, rounded: dict[str, RoundedWeights]) -> ModelProto:
    """Return the model with the convolutions of these outputs as products of whole numbers."""
    nodes: list[NodeProto] = []
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    # Replace the chosen convolutions; keep all other nodes in order.
    for node in model.graph.node:
        if node.output[0] in rounded:
            tensors.pop(node.input[1])
            made = list(_quantized_tensors(node.output[0], rounded[node.output[0]]))
            tensors |= {tensor.name: tensor for tensor in made}
            nodes += _product_nodes(node, [tensor.name for tensor in made])
        else:
            nodes.append(node)
    graph = helper.make_graph(
        nodes, model.graph.name, model.graph.input, model.graph.output, list(tensors.values())
    )
    # The replacement needs the runtime's own domain of operators.
    versions = {one.domain: one.version for one in model.opset_import} | {RUNTIME_DOMAIN: 1}
    made_model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(*one) for one in versions.items()],
        ir_version=model.ir_version,
    )
    made_model.metadata_props.extend(model.metadata_props)
    return made_model


def _quantized_tensors(name: str, rounded: RoundedWeights) -> Iterator[TensorProto]:
    for part, array in (
        ("factors", rounded.factors),
        ("weights", rounded.weights),
        ("steps", rounded.steps),
    ):
        yield numpy_helper.from_array(array, f"{name}.{part}")


def _product_nodes(convolution: NodeProto, tensors: Sequence[str]) -> Iterator[NodeProto]:
    """Return the nodes of one product.

    Channels last, times their factors, times the weights, and channels first again.
    """
    factors, weights, steps = tensors
    source, name = convolution.input[0], convolution.output[0]
    bias = list(convolution.input[2:])
    # A convolution of one pixel is a matrix product along the channels.
    yield helper.make_node("Transpose", [source], [f"{name}.last"], perm=[0, 2, 3, 1])
    yield helper.make_node("Mul", [f"{name}.last", factors], [f"{name}.shared"])
    yield helper.make_node(
        "DynamicQuantizeMatMul",
        [f"{name}.shared", weights, steps, "", *bias],
        [f"{name}.product"],
        domain=RUNTIME_DOMAIN,
    )
    yield helper.make_node("Transpose", [f"{name}.product"], [name], perm=[0, 3, 1, 2])


def iter_training_lines(drawn: TrainingSources) -> Iterator[NDArray[np.float32]]:
    """Yield lines drawn as for training, (1, 3, 48, w) in −1…1."""
    rng, count = np.random.default_rng(SEED), CALIBRATION_LINES
    while count:
        block, _ = make_block([drawn.drawn(rng).picture])
        # Long lines would dominate the statistics.
        if block.shape[-1] <= MAX_LINE_PX:
            count -= 1
            yield np.repeat(block[:, None], 3, 1)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--lines", type=Path, action="append", default=[])
    parser.add_argument("--strokes", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    drawn = load_sources(args.data, args.lines)
    if args.strokes:
        drawn = replace(drawn, strokes=load_stroke_source(args.data, args.strokes))
    onnx.save(
        strip_exporter_notes(
            quantize_network(
                args.out.parent / TRAINED_FOLDER / args.out.name,
                iter_training_lines(drawn),
            )
        ),
        str(args.out),
    )


if __name__ == "__main__":
    main()
