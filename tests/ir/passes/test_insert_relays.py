"""Relays change no spike of the model, no synapse waits longer than the field allows, and they cost what they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hw_profiles
from backends.interpreter import InterpreterEngine
from backends.lava.engine import LavaEngine
from backends.reference.engine import ReferenceEngine
from ir.analysis.limits import violations
from ir.analysis.schedule import schedule
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Add, Concat, Delay, Graded, Input, IntegerLif, Lif, Linear, Past, Slice, Synapse
from ir.passes.insert_relays import PASS, insert_relays
from ir.profile import Profile
from ir.verify import verify

LOIHI2 = hw_profiles.load("loihi2")
STEPS, SAMPLES, SIZE = 7, 3, 4


def narrow(max_delay: int) -> Profile:
    """loihi2 with another delay field."""
    arithmetic = dict(LOIHI2.tables["arithmetic"])
    field = replace(arithmetic["max_delay"], value=max_delay)
    return replace(LOIHI2, tables={**LOIHI2.tables, "arithmetic": {**arithmetic, "max_delay": field}})


class Draw:
    """A random network: deep shortcuts, loops, delay lines of spikes, payloads and currents, of one length or many."""

    def __init__(self, seed: int, integer: bool) -> None:
        self.rng, self.integer = np.random.default_rng(seed), integer
        self.builder = GraphBuilder("random", STEPS)
        self.values = [
            self.builder.add(Input(f"spike[{SIZE}]"), name="x"),
            self.builder.add(Input("graded<6>[4]"), name="g"),
        ]

    def network(self, populations: int) -> Graph:
        for place in range(populations):
            currents = [self.projection(self.values[-1], place), self.projection(self.pick(), place)]
            if self.rng.random() < 0.3:
                back = self.builder.add(Past(f"p{place}", self.kind(place), int(self.rng.integers(1, 6))), name="back")
                currents.append(self.projection(back, place))
            self.values.append(self.builder.add(self.neuron(place), *currents, name=f"p{place}"))
        merged = self.builder.add(Concat(0), *(value for value in self.values if self.is_spike(value)), name="all")
        return self.builder.build({**{name: name for name in self.values[2:]}, "merged": merged})

    def kind(self, place: int) -> str:
        return f"graded<9>[{SIZE}]" if place % 4 == 2 else f"spike[{SIZE}]"

    def neuron(self, place: int) -> Any:
        if place % 4 == 2:
            return Graded(9, 2 if self.integer else 0)
        return IntegerLif(4095, 2048, 12, 6, 12, 24) if self.integer else Lif(0.5, threshold=6.0)

    def is_spike(self, value: str) -> bool:
        return self.builder.type(value).domain.kind == "spike"

    def pick(self) -> str:
        return self.values[self.rng.integers(len(self.values))]

    def projection(self, value: str, place: int) -> str:
        builder, rng = self.builder, self.rng
        for _ in range(int(rng.integers(0, 3))):
            if rng.random() < 0.4:
                steps = builder.param("steps", rng.integers(0, 6, SIZE))
                value = builder.add(Delay(), value, name="lines", params={"steps": steps})
            elif rng.random() < 0.6:
                value = builder.add(Delay(int(rng.integers(1, 7))), value, name="line")
        if self.is_spike(value) and rng.random() < 0.3:
            both = builder.add(Concat(0), value, builder.add(Slice(0, 1, 3), value, name="cut"), name="both")
            value = builder.add(Slice(0, 2, 2 + SIZE), both, name="part")
        weights = rng.integers(-6, 9, (SIZE, SIZE)).astype(np.int8 if self.integer else np.float32)
        current = builder.add(Linear(), value, name=f"w{place}", params={"weight": builder.param("w", weights)})
        if rng.random() < 0.3:
            current = builder.add(Delay(int(rng.integers(1, 6))), current, name="late")
        if rng.random() < 0.2:
            current = builder.add(Add(), current, current, name="twice")
        return current


def fed(seed: int, integer: bool) -> dict[str, np.ndarray[Any, Any]]:
    rng, kind = np.random.default_rng(seed), np.int64 if integer else np.float32
    shape = (STEPS, SAMPLES, SIZE)
    return {"x": rng.integers(0, 2, shape).astype(kind), "g": rng.integers(-9, 10, shape).astype(kind)}


def populations(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes.values() if node.op.family == "neuron"]


@pytest.mark.slow
@given(st.integers(0, 10_000), st.integers(0, 4), st.booleans())
def test_no_value_changes_and_every_delay_fits(seed: int, max_delay: int, integer: bool):
    chip, profile = Draw(seed, integer).network(7), narrow(max_delay)
    relayed = insert_relays(chip, profile.arithmetic)
    verify(relayed, "quantized" if integer else "synaptic")
    assert relayed.outputs == chip.outputs
    if schedule(chip).max_delay <= max_delay:
        assert relayed is chip
        return
    assert set(populations(chip)) <= set(populations(relayed))
    before, after = (interpret(graph, fed(seed, integer)) for graph in (chip, relayed))
    for name in before:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)
    lines = any(isinstance(node.op, (Delay, Past)) for node in chip.nodes.values())
    if max_delay or not lines:
        assert schedule(relayed).max_delay <= max_delay
        assert not [violation for violation in violations(relayed, profile) if violation.rule == "limits.delay"]


def chain(length: int, integer: bool = True) -> Graph:
    """A chain of populations with a shortcut from the input, and one from the first population, to its end."""
    b = GraphBuilder("chain", 2)
    x = value = b.add(Input("spike[3]"), name="x")
    neuron = IntegerLif(4095, 2048, 1, 6, 12, 24) if integer else Lif(0.5)
    for place in range(length):
        value = b.add(neuron, b.add(Synapse(2), value, name="s"), name=f"p{place}")
    shortcuts = [b.add(Synapse(1), early, name="short") for early in (x, "p0")]
    return b.build({"y": b.add(neuron, b.add(Synapse(1), value, name="s"), *shortcuts, name="end")})


@given(st.integers(1, 20), st.integers(0, 6))
def test_every_hop_is_as_long_as_can_be(length: int, max_delay: int):
    relayed = insert_relays(chain(length), narrow(max_delay).arithmetic)
    plan, hop = schedule(relayed), max_delay + 1
    assert plan.depth["end"] == length + 1
    for source in ("x", "p0"):
        late = plan.depth["end"] - plan.depth[source] - 1
        chained = sorted(plan.depth[name] for name in plan.depth if name.startswith(f"{source}_relay"))
        assert chained == [plan.depth[source] + count * hop for count in range(1, late // hop + 1)]


def test_relays_are_shared_by_all_late_readers():
    b = GraphBuilder("shared", 2)
    x = value = b.add(Input("spike[3]"), name="x")
    neuron = IntegerLif(4095, 2048, 1, 6, 12, 24)
    for place in range(8):
        currents = [b.add(Synapse(2), value, name="s"), *([b.add(Synapse(1), x, name="short")] if place > 4 else [])]
        value = b.add(neuron, *currents, name=f"p{place}")
    relayed = insert_relays(b.build({"y": value}), narrow(2).arithmetic)
    depth = schedule(relayed).depth
    assert {name: depth[name] for name in depth if "relay" in name} == {"x_relay": 3, "x_relay_2": 6}
    reads = {relayed.nodes[node.inputs[0]].name for node in relayed.nodes.values() if node.name.startswith("short")}
    assert reads == {"x_relay", "x_relay_2"}  # p5 waits 5 steps, 3 of them at the relay; p6 and p7 need 6 and 7


def test_relays_belong_to_the_module_that_they_relay():
    relayed = insert_relays(chain(6), narrow(1).arithmetic)
    added = [node for node in relayed.nodes.values() if "relay" in node.name]
    assert added
    assert all(node.provenance.passes[-1] == PASS for node in added)


@pytest.mark.lava
@pytest.mark.parametrize("integer", [True, False])
@pytest.mark.parametrize("seed", range(2))
def test_all_engines_count_relays(seed: int, integer: bool):
    chip = insert_relays(Draw(seed, integer).network(6), narrow(1).arithmetic)
    relays = [name for name in populations(chip) if "relay" in name]
    assert relays
    inputs = {name: value.astype(np.int32 if integer else np.float32) for name, value in fed(seed, integer).items()}
    probes = tuple(populations(chip))
    definition = InterpreterEngine(chip).run(inputs, probes)
    engines = [ReferenceEngine(chip), LavaEngine(chip), *([LavaEngine(chip, "stock")] if integer else [])]
    for engine in engines:
        trace = engine.run(inputs, probes)
        for name in probes:
            np.testing.assert_array_equal(trace.emissions[name], definition.emissions[name], err_msg=name)
        assert trace.events == definition.events
    assert all(definition.events.updates[name] == SIZE * STEPS * SAMPLES for name in relays)


def test_a_delay_line_on_a_chip_without_delays_is_a_violation():
    b = GraphBuilder("line", 0)
    late = b.add(Delay(3), b.add(Input("spike[2]"), name="x"), name="late")
    y = b.add(IntegerLif(4095, 4096, 0, 6, 12, 24), b.add(Synapse(1), late, name="s"), name="y")
    chip = insert_relays(b.build({"y": y}), narrow(0).arithmetic)
    (violation,) = violations(chip, narrow(0))
    assert (violation.rule, violation.node, violation.number, violation.limit) == ("limits.delay", "s", 3, 0)
