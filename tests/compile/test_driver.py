"""`compile_model` takes a path, a module or a NIR graph, and gives what the command line gives."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from compile import compile_model
from compile.driver import compile_network
from compile.stages.build import Build
from compile.stages.options import Options
from compile.stages.source import Part
from frontend.model_file.model_file import load_model_file
from frontend.nir.round_trip.file import read_nir, write_nir
from frontend.nir.round_trip.to_nir import to_nir
from frontend.tracing.trace import trace_module
from ir.errors import CompileError


@pytest.fixture
def module(tiny: Path) -> torch.nn.Module:
    return load_model_file(tiny).parts["network"]


@pytest.fixture
def x() -> torch.Tensor:
    return (torch.rand(2, 32, 6, generator=torch.Generator().manual_seed(3)) < 0.5).float()


def reference_spikes(module: torch.nn.Module, x: torch.Tensor) -> np.ndarray:
    """What SpikingJelly itself says."""
    from spikingjelly.activation_based import functional

    functional.reset_net(module)
    with torch.no_grad():
        return module(x).numpy()


def test_float_program_equals_spikingjelly(tiny: Path, module: torch.nn.Module, x: torch.Tensor):
    program = compile_model(tiny, target="gpu", precision="float")
    (spikes,) = program.run({"x": x}).outputs.values()
    expected = reference_spikes(module, x)
    assert 0.02 < expected.mean() < 0.98
    assert np.array_equal(spikes, expected)


def test_path_module_and_nir_agree(tiny: Path, module: torch.nn.Module, x: torch.Tensor, tmp_path: Path):
    graph = to_nir(trace_module(module, {"x": x}, (), 2, "network"))
    write_nir(graph, tmp_path / "net.nir")
    ways = {
        "module": compile_model(module, target="gpu", precision="float", example=x),
        "graph": compile_model(graph, target="gpu", precision="float"),
        "file": compile_model(tmp_path / "net.nir", target="gpu", precision="float"),
        "read": compile_model(read_nir(tmp_path / "net.nir"), target="gpu", precision="float"),
    }
    expected = compile_model(tiny, target="gpu", precision="float").run(x)
    for name, program in ways.items():
        trace = program.run(x.numpy())
        assert all(np.array_equal(trace.outputs[key], expected.outputs[key]) for key in expected.outputs), name
        assert trace.events == expected.events, name


@pytest.mark.lava
@pytest.mark.parametrize("precision", ["int", "float"])
def test_targets_agree(tiny: Path, x: torch.Tensor, precision: str):
    traces = [compile_model(tiny, target=target, precision=precision).run(x) for target in ("loihi", "gpu")]
    lava, reference = traces
    assert lava.spikes.keys() == reference.spikes.keys()
    assert sum(int(spikes.sum()) for spikes in lava.spikes.values()) > 0
    for name in lava.spikes:
        assert np.array_equal(lava.spikes[name], reference.spikes[name]), name
    assert lava.events == reference.events


def test_a_report_from_python_is_that_of_the_command_line(
    tiny: Path, module: torch.nn.Module, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    """Of the model file itself, of its module, and of the same network as NIR, on the same samples."""
    x = load_model_file(tiny).examples(16, 0)["network"]["x"]
    whole = compile_network(tiny, Options(target="gpu"))
    for program in (compile_model(tiny, target="gpu"), compile_model(tiny, target="gpu").on("gpu")):
        content, expected = program.report(x.numpy()).plain(), whole.plain()
        assert {**content, "seconds": {}, "metrics": {}} == {**expected, "seconds": {}, "metrics": {}}
    report = compile_model(module, target="gpu", example=load_model_file(tiny).examples(256, 1)["network"]["x"]).report(
        x
    )
    (part,), (theirs,) = report.plain()["parts"], whole.plain()["parts"]
    assert (part["events"], part["spikes"], part["energy"]) == (theirs["events"], theirs["spikes"], theirs["energy"])
    assert repr(report).splitlines()[3] == repr(whole).splitlines()[3]


def test_accuracy_is_that_of_spikingjelly_itself(module: torch.nn.Module, x: torch.Tensor, tmp_path: Path):
    """The module's own forward as the oracle; from NIR too, and batch by batch; the module is left in training."""
    spikes = reference_spikes(module, x)
    labels = np.where(np.arange(32) % 3 == 0, 0, spikes.sum(0).argmax(1))
    expected = float(np.mean(spikes.sum(0).argmax(1) == labels))
    assert 0.3 < expected < 1
    module.train()
    graph = to_nir(trace_module(load_model_file(tmp_path / "tiny.py").parts["network"], {"x": x}, (), 2, "network"))
    for program in (
        compile_model(module, target="gpu", example=x),
        compile_model(graph, target="gpu", example=x.numpy()),
    ):
        for report in (
            program.report(x, labels=labels),
            program.report([(x[:, k::2], labels[k::2]) for k in (0, 1)]),
        ):
            assert report.accuracy["source"] == report.accuracy["float"] == expected
            compiled = program.run(x).outputs[next(iter(program.outputs))].sum(0).argmax(1)
            assert report.accuracy["compiled"] == np.mean(compiled == labels)
    assert module.training


