"""At a program's border everything is as the torch module has it: order of batch and time, dtypes, inputs that stay as they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import torch
from spikingjelly.activation_based.functional import reset_net
from spikingjelly.activation_based.neuron import IFNode, LIFNode
from torch import nn

from compile import compile_model, load_program
from compile.driver import compile_network
from compile.stages.options import Options
from compile.stages.samples import cut_samples, join_samples
from ir.errors import CompileError

STEPS, SAMPLES, WIDTH = 8, 3, 12
Tensor = torch.Tensor


class Net(nn.Module):
    def __init__(self, compute: Callable[[Any, Tensor], Any]) -> None:
        super().__init__()
        self.compute = compute
        self.fc, self.lif, self.out = nn.Linear(WIDTH, 5), LIFNode(step_mode="m"), IFNode(step_mode="m")
        nn.init.normal_(self.fc.weight)

    def forward(self, x: Tensor) -> Any:
        return self.compute(self, x)


def net(compute: Callable[[Any, Tensor], Any]) -> Net:
    torch.manual_seed(0)
    return Net(compute).eval()


def spikes(*outer: int) -> Tensor:
    return (torch.rand(*outer, WIDTH, generator=torch.Generator().manual_seed(0)) < 0.4).float()


def output_of(module: nn.Module, x: Tensor) -> np.ndarray[Any, Any]:
    reset_net(module)
    with torch.no_grad():
        result = module(x).numpy()
    reset_net(module)
    return result


BATCH_FIRST: dict[str, Callable[[Any, Tensor], Any]] = {
    "without time": lambda net, x: net.lif(net.fc(x.permute(1, 0, 2))).mean(0),
    "batch first": lambda net, x: net.lif(net.fc(x).transpose(0, 1)).transpose(0, 1),
    "time first": lambda net, x: net.lif(net.fc(x).transpose(0, 1)),
}


@pytest.mark.parametrize("batch_first", [None, True])
@pytest.mark.parametrize("case", BATCH_FIRST)
def test_batch_first_in_and_out_as_the_module_does(case: str, batch_first: bool | None) -> None:
    module, x = net(BATCH_FIRST[case]), spikes(SAMPLES, STEPS)
    program = compile_model(module, target="gpu", precision="float", example=x, batch_first=batch_first)
    for batch in (x, spikes(7, STEPS), spikes(SAMPLES, 9), spikes(2, 3)):
        assert np.array_equal(program.run(batch).outputs["output"], output_of(module, batch))
    with pytest.raises(CompileError) as caught:
        program.run(x[..., 1:])
    assert "(B, T, *shape)" in caught.value.hint


@pytest.mark.parametrize("case", BATCH_FIRST)
def test_batches_are_cut_and_joined_along_the_samples(case: str) -> None:
    program = compile_model(net(BATCH_FIRST[case]), target="gpu", example=spikes(SAMPLES, STEPS))
    x = spikes(7, STEPS)
    batches = cut_samples({"x": x.numpy()}, program, 3)
    assert [len(batch["x"]) for batch in batches] == [3, 3, 1]
    epilogue = program.deployment.epilogue
    types = {name: epilogue.nodes[value].type for name, value in epilogue.outputs.items()}
    joined = join_samples([program.run(batch).outputs for batch in batches], types, program.order)
    assert np.array_equal(joined["output"], program.run(x).outputs["output"])


@pytest.mark.parametrize("case", BATCH_FIRST)
def test_reports_and_saved_programs_keep_the_order(case: str, tmp_path: Path) -> None:
    program = compile_model(net(BATCH_FIRST[case]), target="gpu", precision="float", example=spikes(SAMPLES, STEPS))
    program.save(tmp_path / "net.program")
    loaded, x = load_program(tmp_path / "net.program"), spikes(7, STEPS)
    assert loaded.order == program.order
    assert np.array_equal(loaded.run(x).outputs["output"], program.run(x).outputs["output"])
    report = program.report([spikes(4, STEPS), spikes(3, STEPS)])
    assert "T = 8, 7 samples" in str(report)
    run = report.parts[0].run
    shape = (STEPS, 7, 5) if case == "time first" else (7, STEPS, 5) if case == "batch first" else (7, 5)
    assert run.outputs["output"].shape == shape
    assert np.array_equal(run.others["source"]["output"], run.outputs["output"])


MODEL = """
import torch
from spikingjelly.activation_based import neuron
from torch import nn

