"""Long trainings: the queue goes on where it stopped, and a run where it was."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from research.training import queue

pytestmark = pytest.mark.slow


def test_stages_are_run_once_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = tmp_path / "trace"

    def stage(name: str, fails_before: int) -> queue.Stage:
        code = (
            f"from pathlib import Path; import sys; file = Path({str(trace)!r}); "
            "seen = file.read_text().split() if file.exists() else []; "
            f"file.write_text(' '.join([*seen, {name!r}])); "
            f"sys.exit(seen.count({name!r}) < {fails_before})"
        )
        return queue.Stage(name, [sys.executable, "-c", code], tmp_path / f"{name}.done")

    monkeypatch.setattr(
        queue, "list_stages", lambda _: iter([stage("first", 0), stage("second", 1)])
    )
    places = queue.Places(tmp_path, tmp_path, tmp_path, 1)
    assert not queue.run_stages(places, None)
    assert queue.run_stages(places, None)
    assert trace.read_text().split() == ["first", "second", "second"]
    assert (tmp_path / "pid").read_text().strip().isdigit()


def test_free_network_is_trained_without_lines_of_non_commercial_use(tmp_path: Path) -> None:
    stages = list(queue.list_stages(queue.Places(tmp_path, tmp_path, tmp_path, 1)))
    for stage in stages:
        if stage.name.startswith(queue.FREE):
            assert not any("copiste" in word for word in stage.command)
            assert str(tmp_path / queue.START_FILE) not in stage.command
    assert len({stage.done for stage in stages}) == len(stages)


def test_run_goes_on_from_its_checkpoints(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is for training only")
    from research.training.runs import TrainingRun

    def begin() -> tuple[Any, TrainingRun]:
        torch.manual_seed(1)
        module = torch.nn.Linear(3, 1)
        return module, TrainingRun(module, list(module.parameters()), tmp_path, 0.1)

    module, run = begin()
    for _ in range(5):
        run.advance(module(torch.ones(2, 3)).pow(2).mean(), 2, 20)
    run.save()
    other, again = begin()
    assert (again.seen, again.steps) == (10, 5)
    assert torch.equal(other.weight, module.weight)
    assert not again.must_end(20)
    assert again.must_end(10)
    again.use_mean()
    assert not torch.equal(other.weight, module.weight)
