"""Ranges are those of the run: emissions, their size without silence, and summed currents without bias or enables."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.ops import Gate, Graded, Input, Lif, Linear, Synapse
from ir.quantize.calibration import observe


def network():
    b = GraphBuilder("g", 1)
    x, s = b.add(Input("graded<24>[2]"), name="x"), b.add(Input("spike[2]"), name="s")
    weight = b.param("w", np.array([[1.0, -2.0], [0.5, 0.0]], np.float32))
    linear = b.add(Linear(), x, name="l", params={"weight": weight})
    bias = b.param("b", np.array([100.0, 0.0], np.float32))
    gate = b.add(Gate(24), linear, linear, b.add(Synapse(), s, name="open"), name="gate", params={"bias": bias})
    return b.build({"y": gate, "z": b.add(Graded(24), b.add(Synapse(), gate, name="r"), name="last")})


@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor])
def test_ranges_of_a_gate(library):
    x = library(np.array([3.0, 4.0], np.float32).reshape(1, 1, 2))
    seen = observe(network(), {"x": x, "s": library(np.array([1.0, 0.0], np.float32).reshape(1, 1, 2))})
    assert (seen["x"].emitted, seen["x"].current) == (4.0, 0.0)
    assert seen["x"].rms == pytest.approx(np.sqrt(12.5))
    assert seen["gate"].current == 10.0, "two operands of -5 and 1.5, without bias"
    assert (seen["gate"].emitted, seen["gate"].rms) == (90.0, 90.0), "-10 + 100, the second gate is shut"
    assert seen["last"].current == 90.0


@pytest.mark.parametrize("value", [np.nan, 3e38])
def test_what_is_no_number_has_no_range(value: float):
    x = np.full((1, 1, 2), value, np.float32)
    with pytest.raises(CompileError, match="gate reads or emits NaN or infinite"), np.errstate(all="ignore"):
        observe(network(), {"x": x, "s": np.zeros((1, 1, 2), np.float32)})


def test_silence_has_no_size():
    zeros = np.zeros((1, 2, 2), np.float32)
    assert observe(network(), {"x": zeros, "s": zeros})["last"].rms == 0.0


@pytest.mark.parametrize(
    ("values", "quantum"), [([0.0, 3.0, 6.0], 1.0), ([0.25, -0.75], 0.25), ([0.1, 0.2000001], 0.0), ([0.0, 0.0], 0.0)]
)
def test_the_grid_of_an_input_is_a_power_of_two(values: list[float], quantum: float):
    b = GraphBuilder("net", 1)
    x = b.add(Input("graded<24>[2]"), name="x")
    b.add(Lif(0.5), b.add(Synapse(), x, name="c"), name="s")
    data = np.resize(np.array(values, np.float32), (1, 3, 2))
    assert observe(b.build({"s": "s"}), {"x": data})["x"].quantum == quantum
