"""Delay lines and back edges step by step, against what the values were so many steps before."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.core.memories import BackEdge, DelayLine
from backends.lava.timing import Windows
from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.ops import Delay, Input, Past, Synapse
from ir.ops.integer_neuron import IntegerLif

LANES, SIZE, STEPS = 2, 3, 9


def line(op: Delay, windows: Windows, steps: list[int] | None = None) -> DelayLine:
    b = GraphBuilder("late", 0)
    params = {} if steps is None else {"steps": b.param("steps", np.array(steps))}
    late = b.add(op, b.add(Input(f"graded<8>[{SIZE}]"), name="x"), name="late", params=params)
    graph = b.build({"y": late})
    return DelayLine(graph, graph.nodes["late"], windows)


def back_edge(steps: int, windows: Windows) -> BackEdge:
    b = GraphBuilder("loop", 0)
    back = b.add(Past("y", f"spike[{SIZE}]", steps), name="back")
    y = b.add(IntegerLif(4095, 0, 1, 6, 12, 24), b.add(Synapse(1), back, name="s"), name="y")
    return BackEdge(b.build({"y": y}).nodes["back"], windows)


def values() -> np.ndarray:
    return np.random.default_rng(0).integers(-9, 9, (STEPS, LANES, SIZE)).astype(np.float32)


def before(x: np.ndarray, steps: list[int]) -> np.ndarray:
    """Element n of every step as it was steps[n] before, zero before the first."""
    y = np.zeros_like(x)
    for n, late in enumerate(steps):
        for t in range(late, len(x)):
            y[t, :, n] = x[t - late, :, n]
    return y


def passed(delay_line: DelayLine, x: np.ndarray) -> np.ndarray:
    return np.concatenate([delay_line.step(now[None]) for now in x])


@pytest.mark.parametrize("steps", [[0, 0, 0], [1, 1, 1], [3, 0, 5], [8, 9, 20]])
@pytest.mark.parametrize("window", [0, STEPS])
def test_every_element_is_late_by_its_own_steps(steps: list[int], window: int):
    x, delay_line = values(), line(Delay(), Windows(window, 4, LANES), steps)
    assert np.array_equal(passed(delay_line, x), before(x, steps))
    delay_line.reset()
    assert np.array_equal(passed(delay_line, x[4:]), before(x[4:], steps)), "nothing of the window before"


def test_one_number_is_that_of_all_elements():
    x = values()
    assert np.array_equal(passed(line(Delay(4), Windows(STEPS, 4, LANES)), x), before(x, [4] * SIZE))


def test_what_is_late_beyond_the_window_takes_no_memory():
    x = values()
    assert not passed(line(Delay(10**18), Windows(STEPS, 4, LANES)), x).any()
    with pytest.raises(CompileError, match=r"lava\.delay") as error:
        line(Delay(10**18), Windows(0, 4, LANES))
    assert "%late" in error.value.what


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_passes_keeps_its_dtype(dtype: type):
    assert passed(line(Delay(1), Windows(STEPS, 4, LANES)), values().astype(dtype)).dtype == dtype


@pytest.mark.parametrize(("steps", "window"), [(1, 0), (2, 0), (1, STEPS), (5, STEPS), (10**18, STEPS)])
def test_a_back_edge_gives_what_was(steps: int, window: int):
    x, edge = values(), back_edge(steps, Windows(window, 4, LANES))
    assert edge.of == "y"
    for _ in range(2):
        past = []
        for now in x:
            past.append(edge.value()[0])
            edge.remember(now[None])
        assert np.array_equal(past, before(x, [min(steps, STEPS)] * SIZE))
        edge.reset()
