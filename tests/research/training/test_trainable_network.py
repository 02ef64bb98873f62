"""The handwriting network as it is trained answers as the one that reads."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.reading.fields.handwriting.network import find_shipped_file

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def test_fused_operations_answer_as_separate_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is for training only")
    pytest.importorskip("onnx2torch", reason="PyTorch is for training only")
    from research.training.handwriting import network

    fused = network.load_shipped(find_shipped_file())
    monkeypatch.setattr(network, "_fuse_operations", lambda module: module)
    separate = network.load_shipped(find_shipped_file())
    assert fused.names == separate.names
    line = torch.from_numpy(
        np.random.default_rng(1).uniform(-1, 1, (1, 3, 48, 160)).astype(np.float32)
    )
    with torch.no_grad():
        assert torch.allclose(fused.module(line), separate.module(line), atol=1e-3)
    # Every weight still learns.
    fused.module(line).square().mean().backward()
    assert all(weight.grad is not None for weight in fused.trained())
