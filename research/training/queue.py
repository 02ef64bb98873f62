"""Run all long trainings in order, each from where it was; the next begins when one has finished.

    python -m research.training.queue --data SHARED --mnist package/data --runs RUNS [--only NAME]

SHARED has `handwriting/`; `digits/train.py` says where MNIST comes from. RUNS is a folder with a
run for each network (`runs.py`); RUNS/pid is the number of the process that trains: `kill -STOP`,
`-CONT` and `-TERM` halt it, let it go on, and save and end it, and with it the queue. The same
command goes on. Nothing that reads is replaced: a card says how a network is exported, rounded to 8
bits and measured.

The handwriting network that is free for any use comes first; the other one begins with the mean of
its own weights and those, and adds the lines that only non-commercial use is agreed to. Both come
twice, as do the rates of their training: what is done first can be used while the rest goes on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.domain.settings import ROOT

TRAINED = ROOT / "data" / "models" / "trained"
HANDWRITING = "research.training.handwriting.train"
DIGITS = "research.training.digits.train"
FREE, BEST, START_FILE = "handwriting-free", "handwriting", "start.onnx"
PID_FILE = "pid"
PRINT_FONTS = Path("/usr/share/fonts")
LITTLE_MEMORY = {"MALLOC_ARENA_MAX": "1", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "200"}
"""Lines have many widths, and what is kept for each would grow to gigabytes."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where data, runs and printed faces are, and how many threads a training has."""

    data: Path
    mnist: Path
    runs: Path
    threads: int
    print_fonts: Path = PRINT_FONTS

    @property
    def handwriting(self) -> Path:
        """The folder of handwriting."""
        return self.data / "handwriting"

    @property
    def labels(self) -> Path:
        """The checked labels of UNIPEN."""
        return self.runs / "unipen_labels.npz"


@dataclass(frozen=True, slots=True)
class Stage:
    """A command, and the file that says that it is done."""

    name: str
    command: list[str]
    done: Path


def list_stages(places: Places) -> Iterator[Stage]:
    """Yield everything that is to be done, in order."""
    runs = places.runs
    yield _stage(
        "labels",
        places,
        ["research.training.strokes.labels", "--data", places.handwriting, "--out", places.labels],
    )
    yield _train_lines(places, FREE, 26_000)
    yield _stage(
        "start",
        places,
        [
            *(HANDWRITING, "export", "--run", runs / FREE, "--share", "0.5"),
            *("--start", TRAINED / "handwriting.onnx", "--out", runs / START_FILE),
        ],
    )
    yield _train_lines(places, BEST, 60_000)
    yield _train_digits(places, "digits", 9, [])
    yield _train_digits(places, "digits-second", 9, ["--second"])
    yield _stage(
        "letters",
        places,
        [
            *("research.training.strokes.letter_network", "--data", places.handwriting),
            *("--run", runs / "letters", "--out", runs / "letters"),
            *("--print-fonts", places.print_fonts),
        ],
    )
    yield _train_lines(places, FREE, 250_000)
    yield _train_lines(places, BEST, 200_000)


def _train_lines(places: Places, name: str, planned: int) -> Stage:
    command: list[object] = [
        HANDWRITING,
        "train",
        "--data",
        places.handwriting,
        "--strokes",
        places.labels,
    ]
    command += ["--run", places.runs / name, "--planned", str(planned)]
    command += ["--threads", str(places.threads)]
    if name == BEST:
        command += ["--lines", places.handwriting / "copiste_lines48.zip"]
        command += ["--start", places.runs / START_FILE]
    else:
        command += ["--start", TRAINED / "handwriting-free.onnx"]
    return _stage(f"{name}-{planned}", places, command)


def _train_digits(places: Places, name: str, epochs: int, options: list[str]) -> Stage:
    command: list[object] = [DIGITS, "--handwriting", places.handwriting, "--mnist", places.mnist]
    command += ["--run", places.runs / name, "--out", places.runs / name]
    command += ["--epochs", str(epochs), "--processes", str(places.threads), *options]
    command += ["--print-fonts", places.print_fonts]
    return _stage(name, places, command)


def _stage(name: str, places: Places, command: list[object]) -> Stage:
    words = [sys.executable, "-m", *(str(word) for word in command)]
    return Stage(name, words, places.runs / f"{name}.done")


def run_stages(places: Places, only: str | None) -> bool:
    """Run what is left, in order; False if something was stopped or failed."""
    places.runs.mkdir(parents=True, exist_ok=True)
    for stage in list_stages(places):
        if stage.done.is_file() or (only and not stage.name.startswith(only)):
            continue
        print(stage.name, flush=True)
        with (places.runs / f"{stage.name}.log").open("a") as log:
            process = subprocess.Popen(
                stage.command, stdout=log, stderr=log, env=os.environ | LITTLE_MEMORY
            )
            (places.runs / PID_FILE).write_text(f"{process.pid}\n")
            if process.wait():
                return False
        stage.done.touch()
    return True


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", help="the beginning of the names of what is to be run")
    parser.add_argument("--print-fonts", type=Path, default=PRINT_FONTS)
    args = parser.parse_args()
    places = Places(args.data, args.mnist, args.runs, args.threads, args.print_fonts)
    if not run_stages(places, args.only):
        raise SystemExit("Stopped; the same command goes on. The newest log says why.")


if __name__ == "__main__":
    main()