def test_a_metric_that_fails_leaves_the_report(module: torch.nn.Module, x: torch.Tensor, tmp_path: Path):
    def broken(outputs: object, labels: object) -> float:
        raise ValueError("no luck")

    report = compile_model(module, target="gpu", example=x).report(x, metric=broken)
    assert report.metrics.error is not None
    assert "task     FAILED: broken() raised ValueError: no luck" in repr(report)
    saved = report.save(tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"report.json", "network.nir", "outputs.npz"}
    assert saved.files


def test_refusals(tiny: Path, module: torch.nn.Module):
    for call, rule in (
        (lambda: compile_model(module, target="gpu"), "source.example"),
        (lambda: compile_model(3, target="gpu"), "source.kind"),
        (lambda: compile_model(tiny, target="tpu"), "options.target"),
        (lambda: compile_model("models/cmsf.py", target="gpu"), "options.part"),
        (lambda: compile_model(tiny, target="gpu").run({"x": np.ones((2, 3, 6))}, probes=("nothing",)), "run.probe"),
    ):
        with pytest.raises(CompileError) as error:
            call()
        assert error.value.rule == rule


class Gated(torch.nn.Module):
    """A network whose output is a payload: an analog value let through by spikes."""

    def __init__(self):
        super().__init__()
        from spikingjelly.activation_based import neuron

        torch.manual_seed(2)
        self.inner, self.value, self.lif = torch.nn.Linear(6, 5), torch.nn.Linear(5, 4), neuron.LIFNode(step_mode="m")
        self.open, self.opener = torch.nn.Linear(5, 4), neuron.LIFNode(step_mode="m")
        self.out, self.last = torch.nn.Linear(4, 3), neuron.LIFNode(step_mode="m")
        with torch.no_grad():
            self.inner.weight.mul_(4)
            self.open.weight.mul_(6)

    def forward(self, x):
        spikes = self.lif(self.inner(x))
        payload = self.value(spikes) * self.opener(self.open(spikes))
        return payload, self.last(self.out(payload))


def test_a_payload_output_comes_back_in_real_units(x: torch.Tensor):
    program = compile_model(Gated().eval(), target="gpu", example=x)
    exact = compile_model(Gated().eval(), target="gpu", precision="float", example=x)
    names = list(program.run(x).outputs)
    chip = program.deployment.chip
    assert any(chip.nodes[value].op.kind == "gate" for value in chip.outputs.values())
    ours, theirs = (p.run(x).outputs[names[0]] for p in (program, exact))
    assert np.abs(theirs).max() > 0.2
    np.testing.assert_allclose(ours, theirs, atol=0.02 * np.abs(theirs).max())


def test_a_misspelt_option_is_named(tiny: Path):
    with pytest.raises(TypeError, match="precison"):
        compile_model(tiny, target="gpu", precison="int")


def test_models_that_come_with_the_compiler_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert compile_model("models/cmsf.py", target="gpu", part="image").name == "image"
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "cmsf.py").write_text("raise RuntimeError('mine')")
    with pytest.raises(CompileError, match="mine"):
        compile_model("models/cmsf.py", target="gpu", part="image")


def states(module: torch.nn.Module) -> list[object]:
    """All that a user can see of a module: modes, hooks, parameters, states of neurons; and of the process."""
    own = [
        (
            name,
            part.training,
            [dict(getattr(part, hooks)) for hooks in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")],
            {key: id(value) for key, value in part.named_parameters(recurse=False)},
            {key: value.tolist() for key, value in part.state_dict().items()},
            {
                key: value.tolist() if isinstance(value, torch.Tensor) else value
                for key, value in memories(part).items()
            },
        )
        for name, part in module.named_modules()
    ]
    return [*own, torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate(), os.getcwd()]


def memories(part: torch.nn.Module) -> dict[str, object]:
    """The membranes of a SpikingJelly neuron."""
    return dict(getattr(part, "_memories", {}))


@pytest.mark.parametrize("fail", [False, True])
def test_a_module_in_the_middle_of_training_is_left_as_it_was(
    module: torch.nn.Module, x: torch.Tensor, fail: bool, monkeypatch: pytest.MonkeyPatch
):
    """A hook that draws random numbers and changes the folder, a part in eval mode, membranes of the last batch."""

    def hook(part: torch.nn.Module, inputs: object, output: torch.Tensor) -> None:
        np.random.rand(), random.random()
        os.chdir("/")

    folder = os.getcwd()
    module.train()
    module.get_submodule("fc2").eval()
    module(x)
    module.get_submodule("fc1").register_forward_hook(hook)
    before = states(module)
    assert any(isinstance(memories(part).get("v"), torch.Tensor) for part in module.modules())
    if fail:
        monkeypatch.setattr("compile.driver.build_parts", refuse)
        with pytest.raises(CompileError, match="no luck"):
            compile_model(module, target="gpu", example=x)
    else:
        compile_model(module, target="gpu", example=x).run(x)
    assert os.getcwd() == folder
    assert states(module) == before


def refuse(part: Part, *_: object) -> Build:
    """Run the module, then fail."""
    part.network(part.example["x"])
    raise CompileError("some.rule", "no luck")
