"""Open the files of neural networks with ONNX Runtime on one thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.domain.errors import MissingProgramError
from pipeline.texts import Text

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

RESTORE_REMEDY = Text("error.network_remedy.restore")
"""What the error message tells the administrator to do."""


def open_session(
    file: Path, remedy: Text = RESTORE_REMEDY, *, keeps_memory: bool = True
) -> InferenceSession:
    """Open a network; opening takes longer than a run, so callers keep the session.

    `keeps_memory` is for inputs of few sizes: the runtime keeps the memory that each size
    needs.

    Raises:
        MissingProgramError: the file is missing, damaged or may not be read.
    """
    import onnxruntime

    try:
        file.open("rb").close()
    except FileNotFoundError as error:
        raise MissingProgramError("network_missing", name=file.name, remedy=remedy) from error
    except OSError as error:
        raise MissingProgramError(
            "network_unreadable", name=file.name, reason=error.strerror, remedy=remedy
        ) from error
    # One thread: processes run side by side, and results do not depend on scheduling.
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = keeps_memory
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's errors share no narrower public class
        raise MissingProgramError("network_damaged", name=file.name, remedy=remedy) from error
