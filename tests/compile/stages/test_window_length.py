"""Programs at numbers of steps that they were not compiled for: what the module gives there, or a refusal that says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import norse.torch as norse
import numpy as np
import pytest
import torch
from spikingjelly.activation_based.functional import reset_net
from spikingjelly.activation_based.neuron import IFNode, LIFNode, ParametricLIFNode
from torch import nn

from compile import compile_model, load_program
from compile.driver import compile_network
from compile.stages.options import Options
from compile.stages.program import Program
from compile.stages.window_length import ImportedLengths, StatedLengths, repeated, timeless
from frontend.nir.round_trip.to_nir import to_nir
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.ops import AtStep, Input, TimeSum

snntorch: Any = pytest.importorskip("snntorch")

STEPS, WIDTH = 4, 10
OTHERS = (1, 3, 9, 30)
Tensor = torch.Tensor


class SpikingJelly(nn.Module):
    def __init__(self, read: Callable[[Tensor], Any], node: Callable[..., nn.Module] = LIFNode) -> None:
        super().__init__()
        self.fc, self.lif, self.out, self.read = nn.Linear(WIDTH, 16), node(step_mode="m"), nn.Linear(16, 3), read
        self.last = node(step_mode="m")

    def forward(self, x: Tensor) -> Any:
        return self.read(self.last(self.out(self.lif(self.fc(x)))))


class SnnTorch(nn.Module):
    """A loop as in the tutorials: over the steps of its input, spikes and membranes stacked."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(WIDTH, 16), snntorch.Leaky(beta=0.75)
        self.fc2, self.lif2 = nn.Linear(16, 3), snntorch.Leaky(beta=0.5, reset_mechanism="zero")

    def forward(self, x: Tensor) -> Tensor:
        mem1, mem2, out = self.lif1.init_leaky(), self.lif2.init_leaky(), []
        for step in range(x.size(0)):
            spk1, mem1 = self.lif1(self.fc1(x[step]), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            out.append(spk2)
        return torch.stack(out, dim=0)


class Norse(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        cell = norse.LIFBoxCell
        self.net = norse.SequentialState(nn.Linear(WIDTH, 16), cell(), nn.Linear(16, 3), cell())

    def forward(self, x: Tensor) -> Tensor:
        state, out = None, []
        for step in x:
            y, state = self.net(step, state)
            out.append(y)
        return torch.stack(out)


NETS: dict[str, Callable[[], nn.Module]] = {
    "a mean over time": lambda: SpikingJelly(lambda s: s.mean(0)),
    "a sum divided by T": lambda: SpikingJelly(lambda s: s.sum(0) / len(s)),
    "the last step": lambda: SpikingJelly(lambda s: s[-1]),
    "running means": lambda: SpikingJelly(lambda s: s.cumsum(0) / torch.arange(1, len(s) + 1).view(-1, 1, 1)),
    "every step": lambda: SpikingJelly(lambda s: s, lambda step_mode: ParametricLIFNode(3.0, step_mode=step_mode)),
    "no leak": lambda: SpikingJelly(lambda s: s, IFNode),
    "snnTorch": SnnTorch,
    "Norse": Norse,
}


def net(case: str) -> nn.Module:
    torch.manual_seed(0)
    made = NETS[case]().eval()
    for part in made.modules():
        if isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, mean=0.2, std=(40 if case == "Norse" else 10) / part.in_features)
    return made


def spikes(steps: int, samples: int = 5) -> Tensor:
    return (torch.rand(steps, samples, WIDTH, generator=torch.Generator().manual_seed(steps)) < 0.5).float()


def output_of(module: nn.Module, x: Tensor) -> np.ndarray[Any, Any]:
    if isinstance(module, SpikingJelly | nn.Sequential | ByLength):
        reset_net(module)
    with torch.no_grad():
        return module(x).numpy()


def output(program: Program, x: Tensor) -> np.ndarray[Any, Any]:
    return program.run(x).outputs["output"]


@pytest.mark.slow
@pytest.mark.parametrize("case", NETS)
def test_in_floats_it_is_the_module_and_in_integers_what_is_compiled_there(case: str) -> None:
    module = net(case)
    floating = compile_model(module, "gpu", precision="float", example=spikes(STEPS))
    integers = compile_model(module, "gpu", example=spikes(STEPS))
    alive = 0
    for steps in OTHERS:
        x = spikes(steps)
        expected = output_of(module, x)
        spiking = not np.any(expected % 1)
        assert np.allclose(output(floating, x), expected, rtol=0, atol=0 if spiking else 1e-6)
        there = compile_model(module, "gpu", precision="float", example=x)
        assert np.array_equal(output(floating, x), output(there, x))
        alive += bool(expected.any())
        other = integers.at(steps)
        assert other.deployment.chip == integers.deployment.chip.lasting(steps)
        assert other.steps == steps
        assert integers.at(steps) is other
        assert np.array_equal(output(integers, x), other.run(x).outputs["output"])
        assert np.mean(np.abs(output(integers, x) - expected)) < 0.1
    assert alive >= 2, "all is silent"
    assert integers.at(STEPS) is integers


def test_a_shorter_window_is_the_beginning_of_a_longer_one() -> None:
    program = compile_model(net("no leak"), "gpu", example=spikes(9))
    whole, part = spikes(9), spikes(9)[:3]
    assert np.array_equal(output(program, part), output(program, whole)[:3])


@pytest.mark.lava
def test_lava_runs_it_as_the_reference_does() -> None:
    program = compile_model(net("a mean over time"), "gpu", example=spikes(STEPS))
    assert np.array_equal(output(program.on("loihi"), spikes(7, 2)), output(program, spikes(7, 2)))


def exact_net(node: nn.Module) -> nn.Module:
    """Weights in eighths, which eight bits hold."""
    made = nn.Sequential(nn.Linear(WIDTH, 8), node).eval()
    generator = torch.Generator().manual_seed(1)
    made[0].weight.data = torch.randint(-8, 17, (8, WIDTH), generator=generator) / 8
    made[0].bias.data = torch.zeros(8)
    return made


def test_ties_are_proven_anew_for_longer_windows() -> None:
    """A membrane with tau 2 loses a binary digit per step, and the chip keeps 6: exact for 4 steps, and for 30 not."""
    module = exact_net(LIFNode(step_mode="m"))
    program = compile_model(module, "gpu", example=spikes(STEPS), profile="loihi1")
    assert all(layer.exact for layer in program.deployment.quantization.layers)
    for steps in (1, 2, 3, 5):
        assert np.array_equal(output(program, spikes(steps, 64)), output_of(module, spikes(steps, 64)))
    with pytest.raises(CompileError, match=r"run\.steps(.|\n)*%.* not proven(.|\n)*the longest window"):
        program.run(spikes(30))
    assert np.array_equal(
        output(compile_model(module, "gpu", example=spikes(30)), spikes(3)), output_of(module, spikes(3))
    )


def test_whole_membranes_are_exact_for_any_number_of_steps() -> None:
    module = exact_net(IFNode(step_mode="m"))
    program = compile_model(module, "gpu", example=spikes(STEPS))
    for steps in (1, 30, 100):
        assert np.array_equal(output(program, spikes(steps, 64)), output_of(module, spikes(steps, 64)))


class ByLength(nn.Module):
    """Another network for longer windows."""

    def __init__(self, longer: Callable[[ByLength, Tensor], Tensor]) -> None:
        super().__init__()
        self.fc, self.other, self.lif = nn.Linear(WIDTH, 3), nn.Linear(WIDTH, 3), LIFNode(step_mode="m")
        self.longer = longer

    def forward(self, x: Tensor) -> Tensor:
        return self.lif(self.longer(self, x) if len(x) > STEPS else self.fc(x))


@pytest.mark.parametrize(
    ("longer", "why"),
    [
        (lambda net, x: net.other(x), "%fc of one is %other in the other"),
        (lambda net, x: net.fc(x) / len(x), "%fc"),
        (lambda net, x: net.fc(x).softmax(-1), "lies between neurons|%"),
        (lambda net, x: net.fc(x[:STEPS]), "its neurons run 4 steps there"),
        (lambda net, x: net.fc(x)[:, :, :2], "%"),
    ],
)
def test_a_chip_that_would_be_another_one_is_refused_with_the_node(longer: Any, why: str) -> None:
    program = compile_model(ByLength(longer).eval(), "gpu", example=spikes(STEPS))
    with pytest.raises(
        CompileError, match=rf"run\.steps(.|\n)*compiled for 4 steps(.|\n)*cannot run 6(.|\n)*({why})"
    ) as caught:
        program.run(spikes(6))
    assert "an example of 6 steps" in caught.value.hint
    assert program.run(spikes(3)).events.steps == 3


def test_a_module_that_has_changed_since_is_refused() -> None:
    module = net("every step")
    program = compile_model(module, "gpu", example=spikes(STEPS))
    assert program.run(spikes(7)).events.steps == 7
    module.fc.weight.data *= 2
    with pytest.raises(CompileError, match="the module has other parameters by now"):
        program.run(spikes(6))


def test_the_module_is_left_as_it_was() -> None:
    module = net("every step").train()
    program = compile_model(module, "gpu", example=spikes(STEPS))
    program.run(spikes(6))
    assert module.training
    assert all(part.training for part in module.modules())


def test_batches_of_different_lengths_make_one_report() -> None:
    module = net("every step")
    program = compile_model(module, "gpu", example=spikes(STEPS))
    lengths = (4, 7, 2)
    batches = [(spikes(steps), output_of(module, spikes(steps)).sum(0).argmax(1)) for steps in lengths]
    report = program.report(batches)
    assert report.metrics.values["source"]["accuracy"] == 1
    assert report.parts[0].run.verdict.passed
    assert "T = 4.3 on average, 15 samples" in str(report)
    run = report.parts[0].run
    alone = [program.run(x, probes=()).events for x, _ in batches]
    assert run.events.spikes == alone[0].spikes | {name: sum(e.spikes[name] for e in alone) for name in alone[0].spikes}
    assert run.events.updates["lif"] == 16 * 5 * sum(lengths)
    joined = run.outputs["output"]
    assert joined.shape == (7, 15, 3)
    assert np.array_equal(joined[:2, 10:], output(program, spikes(2)))
    assert np.isnan(joined[2:, 10:]).all()
    assert np.isnan(joined[4:, :5]).all()
    assert np.isfinite(joined[:, 5:10]).all()


def test_operations_that_only_other_lengths_have_cannot_be_added_up() -> None:
    def heads(s: Tensor) -> Any:
        return sum(step @ torch.full((3, 3), float(place)) for place, step in enumerate(s))

    program = compile_model(SpikingJelly(heads).eval(), "gpu", example=spikes(2))
    assert program.report([spikes(2), spikes(2)]).parts[0].run.verdict.passed
    with pytest.raises(CompileError, match=r"report\.steps(.|\n)*at 3 steps other operations"):
        program.report([spikes(2), spikes(3)])


@pytest.mark.slow
@pytest.mark.parametrize("case", ["every step", "no leak", "Norse", "snnTorch"])
def test_a_saved_program_runs_other_lengths_without_its_module(case: str, tmp_path: Path) -> None:
    program = compile_model(net(case), "gpu", example=spikes(STEPS))
    program.save(tmp_path / "net.program")
    loaded = load_program(tmp_path / "net.program")
    for steps in OTHERS:
        assert np.array_equal(output(loaded, spikes(steps)), output(program, spikes(steps)))
    loaded.save(tmp_path / "again.program")
    assert (tmp_path / "again.program").read_bytes() == (tmp_path / "net.program").read_bytes()


@pytest.mark.parametrize("case", ["a mean over time", "the last step", "a sum divided by T"])
def test_a_saved_program_whose_host_depends_on_the_length_refuses_others(case: str, tmp_path: Path) -> None:
    program = compile_model(net(case), "gpu", example=spikes(STEPS))
    program.save(tmp_path / "net.program")
    loaded = load_program(tmp_path / "net.program")
    assert np.array_equal(output(loaded, spikes(STEPS)), output(program, spikes(STEPS)))
    with pytest.raises(CompileError, match=r"run\.steps(.|\n)*the host depends on T: %"):
        loaded.run(spikes(6))


def test_a_saved_program_knows_the_longest_window(tmp_path: Path) -> None:
    program = compile_model(exact_net(LIFNode(step_mode="m")), "gpu", example=spikes(STEPS), profile="loihi1")
    program.save(tmp_path / "net.program")
    loaded = load_program(tmp_path / "net.program")
    assert isinstance(loaded.phases[0].lengths, StatedLengths)
    longest = loaded.phases[0].lengths.longest
    assert STEPS <= longest < 30
    for steps, fits in ((longest, True), (longest + 1, False)):
        for each in (program, loaded):
            if fits:
                assert each.run(spikes(steps)).events.steps == steps
            else:
                with pytest.raises(CompileError, match="proven"):
                    each.run(spikes(steps))


def test_what_a_file_states_and_what_is_stated_of_it() -> None:
    program = compile_model(net("every step"), "gpu", example=spikes(STEPS))
    (phase,) = program.phases
    assert isinstance(phase.lengths, ImportedLengths)
    stated = phase.lengths.stated(phase.deployment)
    assert stated == StatedLengths(STEPS)
    assert stated.stated(program.deployment) is stated
    assert StatedLengths(**stated.plain()) == stated
    with pytest.raises(CompileError, match="nothing is known of other lengths"):
        replace(program, phases=(replace(phase, lengths=None),)).run(spikes(6))
    for steps in (8, 0):
        with pytest.raises(CompileError, match="up to 7 steps"):
            StatedLengths(STEPS, 7).deployment(program.deployment, steps)


def test_graphs_without_a_module_keep_what_cannot_depend_on_the_length() -> None:
    def graph(op: Any) -> Any:
        builder = GraphBuilder("net", STEPS)
        return builder.build({"y": builder.add(op, builder.add(Input("spike[3]"), name="x"), name="y")})

    assert timeless(graph(TimeSum()), 6).steps == 6
    for op in (TimeSum(0.25), AtStep(3)):
        with pytest.raises(CompileError, match=f"%y = {op.kind} may depend on T"):
            timeless(graph(op), 6)
    with pytest.raises(CompileError, match="may depend on T"):
        timeless(graph(TimeSum()).lasting(1), 6)


def test_an_example_is_repeated_along_time() -> None:
    example = {"x": torch.arange(12.0).reshape(3, 4), "fixed": torch.arange(7.0)}
    first = repeated(example, ["fixed"], 0, 5)
    assert first["x"].tolist() == example["x"][[0, 1, 2, 0, 1]].tolist()
    assert first["fixed"].tolist() == [0, 1, 2, 3]
    second = repeated(example, ["fixed"], 1, 6)
    assert second["x"].tolist() == example["x"][:, [0, 1, 2, 3, 0, 1]].tolist()


@pytest.mark.parametrize(("case", "fits"), [("every step", True), ("Norse", True), ("a mean over time", False)])
def test_nir_with_a_number_of_steps_runs_others_where_nothing_holds_it(case: str, fits: bool) -> None:
    graph = to_nir(trace_module(net(case), {"x": spikes(STEPS)}, (), STEPS, "net"))
    program = compile_model(graph, "gpu", example=spikes(STEPS))
    assert program.steps == STEPS
    if fits:
        assert np.array_equal(
            output(program, spikes(9)), output(compile_model(net(case), "gpu", example=spikes(STEPS)), spikes(9))
        )
        assert program.report([spikes(STEPS), spikes(9)]).parts[0].run.events.samples == 10
    else:
        with pytest.raises(CompileError, match="%mean = time_sum may depend on T"):
            program.run(spikes(9))


@pytest.mark.slow
def test_a_model_file_that_repeats_its_inputs_itself_keeps_its_steps() -> None:
    program = compile_model("models/cmsf.py", "gpu", part="text")
    assert program.steps == 2
    with pytest.raises(CompileError, match=r"run\.steps(.|\n)*compiled for 2 steps, the network cannot run 3"):
        program.at(3)


def test_a_model_file_s_inputs_may_have_other_lengths(tiny: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.ones((5, 3, 6), np.float32))
    report = compile_network(tiny, Options(target="gpu", inputs=tmp_path / "x.npz"))
    assert "T = 5, 3 samples" in str(report)
    assert report.plain()["steps"] == 5
    assert report.parts[0].run.verdict.passed
