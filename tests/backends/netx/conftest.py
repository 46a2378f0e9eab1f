"""Chip graphs to be written as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.netx.emitted_file import EmittedFile
from ir.graph import Graph, GraphBuilder
from ir.ops import Conv, Input, Linear
from ir.ops.integer_neuron import IntegerLif
from tests.backends.netx_oracle import expected, flat, run_netx, samples


class Chip:
    """A chip graph under construction, with weights, thresholds and biases at random."""

    def __init__(self, steps: int = 0, seed: int = 0) -> None:
        self.builder, self.rng = GraphBuilder("chip", steps), np.random.default_rng(seed)

    def input(self, kind: str, name: str = "x") -> str:
        return self.builder.add(Input(kind), name=name)

    def linear(self, source: str, outputs: int, weight: Any = None) -> str:
        inputs = self.builder.type(source).shape[-1]
        drawn = self.rng.integers(-60, 68, (outputs, inputs)) if weight is None else np.asarray(weight)
        return self.builder.add(
            Linear(), source, name="linear", params={"weight": self.builder.param("w", drawn.astype(np.int16))}
        )

    def conv(self, source: str, outputs: int, kernel: tuple[int, ...], **options: Any) -> str:
        rank, channels = len(kernel), self.builder.type(source).shape[0] // options.get("groups", 1)
        plain = {"stride": (1,) * rank, "padding": (0,) * rank, "dilation": (1,) * rank}
        drawn = self.rng.integers(-40, 60, (outputs, channels, *kernel)).astype(np.int16)
        return self.builder.add(
            Conv(**{**plain, **options}), source, name="conv", params={"weight": self.builder.param("w", drawn)}
        )

    def lif(self, *currents: str, name: str, biased: bool = False, **constants: Any) -> str:
        """Neurons with constants of their own, or of their channels, as far as `constants` does not say them."""
        shape = self.builder.type(currents[0]).shape
        drawn = {"du": (2000, 4096), "dv": (0, 4097), "vth": (20, 100), **({"bias": (-5, 12)} if biased else {})}
        params: dict[str, str] = {}
        for role, (low, high) in drawn.items():
            array = self.rng.integers(low, high, (shape[0], *(1,) * (len(shape) - 1))).astype(np.int32)
            array = np.broadcast_to(array, shape).copy() << (6 if role == "bias" else 0)
            if role not in constants:
                params[role] = self.builder.param(f"{name}.{role}", array)
        options = {"du": 4095, "dv": 4096, "vth": 100, "shift": 6, "decay_bits": 12, "state_bits": 24, **constants}
        return self.builder.add(IntegerLif(**options), *currents, name=name, params=params)

    def graph(self, *outputs: str) -> Graph:
        return self.builder.build({f"out_{name}": name for name in outputs})


@pytest.fixture
def chip() -> type[Chip]:
    """A graph under construction."""
    return Chip


@pytest.fixture
def assert_netx_fires_alike(tmp_path: Path) -> Callable[..., EmittedFile]:
    """assert_netx_fires_alike(graph, file): lava-dl's netx, in Lava, emits what the interpreter does, samples in a row or apart."""

    def check(graph: Graph, file: EmittedFile, steps: int = 12) -> EmittedFile:
        count = 3 if file.back_to_back else 1
        inputs = samples(graph, count, steps)
        stream = flat(inputs, file.inputs).swapaxes(0, 1)
        emitted = run_netx(tmp_path / file.name, file, stream.reshape(-1, stream.shape[2]))[file.latency :]
        known = expected(graph, inputs, file)
        assert known.any()
        np.testing.assert_array_equal(emitted.reshape(count, -1, emitted.shape[1]).swapaxes(0, 1), known)
        return file

    return check
