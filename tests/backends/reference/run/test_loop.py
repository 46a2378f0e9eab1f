"""Recurrent and delayed networks: the reference is the interpreter and a scalar loop, outputs, every population and events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.interpreter import InterpreterEngine
from backends.reference.engine import ReferenceEngine
from backends.reference.plan.loop_blocks import ordered
from backends.reference.run import tiles
from ir.graph import Graph, GraphBuilder
from ir.ops import Add, Delay, Graded, Input, Leaky, Lif, Linear, Past, Synapse
from ir.ops.integer_neuron import IntegerLeaky, IntegerLif

STEPS, BATCH, N = 7, 4, 3
LEVELS = ("float32", "float64", "integer")


class Grower:
    """A random network of populations of N neurons: chains, branches, delays, islands, loops over one or several layers."""

    def __init__(self, seed: int, level: str) -> None:
        self.rng, self.integer, self.kind = np.random.default_rng(seed), level == "integer", level
        self.b = GraphBuilder("net", STEPS, dtype="float64" if level == "float64" else "float32")
        self.made = [self.b.add(Input(f"spike[{N}]"), name=name) for name in ("x", "island")]
        self.pending: list[tuple[str, int]] = []

    def array(self, low: int, high: int, unit: float, *shape: int) -> np.ndarray[Any, Any]:
        numbers = self.rng.integers(low, high, shape)
        if self.integer:
            return numbers.astype(np.int32)
        return (numbers * unit * (1.1 if self.kind == "float64" else 1)).astype(self.kind)

    def linear(self, source: str) -> str:
        weight = self.array(-40, 60, 1 / 32, N, N)
        return self.b.add(Linear(), source, name="w", params={"weight": self.b.param("w", weight)})

    def late(self, value: str) -> str:
        """Possibly behind a delay line, of one length or of one per element."""
        choice = self.rng.integers(4)
        if choice == 0:
            return self.b.add(Delay(int(self.rng.integers(0, 9))), value, name="late")
        if choice == 1:
            steps = self.b.param("steps", self.rng.integers(0, 5, N))
            return self.b.add(Delay(), value, name="late", params={"steps": steps})
        return value

    def neuron(self) -> tuple[Any, dict[str, str]]:
        rng, own = self.rng, dict[str, str]()
        common: dict[str, Any]
        if self.integer:
            vth = int(rng.integers(1, 30))
            common = {"u0": int(rng.integers(0, 90)), "v0": int(rng.integers(0, 90))} if rng.random() < 0.5 else {}
            du, dv = int(rng.choice([4095, 1000])), int(rng.choice([0, 2048, 333]))
            reset: dict[str, Any] = {} if rng.random() < 0.5 else {"reset": "subtract", "theta": vth << 6}
            spiking = IntegerLif(du, dv, vth, 6, 12, 24, **common, **reset)
            others = (spiking, IntegerLeaky(du, dv, 6, 12, 24, 12, right=4, **common), Graded(9, shift=2))
            op: Any = spiking if len(self.made) == 2 else others[rng.integers(3)]  # one at least says: integers
            roles = {"vth": (1, 30), "dv": (0, 4097)}
        else:
            common = {"decay": 0.3, "v0": float(rng.choice([0.0, 0.25])), "leak": float(rng.choice([0.0, 0.1]))}
            common |= {
                "current_decay": float(rng.choice([1.0, 0.5])),
                "order": str(rng.choice(["current_first", "membrane_first"])),
            }
            resets: dict[str, Any] = {
                "reset": str(rng.choice(["value", "subtract", "none"])),
                "reset_at": str(rng.choice(["spike", "next"])),
            }
            spiking = Lif(threshold=0.4, max_spikes=int(rng.choice([1, 1, 3, 0])), **resets, **common)
            op = [spiking, spiking, Leaky(**common), Lif(0.5, threshold=0.5)][rng.integers(4)]
            roles = {"decay": (0, 30), "threshold": (9, 40), "leak": (-9, 9)}
        for role, (low, high) in roles.items():
            if hasattr(op, role) and rng.random() < 0.4:
                own[role] = self.b.param(role, self.array(low, high, 1 / 32, N))
        if rng.random() < 0.5:
            own["bias"] = self.b.param("bias", self.array(-90, 200, 1 / 256, N))
        return op, own

    def layer(self, place: int) -> None:
        currents = [self.late(self.linear(self.late(self.made[self.rng.integers(len(self.made))]))) for _ in range(2)]
        if self.rng.random() < 0.3:
            currents = [self.b.add(Add(), *currents, name="sum")]
        if self.rng.random() < 0.3:  # a current that comes back from a sum not built yet
            past = self.b.add(Past(f"again{place}", f"current[{N}]", int(self.rng.integers(1, 4))), name="echo")
            again = self.b.add(Add(), currents[0], past, name=f"again{place}")
            currents[0] = again if self.rng.random() < 0.3 and not self.integer else self._delayed(again)
        if self.rng.random() < 0.6:  # the population that is `reach` layers further on
            self.pending.append((f"p{place + int(self.rng.integers(0, 3))}", len(self.made)))
        op, own = self.neuron()
        self.made.append(self.b.add(op, *currents, name=f"p{place}", params=own))

    def _delayed(self, value: str) -> str:
        return self.b.add(Delay(1), value, name="wait")


def closed(seed: int, level: str) -> Graph:
    """A grown network, its back edges closed: a second growth of the same seed knows the types of what comes later."""
    grower = Grower(seed, level)
    layers = int(grower.rng.integers(2, 6))
    for place in range(layers):
        grower.layer(place)
    plain = grower.b.build({name: name for name in grower.made})
    ends = [(f"p{min(int(of[1:]), layers - 1)}", reader - 2) for of, reader in grower.pending]
    b = GraphBuilder("net", STEPS, plain.params, plain.dtype)
    for node in plain.nodes.values():
        back = []
        for of in (of for of, reader in ends if node.name == f"p{reader}"):
            past = b.add(Past(of, str(plain.nodes[of].type), 1 + seed % 3), name="back")
            back.append(b.add(Synapse(3 if level == "integer" else 0.75), past, name="rec"))
        b.copy(node, [*node.inputs, *back])
    return b.build({name: name for name in grower.made})


def inputs(graph: Graph, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    return {node.name: (rng.random((STEPS, BATCH, N)) < 0.5).astype(np.uint8) for node in graph.inputs}


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", range(25))
def test_random_networks_equal_the_interpreter(seed: int, level: str, monkeypatch: pytest.MonkeyPatch):
    graph = closed(seed, level)
    fed = inputs(graph, seed)
    names = tuple(node.name for node in graph.nodes.values() if node.op.family in ("neuron", "input"))
    wanted = InterpreterEngine(graph).run(fed, names)
    engine = ReferenceEngine(graph, "cpu")
    for cut in (1 << 28, 1):
        monkeypatch.setattr(tiles, "TILE_BYTES", cut)
        monkeypatch.setattr(tiles, "MOST_TILE_BYTES", cut)
        monkeypatch.setattr(tiles, "LOOP_TILE_BYTES", cut)
        for probes in (names, ()):
            found = engine.run(fed, probes)
            assert found.events == wanted.events
            for name, values in found.outputs.items():
                assert np.array_equal(values, wanted.outputs[name]), name
            for name, values in found.emissions.items():
                assert np.array_equal(values, wanted.emissions[name]), name
                assert values.dtype == wanted.emissions[name].dtype


def test_the_random_networks_have_loops_and_spikes():
    graphs = [closed(seed, level) for seed in range(25) for level in LEVELS]
    assert sum(bool(ordered(graph)[1]) for graph in graphs) > 30
    assert max(len(ordered(graph)[1]) for graph in graphs) > 1
    events = [ReferenceEngine(graph, "cpu").run(inputs(graph, 0)).events for graph in graphs[:6]]
    assert all(max(run.spikes.values()) > 0 for run in events)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_scalar_loop(dtype: str):
    """x -> a -> b -> a, a's payload delayed element by element into b, events counted one by one."""
    rng = np.random.default_rng(5)
    w, u, r = (rng.integers(-8, 12, (N, N)).astype(dtype) / 8 for _ in range(3))
    late, threshold = np.array([0, 2, 4]), np.array([0.5, 0.75, 0.25], dtype)
    b = GraphBuilder("net", STEPS, dtype=dtype)
    x = b.add(Input(f"spike[{N}]"), name="x")
    back = b.add(Past("b", f"spike[{N}]", 2), name="back")
    first = [
        b.add(Linear(), source, name=name, params={"weight": b.param(name, array)})
        for source, name, array in ((x, "w", w), (back, "r", r))
    ]
    a = b.add(Leaky(0.5), *first, name="a")
    delayed = b.add(Delay(), a, name="d", params={"steps": b.param("late", late)})
    second = b.add(Linear(), delayed, name="u", params={"weight": b.param("u", u)})
    out = b.add(Lif(0.5, reset="subtract"), second, name="b", params={"threshold": b.param("threshold", threshold)})
    graph = b.build({"y": out})
    fed = (rng.random((STEPS, 1, N)) < 0.5).astype(dtype)
    va, vb, spikes, payloads = np.zeros(N), np.zeros(N), [np.zeros(N)] * 2, [np.zeros(N)] * 4
    for t in range(STEPS):
        va = va + (w @ fed[t, 0] + r @ spikes[-2] - va) / 2
        payloads.append(va)
        seen = np.array([payloads[4 + t - late[n]][n] for n in range(N)])
        vb = vb + (u @ seen - vb) / 2
        spikes.append((vb >= threshold).astype(float))
        vb = vb - threshold * spikes[-1]
    trace = ReferenceEngine(graph, "cpu").run({"x": fed}, ("a", "b"))
    assert np.array_equal(trace.outputs["y"][:, 0], spikes[2:])
    assert np.array_equal(trace.emissions["a"][:, 0], payloads[4:])
    assert trace.emissions["a"].dtype == dtype
    carried = sum(payloads[4 + t - late[n]][n] != 0 for t in range(STEPS) for n in range(N))
    assert dict(trace.events.synaptic) == {
        "w": N * int(fed.sum()),
        "r": N * int(sum(s.sum() for s in spikes[:-2])),
        "u": N * carried,
    }
    emitted = {"x": int(fed.sum()), "a": int(np.count_nonzero(payloads)), "b": int(np.sum(spikes))}
    assert dict(trace.events.spikes) == emitted
    assert 0 < emitted["b"] < STEPS * N
