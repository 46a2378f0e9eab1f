"""SANA-FE's engine gives the trace of the interpreter: with a stand-in on random networks, with SANA-FE itself where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

from backends.interpreter import InterpreterEngine
from backends.reference.engine import ReferenceEngine
from backends.sanafe.engine import SanafeEngine
from compile.measure.verdict import compare
from ir.analysis.fan_in import populations
from ir.errors import DeployError
from ir.graph import GraphBuilder
from ir.ops import Graded, Input, IntegerLif, Linear
from tests.filled_cores import fill_cores
from tests.interop import dvs_gesture
from tests.sanafe_command import MISSING, sanafe_command, sanafe_python

with_sanafe = pytest.mark.skipif(sanafe_command() is None, reason=MISSING)


def verdict(graph, inputs, command):
    probes = tuple(node.name for node in (*graph.inputs, *populations(graph)))
    engine = SanafeEngine(graph, fill_cores(graph, 5), command)
    found, wanted = (each.run(inputs, probes) for each in (engine, InterpreterEngine(graph)))
    rates = [found.spikes[node.name].mean() for node in populations(graph)]
    assert sum(0.02 < rate < 0.98 for rate in rates) > 3
    return compare("interpreter", found, wanted)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("seed", range(24))
def test_random_networks_have_the_interpreter_s_trace(seed, draw):
    assert verdict(*draw(seed), ()).text().startswith("0 of ")


@pytest.mark.slow
@with_sanafe
@pytest.mark.parametrize("seed", range(100, 106))
def test_random_networks_in_sanafe_itself(seed, draw):
    assert verdict(*draw(seed), sanafe_command()).text().startswith("0 of ")


@pytest.fixture(scope="module")
def gesture():
    """Steps -> SANA-FE's own tutorial network, which is where sanafe is."""
    python = sanafe_python()
    assert python is not None
    given = dvs_gesture.parameters(python)
    return lambda steps: dvs_gesture.network(given, steps)


@pytest.mark.slow
@with_sanafe
@pytest.mark.parametrize("steps", dvs_gesture.SPIKES)
def test_the_reference_fires_as_often_as_sanafe_s_tutorial_says(steps, gesture):
    graph = gesture(steps)
    layers = tuple(node.name for node in populations(graph))
    trace = ReferenceEngine(graph, "cpu").run(dvs_gesture.silence(steps), layers)
    assert dvs_gesture.counted_spikes(graph, trace.spikes) == dvs_gesture.SPIKES[steps]


@pytest.mark.slow
@with_sanafe
def test_sanafe_s_tutorial_network_on_its_cores(gesture):
    """100 steps; 3 GB of memory and a minute or two."""
    graph = gesture(100)
    layers, inputs = tuple(node.name for node in populations(graph)), dvs_gesture.silence(100)
    engine = SanafeEngine(graph, dvs_gesture.shipped_map(graph), sanafe_command())
    found, wanted = (each.run(inputs, layers) for each in (engine, ReferenceEngine(graph, "cpu")))
    assert compare("reference", found, wanted).text().startswith("0 of 1,868,900 values differ in 6 populations")
    assert dvs_gesture.counted_spikes(graph, found.spikes) == dvs_gesture.SPIKES[100]


def one_layer(op, weight=1, current="linear"):
    builder = GraphBuilder("net", 2)
    x = builder.add(Input("spike[2]"), name="x")
    params = {"weight": builder.param("w", np.full((3, 2), weight, np.int32))}
    return builder.build({"y": builder.add(op, builder.add(Linear(), x, name=current, params=params), name="y")})


REFUSED = {
    "sanafe.neuron": [Graded(8), IntegerLif(4095, 0, 5, 6, 12, 24, reset="subtract", theta=320, max_spikes=3)],
    "sanafe.current": [IntegerLif(1000, 0, 5, 6, 12, 24)],
    "sanafe.threshold": [IntegerLif(4095, 0, 0, 6, 12, 24, comparator=">=")],
    "sanafe.reset": [
        IntegerLif(4095, 0, 5, 6, 12, 24, reset_at="next"),
        IntegerLif(4095, 100, 5, 6, 12, 24, reset="subtract", theta=318),
    ],
}


@pytest.mark.parametrize(("rule", "op"), [(rule, op) for rule, ops in REFUSED.items() for op in ops])
def test_what_sanafe_has_no_counterpart_of_is_refused_by_name(rule, op):
    graph = one_layer(op)
    with pytest.raises(DeployError) as error:
        SanafeEngine(graph, fill_cores(graph, None), ())
    assert [(each.rule, each.node) for each in error.value.violations] == [(rule, "y")]


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(("weight", "leaves"), [((1 << 17) - 1, False), (1 << 17, True)])
def test_a_run_that_leaves_the_chip_s_range_is_refused(weight, leaves):
    """v = 64 weight, up to 2^23 - 1; the first spike alone arrives, and no threshold is above it."""
    graph = one_layer(IntegerLif(4095, 0, weight - 1, 6, 12, 24), weight)
    x = np.zeros((2, 1, 2), np.int64)
    x[0, 0, 0] = 1
    engine = SanafeEngine(graph, fill_cores(graph, None), ())
    if leaves:
        with pytest.raises(DeployError, match="sanafe"):
            engine.run({"x": x})
    else:
        assert engine.run({"x": x}).outputs["y"].sum() == 3


def test_cores_must_be_those_of_the_network(draw):
    graph, _ = draw(0)
    with pytest.raises(Exception, match=r"map\.cores"):
        SanafeEngine(graph, fill_cores(one_layer(IntegerLif(4095, 0, 5, 6, 12, 24)), None), ())
