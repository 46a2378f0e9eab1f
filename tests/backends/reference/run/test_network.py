"""A network on a device: dtypes in which values come and go, probes, what makes a run look at values."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backends.reference.kernels.cpu import cpu_kernels
from backends.reference.plan.execution_plan import plan_of
from backends.reference.run.network import DeviceNetwork
from ir.graph import Graph, GraphBuilder
from ir.ops import Delay, Graded, Input, Lif, Linear, Past, Synapse
from ir.ops.integer_neuron import IntegerLif

CPU = torch.device("cpu")


def on_cpu(graph: Graph, probes: tuple[str, ...] = ()) -> DeviceNetwork:
    return DeviceNetwork(plan_of(graph, frozenset(probes)), CPU, cpu_kernels(), probes)


def net(payload_bits: int = 8) -> Graph:
    b = GraphBuilder("net", 3)
    x, p = b.add(Input("spike[2]"), name="x"), b.add(Input(f"graded<{payload_bits}>[2]"), name="p")
    weight = b.param("w", np.array([[3, -1], [2, 5]], np.int8))
    current = b.add(Linear(), p, name="l", params={"weight": weight})
    y = b.add(IntegerLif(4095, 0, 4, 6, 12, 24), b.add(Synapse(3), x, name="s"), current, name="y")
    return b.build({"y": y, "g": b.add(Graded(payload_bits), current, name="g")})


def test_a_tile_by_hand():
    """Currents 3 x + W p = (8, 3), (4, 9), (-2, 4): a population that keeps all of v fires above 4, and begins anew; W feeds two."""
    network = on_cpu(net(), ("x", "y"))
    x = torch.tensor([[1, 1], [0, 1], [0, 0]], dtype=torch.uint8)[:, None]
    p = torch.tensor([[2, -1], [0, 0], [1, 1]], dtype=torch.int8)[:, None]
    p[0, 0], p[1, 0], p[2, 0] = torch.tensor([2, 1]), torch.tensor([1, 0]), torch.tensor([-1, 0])
    counter = network.counter()
    outputs, probed = network.compute({"x": x, "p": p}, counter)
    assert outputs["y"][:, 0].tolist() == [[1, 1], [0, 1], [0, 0]]
    assert outputs["g"][:, 0].tolist() == [[5, 9], [3, 2], [-3, -2]]
    assert probed.keys() == {"x", "y"}
    assert torch.equal(probed["x"], x)
    events = counter.events(1, 3)
    assert (dict(events.spikes), dict(events.synaptic)) == ({"x": 3, "p": 4, "y": 3, "g": 6}, {"s": 3, "l": 16})


@pytest.mark.parametrize(("bits", "travels", "leaves"), [(8, torch.int8, torch.int8), (9, torch.float32, torch.int32)])
def test_values_travel_in_the_narrowest_dtype_and_leave_dense(bits: int, travels: torch.dtype, leaves: torch.dtype):
    network = on_cpu(net(bits))
    assert (network.input_dtype("x"), network.input_dtype("p")) == (torch.uint8, travels)
    value = torch.arange(12).reshape(3, 2, 2).to(travels).transpose(0, 1)
    narrow = network.narrow(network.plan.graph.nodes["g"], value)
    assert narrow.dtype == leaves
    assert narrow.is_contiguous()
    assert torch.equal(narrow.long(), value.long())


def looped(delay: bool, inside: bool) -> Graph:
    """A population that hears itself; a delay of every element's own on that way, or in front of the loop."""
    b = GraphBuilder("looped", 0)
    x = b.add(Input("spike[2]"), name="x")
    back = b.add(Past("y", "spike[2]"), name="back")

    def late(value: str) -> str:
        return (
            b.add(Delay(), value, name="late", params={"steps": b.param("steps", np.array([1, 2]))}) if delay else value
        )

    source, again = (x, late(back)) if inside else (late(x), back)
    currents = [b.add(Synapse(2), value, name="s") for value in (source, again)]
    return b.build({"y": b.add(IntegerLif(4095, 2048, 1, 6, 12, 24), *currents, name="y")})


def test_only_delays_of_elements_in_a_loop_are_read_and_float64_is_split_by_size():
    assert not on_cpu(net()).waits
    assert not on_cpu(looped(delay=False, inside=True)).waits
    assert on_cpu(looped(delay=True, inside=True)).waits
    assert not on_cpu(looped(delay=True, inside=False)).waits
    for dtype, waits in (("float32", False), ("float64", True)):
        b = GraphBuilder("real", 2, dtype=dtype)
        y = b.add(Lif(0.5), b.add(Synapse(0.5), b.add(Input("spike[2]"), name="x"), name="s"), name="y")
        assert on_cpu(b.build({"y": y})).waits == waits
