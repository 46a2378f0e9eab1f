"""Random chip graphs of what SANA-FE has, and the stand-in for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest

from ir.graph import Array, Graph, GraphBuilder
from ir.ops import (
    Add,
    Burst,
    Concat,
    Conv,
    Delay,
    Expand,
    Input,
    IntegerLif,
    Linear,
    Past,
    Reshape,
    Slice,
    Sum,
    Synapse,
)
from tests.backends.sanafe.flat_simulator import simulate

SIZE, STEPS = 6, 7


class Draw:
    """A random network: populations of SIZE neurons that read one another, late or at once, and what lowering makes of spikes."""

    def __init__(self, seed: int) -> None:
        self.rng, self.builder = np.random.default_rng(seed), GraphBuilder(f"random{seed}", STEPS)
        self.values = [self.builder.add(Input(f"{kind}[{SIZE}]"), name=kind[0]) for kind in ("spike", "graded<9>")]
        for build in (self.population, self.convolved, self.counted, self.routed, self.population):
            self.values.append(build())

    def pick(self) -> str:
        return self.values[self.rng.integers(len(self.values))]

    def late(self, value: str) -> str:
        choice, b = self.rng.integers(3), self.builder
        if choice == 1:
            return b.add(Delay(int(self.rng.integers(1, 4))), value, name="line")
        steps = {"steps": b.param("steps", self.rng.integers(0, 9, SIZE))}
        return b.add(Delay(), value, name="lines", params=steps) if choice == 2 else value

    def linear(self, value: str) -> str:
        weight = self.builder.param("w", self.rng.integers(-50, 60, (SIZE, SIZE)).astype(np.int16))
        return self.builder.add(Linear(), value, name="linear", params={"weight": weight})

    def neuron(self) -> IntegerLif:
        pick = lambda *options: options[self.rng.integers(len(options))]
        dv, reset, vth = pick(0, 500, 2048, 4096), pick("zero", "subtract", "none"), pick(10, 30, 60)
        late = "next" if reset != "zero" and self.rng.random() < 0.3 else "spike"
        theta = (vth << 6) + (pick(0, 5, -7) if dv == 0 else 0)
        start = {"v0": pick(0, 900, -900), "comparator": pick(">", ">=")}
        return IntegerLif(4095, dv, vth, 6, 12, 24, reset=reset, theta=theta, reset_at=late, **start)

    def population(self) -> str:
        b, rng, name = self.builder, self.rng, f"p{len(self.values)}"
        currents = [self.linear(self.late(self.pick())) for _ in range(2)]
        currents.append(currents[0])  # through the same synapses twice
        loop = b.add(Past(name, f"spike[{SIZE}]", int(rng.integers(1, 4))), name="back")
        params = {"bias": b.param("bias", rng.integers(-400, 900, SIZE).astype(np.int32))}
        op = self.neuron()
        if op.reset == "zero":
            params["vth"] = b.param("vth", rng.integers(5, 40, SIZE).astype(np.int32))
        return b.add(op, *currents, self.linear(loop), name=name, params=params)

    def convolved(self) -> str:
        image = self.builder.add(Reshape((2, 3)), self.pick(), name="image")
        kernels = self.builder.param("k", self.rng.integers(-50, 60, (2, 2, 3)).astype(np.int8))
        maps = self.builder.add(Conv((1,), (1,), (1,)), image, name="conv", params={"weight": kernels})
        return self.builder.add(self.neuron(), self.builder.add(Reshape((SIZE,)), maps, name="flat"), name="maps")

    def counted(self) -> str:
        """Counts of three as bursts over micro-steps, seen by a neuron each, counted again, and copied to all three."""
        b = self.builder
        count = b.add(Sum((1,)), b.add(Reshape((2, 3)), self.values[2], name="pairs"), name="count")
        burst = b.add(Burst(4), count, name="burst")
        unit = b.add(Synapse(1, 4), burst, name="unit")
        met = b.add(IntegerLif(4095, 4096, 0, 6, 12, 24, micro=4), unit, name="met")
        again = b.add(Reshape((2, 1)), b.add(Sum((0,), 21, 4), met, name="again"), name="whole")
        copied = b.add(Expand((2, 3)), b.add(self.neuron(), again, name="all"), name="copied")
        return b.add(Reshape((SIZE,)), copied, name="counted")

    def routed(self) -> str:
        b = self.builder
        joined = b.add(Concat(0), self.values[-1], self.values[2], name="joined")
        return b.add(self.neuron(), self.linear(b.add(Slice(0, 3, 3 + SIZE), joined, name="cut")), name="routed")

    def network(self) -> tuple[Graph, dict[str, Array]]:
        """The graph, whose outputs are all values and the sum of two, and inputs for it."""
        both = self.builder.add(Add(), self.values[2], self.values[-1], name="both")
        graph = self.builder.build({**{f"out_{k}": value for k, value in enumerate(self.values[2:])}, "both": both})
        x = (self.rng.random((STEPS, 3, SIZE)) < 0.4).astype(np.int64)
        return graph, {"s": x, "g": self.rng.integers(-20, 30, (STEPS, 3, SIZE))}


@pytest.fixture(scope="session")
def draw() -> Callable[[int], tuple[Graph, dict[str, Array]]]:
    """A seed -> a random network, and inputs for it."""
    return lambda seed: Draw(seed).network()


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the stand-in run what SANA-FE would."""
    monkeypatch.setattr("backends.sanafe.engine.run_command", lambda command, network: simulate(**asdict(network)))
