"""Nodes as files hold them."""

from __future__ import annotations

from typing import Any

import numpy as np

SINK: dict[str, Any] = {"type": "Output"}


def full(*shape: int, value: float = 1.0) -> np.ndarray:
    return np.full(shape, value, np.float32)


def source(*shape: int) -> dict[str, Any]:
    return {"type": "Input", "shape": np.array(shape, np.int64)} if shape else {"type": "Input"}


def scale(*shape: int) -> dict[str, Any]:
    return {"type": "Scale", "scale": full(*shape)}


def neuron(*shape: int) -> dict[str, Any]:
    return {"type": "IF", "r": full(*shape), "v_threshold": full(*shape)}


def linear(outputs: int, inputs: int) -> dict[str, Any]:
    return {"type": "Linear", "weight": full(outputs, inputs)}


def conv1d(outputs: int, inputs: int, **fields: Any) -> dict[str, Any]:
    """A convolution with a kernel of 3."""
    rest = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, **fields}
    return {"type": "Conv1d", "weight": full(outputs, inputs, 3), "bias": full(outputs), **rest}
