"""Models as ONNX graphs: what `train` gives is the graph, what `predict` is given is a session of onnxruntime.

Both libraries are optional. Graphs that keep weights in other files are refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

NAME = "onnx"
FILE = "model.onnx"
LIBRARIES: tuple[str, ...] = ("onnx", "onnxruntime")
PREDICT = """\
TYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(int64)": "int64", "tensor(string)": "str"}


def predict(model, frame):
    wanted = model.get_inputs()
    if len(wanted) == 1:
        feed = {wanted[0].name: frame[COLUMNS].to_numpy(dtype=TYPES[wanted[0].type])}
    else:
        feed = {one.name: frame[[one.name]].to_numpy(dtype=TYPES[one.type]) for one in wanted}
    scores = model.run(None, feed)[-1]
    if isinstance(scores, list):  # a map from class to probability for each row
        return [row[max(row)] for row in scores]
    return scores[:, 1] if scores.ndim == 2 and scores.shape[1] == 2 else scores.reshape(len(frame), -1).squeeze(1)
"""


def claims(model: Any) -> bool:
    """An `onnx.ModelProto`."""
    return type(model).__name__ == "ModelProto" and type(model).__module__.startswith("onnx")


def usable(model: Any) -> Any:
    """A session with the graph."""
    return _session(model.SerializeToString())


def save(model: Any, path: Path) -> tuple[str, ...]:
    """Store a graph that onnxruntime can run as it is."""
    data = model.SerializeToString()
    _session(data)
    path.write_bytes(data)
    return ()


def load(path: Path, types: tuple[str, ...]) -> Any:
    """A session with the graph of a file."""
    return _session(path.read_bytes())  # bytes, not a path: so no other file is read


def types_in(path: Path) -> tuple[str, ...]:
    """None: a graph is data."""
    if path.read_bytes()[:1] == b"\x80":
        raise ValueError("it begins as a pickle does")
    return ()


def _session(data: bytes) -> Any:
    import onnxruntime  # noqa: PLC0415  (optional)

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
