"""ONNX sessions tuned for a counter PC that serves one person at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnxruntime

from yibao_face.models.api import ModelAlteredError, ModelRunError

# onnxruntime publishes no types: its values are Any from here on, and pinned down in `run`.
ort: Any = onnxruntime
# Nothing of a counter goes to anybody but its centre.
ort.disable_telemetry_events()

Tensor = npt.NDArray[np.float32]


class Network:
    """One loaded graph with a single input; ``run`` returns its outputs by name."""

    def __init__(self, name: str, graph: bytes | Path) -> None:
        options = ort.SessionOptions()
        # One face at a time: a second thread gains little, and spinning would burn an idle core.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            # A session made from bytes keeps them, 38 MB for nothing: hence the path, if any.
            self._session: Any = ort.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as exc:  # onnxruntime raises plain RuntimeError-like C++ classes
            raise ModelAlteredError(f"{name} cannot be loaded") from exc
        self.name = name
        self.input_name: str = self._session.get_inputs()[0].name
        self._outputs: list[str] = [o.name for o in self._session.get_outputs()]

    def run(self, tensor: Tensor) -> dict[str, Tensor]:
        """Feed ``tensor`` (NCHW float32); ``ModelRunError`` when the graph refuses it."""
        try:
            outputs = cast(
                list[Tensor], self._session.run(self._outputs, {self.input_name: tensor})
            )
        except Exception as exc:
            raise ModelRunError(f"{self.name} refused input {tensor.shape}") from exc
        return dict(zip(self._outputs, outputs, strict=True))