T = 4
{more}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.lif = nn.Linear(6, 3), neuron.LIFNode(step_mode="m")
        nn.init.normal_(self.fc.weight, std=2.0)

    def forward(self, x):
        return self.lif(self.fc(x).transpose(0, 1)).transpose(0, 1), None


def build(config):
    torch.manual_seed(0)
    return Net().eval()


def example(config, samples, seed):
    torch.manual_seed(seed)
    return {{"x": torch.rand(samples, T, 6) < 0.4}}
"""


@pytest.mark.parametrize("more", ["", "BATCH_FIRST = True"])
def test_a_model_file_with_the_batch_first(more: str, tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(MODEL.format(more=more))
    report = compile_network(path, Options(target="gpu", samples=5))
    assert report.passed
    assert report.parts[0].run.outputs["output0"].shape == (5, 4, 3)


def test_a_model_file_is_held_to_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(MODEL.format(more="BATCH_FIRST = False"))
    with pytest.raises(CompileError, match="import"):
        compile_network(path, Options(target="gpu", samples=5))
    assert compile_network(path, Options(target="gpu", samples=5, batch_first=True)).passed


def test_batch_first_is_about_torch_modules() -> None:
    two = np.ones(2, np.float32)
    neuron = nir.LIF(tau=two, r=two, v_leak=0 * two, v_threshold=two)
    graph = nir.NIRGraph.from_list(nir.Input(np.array([2])), neuron, nir.Output(np.array([2])))
    with pytest.raises(CompileError) as caught:
        compile_model(graph, target="gpu", dt=1e-4, batch_first=True)
    assert caught.value.rule == "options.batch-first"


@pytest.mark.parametrize("given", [torch.float64, torch.float32, torch.bool, torch.uint8, torch.int64])
@pytest.mark.parametrize("own", [torch.float64, torch.float32])
def test_inputs_of_any_dtype_are_numbers_of_the_module_s(own: torch.dtype, given: torch.dtype) -> None:
    module, x = net(lambda net, x: net.lif(net.fc(x))).to(own), spikes(STEPS, SAMPLES)
    program = compile_model(module, target="gpu", precision="float", example=x.to(given))
    assert program.deployment.chip.dtype == str(own).removeprefix("torch.")
    result = program.run(x.to(given)).outputs["output"]
    assert np.array_equal(result, output_of(module, x.to(own)))


@pytest.mark.parametrize("precision", ["int", "float"])
def test_a_double_module_in_integers_too(precision: str) -> None:
    module, x = net(lambda net, x: net.out(net.fc(x) * 0.5)).double(), spikes(STEPS, SAMPLES).double()
    module.fc.weight.data.mul_(4).round_().div_(4)
    module.fc.bias.data.zero_()
    program = compile_model(module, target="gpu", precision=precision, example=x)
    assert np.array_equal(program.run(x).outputs["output"], output_of(module, x))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_refused_with_the_way_out(dtype: torch.dtype) -> None:
    module = net(lambda net, x: net.lif(net.fc(x))).to(dtype)
    with pytest.raises(CompileError, match=r"compile module.float\(\)") as caught:
        compile_model(module, target="gpu", example=spikes(STEPS, SAMPLES))
    assert caught.value.rule == "import.dtype"


def test_the_example_and_the_inputs_of_a_run_stay_as_they_were() -> None:
    def written(net: Net, x: Tensor) -> Tensor:
        x *= 0.5
        s = net.lif(net.fc(x))
        s += 1
        return net.out(s)

    module, x = net(written), spikes(STEPS, SAMPLES)
    program = compile_model(module, target="gpu", precision="float", example=x)
    assert torch.equal(x, spikes(STEPS, SAMPLES))
    result = program.run(x).outputs["output"]
    assert torch.equal(x, spikes(STEPS, SAMPLES))
    assert np.array_equal(result, output_of(module, x.clone()))
