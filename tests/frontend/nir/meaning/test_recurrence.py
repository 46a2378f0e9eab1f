"""Loops, delays, fan-in and latency of NIR networks: a step-by-step simulation of the file's edges, and single cases by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nir
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend.nir.import_nir import import_nir
from frontend.nir.meaning.recurrence import Lags, lags
from frontend.nir.meaning.semantics import Semantics
from frontend.nir.reading.reader import network_of
from ir.graph import Graph
from ir.interpreter import interpret
from ir.ops import Past
from ir.verify import verify

STEPS = 14
X = np.random.default_rng(3).integers(0, 2, (STEPS, 2, 2)).astype(np.float64)
W = np.array([[0.5, -0.25], [0.75, 0.5]])
U = np.array([[-0.5, 0.25], [0.5, -0.125]])
BIAS = np.array([0.125, 0.25])


def spiking(threshold: float = 0.5) -> nir.IF:
    return nir.IF(r=np.ones(2), v_threshold=np.full(2, threshold))


MAKE: dict[str, Callable[[], nir.NIRNode]] = {
    "if": spiking,
    "lin": lambda: nir.Linear(W),
    "aff": lambda: nir.Affine(U, BIAS),
    "del": lambda: nir.Delay(np.full(2, 2.0)),
    "ind": lambda: nir.Delay(np.array([1.0, 3.0])),
    "int": lambda: nir.LI(tau=np.full(2, 4.0), r=np.ones(2), v_leak=np.zeros(2)),
}


def graph_of(kinds: dict[str, str], edges: list[tuple[str, str]]) -> nir.NIRGraph:
    nodes: dict[str, nir.NIRNode] = {name: MAKE[kind]() for name, kind in kinds.items()}
    nodes |= {"x": nir.Input({"input": np.array([2])}), "y": nir.Output({"output": np.array([2])})}
    return nir.NIRGraph(nodes, edges, type_check=False)


def run(graph: nir.NIRGraph, **options: Any) -> tuple[Graph, np.ndarray]:
    made = import_nir(graph, {"dt": 1.0, **options}).graph
    verify(made, "source")
    return made, interpret(made, {"x": X})["y"]


def simulate(kinds: dict[str, str], edges: list[tuple[str, str]], late: set[int], latency: int = 0) -> np.ndarray:
    """All edges by themselves: edge k carries its source's value of `late[k]` (one, or none) steps ago."""
    past: list[dict[str, np.ndarray]] = []
    states = {name: np.zeros((2, 2)) for name in kinds}
    out = []
    for t in range(STEPS):
        now: dict[str, np.ndarray] = {"x": X[t]}

        def value(name: str, back: int, t: int = t, now: dict[str, np.ndarray] = now) -> np.ndarray:
            if back:
                return past[t - back][name] if t >= back else np.zeros((2, 2))
            if name not in now:
                now[name] = compute(name)
            return now[name]

        def compute(name: str, t: int = t, value: Callable[..., np.ndarray] = value) -> np.ndarray:
            kind = kinds.get(name, "y")
            extra = lambda a: latency if kinds.get(a) == "if" else 0
            if kind in ("del", "ind"):
                steps, total = ((2, 2) if kind == "del" else (1, 3)), np.zeros((2, 2))
                for k, (a, b) in enumerate(edges):
                    for n in range(2):
                        total[:, n] += value(a, steps[n] + (k in late) + extra(a))[:, n] if b == name else 0
                return total
            drive = sum(
                (value(a, int(k in late) or extra(a)) for k, (a, b) in enumerate(edges) if b == name), np.zeros((2, 2))
            )
            if kind == "lin":
                return drive @ W.T
            if kind == "aff":
                return drive @ U.T + BIAS
            if kind == "int":
                states[name] = states[name] + 0.25 * (drive - states[name])
                return states[name]
            if kind == "if":
                v = states[name] + drive
                states[name] = np.where(v > 0.5, 0.0, v)
                return (v > 0.5).astype(float)
            return drive

        for name in [*kinds, "y"]:
            value(name, 0)
        past.append(now)
        out.append(now["y"])
    return np.stack(out)


def back_edges(kinds: dict[str, str], edges: list[tuple[str, str]]) -> set[int]:
    """Depth first from x, then from nodes that a Delay feeds, then by name; edges into a Delay on a loop are not followed."""
    names = sorted({"x", "y", *kinds})

    def reaches(a: str, b: str, seen: frozenset[str] = frozenset()) -> bool:
        return any(v == b or (v not in seen and reaches(v, b, seen | {v})) for u, v in edges if u == a)

    cut = {name for name, kind in kinds.items() if kind in ("del", "ind") and reaches(name, name)}
    found, done = set[int](), set[str]()

    def visit(name: str, path: tuple[str, ...]) -> None:
        done.add(name)
        for k, (a, b) in enumerate(edges):
            if a != name or b in cut:
                continue
            if b in (*path, name):
                found.add(k)
            elif b not in done:
                visit(b, (*path, name))

    for root in ["x", *(b for _, b in edges if b in cut), *names]:
        if root not in done:
            visit(root, ())
    return found


