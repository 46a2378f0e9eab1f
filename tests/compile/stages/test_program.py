"""A compiled part: what it takes and returns, on either target, and what of it can be probed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import torch
from spikingjelly.activation_based import neuron
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn

from backends.lava.hidden_ports import with_hidden_ports
from backends.trace import Trace
from compile import compile_model, load_program
from compile.stages.phase import with_engines
from compile.stages.program import Program
from ir.deployment import Deployment
from ir.errors import CompileError
from ir.interpreter import interpret
from ir.types import parse_type

X = np.random.default_rng(0).integers(0, 2, (2, 5, 6)).astype(np.float32)


@pytest.fixture
def program(tiny: Path) -> Program:
    return compile_model(tiny, target="gpu")


def test_it_says_what_it_takes_and_which_populations_it_has(program: Program):
    assert program.inputs == {"x": parse_type("spike[6]")}
    assert program.populations == ("lif1", "lif2")
    assert (program.name, program.target, program.profile.name) == ("network", "gpu", "loihi2")


def test_outputs_are_real_and_probes_the_model_s_own_populations(program: Program):
    trace = program.run({"x": X})
    ((name, outputs),) = trace.outputs.items()
    assert (outputs.dtype, outputs.shape) == (np.float32, (2, 5, 3))
    assert {key: value.shape for key, value in trace.spikes.items()} == {"lif1": (2, 5, 8), "lif2": (2, 5, 3)}
    assert np.array_equal(outputs, trace.spikes["lif2"])
    assert (trace.events.samples, trace.events.steps, trace.events.spikes["x"]) == (5, 2, X.sum())
    alone = program.run(X, probes=("lif2",))
    assert set(alone.spikes) == {"lif2"}
    assert alone.events == trace.events
    assert np.array_equal(alone.outputs[name], outputs)
    assert program.run(X, probes=()).spikes == {}


def test_a_run_starts_from_zero_whatever_ran_before(program: Program):
    (first,), (second,) = (program.run(X).outputs.values() for _ in range(2))
    assert np.array_equal(first, second)
    (reversed_batch,) = program.run(X[:, ::-1].copy()).outputs.values()
    assert np.array_equal(reversed_batch[:, ::-1], first)


def test_what_cannot_be_probed_is_refused_with_what_can(program: Program):
    with pytest.raises(CompileError) as error:
        program.run(X, probes=("lif1", "nothing"))
    assert (error.value.rule, error.value.hint) == ("run.probe", "known: lif1, lif2")


def test_chip_inputs_are_the_payloads_that_the_host_hands_over(program: Program):
    (payloads,) = program.chip_inputs({"x": X}).values()
    assert np.issubdtype(payloads.dtype, np.integer)
    assert np.array_equal(payloads, X)


@pytest.mark.lava
def test_on_another_target_it_computes_the_same(program: Program):
    lava = program.on("loihi")
    assert (lava.target, program.target) == ("loihi", "gpu")
    assert lava.deployment is program.deployment
    (ours,), (theirs,) = (each.run(X).outputs.values() for each in (lava, program))
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("v_reset", [0.0, 0.25, None])
def test_membranes_stand_for_the_source_s(v_reset: float | None, tmp_path: Path):
    net = nn.Sequential(nn.Linear(6, 4), neuron.LIFNode(v_reset=v_reset, step_mode="m"))
    net[0].weight.data = torch.randint(-4, 9, (4, 6), generator=torch.Generator().manual_seed(0)) / 4
    net[0].bias.data = torch.arange(4) / 8
    program = compile_model(net, target="gpu", example=torch.from_numpy(X))
    program.save(tmp_path / "net.spikes")
    assert load_program(tmp_path / "net.spikes").membranes == program.membranes
    ((name, (scale, zero)),) = program.membranes.items()
    chip = with_hidden_ports(program.deployment.chip, (), (name,))
    inputs = {key: value.astype(np.int64) for key, value in program.chip_inputs(X).items()}
    found = interpret(chip, inputs)[f"{name}.v"] * scale + zero
    assert scale < 1 / 500, "a bias has a unit more for ties, which is far below the grid of the sums"
    found = np.rint(found * 64) / 64
    current = net[0](torch.from_numpy(X)).detach().numpy()
    v, start = np.full((5, 4), v_reset or 0.0), v_reset or 0.0
    for t in range(2):
        v = v + (current[t] - (v - start)) / 2
        assert np.array_equal(found[t], v - start), "a rule for SpikingJelly counts v from v_reset"
        v = v - (v >= 1) if v_reset is None else np.where(v >= 1, v_reset, v)


def test_neurons_that_differ_have_membranes_of_their_own_units(tmp_path: Path):
    """v <- v + dt/tau (r x + leak - v) with dt/tau 1/2 and gains 1 and 2; the second one rests and resets at 1/4."""
    one = np.ones(2, np.float32)
    lif = nir.LIF(tau=0.002 * one, r=one * [2, 4], v_leak=one * [0, 0.25], v_threshold=one, v_reset=one * [0, 0.25])
    graph = nir.NIRGraph.from_list(nir.Linear(np.array([[1, 0.5, 0.25], [0.5, 0.25, 1]], np.float32) / 4), lif)
    program = compile_model(graph, target="gpu", dt=1e-3, semantics={"integrator": "euler"}, example=X[..., :3])
    program.save(tmp_path / "net.spikes")
    ((name, (scale, zero)),) = program.membranes.items()
    ((again, units),) = load_program(tmp_path / "net.spikes").membranes.items()
    assert again == name
    assert np.array_equal(units, (scale, zero))
    assert np.array_equal(zero, [0, 0.25])
    chip = with_hidden_ports(program.deployment.chip, (), (name,))
    inputs = {key: value.astype(np.int64) for key, value in program.chip_inputs(X[..., :3]).items()}
    found = interpret(chip, inputs)[f"{name}.v"] * scale + zero
    v = np.tile([0, 0.25], (5, 1)) * 0
    for t in range(2):
        v = v + (X[t, :, :3] @ graph.nodes["linear"].weight.T * [2, 4] + [0, 0.25] - v) / 2
        np.testing.assert_allclose(found[t], v, atol=2e-3)
        v = np.where(v > 1, [0, 0.25], v)


def test_membranes_in_real_numbers_and_of_integers_from_the_start_are_what_they_are(tiny: Path):
    floats = compile_model(tiny, target="gpu", precision="float")
    assert floats.membranes == dict.fromkeys(("lif1", "lif2"), (1.0, 0.0))
    chip = compile_model(tiny, target="gpu").deployment.chip
    integers = replace(floats, phases=(replace(floats.phases[0], deployment=Deployment.of(chip)),))
    assert integers.membranes == floats.membranes


def test_a_lava_network_needs_lava(program: Program):
    with pytest.raises(CompileError, match=r'program\.lava(.|\n)*program\.on\("loihi"\)'):
        program.lava_network(spikes=("lif1",))


@pytest.mark.lava
def test_a_lava_network_has_ports_of_what_is_inside(program: Program):
    network = program.on("loihi").lava_network(spikes=("lif1",), membranes=("lif1", "lif2"))
    (output,) = program.deployment.chip.outputs
    assert list(network.outputs) == [output, "lif1", "lif1.v", "lif2.v"]
    assert [network.latency[name] for name in ("lif1", "lif1.v", "lif2.v")] == [1, 1, 2]


@pytest.mark.lava
def test_stock_processes_on_request(tiny: Path, tmp_path: Path):
    stock = compile_model(tiny, emission="stock")
    fused = stock.on("loihi")
    assert [each.engine.describe() for each in (stock, fused)] == ["Lava, stock processes", "Lava, fused processes"]
    assert [each.emission for each in (stock, fused, fused.on("loihi", "stock"))] == ["stock", None, "stock"]
    ours, theirs = stock.run(X), fused.run(X)
    assert ours.events == theirs.events
    assert all(np.array_equal(spikes, theirs.spikes[name]) for name, spikes in ours.spikes.items())
    stock.save(tmp_path / "net.spikes")
    assert load_program(tmp_path / "net.spikes").engine.describe() == "Lava, stock processes"
    assert load_program(tmp_path / "net.spikes", target="gpu").emission is None
    assert stock.report().options.emission == "stock"
    with pytest.raises(CompileError, match=r"lava\.emission"):
        compile_model(tiny, emission="stock", precision="float")


def test_its_text_is_three_lines(program: Program):
    head, ways, size = repr(program).splitlines()
    assert head == "Program network -> gpu, integers, profile loihi2"
    assert ways.startswith("  T = 2; inputs x spike[6]; outputs ")
    assert size == "  2 populations of the model, 11 neurons on the chip"


def test_what_the_host_computes_does_not_depend_on_how_an_engine_lays_its_arrays_out():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.lif = nn.Conv2d(3, 9, 3), LIFNode(step_mode="m", v_threshold=0.1)
            self.read = nn.Conv2d(9, 50, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            spikes = self.lif(self.conv(x.flatten(0, 1)).unflatten(0, x.shape[:2]))
            return self.read(spikes.flatten(0, 1)).unflatten(0, x.shape[:2]).flatten(3).mean(3)

    torch.manual_seed(0)
    x = torch.rand(2, 3, 3, 11, 11)
    program = compile_model(Net(), target="gpu", example=x)

    class Transposed:
        def describe(self) -> str:
            return "transposed"

        def run(self, inputs: Any, probes: Any) -> Trace:
            trace = program.engine.run(inputs, probes)
            turned = {name: np.moveaxis(np.moveaxis(v, 2, -1).copy(), -1, 2) for name, v in trace.outputs.items()}
            return replace(trace, outputs=turned)

    expected, got = program.run(x), replace(program, phases=with_engines(program.phases, lambda _: Transposed())).run(x)
    for name, value in expected.outputs.items():
        np.testing.assert_array_equal(got.outputs[name], value)
