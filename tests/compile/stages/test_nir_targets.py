"""
Random NIR networks through file, compiler and both targets, against NIR's equations; spikes exactly, membranes to 1e-4.

The oracle knows nothing of the compiler: one step after another, one node after another, nothing shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from compile import compile_model

DT = 1e-3
STEPS, BATCH = 40, 2
Arrays = Mapping[str, np.ndarray]


def random_network(seed: int) -> nir.NIRGraph:
    """Two or three layers of any neurons, perhaps a delay, a skip connection, a recurrent one, a read-out; float32 or float64."""
    random = np.random.default_rng(seed)
    dtype = random.choice([np.float32, np.float64])
    sizes = [int(n) for n in random.integers(2, 6, random.integers(3, 5))]
    nodes: dict[str, Any] = {"input": nir.Input({"input": np.array(sizes[:1])})}
    edges: list[tuple[str, str]] = []
    before = "input"
    for k, (few, many) in enumerate(pairwise(sizes)):
        weight = random.normal(size=(many, few)).astype(dtype) * 2
        biased = random.random() < 0.5
        nodes[f"w{k}"] = (
            nir.Affine(weight, random.normal(size=many).astype(dtype) / 4) if biased else nir.Linear(weight)
        )
        last = k == len(sizes) - 2
        nodes[f"n{k}"] = _neuron(random, many, dtype, last)
        edges += [(before, f"w{k}"), (f"w{k}", f"n{k}")]
        before = f"n{k}"
        if random.random() < 0.3:
            nodes[f"d{k}"] = nir.Delay((random.integers(0, 5, many) * DT).astype(dtype))
            edges.append((before, f"d{k}"))
            before = f"d{k}"
        if random.random() < 0.4:
            _add_loop(random, nodes, edges, k, many, dtype)
    if random.random() < 0.4:
        nodes["skip"] = nir.Linear(random.normal(size=(sizes[-1], sizes[0])).astype(dtype))
        edges += [("input", "skip"), ("skip", f"n{len(sizes) - 2}")]
    nodes["output"] = nir.Output({"output": np.array(sizes[-1:])})
    return nir.NIRGraph(nodes, [*edges, (before, "output")], type_check=False)


def _add_loop(random: Any, nodes: dict[str, Any], edges: list[tuple[str, str]], k: int, size: int, dtype: Any) -> None:
    weight = random.normal(size=(size, size)).astype(dtype)
    nodes[f"r{k}"] = nir.Affine(weight, random.normal(size=size).astype(dtype) / 4) if k % 2 else nir.Linear(weight)
    back = int(random.integers(0, k + 1))
    if len(nodes[f"n{back}"].v_leak if hasattr(nodes[f"n{back}"], "v_leak") else nodes[f"n{back}"].r) == size:
        edges += [(f"n{k}", f"r{k}"), (f"r{k}", f"n{back}")]


def _neuron(random: Any, size: int, dtype: Any, last: bool) -> nir.NIRNode:
    def between(low: float, high: float) -> np.ndarray:
        return random.uniform(low, high, size).astype(dtype)

    tau, leak = between(4e-3, 2e-2), between(-0.1, 0.1)
    fire = {"v_threshold": between(0.5, 1), "v_reset": between(-0.3, 0.3)}
    made = {
        "lif": lambda: nir.LIF(tau=tau, r=between(1, 4), v_leak=leak, **fire),
        "if": lambda: nir.IF(r=between(100, 400), **fire),
        "cubalif": lambda: nir.CubaLIF(
            tau_syn=between(2e-3, 8e-3), tau_mem=tau, r=between(1, 4), v_leak=leak, w_in=between(0.5, 2), **fire
        ),
        "li": lambda: nir.LI(tau=tau, r=between(1, 2), v_leak=leak),
        "cubali": lambda: nir.CubaLI(tau_syn=between(2e-3, 8e-3), tau_mem=tau, r=between(1, 2), v_leak=leak),
    }
    return made[random.choice(list(made)[: 5 if last else 3])]()


def canonical(graph: nir.NIRGraph, inputs: Arrays) -> dict[str, np.ndarray]:
    """Output node -> (T, *shape) for input node -> (T, *shape): forward Euler, strict threshold, reset in the same step."""
    dtype = np.result_type(*(np.asarray(v) for n in graph.nodes.values() for v in vars(n).values() if _is_real(v)))
    late, order = _order(graph)
    memory: dict[str, Any] = {}
    history: list[dict[str, np.ndarray]] = []
    for step in range(len(next(iter(inputs.values())))):
        now: dict[str, np.ndarray] = {}
        for name in order:
            node = graph.nodes[name]
            if isinstance(node, nir.Input):
                now[name] = inputs[name][step].astype(dtype)
                continue
            if isinstance(node, nir.Delay):
                (source,) = (a for a, b in graph.edges if b == name)
                now[name] = _delayed(node, [past[source] for past in history], now.get(source), dtype)
                continue
            arriving = [
                history[-1][a] if (a, b) in late and history else None if (a, b) in late else now[a]
                for a, b in graph.edges
                if b == name
            ]
            x = sum(value for value in arriving if value is not None)
            now[name] = _step(node, x, memory.setdefault(name, {}), dtype)
        history.append(now)
    outputs = [name for name, node in graph.nodes.items() if isinstance(node, nir.Output)]
    return {name: np.stack([now[name] for now in history]) for name in outputs}


def _is_real(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _order(graph: nir.NIRGraph) -> tuple[set[tuple[str, str]], list[str]]:
    """Back edges, depth first from the input, and the nodes in an order for everything else."""
    following: dict[str, list[str]] = {}
    for a, b in graph.edges:
        following.setdefault(a, []).append(b)
    late, state, done = set[tuple[str, str]](), dict[str, int](), list[str]()

    def visit(name: str) -> None:
        state[name] = 1
        for after in following.get(name, []):
            if state.get(after) == 1:
                late.add((name, after))
            elif after not in state:
                visit(after)
        state[name] = 2
        done.append(name)

    for name, node in graph.nodes.items():
        if isinstance(node, nir.Input):
            visit(name)
    return late, done[::-1]


def _delayed(node: nir.Delay, past: list[np.ndarray], now: Any, dtype: Any) -> np.ndarray:
    values = [*past, now]
    steps = np.floor(node.delay.astype(float) / DT + 0.5).astype(int)
    y = np.zeros(len(steps), dtype)
    for n, late in enumerate(steps):
        if late < len(values):
            y[n] = values[-1 - late][n]
    return y


def _step(node: Any, x: np.ndarray, memory: dict[str, Any], dtype: Any) -> np.ndarray:
    kind, get = type(node).__name__, lambda name: getattr(node, name).astype(dtype)
    if kind == "Output":
        return x
    if kind in ("Linear", "Affine"):
        y = get("weight") @ x
        return y + get("bias") if kind == "Affine" else y
    v, j = memory.get("v", np.zeros_like(x)), memory.get("j", np.zeros_like(x))
    if kind.startswith("Cuba"):
        j = j + (DT / get("tau_syn")) * (get("w_in") * x - j)
        memory["j"] = x = j
    if kind == "IF":
        v = v + DT * get("r") * x
    else:
        tau = get("tau_mem") if kind.startswith("Cuba") else get("tau")
        v = v + (DT / tau) * ((get("v_leak") - v) + get("r") * x)
    if kind in ("LI", "CubaLI"):
        memory["v"] = v
        return v
    fired = v > get("v_threshold")
    memory["v"] = np.where(fired, get("v_reset"), v)
    return fired.astype(dtype)


def prepared(seed: int, folder: Path) -> tuple[Path, nir.NIRGraph, np.ndarray]:
    """The network as a file, itself, and spikes (even seeds) or real values for its input."""
    graph, random = random_network(seed), np.random.default_rng(seed)
    nir.write(folder / "net.nir", graph)
    shape = (STEPS, BATCH, *graph.nodes["input"].input_type["input"])
    x = random.random(shape) < 0.4 if seed % 2 == 0 else random.normal(size=shape)
    return folder / "net.nir", graph, x.astype(np.float32)


def assert_canonical(graph: nir.NIRGraph, x: np.ndarray, outputs: dict[str, np.ndarray]) -> bool:
    """Compare with the equations; whether the network fired (or moved) at all."""
    expected = np.stack([canonical(graph, {"input": x[:, sample]})["output"] for sample in range(BATCH)], 1)
    if set(np.unique(expected)) <= {0.0, 1.0}:
        assert np.array_equal(outputs["output"], expected)
    else:
        np.testing.assert_allclose(outputs["output"], expected, atol=1e-4, rtol=1e-4)
    return bool(expected.any())


@pytest.mark.slow
def test_float_on_the_reference(tmp_path: Path):
    active = 0
    for seed in range(30):
        path, graph, x = prepared(seed, tmp_path)
        program = compile_model(path, target="gpu", precision="float", dt=DT, example=x)
        active += assert_canonical(graph, x, dict(program.run({"input": x}).outputs))
    assert active > 20


@pytest.mark.lava
@pytest.mark.parametrize("seed", range(4))
def test_float_in_lava(seed: int, tmp_path: Path):
    path, graph, x = prepared(seed, tmp_path)
    assert_canonical(
        graph, x, dict(compile_model(path, target="loihi", precision="float", dt=DT, example=x).run(x).outputs)
    )


@pytest.mark.lava
@pytest.mark.parametrize("seed", range(4))
def test_integers_in_lava_and_on_the_reference(seed: int, tmp_path: Path):
    path, _, x = prepared(seed, tmp_path)
    lava, reference = (compile_model(path, target=target, dt=DT, example=x).run(x) for target in ("loihi", "gpu"))
    assert lava.events == reference.events
    assert lava.emissions.keys() == reference.emissions.keys()
    for name, spikes in lava.emissions.items():
        assert np.array_equal(spikes, reference.emissions[name]), name
    assert np.array_equal(lava.outputs["output"], reference.outputs["output"])


@pytest.mark.slow
def test_integers_keep_most_spikes():
    shares: list[float] = []
    for seed in range(0, 30, 2):
        graph, random = random_network(seed), np.random.default_rng(seed)
        x = (random.random((STEPS, 8, *graph.nodes["input"].input_type["input"])) < 0.4).astype(np.float32)
        runs = [compile_model(graph, target="gpu", precision=p, dt=DT, example=x).run(x) for p in ("int", "float")]
        shares += [
            float(np.mean((runs[0].emissions[n] != 0) == (s != 0)))
            for n, s in runs[1].emissions.items()
            if s.dtype == np.uint8
        ]
    assert np.median(shares) > 0.97
    assert min(shares) > 0.75


@pytest.mark.lava
@pytest.mark.parametrize("meant", ["gt", "ge"])
@pytest.mark.parametrize("target", ["gpu", "loihi"])
def test_thresholds_of_zero_and_below(target: str, meant: str):
    weight = np.random.default_rng(0).integers(-4, 5, (4, 5)).astype(np.float32) * 0.25
    threshold = np.array([-0.5, 0.25, -1.75, 0], np.float32)
    nodes = {"x": nir.Input({"input": np.array([5])}), "w": nir.Linear(weight), "t": nir.Threshold(threshold)}
    nodes["y"] = nir.Output({"output": np.array([4])})
    graph = nir.NIRGraph(nodes, [("x", "w"), ("w", "t"), ("t", "y")])
    x = (np.random.default_rng(1).random((12, 20, 5)) < 0.4).astype(np.float32)
    current = x @ weight.T
    wanted = current > threshold if meant == "gt" else current >= threshold
    found = compile_model(graph, target=target, dt=1.0, semantics={"threshold": meant}, example=x).run(x)
    assert np.array_equal(found.outputs["y"], wanted)