@st.composite
def networks(draw: st.DrawFn) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Random wiring in which every loop passes a population or a delay."""
    count = draw(st.integers(2, 6))
    kinds = {f"n{place}": draw(st.sampled_from(list(MAKE))) for place in range(count)}
    names = list(kinds)
    edges = [("x" if place == 0 else names[draw(st.integers(0, place - 1))], name) for place, name in enumerate(names)]
    for _ in range(draw(st.integers(0, 4))):
        a, b = draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1))
        if a < b or kinds[names[b]] in ("if", "int", "del", "ind"):
            edges.append((names[a], names[b]))
    edges.append((names[-1], "y"))
    return kinds, draw(st.permutations(edges))


@given(networks())
def test_random_networks_run_as_their_edges_say(network: tuple[dict[str, str], list[tuple[str, str]]]):
    kinds, edges = network
    kept = network_of(graph_of(kinds, edges))
    kinds = {name: kind for name, kind in kinds.items() if name in kept.nodes}
    edges = list(kept.edges)
    _, ours = run(graph_of(kinds, edges), if_gain="step")
    expected = simulate(kinds, edges, back_edges(kinds, edges))
    if np.abs(expected).max() < 1e6:
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-9)


def recurrent(weights: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    return {"a": "if", "w": weights, "f": "lin"}, [("x", "f"), ("f", "a"), ("a", "w"), ("w", "a"), ("a", "y")]


@pytest.mark.parametrize(("policy", "late"), [("edge", {3}), ("spikes", {2}), ("all", {2})])
def test_a_recurrent_bias_tells_the_policies_apart(policy: str, late: set[int]):
    kinds, edges = recurrent("aff")
    _, ours = run(graph_of(kinds, edges), back_edge=policy)
    np.testing.assert_array_equal(ours, simulate(kinds, edges, late))
    other = simulate(kinds, edges, {3} if late == {2} else {2})
    assert (ours != other).any()


def test_without_bias_the_spikes_are_kept_instead_of_the_currents():
    made, ours = run(graph_of(*recurrent("lin")))
    (past,) = made.loops
    assert isinstance(past.op, Past)
    assert past.op.of == "a"
    assert str(past.type) == "spike[2]"
    np.testing.assert_array_equal(ours, simulate(*recurrent("lin"), {3}))


def test_two_populations_in_a_loop():
    kinds = {"a": "if", "b": "if"}
    edges = [("x", "a"), ("a", "b"), ("b", "a"), ("b", "y")]
    _, one = run(graph_of(kinds, edges))
    np.testing.assert_array_equal(one, simulate(kinds, edges, {2}))
    _, two = run(graph_of(kinds, edges), back_edge="all")
    np.testing.assert_array_equal(two, simulate(kinds, edges, {1, 2}))
    assert (one != two).any()


def test_a_loop_without_spikes_is_delayed_at_its_back_edge_where_all_spikes_would_be():
    kinds, edges = {"a": "int", "w": "lin"}, [("x", "a"), ("a", "w"), ("w", "a"), ("a", "y")]
    _, ours = run(graph_of(kinds, edges), back_edge="all")
    np.testing.assert_allclose(ours, simulate(kinds, edges, {2}), rtol=1e-12)
    assert ours.any()


def test_a_delay_in_the_loop_is_all_the_delay_there_is():
    kinds, edges = {"a": "if", "d": "del"}, [("x", "a"), ("a", "d"), ("d", "a"), ("a", "y")]
    made, ours = run(graph_of(kinds, edges))
    assert [node.op.steps for node in made.loops if isinstance(node.op, Past)] == [2]
    np.testing.assert_array_equal(ours, simulate(kinds, edges, set()))


def test_latency_is_between_populations_and_closes_loops():
    kinds, edges = {"a": "if", "b": "if"}, [("x", "a"), ("a", "b"), ("b", "y")]
    _, ours = run(graph_of(kinds, edges), latency=2)
    np.testing.assert_array_equal(ours, simulate(kinds, edges, set(), latency=2))
    kinds, edges = recurrent("lin")
    _, ours = run(graph_of(kinds, edges), latency=1)
    np.testing.assert_array_equal(ours, simulate(kinds, edges, set(), latency=1))


@pytest.mark.parametrize("between", ["lin", "del", "int"])
def test_latency_comes_on_top_of_delays(between: str):
    kinds = {"a": "if", "w": between, "d": "del"}
    edges = [("x", "a"), ("a", "w"), ("w", "d"), ("d", "a"), ("a", "y")]
    _, ours = run(graph_of(kinds, edges), latency=1)
    np.testing.assert_allclose(ours, simulate(kinds, edges, set(), latency=1), rtol=1e-9)


def test_duplicate_edges_count_twice_and_inputs_reach_outputs():
    graph = graph_of({"a": "if"}, [("x", "a"), ("x", "a"), ("a", "y"), ("x", "y")])
    _, ours = run(graph)
    v, out = np.zeros((2, 2)), []
    for x in X:
        v = v + x + x
        out.append((v > 0.5) + x)
        v = np.where(v > 0.5, 0, v)
    np.testing.assert_array_equal(ours, np.stack(out))


def test_a_population_without_input_and_a_growing_loop():
    nodes = {"x": nir.Input({"input": np.array([2])}), "y": nir.Output({"output": np.array([2])})}
    alone = nir.LIF(tau=np.full(2, 2.0), r=np.ones(2), v_leak=np.array([1.0, 0.1]), v_threshold=np.full(2, 0.8))
    _, ours = run(nir.NIRGraph({**nodes, "n": alone}, [("n", "y")], type_check=False))
    np.testing.assert_array_equal(ours[:4, 0, 0], [0, 0, 1, 0])
    assert not ours[:, :, 1].any()
    growing = {**nodes, "d": nir.Delay(np.ones(2)), "s": nir.Scale(np.ones(2))}
    edges = [("x", "s"), ("d", "s"), ("s", "d"), ("s", "y")]
    made = import_nir(nir.NIRGraph(growing, edges, type_check=False), {"dt": 1.0}, domains={"x": "spike"}).graph
    verify(made, "source")
    np.testing.assert_array_equal(interpret(made, {"x": X})["y"], np.cumsum(X, 0))


@pytest.mark.parametrize(
    ("rounding", "delay", "steps"),
    [
        ("nearest", 0.25, 3),
        ("nearest", 0.2499, 2),
        ("floor", 0.29, 2),
        ("ceil", 0.21, 3),
        ("floor", 0.3, 3),
        ("ceil", 0.3, 3),
    ],
)
def test_delays_in_steps(rounding: str, delay: float, steps: int):
    for dtype in (np.float32, np.float64):
        node = nir.Delay(np.full(2, delay, dtype))
        graph = nir.NIRGraph(
            {"x": nir.Input({"input": np.array([2])}), "d": node, "y": nir.Output({"output": np.array([2])})},
            [("x", "d"), ("d", "y")],
            type_check=False,
        )
        made = import_nir(graph, Semantics(dt=0.1, delay_rounding=rounding)).graph
        assert made.nodes["d"].op.attributes()["steps"] == steps


def lags_of(kinds: dict[str, str], edges: list[tuple[str, str]], **options: Any) -> Lags:
    delays = {name: {"del": 2, "ind": 1}[kind] for name, kind in kinds.items() if kind in ("del", "ind")}
    return lags(network_of(graph_of(kinds, edges)), Semantics(dt=1.0, **options), delays)


def test_without_loops_nothing_is_late():
    read = lags_of({"w": "lin", "a": "if"}, [("x", "w"), ("w", "a"), ("x", "a"), ("a", "y")])
    assert (read.lag, read.inside) == ((0, 0, 0, 0), (False,) * 4)
    assert (read.looped, read.moved) == (frozenset(), {})
    assert read.order.index("w") < read.order.index("a") < read.order.index("y")


@pytest.mark.parametrize(
    ("weights", "options", "lag"),
    [
        ("lin", {}, (0, 0, 1, 0, 0)),  # the back edge w -> a, moved before the matrix
        ("aff", {}, (0, 0, 0, 1, 0)),  # a bias stays where it is
        ("aff", {"back_edge": "spikes"}, (0, 0, 1, 0, 0)),
        ("aff", {"back_edge": "all"}, (0, 0, 1, 0, 0)),
        ("aff", {"latency": 3}, (0, 0, 3, 0, 3)),
    ],
)
def test_rules_of_a_loop(weights: str, options: dict[str, Any], lag: tuple[int, ...]):
    read = lags_of(*recurrent(weights), **options)
    assert read.lag == lag
    assert read.inside == (False, False, True, True, False)
    assert read.looped == {"a", "w"}


def test_a_delay_on_a_loop_is_where_it_is_cut():
    edges = [("x", "a"), ("a", "d"), ("d", "a"), ("a", "e"), ("e", "y")]
    read = lags_of({"a": "if", "d": "del", "e": "del"}, edges)
    assert read.moved == {"d": 2}, "the other one lies on no loop"
    assert read.lag == (0, 2, 0, 0, 0)


def test_an_island_s_loop_is_closed_from_its_first_node_by_name():
    edges = [("x", "y"), ("b", "a"), ("a", "b"), ("a", "y")]
    assert lags_of({"a": "if", "b": "if"}, edges).lag == (0, 1, 0, 0)
