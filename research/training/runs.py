"""Long trainings that may be stopped at any second and go on from where they were.

A run is a folder. `checkpoint.pt` in it has the weights, their running mean, the optimizer and how
much was seen; it is written every two minutes and when the process is asked to end (SIGTERM).
`pid` is the number of the process: `kill -STOP $(cat pid)` halts it, `kill -CONT` lets it go on,
`kill -TERM` saves and ends it. What is planned is counted in samples, not in time, so neither a
busy machine nor a halt changes the result.

The rate rises linearly, stays, and falls linearly over the last part: a run that is planned longer
goes on at the high rate. The mean of the weights over the last few thousand steps is what is used
(B. T. Polyak and A. B. Juditsky 1992): with it, any checkpoint is about as good as if the rate had
fallen.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

WARM_UP_STEPS = 300
FALL_SHARE = 0.3
"""Share of the planned samples over which the rate falls."""
KEPT_MEAN, MEAN_SHARE = 0.9993, 3
"""How much of the mean is kept at each step: it is over the last third, then the last 1,400."""
SAVE_SECONDS = 120
MAX_GRADIENT = 5.0
CHECKPOINT_FILE, SMALL_FILE, PID_FILE = "checkpoint.pt", "checkpoint-small.pt", "pid"


class TrainingRun:
    """A network that is trained, and how far it is.

    Attributes:
        seen: Samples that it was trained on.
        steps: Steps of the optimizer.
    """

    def __init__(
        self, module: nn.Module, weights: Sequence[Tensor], folder: Path, rate: float
    ) -> None:
        """Begin a run, or go on with the one of the folder.

        Args:
            module: the network.
            weights: what of it is trained.
            folder: where checkpoints are.
            rate: the highest learning rate.
        """
        self.seen = self.steps = self._warm = 0
        self._module, self._weights, self._folder, self._rate = module, weights, folder, rate
        self._optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.01)
        self._mean = {name: value.clone() for name, value in module.state_dict().items()}
        self._asked_to_end = False
        self._saved = time.monotonic()
        self._load()

    def begin(self) -> None:
        """Write this process's number, and save when it is asked to end."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / PID_FILE).write_text(f"{os.getpid()}\n")
        signal.signal(signal.SIGTERM, self._end_soon)

    def _end_soon(self, *_: object) -> None:
        self._asked_to_end = True

    def _load(self) -> None:
        file = self._folder / CHECKPOINT_FILE
        small = self._folder / SMALL_FILE
        if not file.is_file() and not small.is_file():
            return
        held = torch.load(file if file.is_file() else small)
        self._module.load_state_dict(held["weights"])
        self._mean = {
            name: value.to(self._mean[name].dtype) for name, value in held["mean"].items()
        }
        self.seen, self.steps = held["progress"]
        # A small checkpoint has no optimizer: the rate rises again.
        if "optimizer" in held:
            self._optimizer.load_state_dict(held["optimizer"])
            self._warm = held["warm"]

    def advance(self, loss: Tensor, samples: int, planned: int) -> None:
        """Take one step against a loss of some samples, of so many planned in all."""
        share_left = 1 - self.seen / planned
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate * min(
                1.0, (self._warm + 1) / WARM_UP_STEPS, max(0.0, share_left / FALL_SHARE)
            )
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._weights, MAX_GRADIENT)
        self._optimizer.step()
        self.seen, self.steps, self._warm = self.seen + samples, self.steps + 1, self._warm + 1
        self._update_mean(min(KEPT_MEAN, self.steps / (self.steps + MEAN_SHARE)))

    def _update_mean(self, kept: float) -> None:
        with torch.no_grad():
            for name, value in self._module.state_dict().items():
                if value.is_floating_point():
                    self._mean[name].lerp_(value, 1 - kept)
                else:
                    self._mean[name].copy_(value)

    def must_end(self, planned: int) -> bool:
        """Return whether to stop: everything planned was seen, or the process is to end."""
        return self._asked_to_end or self.seen >= planned

    def should_save(self) -> bool:
        """Return whether the last checkpoint is two minutes old."""
        return time.monotonic() - self._saved > SAVE_SECONDS

    def save(self) -> None:
        """Write the checkpoint; a crash leaves the old one."""
        self._write(
            {
                "weights": self._module.state_dict(),
                "mean": self._mean,
                "optimizer": self._optimizer.state_dict(),
                "progress": (self.seen, self.steps),
                "warm": self._warm,
            },
            self._folder / CHECKPOINT_FILE,
        )
        self._saved = time.monotonic()

    def save_small(self) -> None:
        """Write a checkpoint of a quarter of the size, from which a fresh machine can go on."""
        weights, mean = (
            {name: value.half() if value.is_floating_point() else value for name, value in of}
            for of in (self._module.state_dict().items(), self._mean.items())
        )
        self._write(
            {"weights": weights, "mean": mean, "progress": (self.seen, self.steps)},
            self._folder / SMALL_FILE,
        )

    @staticmethod
    def _write(held: dict[str, object], file: Path) -> None:
        part = file.with_suffix(".part")
        torch.save(held, part)
        part.replace(file)

    def use_mean(self) -> None:
        """Put the mean of the weights in the network, to be exported or measured."""
        self._module.load_state_dict(self._mean)
