"""The files of networks, opened by the runtime on one thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.domain.errors import MissingProgramError
from pipeline.texts import Text

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

RESTORE_REMEDY = Text("error.network_remedy.restore")


def open_session(
    file: Path, remedy: Text = RESTORE_REMEDY, *, keeps_memory: bool = True
) -> InferenceSession:
    """A network, ready to be asked; opening takes longer than asking, so keep it. `keeps_memory` is
    for pictures of a few sizes: the runtime keeps the memory of each.

    Raises:
        MissingProgramError: its file is missing or damaged.
    """
    import onnxruntime

    if not file.is_file():
        raise MissingProgramError("network_missing", name=file.name, remedy=remedy)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = keeps_memory
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no narrower public class
        raise MissingProgramError("network_damaged", name=file.name, remedy=remedy) from error
